package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.minpro.data.Problem;
import org.minpro.experience.Continuations;
import org.minpro.experience.Journal;
import org.minpro.experience.ScoredGroup;
import org.minpro.experience.Scoring;
import org.minpro.model.ModelConfig;
import org.minpro.model.Parameters;
import org.minpro.model.TinyModels;
import org.minpro.model.Transformer;
import org.minpro.objective.KlPenalty;
import org.minpro.objective.LogProbStream;
import org.minpro.recipe.KlSection;
import org.minpro.recipe.Recipe;
import org.minpro.reward.Reward;
import org.minpro.reward.Score;
import org.minpro.rollout.LocalRolloutEngine;
import org.minpro.rollout.Rollout;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;
import org.minpro.train.Policy;
import org.minpro.train.PolicyGradient;
import org.minpro.train.TrainingRow;
import org.minpro.train.Update;

class ReferenceTest {
    private static final ModelConfig MODEL = TinyModels.dense();

    @TempDir
    Path folder;

    private static Policy policy(long seed, DType compute) {
        Parameters parameters = Parameters.zeros(MODEL, Device.CPU, DType.F32);
        parameters.initialise(seed, 0.1);
        return new Policy(MODEL, parameters, compute);
    }

    private static Transformer transformer(long seed) {
        Parameters parameters = Parameters.zeros(MODEL, Device.CPU, DType.F32);
        parameters.initialise(seed, 0.1);
        return new Transformer(MODEL, parameters);
    }

    private static Rollout rollout(long draw, int sample, float... behavior) {
        int[] ids = new int[behavior.length];
        boolean[] mask = new boolean[behavior.length];
        for (int t = 0; t < ids.length; t++) {
            ids[t] = (int) (2 + (7 * draw + 3L * sample + t) % 90);
            mask[t] = t != 1;
        }
        return new Rollout(
                draw,
                sample,
                new int[] {3, 4},
                ids,
                mask,
                behavior,
                new float[ids.length],
                new long[ids.length],
                Rollout.Finish.STOP,
                "");
    }

    private static ScoredGroup group(long draw) {
        return new ScoredGroup(
                draw,
                Problem.of("p" + draw, "", ""),
                List.of(rollout(draw, 0, -1, -2, -3), rollout(draw, 1, -0.5f, -4, -1, -2)),
                List.of(Score.of(1), Score.undecided("no")));
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "BF16"})
    void aMeanKeepsItsShareAndTakesTheRestFromTheWeights(DType compute) {
        try (ReferenceModel reference = ReferenceModel.average(policy(5, compute), 0.75);
                Policy trained = policy(6, compute);
                Policy begun = policy(5, compute)) {
            reference.follow(trained);
            reference.follow(trained);
            Objects.requireNonNull(reference.mean()).master().trainableNamed().forEach((name, tensor) -> {
                double[] mean = tensor.doubles();
                double[] weights = Objects.requireNonNull(
                                trained.master().trainableNamed().get(name))
                        .doubles();
                double[] before = Objects.requireNonNull(
                                begun.master().trainableNamed().get(name))
                        .doubles();
                for (int i = 0; i < mean.length; i++) {
                    assertThat(mean[i]).isCloseTo(0.5625 * before[i] + 0.4375 * weights[i], within(1e-6));
                }
            });
            // What is computed with is the mean in the type of computation.
            Objects.requireNonNull(reference.mean()).master().trainableNamed().forEach((name, tensor) -> {
                try (Scope scope = Scope.open()) {
                    Tensor computed = Objects.requireNonNull(
                            reference.model().parameters().named().get(name));
                    assertThat(computed.type()).isEqualTo(compute);
                    assertThat(computed.doubles())
                            .containsExactly(tensor.to(compute).doubles());
                }
            });
        }
    }

    @Test
    void logProbabilitiesAreTheModelsAreComputedOnceAndComeBackBitForBit() throws IOException {
        Path file = folder.resolve("reference.jsonl");
        ScoredGroup first = group(7);
        ScoredGroup second = group(9);
        PolicyGradient.Settings settings = new PolicyGradient.Settings(2, 64, 0.8);
        try (ReferenceModel model = ReferenceModel.fixed(transformer(5), "hash");
                Transformer same = transformer(5);
                Parameters weights = same.parameters();
                Workers workers = new Workers(2)) {
            PolicyGradient scorer = new PolicyGradient(settings, workers);
            float[] expected = scorer.score(
                            same, List.of(TrainingRow.of(first.rollouts().get(1), 0)), false)
                    .logProbs()[0];
            try (ReferenceJournal journal = ReferenceJournal.open(file, 0, 0)) {
                ReferenceLogProbs reference = new ReferenceLogProbs(model, scorer, journal);
                reference.score(0, List.of(first));
                reference.score(1, List.of(first, second));
                assertThat(reference.of(first.rollouts().get(1)))
                        .usingComparatorWithPrecision(1e-6f)
                        .containsExactly(expected);
            }
            List<String> lines = Files.readAllLines(file);
            assertThat(lines).hasSize(4);
            assertThat(lines.get(0)).startsWith("{\"iteration\":0,\"draw\":7,\"sample\":0,\"reference_log_probs\":[");
            assertThat(lines.get(3)).startsWith("{\"iteration\":1,\"draw\":9,\"sample\":1,");
            try (ReferenceJournal journal = ReferenceJournal.open(file, 1, 0)) {
                assertThat(Files.readAllLines(file)).isEqualTo(lines.subList(0, 2));
                ReferenceLogProbs again = new ReferenceLogProbs(model, scorer, journal);
                again.score(1, List.of(first, second));
                assertThat(Files.readAllLines(file)).isEqualTo(lines);
                assertThatThrownBy(() -> again.of(rollout(8, 0, -1)))
                        .hasMessageStartingWith(
                                "reference.jsonl must have 1 log-probabilities of draw 8, sample 0, got: none");
            }
            try (ReferenceJournal journal = ReferenceJournal.open(file, 2, 9)) {
                assertThat(journal.read())
                        .extracting(ReferenceJournal.Entry::draw)
                        .as("what the run is done with is not read")
                        .containsExactly(9L, 9L);
            }
        }
    }

    @Test
    void theDistanceInTheRewardIsSummedOverTheTokensOfThePolicy() {
        ScoredGroup group = group(3);
        try (ReferenceModel model = ReferenceModel.fixed(transformer(5), "hash");
                Workers workers = new Workers(1)) {
            ReferenceLogProbs reference = new ReferenceLogProbs(
                    model, new PolicyGradient(new PolicyGradient.Settings(1, 64, 1), workers), null);
            reference.score(0, List.of(group));
            Rollout rollout = group.rollouts().getFirst();
            float[] logProbs = reference.of(rollout);
            double first = -1.0 - logProbs[0];
            double third = -3.0 - logProbs[2];
            assertThat(reference.distance(rollout, KlPenalty.Estimator.K1)).isEqualTo(first + third);
            assertThat(reference.distance(rollout, KlPenalty.Estimator.K2))
                    .isCloseTo((first * first + third * third) / 2, within(1e-12));
            assertThat(reference.distance(rollout, KlPenalty.Estimator.K3))
                    .isCloseTo(Math.exp(-first) - 1 + first + Math.exp(-third) - 1 + third, within(1e-12));
            List<Score> scores = reference.penalised(group, KlPenalty.Estimator.K1, 0.5);
            assertThat(scores.get(0).value()).isCloseTo(1 - 0.5 * (first + third), within(1e-12));
            assertThat(scores.get(1)).isEqualTo(group.scores().get(1));
        }
    }

    /** A whole run in memory against a fixed reference of other weights, all rewards equal. */
    private List<Map<String, Double>> run(Map<String, Object> changes, List<Update> updates) {
        Map<String, Object> settings = new LinkedHashMap<>(changes);
        settings.putIfAbsent("iterations", 12);
        settings.put("optimizer.warmup-updates", 0);
        Recipe recipe = TinyRecipe.with(settings);
        Reward equal = (problem, rollout) -> Score.of(1);
        List<Map<String, Double>> metrics = new ArrayList<>();
        try (ReferenceModel reference = ReferenceModel.fixed(transformer(9), "hash");
                Policy policy = policy(5, DType.F32);
                Workers workers = new Workers(2);
                LocalRolloutEngine engine = new LocalRolloutEngine(workers, 16, recipe.seed(), ids -> "")) {
            RunResources resources = new RunResources(
                    policy,
                    engine,
                    draw -> Problem.of("p" + draw, "", ""),
                    problem -> new int[] {3, 4},
                    Continuations.NONE,
                    new Scoring(equal),
                    MODEL,
                    workers,
                    recipe.hasReference() ? reference : null);
            try (Trainer trainer = Trainer.of(recipe, resources, Journal.none(), null)) {
                trainer.begin(Trainer.State.initial(0));
                while (!trainer.finished()) {
                    metrics.add(trainer.iterate(new RunListener() {
                                @Override
                                public void updated(int ordinal, Update update) {
                                    updates.add(update);
                                }
                            })
                            .metrics()
                            .named());
                }
            }
        }
        return metrics;
    }

    private static double number(Map<String, Double> metrics, String name) {
        return Objects.requireNonNull(metrics.get(name), name);
    }

    @Test
    void aDistanceInTheLossIsFollowedThoughAllRewardsAreEqual() {
        List<Update> updates = new ArrayList<>();
        List<Map<String, Double>> metrics = run(Map.of("kl.coefficient", 1.0), updates);
        assertThat(updates).hasSize(12).noneMatch(Update::skipped);
        assertThat(updates.getFirst().rows()).allMatch(row -> row.logProbs().containsKey(LogProbStream.REFERENCE));
        assertThat(number(metrics.getLast(), "reference/k3"))
                .isLessThan(0.7 * number(metrics.getFirst(), "reference/k3"));
        assertThat(number(metrics.getFirst(), "penalty/kl_reference"))
                .as("the penalty's distance is the ledger's")
                .isCloseTo(number(metrics.getFirst(), "reference/k3"), within(1e-6));
        assertThat(metrics.getLast()).doesNotContainKey("reference/reward_distance");
    }

    @Test
    void aDistanceInTheRewardMakesADifferenceBetweenResponses() {
        List<Update> updates = new ArrayList<>();
        List<Map<String, Double>> metrics = run(
                Map.of(
                        "iterations",
                        40,
                        "kl.coefficient",
                        1.0,
                        "kl.where",
                        KlSection.Where.REWARD,
                        "kl.estimator",
                        KlPenalty.Estimator.K1),
                updates);
        assertThat(updates).hasSize(40).noneMatch(Update::skipped);
        assertThat(metrics.getFirst())
                .containsKey("reference/reward_distance")
                .doesNotContainKey("penalty/kl_reference");
        double first = 0;
        double last = 0;
        for (int i = 0; i < 8; i++) {
            first += number(metrics.get(i), "reference/reward_distance");
            last += number(metrics.get(32 + i), "reference/reward_distance");
        }
        assertThat(last).isLessThan(first);
    }

    @Test
    void withoutACoefficientThereIsNoReferenceAndNothingToLearn() {
        List<Update> updates = new ArrayList<>();
        List<Map<String, Double>> metrics = run(Map.of("iterations", 2), updates);
        assertThat(updates).hasSize(2).allMatch(Update::skipped);
        assertThat(metrics.getLast()).doesNotContainKeys("reference/k1", "reference/reward_distance");
    }

    @Test
    void responsesThatWereCutOffAreLeftOutWhereTheRecipeSaysSo() {
        List<Update> updates = new ArrayList<>();
        run(Map.of("iterations", 2, "mask-truncated", true, "entropy.coefficient", 1.0), updates);
        boolean cut = false;
        for (Update update : updates) {
            for (TrainingRow row : update.rows()) {
                boolean ended =
                        row.responseIds()[row.length() - 1] == MODEL.eosIds().getFirst();
                cut |= !ended;
                for (boolean valid : row.mask()) {
                    assertThat(valid).isEqualTo(ended);
                }
            }
        }
        assertThat(cut).isTrue();
    }

    @Test
    void aReferenceOfAnotherVocabularyIsRefused() {
        Recipe recipe =
                new Recipe().with("kl.coefficient", 0.1).with("kl.reference", "src/test/resources/models/llama-gqa");
        ModelFiles files = ModelFiles.open("builtin");
        assertThatThrownBy(() -> ReferenceModel.open(recipe, files, DType.F32))
                .hasMessageStartingWith("kl.reference must have the vocabulary of model.path, ")
                .hasMessageContaining("llama-gqa");
    }

    @Test
    void aFolderAndTheStartAreOpenedAndTheMemoryPlanHasThem() {
        ModelFiles files = ModelFiles.open("src/test/resources/models/llama-gqa");
        Recipe none = new Recipe().with("model.path", "src/test/resources/models/llama-gqa");
        Recipe start = none.with("kl.coefficient", 0.1);
        long without = MemoryEstimate.ofTraining(none, files.config(), DType.F32);
        long weights = files.config().parameterCount() * 4;
        assertThat(MemoryEstimate.ofTraining(start, files.config(), DType.F32)).isEqualTo(without + weights);
        assertThat(MemoryEstimate.ofTraining(start.with("kl.reference", "average"), files.config(), DType.BF16)
                        - MemoryEstimate.ofTraining(none, files.config(), DType.BF16))
                .as("a mean in float32 and what is computed with")
                .isEqualTo(weights * 3 / 2);
        Recipe other = start.with("kl.reference", files.path().toString());
        assertThat(MemoryEstimate.ofTraining(other, files.config(), DType.F32)).isEqualTo(without + weights);
        try (ReferenceModel model = ReferenceModel.open(start, files, DType.F32);
                ReferenceModel folder = ReferenceModel.open(other, files, DType.F32)) {
            assertThat(folder.sha256()).isEqualTo(model.sha256()).hasSize(64);
            assertThat(model.mean()).isNull();
        }
    }
}
