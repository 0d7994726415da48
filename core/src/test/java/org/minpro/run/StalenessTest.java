package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.minpro.config.Settings;
import org.minpro.data.Problem;
import org.minpro.experience.Async;
import org.minpro.experience.Delayed;
import org.minpro.experience.Journal;
import org.minpro.experience.RefusedRewardException;
import org.minpro.experience.Replay;
import org.minpro.experience.ScoredGroup;
import org.minpro.experience.Simulated;
import org.minpro.experience.Staleness;
import org.minpro.model.ModelConfig;
import org.minpro.model.PolicyVersion;
import org.minpro.model.TinyModels;
import org.minpro.recipe.Recipe;
import org.minpro.reward.Reward;
import org.minpro.reward.Score;
import org.minpro.rollout.LocalRolloutEngine;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutEngine;
import org.minpro.rollout.RolloutRequest;
import org.minpro.rollout.SamplingParams;
import org.minpro.rollout.TokenListener;
import org.minpro.run.TrainerTest.Run;
import org.minpro.tensor.Scope;

/** Staleness protocols in whole runs. */
class StalenessTest {
    private static Recipe recipe(Staleness staleness, Map<String, Object> more) {
        Map<String, Object> changes = new LinkedHashMap<>();
        changes.put("iterations", 8);
        changes.put("staleness", staleness);
        changes.put("updates-per-iteration", 2);
        changes.putAll(more);
        return TinyRecipe.with(changes);
    }

    static List<Staleness> protocols() {
        return List.of(
                new Delayed(2),
                new Replay(3, Replay.Order.UNIFORM, 2),
                new Replay(2, Replay.Order.NEWEST, 2),
                new Simulated(3, List.of(0, 1, 3), 4));
    }

    @Tag("slow")
    @ParameterizedTest
    @MethodSource("protocols")
    void theSameSeedGivesTheSameBytes(Staleness staleness) {
        Recipe recipe = recipe(staleness, Map.of("epochs", 2, "resample-limit", 3));
        for (ModelConfig model : List.of(TinyModels.dense(), TinyModels.experts())) {
            try (Run one = new Run(model, recipe, 1, TrainerTest.EVEN, Journal.none());
                    Run three = new Run(model, recipe, 3, TrainerTest.EVEN, Journal.none())) {
                List<Map<String, Double>> metrics = one.toTheEnd();
                assertThat(three.toTheEnd()).isEqualTo(metrics);
                TrainerTest.assertSame(three.weights(), one.weights());
                assertThat(one.policy.version()).isEqualTo(recipe.updates());
            }
        }
    }

    @Tag("slow")
    @ParameterizedTest
    @MethodSource("protocols")
    void aRunThatWasStoppedContinuesBitForBit(Staleness staleness) {
        Map<Long, Map<Integer, Journal.Entry>> written = new HashMap<>();
        Journal journal = TrainerTest.journal(written);
        Recipe recipe = recipe(staleness, Map.of("epochs", 2, "resample-limit", 3));
        try (Run whole = new Run(recipe, 2, TrainerTest.EVEN, Journal.none());
                Run first = new Run(recipe, 2, TrainerTest.EVEN, journal);
                Run second = new Run(recipe, 2, TrainerTest.EVEN, journal)) {
            List<Map<String, Double>> expected = whole.toTheEnd();
            for (int i = 0; i < 4; i++) {
                first.iterate();
            }
            second.continueFrom(first);
            assertThat(second.toTheEnd()).isEqualTo(expected.subList(4, 8));
            TrainerTest.assertSame(second.weights(), whole.weights());
        }
    }

    /** Four groups in two updates, twice: the second pass has the same groups, in other updates. */
    @Test
    void everyPassOverABatchHasAllItsGroupsInAnOrderOfItsOwn() {
        Recipe once = recipe(new Delayed(), Map.of("iterations", 3));
        Recipe twice = once.with("epochs", 2);
        assertThat(twice.updates()).isEqualTo(2 * once.updates());
        try (Run one = new Run(once, 1, TrainerTest.EVEN, Journal.none());
                Run two = new Run(twice, 1, TrainerTest.EVEN, Journal.none())) {
            Map<String, Double> first = one.iterate().metrics().named();
            IterationReport report = two.iterate();
            Map<String, Double> passes = report.metrics().named();
            assertThat(passes).containsEntry("version", 4.0).containsEntry("age/max", 3.0);
            assertThat(first).containsEntry("version", 2.0).containsEntry("age/max", 1.0);
            // The same rollouts, before any update.
            assertThat(passes.get("reward")).isEqualTo(first.get("reward"));
            long sampled = report.fresh().stream()
                    .mapToLong(group -> group.responseTokens())
                    .sum();
            assertThat(report.trainedTokens()).isEqualTo(2 * sampled);
        }
    }

    @Tag("slow")
    @Test
    void agesAreThoseOfThePlan() {
        try (Run run = new Run(
                recipe(new Replay(3, Replay.Order.UNIFORM, 2), Map.of("iterations", 12)),
                1,
                TrainerTest.EVEN,
                Journal.none())) {
            List<Map<String, Double>> metrics = run.toTheEnd();
            assertThat(metrics.get(1)).doesNotContainKey("age/max");
            assertThat(metrics.get(2)).containsEntry("age/max", 3.0);
            // Four updates in an iteration: a batch is up to two iterations old, and three more updates at the end.
            assertThat(metrics.stream()
                            .skip(2)
                            .mapToDouble(m -> Objects.requireNonNull(m.get("age/max")))
                            .max())
                    .hasValue(11);
        }
        try (Run run =
                new Run(recipe(new Simulated(2, List.of(3), 1), Map.of()), 1, TrainerTest.EVEN, Journal.none())) {
            List<Map<String, Double>> metrics = run.toTheEnd();
            for (int i = 0; i < 8; i++) {
                assertThat(metrics.get(i)).containsEntry("age/max", Math.min(i, 3) * 2.0 + 1);
            }
            assertThat(run.trainer.waitingGroups()).isEqualTo(3 * 4);
        }
    }

    // ---- asynchronous -----------------------------------------------------------------------------------------------

    @Tag("slow")
    @ParameterizedTest
    @EnumSource(Async.InFlight.class)
    void asynchronousAtAgeZeroIsSynchronousToTheByte(Async.InFlight inFlight) {
        Recipe synchronous = recipe(new Delayed(), Map.of("resample-limit", 3));
        Recipe asynchronous = synchronous.with("staleness", new Async(0, inFlight));
        for (ModelConfig model : List.of(TinyModels.dense(), TinyModels.experts())) {
            Map<Long, Map<Integer, Journal.Entry>> expected = new HashMap<>();
            Map<Long, Map<Integer, Journal.Entry>> written = new HashMap<>();
            try (Run one = new Run(model, synchronous, 2, TrainerTest.EVEN, TrainerTest.journal(expected));
                    Run other = new Run(model, asynchronous, 2, TrainerTest.EVEN, TrainerTest.journal(written))) {
                assertThat(other.toTheEnd()).isEqualTo(one.toTheEnd());
                TrainerTest.assertSame(other.weights(), one.weights());
            }
            assertThat(written).isEqualTo(expected);
        }
    }

    /** An engine that waits at one token of one generation until it is told to go on. */
    private static final class Gated implements RolloutEngine {
        private final LocalRolloutEngine engine;
        private final int generation;
        private final int token;
        private final CountDownLatch open = new CountDownLatch(1);
        private int generations;

        Gated(LocalRolloutEngine engine, int generation, int token) {
            this.engine = engine;
            this.generation = generation;
            this.token = token;
        }

        @Override
        public List<Rollout> generate(
                List<RolloutRequest> requests, SamplingParams params, Consumer<Rollout> finished) {
            boolean gated = generations++ == generation;
            AtomicInteger tokens = new AtomicInteger();
            TokenListener listener = (draw, sample, id) -> {
                if (gated && tokens.incrementAndGet() == token) {
                    try {
                        assertThat(open.await(60, TimeUnit.SECONDS)).isTrue();
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                }
            };
            return engine.generate(requests, params, listener, finished);
        }

        @Override
        public void publish(PolicyVersion version) {
            engine.publish(version);
        }

        @Override
        public void replace(PolicyVersion version) {
            engine.replace(version);
        }

        @Override
        public void withdraw() {
            engine.withdraw();
        }

        @Override
        public Exactness exactness() {
            return engine.exactness();
        }

        @Override
        public void cancel() {
            engine.cancel();
        }

        @Override
        public void close() {
            engine.close();
        }
    }

    /** The weights change while the second batch is sampled: it is held up until the first one is learned from. */
    @ParameterizedTest
    @EnumSource(Async.InFlight.class)
    void responsesInFlightOverAChangeOfWeights(Async.InFlight inFlight) {
        Recipe recipe = recipe(new Async(2, inFlight), Map.of("iterations", 3));
        Gated[] gated = new Gated[1];
        try (Run run = new Run(
                TinyModels.dense(),
                recipe,
                1,
                TrainerTest.EVEN,
                Journal.none(),
                engine -> gated[0] = new Gated(engine, 1, 40))) {
            assertThat(run.iterate().metrics().mismatch()).isPresent();
            gated[0].open.countDown();
            IterationReport second = run.iterate();
            List<Rollout> rollouts = second.fresh().stream()
                    .flatMap(group -> group.rollouts().stream())
                    .toList();
            if (inFlight == Async.InFlight.FINISH) {
                assertThat(rollouts)
                        .allSatisfy(rollout -> assertThat(rollout.versions()).containsOnly(0));
            } else {
                assertThat(rollouts)
                        .anySatisfy(rollout ->
                                assertThat(rollout.versions()).startsWith(0).endsWith(2));
                assertThat(rollouts)
                        .allSatisfy(rollout -> assertThat(rollout.versions()).isSorted());
            }
            // Responses of two versions are compared with neither; all of this batch began under the first.
            assertThat(second.metrics().mismatch()).isEmpty();
            assertThat(second.metrics().named().get("age/max")).isEqualTo(3);
        }
    }

    @Test
    void batchesThatWaitAreNotDroppedByAnotherProtocol() {
        Recipe delayed = recipe(new Delayed(2), Map.of());
        Recipe asynchronous = delayed.with("staleness", new Async(4, Async.InFlight.FINISH));
        try (Run first = new Run(delayed, 1, TrainerTest.EVEN, Journal.none());
                Run second = new Run(asynchronous, 1, TrainerTest.EVEN, Journal.none())) {
            first.iterate();
            assertThatThrownBy(() -> second.continueFrom(first))
                    .hasMessage(
                            "staleness must be the one that the run began with, in which 1 batch waits to be trained"
                                    + " on, got: async, which keeps none");
        }
    }

    @ParameterizedTest
    @EnumSource(Async.InFlight.class)
    void everyDrawIsTrainedOnOnceAndNoTokenIsTooOld(Async.InFlight inFlight) {
        int iterations = 12;
        Recipe recipe = recipe(new Async(5, inFlight), Map.of("iterations", iterations, "resample-limit", 2));
        Map<Long, Map<Integer, Journal.Entry>> written = new HashMap<>();
        Map<Long, List<Long>> journaled = new HashMap<>();
        Journal memory = TrainerTest.journal(written);
        Journal journal = new Journal() {
            @Override
            public Optional<Entry> find(long draw, int sample) {
                return memory.find(draw, sample);
            }

            @Override
            public synchronized void append(long iteration, Problem problem, Rollout rollout, Score score) {
                memory.append(iteration, problem, rollout, score);
                journaled.computeIfAbsent(iteration, key -> new ArrayList<>()).add(rollout.draw());
            }
        };
        Set<Long> trained = new TreeSet<>();
        int aside = 0;
        try (Run run = new Run(recipe, 2, TrainerTest.EVEN, journal)) {
            while (!run.trainer.finished()) {
                IterationReport report = run.iterate();
                Map<String, Double> metrics = report.metrics().named();
                // Two iterations ahead are 4 updates, and one more in its own iteration.
                assertThat(metrics.get("age/max")).isBetween(1.0, 5.0);
                aside += Objects.requireNonNull(metrics.get("groups_resampled")).intValue();
                for (ScoredGroup group : report.fresh()) {
                    assertThat(trained.add(group.draw())).isTrue();
                    assertThat(journaled.get(report.iteration()))
                            .filteredOn(draw -> draw == group.draw())
                            .hasSize(4);
                }
            }
            assertThat(run.policy.version()).isEqualTo(recipe.updates());
            assertThat(run.trainer.waitingGroups()).isZero();
        }
        assertThat(trained).hasSize(iterations * 4);
        assertThat(written).hasSize(iterations * 4 + aside);
        assertThat(written.keySet()).containsAll(trained);
        assertThat(journaled.values().stream().mapToInt(List::size).sum()).isEqualTo(4 * written.size());
    }

    @Test
    void asynchronousSamplingLeavesNoNativeObject() {
        Recipe recipe = recipe(new Async(4, Async.InFlight.CONTINUE), Map.of("iterations", 6));
        try (Run warm = new Run(recipe, 2, TrainerTest.EVEN, Journal.none())) {
            warm.toTheEnd();
        }
        long before = Scope.nativeObjects();
        try (Run run = new Run(recipe, 2, TrainerTest.EVEN, Journal.none())) {
            run.toTheEnd();
        }
        assertThat(Scope.nativeObjects()).isEqualTo(before);
        // One that is given up in the middle, too.
        try (Run run = new Run(recipe, 2, TrainerTest.EVEN, Journal.none())) {
            run.iterate();
        }
        assertThat(Scope.nativeObjects()).isEqualTo(before);
    }

    @Test
    void whatEndsSamplingEndsTheRun() {
        Reward refused = (problem, rollout) -> Score.of(rollout.draw() > 5 ? 1e9 : rollout.sample());
        try (Run run = new Run(recipe(new Async(4, Async.InFlight.FINISH), Map.of()), 1, refused, Journal.none())) {
            run.iterate();
            assertThatThrownBy(run::toTheEnd)
                    .isInstanceOf(RefusedRewardException.class)
                    .hasMessageContaining("must be in [-1e6, 1e6]");
        }
    }

    /** An evaluation has an engine of its own, so sampling loses neither its version nor its threads. */
    @Test
    void evaluationsGoOnBesideSampling(@TempDir Path folder) throws IOException {
        Settings settings = new Settings().yaml("this test", """
                        iterations: 4
                        groups-per-iteration: 2
                        group-size: 2
                        updates-per-iteration: 1
                        staleness: {name: async, max-age: 2}
                        sampling: {max-new-tokens: 12, ignore-eos: true}
                        evaluation: {problems: 3, every: 1}
                        compute: {workers: 1}
                        """).set("runs=" + folder);
        Recipe recipe = Recipe.binder(getClass().getClassLoader()).bind(Recipe.class, settings);
        try (TrainingSession session = TrainingSession.of(recipe)
                .reward((problem, rollout) -> Score.of(rollout.sample()))
                .listener(new RunListener() {})
                .start()) {
            assertThat(session.run()).isTrue();
            assertThat(Files.readAllLines(session.folder().evaluations())).hasSize(3);
            assertThat(session.trainer().learner().policy().version()).isEqualTo(4);
        }
    }
}
