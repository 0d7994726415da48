package org.minpro.eval;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.minpro.data.Problem;
import org.minpro.reward.Reward;
import org.minpro.reward.Score;
import org.minpro.reward.ScoredGroup;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutEngine;
import org.minpro.rollout.RolloutRequest;
import org.minpro.rollout.SamplingParams;

/** Lets a policy answer problems and scores the answers. */
public final class Evaluator {
    /**
     * Draws of evaluations lie far above those of any run, so that an evaluation before and one after training use the
     * same random numbers as each other and none of the run's.
     */
    private static final long FIRST_DRAW = 1L << 48;

    private final RolloutEngine engine;
    private final Reward reward;

    public Evaluator(RolloutEngine engine, Reward reward) {
        this.engine = engine;
        this.reward = reward;
    }

    /** A problem with the ids of its prompt. */
    public record Question(Problem problem, int[] promptIds) {}

    /**
     * @param accuracy over all questions
     * @param groups the answers, in the order of the questions
     */
    public record Result(Accuracy accuracy, List<ScoredGroup> groups) {
        /** Response tokens. */
        public long tokens() {
            return groups.stream().mapToLong(ScoredGroup::responseTokens).sum();
        }
    }

    /**
     * @param samples responses to each question
     * @param finished told of each response as it ends, from any thread
     */
    public Result evaluate(List<Question> questions, SamplingParams params, int samples, Consumer<Rollout> finished) {
        if (samples < 1) {
            throw new IllegalArgumentException("samples must be >= 1, got: " + samples);
        }
        List<RolloutRequest> requests = new ArrayList<>();
        for (int i = 0; i < questions.size(); i++) {
            requests.add(RolloutRequest.of(FIRST_DRAW + i, questions.get(i).promptIds(), samples));
        }
        Map<Long, List<Rollout>> byDraw = new HashMap<>();
        for (Rollout rollout : engine.generate(requests, params, finished)) {
            byDraw.computeIfAbsent(rollout.draw(), key -> new ArrayList<>()).add(rollout);
        }
        List<ScoredGroup> groups = new ArrayList<>();
        List<Double> values = new ArrayList<>();
        long undecided = 0;
        long truncated = 0;
        for (int i = 0; i < questions.size(); i++) {
            Problem problem = questions.get(i).problem();
            List<Rollout> rollouts = Objects.requireNonNull(byDraw.get(FIRST_DRAW + i));
            List<Score> scores = rollouts.stream()
                    .map(rollout -> reward.score(problem, rollout))
                    .toList();
            groups.add(new ScoredGroup(FIRST_DRAW + i, problem, rollouts, scores));
            undecided += scores.stream().filter(score -> !score.decided()).count();
            truncated += rollouts.stream()
                    .filter(rollout -> rollout.finish() == Rollout.Finish.LENGTH)
                    .count();
            scores.stream()
                    .filter(Score::decided)
                    .mapToDouble(Score::value)
                    .average()
                    .ifPresent(values::add);
        }
        double responses = (double) questions.size() * samples;
        return new Result(Accuracy.of(values, samples, undecided / responses, truncated / responses), groups);
    }
}
