package org.minpro.train;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.minpro.advantage.Advantage;
import org.minpro.checkpoint.Journal;
import org.minpro.data.Problem;
import org.minpro.data.ProblemSource;
import org.minpro.reward.Reward;
import org.minpro.reward.Score;
import org.minpro.reward.ScoredGroup;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutEngine;
import org.minpro.rollout.RolloutRequest;
import org.minpro.rollout.SamplingParams;

/**
 * The rollout phase of an iteration: takes draws, has their prompts continued, scores and journals the responses.
 *
 * <p>A draw whose prompt is too long is skipped and counted. Where it is asked for, a group whose rewards are all equal
 * is put aside and another draw is taken, until a limit. What the journal has is not generated again.
 */
final class GroupCollector {
    private final RolloutEngine engine;
    private final ProblemSource problems;
    private final PromptEncoder prompts;
    private final Reward reward;
    private final Advantage advantage;
    private final Journal journal;
    private final Trainer.Settings settings;
    private final SamplingParams sampling;

    GroupCollector(
            RolloutEngine engine,
            ProblemSource problems,
            PromptEncoder prompts,
            Reward reward,
            Journal journal,
            Trainer.Settings settings) {
        this.engine = engine;
        this.problems = problems;
        this.prompts = prompts;
        this.reward = reward;
        this.advantage = settings.advantage();
        this.journal = journal;
        this.settings = settings;
        this.sampling = settings.sampling();
    }

    /**
     * @param groups of this iteration
     * @param nextDraw the first draw that was not taken
     * @param skipped draws whose prompt was too long
     * @param resampled groups put aside because all their rewards were equal
     */
    record Collected(List<ScoredGroup> groups, long nextDraw, int skipped, int resampled) {}

    Collected collect(long iteration, long firstDraw, IterationListener listener) {
        List<ScoredGroup> kept = new ArrayList<>();
        long draw = firstDraw;
        int skipped = 0;
        int resampled = 0;
        int limit = settings.resampleLimit();
        while (kept.size() < settings.groupsPerIteration()) {
            List<RolloutRequest> requests = new ArrayList<>();
            Map<Long, Problem> taken = new LinkedHashMap<>();
            while (requests.size() < settings.groupsPerIteration() - kept.size()) {
                Problem problem = problems.problem(draw);
                int[] prompt = prompts.encode(problem);
                if (prompt.length > settings.maxPromptTokens()) {
                    skipped++;
                    if (skipped > settings.groupsPerIteration() * 1000L) {
                        throw new IllegalStateException("max-prompt-tokens must leave some problems, got: "
                                + settings.maxPromptTokens() + ", shorter than " + skipped + " prompts in a row");
                    }
                } else {
                    requests.add(RolloutRequest.of(draw, prompt, settings.groupSize()));
                    taken.put(draw, problem);
                }
                draw++;
            }
            for (ScoredGroup group : generate(iteration, requests, taken, listener)) {
                if (limit > resampled && advantage.of(group.scores()).zeroVariance()) {
                    resampled++;
                } else {
                    kept.add(group);
                }
            }
        }
        return new Collected(kept, draw, skipped, resampled);
    }

    private List<ScoredGroup> generate(
            long iteration, List<RolloutRequest> requests, Map<Long, Problem> problemOf, IterationListener listener) {
        Map<Long, Journal.Entry[]> entries = new ConcurrentHashMap<>();
        List<RolloutRequest> missing = new ArrayList<>();
        for (RolloutRequest request : requests) {
            Journal.Entry[] ofGroup = new Journal.Entry[settings.groupSize()];
            entries.put(request.draw(), ofGroup);
            List<Integer> samples = new ArrayList<>();
            for (int sample : request.samples()) {
                journal.find(request.draw(), sample)
                        .ifPresentOrElse(entry -> ofGroup[sample] = entry, () -> samples.add(sample));
            }
            if (!samples.isEmpty()) {
                missing.add(new RolloutRequest(
                        request.draw(),
                        request.promptIds(),
                        samples.stream().mapToInt(Integer::intValue).toArray()));
            }
        }
        engine.generate(missing, sampling, rollout -> {
            Problem problem = Objects.requireNonNull(problemOf.get(rollout.draw()));
            Score score = score(problem, rollout);
            journal.append(iteration, problem, rollout, score);
            Objects.requireNonNull(entries.get(rollout.draw()))[rollout.sample()] = new Journal.Entry(rollout, score);
            listener.rolloutFinished(rollout);
        });
        List<ScoredGroup> groups = new ArrayList<>();
        for (RolloutRequest request : requests) {
            List<Rollout> rollouts = new ArrayList<>();
            List<Score> scores = new ArrayList<>();
            for (Journal.Entry entry : Objects.requireNonNull(entries.get(request.draw()))) {
                rollouts.add(entry.rollout());
                scores.add(entry.score());
            }
            groups.add(new ScoredGroup(
                    request.draw(), Objects.requireNonNull(problemOf.get(request.draw())), rollouts, scores));
        }
        return groups;
    }

    /** A reward that fails says nothing of the rollout: it is undecided, never 0. */
    private Score score(Problem problem, Rollout rollout) {
        try {
            return reward.score(problem, rollout);
        } catch (RuntimeException e) {
            return Score.undecided("the reward failed: " + e);
        }
    }
}
