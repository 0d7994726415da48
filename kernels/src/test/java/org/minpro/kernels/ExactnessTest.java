package org.minpro.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.minpro.eval.SequenceScorer;
import org.minpro.model.Kernels;
import org.minpro.model.ModelConfig;
import org.minpro.model.Parameters;
import org.minpro.model.PolicyVersion;
import org.minpro.model.Transformer;
import org.minpro.rollout.LocalRolloutEngine;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutRequest;
import org.minpro.rollout.SamplingParams;
import org.minpro.tensor.DType;
import org.minpro.tensor.Workers;
import org.minpro.train.PolicyGradient;
import org.minpro.train.TrainingRow;

/** The sampler's log mu is the trainer's log pi to the bit, on every token, whatever is computed beside it. */
@Tag("slow")
class ExactnessTest {
    private static final Map<String, ModelConfig> MODELS = Models.all();

    private static final List<SamplingParams> SAMPLINGS =
            List.of(sampling(1, 0, 1, 0), sampling(0.6, 0, 1, 0), sampling(1.3, 0, 1, 0), sampling(0.6, 10, 0.9, 0.02));

    static SamplingParams sampling(double temperature, int topK, double topP, double minP) {
        return new SamplingParams(temperature, topK, topP, minP, 40, List.of(1), List.of(), false);
    }

    static Stream<Arguments> modelsAndTypes() {
        return Models.pairs(MODELS.keySet(), List.of(DType.F32, DType.BF16)).stream()
                .map(Arguments::of);
    }

    private static void assumeExact(DType type) {
        assumeTrue(Kernels.vectors(), Kernels.reason());
        assumeTrue(Kernels.exact(type), "this processor's products of " + type + " depend on the rows beside them");
    }

    /** Some prompts, one long and one of a single token, with one to five responses each. */
    static List<RolloutRequest> requests(ModelConfig config) {
        Random random = new Random(2);
        List<RolloutRequest> requests = new ArrayList<>();
        for (int i = 0; i < 9; i++) {
            int length = i == 4 ? 130 : 1 + i * 5;
            requests.add(RolloutRequest.of(i, Models.ids(config, random, length), 1 + i % 5));
        }
        return requests;
    }

    static List<Rollout> sampled(
            Transformer model, List<RolloutRequest> requests, SamplingParams params, int slots, int workers) {
        try (Workers pool = new Workers(workers);
                LocalRolloutEngine engine = LocalRolloutEngine.over(model, pool, slots, 42, ids -> "")) {
            List<Rollout> rollouts = new ArrayList<>(engine.generate(requests, params, rollout -> {}));
            rollouts.sort(Comparator.comparingLong(Rollout::draw).thenComparingInt(Rollout::sample));
            return rollouts;
        }
    }

    static float[][] trained(
            Transformer model, List<Rollout> rollouts, double temperature, int microBatchTokens, int workers) {
        List<TrainingRow> rows =
                rollouts.stream().map(rollout -> TrainingRow.of(rollout, 0)).toList();
        try (Workers pool = new Workers(workers);
                PolicyVersion version = new PolicyVersion(0, model)) {
            return new PolicyGradient(new PolicyGradient.Settings(2, microBatchTokens, temperature), pool)
                    .score(version.model(), rows, false)
                    .logProbs();
        }
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("modelsAndTypes")
    void everyTokensLogProbIsTheSameWhenSampledAndWhenTrained(String name, DType type) {
        assumeExact(type);
        ModelConfig config = Objects.requireNonNull(MODELS.get(name));
        sampledIsTrained(config, Models.parameters(config, type));
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("modelsAndTypes")
    void soItIsWithAnAdapter(String name, DType type) {
        assumeExact(type);
        ModelConfig config = Objects.requireNonNull(MODELS.get(name));
        sampledIsTrained(config, Models.adapted(config, type));
    }

    private static void sampledIsTrained(ModelConfig config, Parameters made) {
        try (Parameters parameters = made;
                Transformer model = new Transformer(config, parameters)) {
            assertThat(model.steps()).isInstanceOf(VectorSteps.class);
            for (SamplingParams params : SAMPLINGS) {
                List<Rollout> rollouts = sampled(model, requests(config), params, 16, 2);
                for (int microBatchTokens : new int[] {1, 300, 1 << 20}) {
                    float[][] logProbs = trained(model, rollouts, params.temperature(), microBatchTokens, 2);
                    for (int row = 0; row < logProbs.length; row++) {
                        assertThat(Models.bits(logProbs[row]))
                                .as("row %d of blocks of %d tokens, %s", row, microBatchTokens, params)
                                .isEqualTo(Models.bits(rollouts.get(row).behaviorLogProbs()));
                    }
                }
            }
        }
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("modelsAndTypes")
    void slotsWorkersBatchAndOrderChangeNoBitOfAResponse(String name, DType type) {
        assumeExact(type);
        ModelConfig config = Objects.requireNonNull(MODELS.get(name));
        try (Parameters parameters = Models.parameters(config, type);
                Transformer model = new Transformer(config, parameters)) {
            List<RolloutRequest> requests = requests(config);
            SamplingParams params = sampling(1, 0, 1, 0);
            List<Rollout> expected = sampled(model, requests, params, 16, 1);
            List<RolloutRequest> reversed = new ArrayList<>(requests);
            Collections.reverse(reversed);
            assertThat(sampled(model, reversed, params, 5, 3)).isEqualTo(expected);
            assertThat(sampled(model, requests, params, 64, 2)).isEqualTo(expected);
            RolloutRequest last = requests.getLast();
            assertThat(sampled(model, List.of(last), params, 1, 1))
                    .isEqualTo(expected.subList(expected.size() - last.samples().length, expected.size()));
        }
    }

    /** Rows of more than 8,192 tokens; one prompt of most of them, and one of few. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "BF16"})
    void longRowsAreExactToo(DType type) {
        assumeExact(type);
        ModelConfig config = Objects.requireNonNull(MODELS.get("grouped queries"));
        try (Parameters parameters = Models.parameters(config, type);
                Transformer model = new Transformer(config, parameters)) {
            Random random = new Random(3);
            List<RolloutRequest> requests = List.of(
                    RolloutRequest.of(0, Models.ids(config, random, 8180), 2),
                    RolloutRequest.of(1, Models.ids(config, random, 700), 1));
            SamplingParams params = sampling(1, 0, 1, 0);
            List<Rollout> rollouts = sampled(model, requests, params, 16, 2);
            assertThat(trained(model, rollouts, 1, 1 << 20, 2))
                    .isEqualTo(rollouts.stream().map(Rollout::behaviorLogProbs).toArray(float[][]::new));
        }
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("modelsAndTypes")
    void scoringAWholeRowGivesTheBitsThatSamplingGave(String name, DType type) {
        assumeExact(type);
        ModelConfig config = Objects.requireNonNull(MODELS.get(name));
        try (Parameters parameters = Models.parameters(config, type);
                Transformer model = new Transformer(config, parameters);
                PolicyVersion version = new PolicyVersion(0, model);
                Workers workers = new Workers(2)) {
            SamplingParams params = sampling(0.6, 0, 1, 0);
            for (Rollout rollout : sampled(model, requests(config), params, 16, 2)) {
                int[] ids = Stream.of(rollout.promptIds(), rollout.responseIds())
                        .flatMapToInt(Arrays::stream)
                        .toArray();
                double[] scores = new SequenceScorer(version.model(), workers, 0.6)
                        .score(List.of(ids))
                        .getFirst();
                float[] ofResponse = new float[rollout.length()];
                for (int t = 0; t < ofResponse.length; t++) {
                    ofResponse[t] = (float) scores[rollout.promptIds().length - 1 + t];
                }
                assertThat(ofResponse).isEqualTo(rollout.behaviorLogProbs());
            }
        }
    }

    @Test
    void float64IsComputedByLibtorchsSteps() {
        ModelConfig config = Models.experts();
        try (Parameters parameters = Models.parameters(config, DType.F64);
                Transformer model = new Transformer(config, parameters)) {
            assertThat(model.steps()).isNotInstanceOf(VectorSteps.class);
        }
    }
}
