package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.minpro.experience.Delayed;
import org.minpro.experience.Journal;
import org.minpro.experience.Replay;
import org.minpro.experience.Simulated;
import org.minpro.experience.Staleness;
import org.minpro.model.ModelConfig;
import org.minpro.model.TinyModels;
import org.minpro.recipe.Recipe;
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
            try (Scope scope = Scope.open()) {
                second.policy.beginUpdate().copyFrom(first.policy.master());
                first.trainer
                        .learner()
                        .optimizerState()
                        .forEach((name, tensor) -> Objects.requireNonNull(second.trainer
                                        .learner()
                                        .optimizerState()
                                        .get(name))
                                .copyInPlace(tensor));
            }
            second.trainer.begin(first.trainer.state());
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
}
