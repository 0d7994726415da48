package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import java.util.function.LongPredicate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.minpro.advantage.Advantages;
import org.minpro.advantage.ReMax;
import org.minpro.data.Problem;
import org.minpro.experience.Journal;
import org.minpro.experience.ScoredGroup;
import org.minpro.experience.Scoring;
import org.minpro.model.ModelConfig;
import org.minpro.model.Parameters;
import org.minpro.model.TinyModels;
import org.minpro.objective.Anchor;
import org.minpro.objective.KlPenalty;
import org.minpro.objective.LogProbStream;
import org.minpro.objective.Objective;
import org.minpro.objective.ObjectiveInputs;
import org.minpro.objective.ObjectiveResult;
import org.minpro.objective.Objectives;
import org.minpro.objective.Reach;
import org.minpro.objective.Statistic;
import org.minpro.recipe.Recipe;
import org.minpro.reward.Reward;
import org.minpro.reward.Score;
import org.minpro.rollout.LocalRolloutEngine;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutEngine;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;
import org.minpro.train.BlockPlan;
import org.minpro.train.NonFiniteUpdateException;
import org.minpro.train.Policy;
import org.minpro.train.TrainingRow;

class TrainerTest {
    private static Recipe recipe(int iterations, int lag, int updates, int resampleLimit, Objective objective) {
        Map<String, Object> changes = new LinkedHashMap<>();
        changes.put("iterations", iterations);
        changes.put("lag", lag);
        changes.put("updates-per-iteration", updates);
        changes.put("resample-limit", resampleLimit);
        changes.put("objective", objective);
        changes.put("optimizer.warmup-updates", 2);
        return TinyRecipe.with(changes);
    }

    /** Even ids are good: something that a random model can learn. */
    static final Reward EVEN = (problem, rollout) -> {
        int even = 0;
        for (int id : rollout.responseIds()) {
            even += id % 2 == 0 ? 1 : 0;
        }
        return Score.of((double) even / rollout.length());
    };

    /** Two to four tokens. */
    private static int[] prompt(Problem problem) {
        int draw = Integer.parseInt(problem.id().substring(1));
        int[] prompt = new int[2 + draw % 3];
        Arrays.fill(prompt, 3);
        prompt[1] = 4 + draw % 20;
        return prompt;
    }

    /** A whole run in memory. */
    static final class Run implements AutoCloseable {
        final Policy policy;
        private final Workers workers;
        private final Workers sampling;
        private final RolloutEngine engine;
        final Trainer trainer;

        Run(Recipe recipe, int workerCount, Reward reward, Journal journal) {
            this(TinyModels.dense(), recipe, workerCount, reward, journal);
        }

        Run(ModelConfig model, Recipe recipe, int workerCount, Reward reward, Journal journal) {
            this(model, recipe, workerCount, reward, journal, engine -> engine);
        }

        /** @param around what is put around the engine */
        Run(
                ModelConfig model,
                Recipe recipe,
                int workerCount,
                Reward reward,
                Journal journal,
                Function<LocalRolloutEngine, RolloutEngine> around) {
            Parameters parameters = Parameters.zeros(model, Device.CPU, DType.F32);
            parameters.initialise(5, 0.1);
            policy = new Policy(model, parameters, DType.F32);
            workers = new Workers(workerCount);
            sampling = new Workers(workerCount);
            engine = around.apply(new LocalRolloutEngine(sampling, 16, recipe.seed(), ids -> ""));
            RunResources resources = new RunResources(
                    policy,
                    engine,
                    draw -> Problem.of("p" + draw, "", ""),
                    TrainerTest::prompt,
                    new Scoring(reward),
                    model,
                    workers);
            trainer = Trainer.of(recipe, resources, journal, null);
            trainer.begin(Trainer.State.initial(0));
        }

        /** Takes over what a checkpoint of another run would hold. */
        void continueFrom(Run stopped) {
            try (Scope scope = Scope.open()) {
                policy.beginUpdate().copyFrom(stopped.policy.master());
                stopped.trainer
                        .learner()
                        .optimizerState()
                        .forEach((name, tensor) -> Objects.requireNonNull(
                                        trainer.learner().optimizerState().get(name))
                                .copyInPlace(tensor));
            }
            trainer.begin(stopped.trainer.state());
        }

        IterationReport iterate() {
            return trainer.iterate(new RunListener() {});
        }

        List<Map<String, Double>> toTheEnd() {
            List<Map<String, Double>> metrics = new ArrayList<>();
            while (!trainer.finished()) {
                metrics.add(iterate().metrics().named());
            }
            return metrics;
        }

        Map<String, byte[]> weights() {
            Map<String, byte[]> bytes = new HashMap<>();
            policy.master().stored().forEach((name, tensor) -> bytes.put(name, tensor.bytes()));
            trainer.learner().optimizerState().forEach((name, tensor) -> bytes.put(name, tensor.bytes()));
            return bytes;
        }

        @Override
        public void close() {
            trainer.close();
            engine.close();
            sampling.close();
            workers.close();
            policy.close();
        }
    }

    /** A journal that keeps everything in memory. */
    static Journal journal(Map<Long, Map<Integer, Journal.Entry>> written) {
        return new Journal() {
            @Override
            public synchronized Optional<Entry> find(long draw, int sample) {
                return Optional.ofNullable(written.getOrDefault(draw, Map.of()).get(sample));
            }

            @Override
            public synchronized void append(long iteration, Problem problem, Rollout rollout, Score score) {
                written.computeIfAbsent(rollout.draw(), key -> new HashMap<>())
                        .put(rollout.sample(), new Entry(rollout, score));
            }
        };
    }

    static void assertSame(Map<String, byte[]> actual, Map<String, byte[]> expected) {
        expected.forEach((name, bytes) -> assertThat(actual.get(name)).as(name).isEqualTo(bytes));
    }

    @Test
    void ageIsLagTimesUpdatesPlusTheUpdatesAlreadyDone() {
        try (Run run = new Run(recipe(5, 2, 2, 0, Objectives.of("minpro")), 1, EVEN, Journal.none())) {
            List<Map<String, Double>> metrics = run.toTheEnd();
            assertThat(metrics.get(0)).doesNotContainKey("age/mean");
            assertThat(metrics.get(1)).doesNotContainKey("age/mean");
            // Version 0 sampled iterations 0 to 2, so the first batches are younger than lag * updates.
            assertThat(metrics.get(2).get("age/mean")).isBetween(0.0, 1.0);
            assertThat(metrics.get(4).get("age/mean")).isBetween(4.0, 5.0);
            assertThat(metrics.get(4).get("version")).isEqualTo(6);
            assertThat(run.trainer.waitingGroups()).isEqualTo(8);
        }
    }

    @Test
    void theSameSeedGivesTheSameBytesWithAnyNumberOfWorkers() {
        try (Run one = new Run(recipe(6, 1, 2, 0, Objectives.of("minpro")), 1, EVEN, Journal.none());
                Run three = new Run(recipe(6, 1, 2, 0, Objectives.of("minpro")), 3, EVEN, Journal.none())) {
            assertThat(three.toTheEnd()).isEqualTo(one.toTheEnd());
            assertSame(three.weights(), one.weights());
        }
    }

    @Test
    void aRunLearnsWhatItIsRewardedFor() {
        try (Run run = new Run(recipe(30, 1, 1, 0, Objectives.of("minpro")), 2, EVEN, Journal.none())) {
            List<Map<String, Double>> metrics = run.toTheEnd();
            double first = metrics.subList(0, 5).stream()
                    .mapToDouble(m -> Objects.requireNonNull(m.get("reward")))
                    .average()
                    .orElseThrow();
            double last = metrics.subList(25, 30).stream()
                    .mapToDouble(m -> Objects.requireNonNull(m.get("reward")))
                    .average()
                    .orElseThrow();
            assertThat(last).isGreaterThan(first + 0.15);
        }
    }

    @Test
    void samplerAndTrainerAgree() {
        try (Run run = new Run(recipe(3, 0, 1, 0, Objectives.of("minpro")), 2, EVEN, Journal.none())) {
            for (Map<String, Double> metrics : run.toTheEnd()) {
                assertThat(metrics.get("mismatch/max")).isLessThanOrEqualTo(1e-4);
            }
        }
    }

    @Test
    void withoutAnyDifferenceInRewardNothingIsLearned() {
        try (Run run = new Run(
                recipe(4, 0, 1, 0, Objectives.of("minpro")), 1, (problem, rollout) -> Score.of(1), Journal.none())) {
            Map<String, byte[]> before = run.weights();
            List<Map<String, Double>> metrics = run.toTheEnd();
            assertThat(metrics.getLast())
                    .containsEntry("version", 0.0)
                    .containsEntry("updates_skipped", 1.0)
                    .containsEntry("iterations_without_signal", 4.0);
            assertSame(run.weights(), before);
        }
    }

    @Test
    void groupsWithoutDifferenceAreReplacedByNewDraws() {
        Reward everyOther = (problem, rollout) -> Score.of(rollout.draw() % 2 == 0 ? 1 : rollout.sample() % 2);
        try (Run run = new Run(recipe(1, 0, 1, 100, Objectives.of("minpro")), 1, everyOther, Journal.none())) {
            IterationReport report = run.iterate();
            assertThat(report.fresh()).extracting(group -> group.draw()).containsExactly(1L, 3L, 5L, 7L);
            assertThat(report.metrics().named()).containsEntry("groups_resampled", 4.0);
            assertThat(run.trainer.state().source().nextDraw()).isEqualTo(8);
        }
    }

    /**
     * Taking draws one after the other: put aside what teaches nothing, until the limit. Workers end groups in any order, and
     * a journal has some of them from the start.
     */
    @Tag("slow")
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3, 5, 100})
    void whichDrawsAreTakenDependsOnRewardsAlone(int limit) {
        for (int seed = 0; seed < 8; seed++) {
            long flatOf = seed;
            LongPredicate flat = draw -> new Random((draw + 1000 * flatOf) * 0x9E3779B97F4A7C15L).nextDouble() < 0.7;
            Reward reward = (problem, rollout) -> Score.of(flat.test(rollout.draw()) ? 1 : rollout.sample() % 2);
            List<Long> expected = new ArrayList<>();
            long next = 0;
            for (int aside = 0; expected.size() < 4; next++) {
                if (flat.test(next) && aside < limit) {
                    aside++;
                } else {
                    expected.add(next);
                }
            }
            Map<Long, Map<Integer, Journal.Entry>> written = new HashMap<>();
            for (int workers : new int[] {1, 3}) {
                Recipe recipe = recipe(1, 0, 1, limit, Objectives.of("minpro"));
                try (Run run = new Run(recipe, workers, reward, journal(written))) {
                    IterationReport report = run.iterate();
                    assertThat(report.fresh()).extracting(group -> group.draw()).containsExactlyElementsOf(expected);
                    assertThat(report.metrics().named()).containsEntry("groups_resampled", next - 4.0);
                    assertThat(run.trainer.state().source().nextDraw()).isEqualTo(next);
                }
                // For the next: some groups whole, some in part, some not at all.
                written.forEach(
                        (draw, samples) -> samples.keySet().removeIf(sample -> draw % 3 != 0 && sample > draw % 3));
            }
        }
    }

    @Test
    void undecidedRolloutsCountForNothing() {
        Reward undecidedThird = (problem, rollout) ->
                rollout.sample() == 2 ? Score.undecided("service down") : Score.of(rollout.sample() == 0 ? 1 : 0);
        try (Run run = new Run(recipe(2, 0, 1, 0, Objectives.of("minpro")), 1, undecidedThird, Journal.none())) {
            Map<String, Double> metrics = run.toTheEnd().getFirst();
            assertThat(metrics).containsEntry("undecided", 0.25);
            assertThat(metrics.get("reward")).isEqualTo(1.0 / 3);
        }
    }

    @Test
    void aGreedyResponseIsSampledBesideEachGroupWhereAdvantagesReadIt() {
        Map<Long, Map<Integer, Journal.Entry>> written = new HashMap<>();
        Recipe recipe = recipe(2, 0, 1, 0, Objectives.of("reinforce")).with("advantage", new ReMax());
        try (Run run = new Run(recipe, 2, EVEN, journal(written))) {
            IterationReport report = run.iterate();
            assertThat(report.fresh()).hasSize(4).allSatisfy(group -> {
                assertThat(group.rollouts()).hasSize(4);
                Journal.Entry greedy = Objects.requireNonNull(
                        written.getOrDefault(group.draw(), Map.of()).get(4), "the sample after the group's last");
                assertThat(group.greedy()).isEqualTo(greedy.score());
            });
            assertThat(report.metrics().named().get("grad_norm")).isPositive();
        }
    }

    @ParameterizedTest
    @CsvSource({"minpro, grpo", "vcpo, reinforce-plus-plus", "reinforce, remax"})
    void aRunThatWasStoppedContinuesBitForBit(String objective, String advantage) {
        Map<Long, Map<Integer, Journal.Entry>> written = new HashMap<>();
        Journal journal = journal(written);
        Recipe recipe = recipe(7, 2, 2, 3, Objectives.of(objective)).with("advantage", Advantages.of(advantage));
        try (Run whole = new Run(recipe, 2, EVEN, Journal.none());
                Run first = new Run(recipe, 2, EVEN, journal);
                Run second = new Run(recipe, 2, EVEN, journal)) {
            List<Map<String, Double>> expected = whole.toTheEnd();
            for (int i = 0; i < 4; i++) {
                first.iterate();
            }
            second.continueFrom(first);
            assertThat(second.toTheEnd()).isEqualTo(expected.subList(4, 7));
            assertSame(second.weights(), whole.weights());
        }
    }

    @Test
    void routerLoadsAddUpToTokensTimesExpertsTimesLayers() {
        Recipe recipe = recipe(2, 0, 2, 0, Objectives.of("minpro"));
        ModelConfig model = TinyModels.experts();
        ModelConfig.Moe moe = Objects.requireNonNull(model.moe());
        try (Run one = new Run(model, recipe, 1, EVEN, Journal.none());
                Run two = new Run(model, recipe, 2, EVEN, Journal.none())) {
            while (!one.trainer.finished()) {
                IterationReport report = one.iterate();
                assertThat(two.iterate().metrics().named())
                        .isEqualTo(report.metrics().named());
                long tokens = 0;
                for (int update = 0; update < 2; update++) {
                    for (BlockPlan.Block block : BlockPlan.of(
                            rowsOf(report.fresh().subList(2 * update, 2 * update + 2)),
                            recipe.compute().microBatchTokens(),
                            recipe.compute().lanes())) {
                        for (int[] prompt : block.tokens().prompts()) {
                            tokens += prompt.length;
                        }
                        for (int[] response : block.tokens().responses()) {
                            tokens += response.length - 1;
                        }
                    }
                }
                Map<String, Double> metrics = report.metrics().named();
                assertThat(metrics.get("router/tokens")).isEqualTo((double) tokens);
                assertThat(metrics.get("router/choices"))
                        .isEqualTo((double) tokens * moe.expertsPerToken() * model.layers());
                assertThat(metrics.get("router/share_min")).isBetween(0.0, 1.0 / moe.experts());
                assertThat(metrics.get("router/share_max")).isBetween(1.0 / moe.experts(), 1.0 / moe.expertsPerToken());
                assertThat(metrics.get("router/entropy")).isBetween(0.1, Math.log(moe.experts()));
            }
        }
        try (Run dense = new Run(recipe, 1, EVEN, Journal.none())) {
            assertThat(dense.toTheEnd())
                    .noneMatch(metrics -> metrics.keySet().stream().anyMatch(name -> name.startsWith("router")));
        }
    }

    private static List<TrainingRow> rowsOf(List<ScoredGroup> groups) {
        List<TrainingRow> rows = new ArrayList<>();
        for (ScoredGroup group : groups) {
            for (Rollout rollout : group.rollouts()) {
                rows.add(TrainingRow.of(rollout, 1));
            }
        }
        return rows;
    }

    /** Asks for entropies, and has a metric of its own in every other update. */
    private static final class Curious implements Objective {
        private final Reach reach;
        private final List<double[]> entropies = Collections.synchronizedList(new ArrayList<>());
        private int updates;

        Curious(Reach reach) {
            this.reach = reach;
        }

        @Override
        public ObjectiveResult compute(ObjectiveInputs inputs) {
            Tensor entropy = Objects.requireNonNull(inputs.statistics().get(Statistic.ENTROPY));
            assertThat(entropy.requiresGradient()).isFalse();
            assertThat(entropy.shape()).isEqualTo(inputs.mask().shape());
            entropies.add(entropy.multiply(inputs.mask()).doubles());
            ObjectiveResult result = Objectives.of("minpro").compute(inputs);
            boolean told = reach == Reach.BATCH && updates++ % 2 == 1;
            return told
                    ? new ObjectiveResult(
                            result.tokenLosses(), result.weights(), Map.of(), Map.of("curious/number", 3.0))
                    : result;
        }

        @Override
        public Reach reach() {
            return reach;
        }

        @Override
        public Set<Statistic> statistics() {
            return Set.of(Statistic.ENTROPY);
        }
    }

    @ParameterizedTest
    @EnumSource(Reach.class)
    void anObjectiveGetsTheEntropiesItAsksFor(Reach reach) {
        Curious curious = new Curious(reach);
        try (Run run = new Run(recipe(1, 0, 1, 0, curious), 1, EVEN, Journal.none())) {
            Map<String, Double> metrics = run.toTheEnd().getFirst();
            double sum =
                    curious.entropies.stream().flatMapToDouble(Arrays::stream).sum();
            double tokens = metrics.getOrDefault("completions/mean_length", 0.0) * 16;
            assertThat(sum / tokens).isCloseTo(metrics.get("entropy"), within(1e-5));
        }
    }

    /** As m2po's tau: a mean over the updates that have one. */
    @Test
    void aNumberOfSomeUpdatesIsAveragedOverThem() {
        try (Run run = new Run(recipe(1, 0, 4, 0, new Curious(Reach.BATCH)), 1, EVEN, Journal.none())) {
            assertThat(run.toTheEnd().getFirst()).containsEntry("curious/number", 3.0);
        }
    }

    private static Recipe anchored(int iterations, int updates, Anchor anchor) {
        return recipe(iterations, 1, updates, 0, Objectives.of("minpro")).with("anchor", anchor);
    }

    /** Ratios to the policy at the start of the iteration's updates: 1 in the first of them, whatever the age. */
    @Test
    void anchoredAtTheProximalPolicyTheFirstUpdateOfAnIterationHasWeightsOfOne() {
        try (Run run = new Run(anchored(4, 1, Anchor.PROXIMAL), 1, EVEN, Journal.none());
                Run stale = new Run(anchored(4, 1, Anchor.BEHAVIOR), 1, EVEN, Journal.none())) {
            List<Map<String, Double>> metrics = run.toTheEnd();
            List<Map<String, Double>> staleMetrics = stale.toTheEnd();
            for (int i = 1; i < 4; i++) {
                assertThat(metrics.get(i))
                        .containsEntry("weight/mean", 1.0)
                        .containsEntry("weight/min", 1.0)
                        .containsEntry("weight/max", 1.0)
                        .containsEntry("weight/ess", 1.0);
            }
            assertThat(metrics.getLast().get("age/mean")).isEqualTo(1);
            assertThat(metrics.getLast().get("rollout_corr/rollout_is_max")).isGreaterThan(1.0);
            assertThat(metrics.getLast().get("loss"))
                    .isNotEqualTo(staleMetrics.getLast().get("loss"));
        }
    }

    @Test
    void anchoredAtTheProximalPolicyLaterUpdatesOfAnIterationHaveRatios() {
        try (Run run = new Run(anchored(3, 2, Anchor.PROXIMAL), 1, EVEN, Journal.none())) {
            Map<String, Double> metrics = run.toTheEnd().getLast();
            assertThat(metrics.get("weight/max")).isGreaterThan(1);
            assertThat(metrics.get("weight/min")).isLessThan(1);
        }
    }

    @Test
    void aPenaltyIsFollowedWhereThereIsNoDifferenceInReward() {
        Recipe recipe = recipe(2, 0, 1, 0, Objectives.of("minpro"))
                .with("penalties", List.of(new KlPenalty(LogProbStream.BEHAVIOR, KlPenalty.Estimator.K3, 1)));
        try (Run run = new Run(recipe, 1, (problem, rollout) -> Score.of(1), Journal.none())) {
            assertThat(run.toTheEnd().getLast())
                    .containsEntry("updates_skipped", 0.0)
                    .containsEntry("version", 2.0)
                    .containsKey("penalty/kl_behavior");
        }
    }

    @Test
    void aLossThatIsNoNumberStopsTheRunAndNamesTheRollout() {
        Objective broken = inputs ->
                new org.minpro.objective.ObjectiveResult(inputs.logProbs().multiply(Double.NaN));
        try (Run run = new Run(recipe(2, 0, 1, 0, broken), 1, EVEN, Journal.none())) {
            Map<String, byte[]> before = run.weights();
            org.assertj.core.api.Assertions.assertThatThrownBy(() -> run.iterate())
                    .isInstanceOf(NonFiniteUpdateException.class)
                    .hasMessageContaining("loss and gradient must be finite")
                    .hasMessageContaining("first at row 0 (group of draw 0)");
            assertSame(run.weights(), before);
        }
    }

    @Test
    void aGradientThatIsNoNumberIsTracedToItsRowWhereAllLogProbabilitiesAreFinite() {
        Objective broken = inputs -> new org.minpro.objective.ObjectiveResult(inputs.logProbs()
                .multiply(
                        inputs.advantages().less(0).to(inputs.logProbs().type()).multiply(Double.POSITIVE_INFINITY)));
        try (Run run = new Run(recipe(2, 0, 1, 0, broken), 1, EVEN, Journal.none())) {
            org.assertj.core.api.Assertions.assertThatThrownBy(() -> run.iterate())
                    .isInstanceOf(NonFiniteUpdateException.class)
                    .hasMessageContaining("whose log-probabilities and advantages are finite: alone it has loss ");
        }
    }

    @Tag("slow")
    @Test
    void aHundredIterationsLeaveNoNativeObject() {
        try (Run run = new Run(recipe(100, 1, 1, 0, Objectives.of("minpro")), 2, EVEN, Journal.none())) {
            for (int i = 0; i < 5; i++) {
                run.iterate();
            }
            long before = Scope.nativeObjects();
            run.toTheEnd();
            assertThat(Scope.nativeObjects()).isEqualTo(before);
        }
    }
}
