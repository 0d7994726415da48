package org.minpro.eval;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.function.Consumer;
import org.minpro.data.Problem;
import org.minpro.dist.Collectives;
import org.minpro.experience.Continuations;
import org.minpro.experience.GroupGenerator;
import org.minpro.experience.Journal;
import org.minpro.experience.ScoredGroup;
import org.minpro.experience.Scoring;
import org.minpro.reward.Reward;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutEngine;
import org.minpro.rollout.RolloutRequest;
import org.minpro.rollout.SamplingParams;

/** Lets a policy answer problems and scores the answers. */
public final class Evaluator {
    /** Responses that a worker decodes at once in an evaluation: there are many, and most of the time goes into products. */
    public static final int SLOTS = 32;

    /**
     * Draws of evaluations lie far above those of any run, so that an evaluation before and one after training use the
     * same random numbers as each other and none of the run's.
     */
    private static final long FIRST_DRAW = 1L << 48;

    private final GroupGenerator generator;

    public Evaluator(RolloutEngine engine, Reward reward) {
        this(engine, new Scoring(reward), Journal.none());
    }

    /** @param journal responses that it has are not generated again */
    public Evaluator(RolloutEngine engine, Scoring scoring, Journal journal) {
        this(engine, scoring, journal, Continuations.NONE, Collectives.alone());
    }

    /**
     * @param journal responses that it has are not generated again
     * @param continuations what follows the turns of responses
     * @param ranks who share the responses out
     */
    public Evaluator(
            RolloutEngine engine, Scoring scoring, Journal journal, Continuations continuations, Collectives ranks) {
        this.generator = new GroupGenerator(engine, scoring, journal, continuations, ranks);
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
        return evaluate(questions, params, samples, 0, finished);
    }

    /**
     * @param samples responses to each question
     * @param firstDraw ordinal of the first question among all that evaluations ask, a coordinate of its random numbers
     * @param finished told of each response that is generated now, from any thread
     */
    public Result evaluate(
            List<Question> questions, SamplingParams params, int samples, long firstDraw, Consumer<Rollout> finished) {
        if (samples < 1) {
            throw new IllegalArgumentException("samples must be >= 1, got: " + samples);
        }
        SequencedMap<RolloutRequest, Problem> requests = new LinkedHashMap<>();
        for (int i = 0; i < questions.size(); i++) {
            Question question = questions.get(i);
            requests.put(
                    RolloutRequest.of(FIRST_DRAW + firstDraw + i, question.promptIds(), samples), question.problem());
        }
        List<ScoredGroup> groups = generator.generate(0, requests, params, finished);
        List<Double> values = new ArrayList<>();
        long undecided = 0;
        long truncated = 0;
        for (ScoredGroup group : groups) {
            List<Score> scores = group.scores();
            undecided += scores.stream().filter(score -> !score.decided()).count();
            truncated += group.rollouts().stream()
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
