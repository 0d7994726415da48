package org.minpro.run;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongFunction;
import org.minpro.advantage.Advantage;
import org.minpro.advantage.GroupAdvantages;
import org.minpro.data.Problem;
import org.minpro.data.ProblemSource;
import org.minpro.experience.GroupCollector;
import org.minpro.experience.IterationListener;
import org.minpro.experience.Journal;
import org.minpro.experience.PromptEncoder;
import org.minpro.experience.RolloutBuffer;
import org.minpro.experience.ScoredGroup;
import org.minpro.objective.LogProbStream;
import org.minpro.objective.Loss;
import org.minpro.reward.Reward;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutEngine;
import org.minpro.rollout.SamplingParams;
import org.minpro.tensor.Philox;
import org.minpro.tensor.Workers;
import org.minpro.train.AdamW;
import org.minpro.train.Learner;
import org.minpro.train.LearningRateSchedule;
import org.minpro.train.Policy;
import org.minpro.train.PolicyGradient;
import org.minpro.train.TrainingRow;

/**
 * Trains a policy on rollouts that are older than it.
 *
 * <p>At iteration i the current version samples a batch of groups; training uses the batch of iteration {@code i - lag}
 * in {@code updatesPerIteration} parts, one optimizer step each. The first {@code lag} iterations train nothing; what
 * waits at the end is dropped and counted. The age of a token is the number of optimizer steps between the version that
 * sampled it and the version that is updated.
 */
public final class Trainer implements AutoCloseable {
    /** Rows whose log mu is compared with the trainer's log pi in every iteration. */
    static final int MISMATCH_ROWS = 32;

    /**
     * What is trained and how.
     *
     * @param groupsPerIteration problems sampled in an iteration; a multiple of {@code updatesPerIteration}
     * @param groupSize responses to each problem
     * @param iterations rollout phases of the whole run
     * @param lag iterations between sampling and training
     * @param updatesPerIteration optimizer steps on each batch
     * @param maxPromptTokens longer prompts are skipped
     * @param resampleLimit groups without any difference in reward that are replaced in an iteration, at most; 0 for none
     * @param sampling how tokens are drawn
     * @param loss what is minimised
     * @param advantage the estimator of advantages
     * @param optimizer AdamW's settings
     * @param schedule of the learning rate
     * @param clipNorm largest norm of a gradient; 0 does not clip
     * @param lanes ordered shares of a batch; part of the numerics
     * @param microBatchTokens most computed tokens of a block
     * @param seed of the run's random numbers
     */
    public record Settings(
            int groupsPerIteration,
            int groupSize,
            int iterations,
            int lag,
            int updatesPerIteration,
            int maxPromptTokens,
            int resampleLimit,
            SamplingParams sampling,
            Loss loss,
            Advantage advantage,
            AdamW.Settings optimizer,
            LearningRateSchedule schedule,
            double clipNorm,
            int lanes,
            int microBatchTokens,
            long seed) {
        public Settings {
            check(groupsPerIteration >= 1, "groups-per-iteration", ">= 1", groupsPerIteration);
            check(groupSize >= 1, "group-size", ">= 1", groupSize);
            check(iterations >= 1, "iterations", ">= 1", iterations);
            check(lag >= 0 && lag < iterations, "lag", "in [0, iterations)", lag);
            check(updatesPerIteration >= 1, "updates-per-iteration", ">= 1", updatesPerIteration);
            check(
                    groupsPerIteration % updatesPerIteration == 0,
                    "groups-per-iteration",
                    "a multiple of updates-per-iteration (" + updatesPerIteration + ")",
                    groupsPerIteration);
            check(maxPromptTokens >= 1, "max-prompt-tokens", ">= 1", maxPromptTokens);
            check(resampleLimit >= 0, "resample-limit", ">= 0", resampleLimit);
        }

        private static void check(boolean holds, String name, String rule, Object value) {
            if (!holds) {
                throw new IllegalArgumentException(name + " must be " + rule + ", got: " + value);
            }
        }

        /** Optimizer steps of the whole run, if none is skipped. */
        public long totalUpdates() {
            return (long) (iterations - lag) * updatesPerIteration;
        }

        /** Rollouts of one iteration, without resampling. */
        public long rowsPerIteration() {
            return (long) groupsPerIteration * groupSize;
        }
    }

    /**
     * Everything but weights and optimizer that a run needs to continue.
     *
     * @param iteration the next iteration
     * @param version of the weights
     * @param nextDraw the first draw that was not taken
     * @param updates updates that were due so far, skipped ones included: the schedule's position
     * @param waiting draws of the groups that wait to be trained on, a batch each, oldest first
     * @param dullIterations iterations in a row, up to now, without any difference in reward
     */
    public record State(
            long iteration, long version, long nextDraw, long updates, List<List<Long>> waiting, int dullIterations) {}

    /**
     * What happened in an iteration.
     *
     * @param metrics numbers by name, none of them a time
     * @param fresh the groups sampled in it
     * @param samplingSeconds duration of the rollout phase
     * @param trainingSeconds duration of everything else
     * @param sampledTokens response tokens generated in it, those of groups put aside included; not what the journal had
     * @param trainedTokens response tokens trained on
     */
    public record IterationReport(
            long iteration,
            Map<String, Double> metrics,
            List<ScoredGroup> fresh,
            double samplingSeconds,
            double trainingSeconds,
            long sampledTokens,
            long trainedTokens) {}

    private final Settings settings;
    private final Policy policy;
    private final RolloutEngine engine;
    private final ProblemSource problems;
    private final PromptEncoder prompts;
    private final GroupCollector collector;
    private final Learner learner;
    private final RolloutBuffer<List<ScoredGroup>> buffer;
    private long iteration;
    private long nextDraw;
    private int dullIterations;

    public Trainer(
            Settings settings,
            Policy policy,
            RolloutEngine engine,
            ProblemSource problems,
            PromptEncoder prompts,
            Reward reward,
            Journal journal,
            Workers workers) {
        this.settings = settings;
        this.policy = policy;
        this.engine = engine;
        this.problems = problems;
        this.prompts = prompts;
        collector = new GroupCollector(
                engine,
                problems,
                prompts,
                reward,
                journal,
                new GroupCollector.Settings(
                        settings.groupsPerIteration(),
                        settings.groupSize(),
                        settings.maxPromptTokens(),
                        settings.resampleLimit(),
                        settings.sampling(),
                        settings.advantage()));
        learner = new Learner(
                policy,
                new Learner.Settings(
                        settings.loss(),
                        new Learner.Optimization(
                                settings.optimizer(),
                                settings.schedule(),
                                settings.clipNorm(),
                                settings.totalUpdates()),
                        new PolicyGradient.Settings(
                                settings.lanes(),
                                settings.microBatchTokens(),
                                settings.sampling().reportedTemperature()),
                        true),
                workers);
        buffer = new RolloutBuffer<>(settings.lag());
    }

    public boolean finished() {
        return iteration >= settings.iterations();
    }

    public AdamW optimizer() {
        return learner.optimizer();
    }

    public State state() {
        List<List<Long>> waiting = buffer.waiting().stream()
                .map(batch -> batch.stream().map(ScoredGroup::draw).toList())
                .toList();
        return new State(iteration, policy.version(), nextDraw, learner.state().updates(), waiting, dullIterations);
    }

    /**
     * Continues from a state; weights and optimizer state are restored by the caller.
     *
     * @param journal has the rollouts of the groups that wait
     */
    public void restore(State state, Journal journal) {
        iteration = state.iteration();
        nextDraw = state.nextDraw();
        dullIterations = state.dullIterations();
        learner.restore(new Learner.State(state.updates(), learner.state().optimizerSteps(), state.version()));
        LongFunction<ScoredGroup> group = draw -> {
            Problem problem = problems.problem(draw);
            int[] prompt = prompts.encode(problem);
            List<Rollout> rollouts = new ArrayList<>();
            List<Score> scores = new ArrayList<>();
            for (int sample = 0; sample < settings.groupSize(); sample++) {
                int wanted = sample;
                Journal.Entry entry = journal.find(draw, sample)
                        .orElseThrow(() -> new IllegalStateException(
                                "the journal must have every rollout that waits to be trained on, got: none of draw "
                                        + draw + ", sample " + wanted + "; group-size (" + settings.groupSize()
                                        + ") must be the one that the run began with, and the journal whole"));
                entry.requirePrompt(prompt);
                rollouts.add(entry.rollout());
                scores.add(entry.score());
            }
            return new ScoredGroup(draw, problem, rollouts, scores);
        };
        buffer.restore(state.waiting().stream()
                .map(batch -> batch.stream().map(draw -> group.apply(draw)).toList())
                .toList());
    }

    /** One rollout phase and its updates. */
    public IterationReport iterate(IterationListener listener) {
        if (finished()) {
            throw new IllegalStateException("a run has " + settings.iterations() + " iterations, all done");
        }
        long start = System.nanoTime();
        engine.publish(policy.version());
        LongAdder sampledTokens = new LongAdder();
        GroupCollector.Collected collected = collector.collect(iteration, nextDraw, rollout -> {
            sampledTokens.add(rollout.length());
            listener.rolloutFinished(rollout);
        });
        long sampled = System.nanoTime();
        List<ScoredGroup> fresh = collected.groups();
        Map<String, Double> metrics = new LinkedHashMap<>();
        describeRollouts(collected, metrics);
        describeMismatch(fresh, metrics);
        Optional<List<ScoredGroup>> due = buffer.exchange(fresh);
        long trainedTokens = 0;
        if (due.isPresent()) {
            trainedTokens =
                    due.get().stream().mapToLong(ScoredGroup::responseTokens).sum();
            train(due.get(), metrics, listener);
        }
        metrics.put("version", (double) policy.version());
        nextDraw = collected.nextDraw();
        long done = iteration++;
        long end = System.nanoTime();
        return new IterationReport(
                done,
                metrics,
                fresh,
                (sampled - start) / 1e9,
                (end - sampled) / 1e9,
                sampledTokens.sum(),
                trainedTokens);
    }

    /** Seconds that an update takes per response token, from the gradient of some rollouts, which is thrown away. */
    public double secondsPerToken(List<Rollout> rollouts) {
        return learner.secondsPerToken(
                rollouts.stream().map(rollout -> TrainingRow.of(rollout, 1)).toList());
    }

    /** Batches that wait when the last iteration is done: they are dropped. */
    public int droppedBatches() {
        return buffer.waiting().size();
    }

    private void train(List<ScoredGroup> groups, Map<String, Double> metrics, IterationListener listener) {
        int parts = settings.updatesPerIteration();
        int groupsOfPart = groups.size() / parts;
        List<List<TrainingRow>> updates = new ArrayList<>();
        for (int part = 0; part < parts; part++) {
            updates.add(rows(groups.subList(part * groupsOfPart, (part + 1) * groupsOfPart)));
        }
        metrics.putAll(learner.learn(updates, listener::updateFinished).metrics());
    }

    private List<TrainingRow> rows(List<ScoredGroup> groups) {
        List<TrainingRow> rows = new ArrayList<>();
        for (ScoredGroup group : groups) {
            GroupAdvantages advantages = settings.advantage().of(group.scores());
            for (int i = 0; i < group.rollouts().size(); i++) {
                Rollout rollout = group.rollouts().get(i);
                rows.add(
                        advantages.counted()[i]
                                ? TrainingRow.of(rollout, advantages.values()[i])
                                : TrainingRow.undecided(rollout));
            }
        }
        return rows;
    }

    private void describeRollouts(GroupCollector.Collected collected, Map<String, Double> metrics) {
        List<ScoredGroup> groups = collected.groups();
        long rows = 0;
        long decided = 0;
        long solved = 0;
        long truncated = 0;
        long tokens = 0;
        int longest = 0;
        int dull = 0;
        double sum = 0;
        double squares = 0;
        Map<String, double[]> parts = new TreeMap<>();
        for (ScoredGroup group : groups) {
            dull += settings.advantage().of(group.scores()).zeroVariance() ? 1 : 0;
            for (int i = 0; i < group.scores().size(); i++) {
                Score score = group.scores().get(i);
                Rollout rollout = group.rollouts().get(i);
                rows++;
                tokens += rollout.length();
                longest = Math.max(longest, rollout.length());
                truncated += rollout.finish() == Rollout.Finish.LENGTH ? 1 : 0;
                if (score.decided()) {
                    decided++;
                    sum += score.value();
                    squares += score.value() * score.value();
                    solved += score.value() >= 1 ? 1 : 0;
                    score.parts().forEach((name, value) -> {
                        double[] cell = parts.computeIfAbsent(name, key -> new double[2]);
                        cell[0] += value;
                        cell[1]++;
                    });
                }
            }
        }
        if (decided > 0) {
            double mean = sum / decided;
            metrics.put("reward", mean);
            metrics.put("reward_std", Math.sqrt(Math.max(0, squares / decided - mean * mean)));
            metrics.put("accuracy", (double) solved / decided);
            parts.forEach((name, cell) -> metrics.put("rewards/" + name, cell[0] / cell[1]));
        }
        metrics.put("undecided", (double) (rows - decided) / rows);
        metrics.put("completions/mean_length", (double) tokens / rows);
        metrics.put("completions/max_length", (double) longest);
        metrics.put("completions/clipped_ratio", (double) truncated / rows);
        metrics.put("frac_reward_zero_std", (double) dull / groups.size());
        metrics.put("groups_resampled", (double) collected.resampled());
        metrics.put("prompts_skipped", (double) collected.skipped());
        dullIterations = dull == groups.size() ? dullIterations + 1 : 0;
        metrics.put("iterations_without_signal", (double) dullIterations);
    }

    /** Compares log mu with the trainer's log pi at the weights that sampled, on a seeded choice of rows. */
    private void describeMismatch(List<ScoredGroup> fresh, Map<String, Double> metrics) {
        List<Rollout> chosen = fresh.stream()
                .flatMap(group -> group.rollouts().stream())
                .filter(rollout -> rollout.version() == policy.version())
                .sorted(Comparator.<Rollout>comparingLong(rollout ->
                                Philox.bits(settings.seed(), Philox.Purpose.AUDIT, rollout.draw(), rollout.sample(), 0))
                        .thenComparingLong(Rollout::draw)
                        .thenComparingInt(Rollout::sample))
                .limit(MISMATCH_ROWS)
                .sorted(Comparator.comparingLong(Rollout::draw).thenComparingInt(Rollout::sample))
                .toList();
        if (chosen.isEmpty()) {
            return;
        }
        List<TrainingRow> rows =
                chosen.stream().map(rollout -> TrainingRow.of(rollout, 0)).toList();
        float[][] logProbs = learner.score(rows);
        double largest = 0;
        double sum = 0;
        long tokens = 0;
        for (int i = 0; i < rows.size(); i++) {
            for (int t = 0; t < rows.get(i).length(); t++) {
                if (rows.get(i).mask()[t]) {
                    double difference =
                            Math.abs((double) logProbs[i][t] - rows.get(i).logProbs(LogProbStream.BEHAVIOR)[t]);
                    largest = Math.max(largest, difference);
                    sum += difference;
                    tokens++;
                }
            }
        }
        metrics.put("mismatch/max", largest);
        metrics.put("mismatch/mean", tokens == 0 ? 0 : sum / tokens);
    }

    @Override
    public void close() {
        learner.close();
    }
}
