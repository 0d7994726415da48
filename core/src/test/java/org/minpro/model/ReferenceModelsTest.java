package org.minpro.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.minpro.model.ModelConfig.Moe;
import org.minpro.model.ModelConfig.RopeScaling;
import org.minpro.tensor.DType;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.TestDevice;
import tools.jackson.databind.JsonNode;

/** The forward and backward pass against transformers, on checkpoints of every architecture. */
class ReferenceModelsTest {
    static final List<String> NAMES = ReferenceModel.NAMES;

    @ParameterizedTest
    @FieldSource("NAMES")
    void logProbsAreThoseOfTransformers(String name) {
        ReferenceModel reference = ReferenceModel.of(name);
        for (DType type : List.of(DType.F32, DType.F64)) {
            // float64 says that the formula is the same; what is left is the rotary table's own rounding.
            double tolerance = type == DType.F32 ? 1e-4 : 1e-5;
            try (Transformer model = reference.load(type);
                    Parameters parameters = model.parameters()) {
                for (int sequence = 0; sequence < 2; sequence++) {
                    double[] expected = reference.logProbs(sequence);
                    double[] actual = logProbs(model, reference.sequence(sequence));
                    assertThat(actual).hasSameSizeAs(expected).hasSizeGreaterThanOrEqualTo(127);
                    for (int i = 0; i < expected.length; i++) {
                        assertThat(Math.abs(actual[i] - expected[i]))
                                .as("%s, %s, sequence %d, token %d", name, type, sequence, i + 1)
                                .isLessThanOrEqualTo(tolerance * Math.max(1, Math.abs(expected[i])));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @FieldSource("NAMES")
    void greedyTokensAreThoseOfTransformers(String name) {
        ReferenceModel reference = ReferenceModel.of(name);
        JsonNode greedy = reference.reference().get("greedy");
        int[] expected = ReferenceModel.ids(greedy.get("ids"));
        assertThat(Arrays.stream(expected).distinct().count()).isGreaterThanOrEqualTo(16);
        try (Transformer model = reference.load(DType.F32);
                Parameters parameters = model.parameters()) {
            assertThat(greedy(model, ReferenceModel.ids(greedy.get("prompt")), expected.length))
                    .containsExactly(expected);
        }
    }

    static int[] greedy(Transformer model, int[] prompt, int count) {
        int[] ids = new int[count];
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open();
                KeyValueCache.Prefix prefix = model.prefill(prompt);
                KeyValueCache cache = model.cache(1, prompt.length + count, count)) {
            cache.fill(0, prefix);
            Tensor hidden = prefix.lastHidden();
            for (int t = 0; t < count; t++) {
                ids[t] = (int) model.logits(hidden).argmax(1, false).longs()[0];
                hidden = model.decode(cache, new int[1], new long[] {ids[t]}, new long[] {prompt.length + t});
            }
        }
        return ids;
    }

    @ParameterizedTest
    @FieldSource("NAMES")
    void gradientsAreThoseOfTransformers(String name) {
        ReferenceModel reference = ReferenceModel.of(name);
        try (Transformer model = reference.load(DType.F32);
                Parameters parameters = model.parameters();
                Scope scope = Scope.open()) {
            Map<String, double[]> actual = gradients(model, reference.sequence(0));
            try (SafetensorsFile file = SafetensorsFile.open(reference.folder().resolve("gradients.safetensors"))) {
                assertThat(actual.keySet()).isEqualTo(file.header().tensors().keySet());
                for (String tensor : actual.keySet()) {
                    double[] expected = file.read(tensor).doubles();
                    double[] difference =
                            Objects.requireNonNull(actual.get(tensor)).clone();
                    for (int i = 0; i < expected.length; i++) {
                        difference[i] -= expected[i];
                    }
                    assertThat(norm(difference)).as("%s: %s", name, tensor).isLessThanOrEqualTo(1e-3 * norm(expected));
                }
            }
        }
    }

    /** Gradients of the mean log-prob of all tokens but the first, under the names of a checkpoint. */
    private static Map<String, double[]> gradients(Transformer model, int[] ids) {
        Map<String, double[]> result = new TreeMap<>();
        try (Parameters leaves = model.parameters().alias();
                GradientSums sums = new GradientSums(DType.F32, leaves, 1);
                WeightGradients ofBlock = sums.ofBlock(0);
                Parameters gradients = Parameters.zeros(model.config(), TestDevice.HERE, DType.F32)) {
            Transformer live = model.over(leaves);
            TokenBlock block = block(ids);
            ForwardPass pass = live.record(block);
            LanguageHead.Pass head =
                    new LanguageHead(live, 1).record(pass.hidden(), Tensor.of(TestDevice.HERE, block.targets()), false);
            Tensor upstream =
                    Tensor.full(TestDevice.HERE, DType.F32, 1.0 / block.responseTokens(), block.responseTokens());
            pass.backward(head.gradient(upstream, ofBlock), ofBlock);
            ofBlock.end();
            sums.end();
            sums.takeSums().forEach((name, sum) -> {
                gradients.stored(name).copyInPlace(sum);
                sum.close();
            });
            gradients.named().forEach((name, gradient) -> {
                int experts = name.indexOf(".mlp.experts.") + ".mlp.experts.".length();
                if (!name.contains(".mlp.experts.")) {
                    result.put(name, gradient.doubles());
                }
                for (int e = 0; name.contains(".mlp.experts.") && e < gradient.size(0); e++) {
                    result.put(
                            name.substring(0, experts) + e + "." + name.substring(experts),
                            gradient.select(0, e).doubles());
                }
            });
        }
        return result;
    }

    private static double norm(double[] values) {
        return Math.sqrt(Arrays.stream(values).map(v -> v * v).sum());
    }

    @ParameterizedTest
    @FieldSource("NAMES")
    void leavingOutAnyTensorIsSeen(String name) {
        ReferenceModel reference = ReferenceModel.of(name);
        int[] ids = reference.sequence(0);
        try (Transformer model = reference.load(DType.F32);
                Parameters parameters = model.parameters();
                Scope scope = Scope.open()) {
            double[] whole = logProbs(model, ids);
            parameters.named().forEach((tensor, values) -> {
                List<Tensor> parts = new ArrayList<>();
                if (tensor.contains(".mlp.experts.")) {
                    for (long expert = 0; expert < values.size(0); expert++) {
                        parts.add(values.select(0, expert));
                    }
                } else {
                    parts.add(values);
                }
                for (int part = 0; part < parts.size(); part++) {
                    Tensor left = parts.get(part);
                    Tensor saved = left.copy();
                    left.fillInPlace(tensor.endsWith("norm.weight") ? 1 : 0);
                    assertThat(largestDifference(whole, logProbs(model, ids)))
                            .as("%s without %s, part %d", name, tensor, part)
                            .isGreaterThan(1e-2);
                    left.copyInPlace(saved);
                }
            });
            assertThat(logProbs(model, ids)).containsExactly(whole);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "llama-llama3-scaling-tied",
                "llama-linear-scaling",
                "llama-yarn",
                "mistral-yarn",
                "qwen2-yarn",
                "qwen3-yarn",
                "qwen3-moe-yarn",
                "smollm3-yarn"
            })
    void leavingOutTheRotaryScalingIsSeen(String name) {
        ModelConfig config =
                HuggingFaceReader.open(ReferenceModel.of(name).folder()).config();
        assertThat(config.ropeScaling()).isNotInstanceOf(RopeScaling.None.class);
        differs(name, new RopeScaling.None(), config.layersWithoutRotation());
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama-yarn", "mistral-yarn", "qwen2-yarn", "qwen3-yarn", "qwen3-moe-yarn", "smollm3-yarn"})
    void leavingOutYarnsAttentionFactorIsSeen(String name) {
        ModelConfig config =
                HuggingFaceReader.open(ReferenceModel.of(name).folder()).config();
        RopeScaling.Yarn yarn = (RopeScaling.Yarn) config.ropeScaling();
        RopeScaling plain = new RopeScaling.Yarn(
                yarn.factor(), yarn.originalMaxPositions(), yarn.betaFast(), yarn.betaSlow(), 1, yarn.truncate());
        differs(name, plain, config.layersWithoutRotation());
    }

    @ParameterizedTest
    @CsvSource({"smollm3, 3", "smollm3-yarn, 0"})
    void rotatingALayerWithoutRotationIsSeen(String name, int layer) {
        ModelConfig config =
                HuggingFaceReader.open(ReferenceModel.of(name).folder()).config();
        assertThat(config.layersWithoutRotation()).containsExactly(layer);
        differs(name, config.ropeScaling(), List.of());
    }

    /** The model of a folder with another rotation must not give the folder's log-probabilities. */
    private static void differs(String name, RopeScaling scaling, List<Integer> layersWithoutRotation) {
        ReferenceModel reference = ReferenceModel.of(name);
        try (Transformer model = reference.load(DType.F32);
                Parameters parameters = model.parameters()) {
            ModelConfig config = model.config();
            ModelConfig other = new ModelConfig(
                    config.architecture(),
                    config.vocabSize(),
                    config.hiddenSize(),
                    config.layers(),
                    config.heads(),
                    config.keyValueHeads(),
                    config.headDim(),
                    config.intermediateSize(),
                    config.rmsNormEpsilon(),
                    config.ropeTheta(),
                    scaling,
                    layersWithoutRotation,
                    config.slidingWindow(),
                    config.maxPositions(),
                    config.tieWordEmbeddings(),
                    config.attentionBias(),
                    config.mlpBias(),
                    config.moe(),
                    config.storedDType(),
                    config.bosId(),
                    config.eosIds(),
                    config.padId());
            try (Transformer without = new Transformer(other, parameters)) {
                assertThat(largestDifference(reference.logProbs(0), logProbs(without, reference.sequence(0))))
                        .isGreaterThan(1e-2);
            }
        }
    }

    @Test
    void llama3ScalingTouchesEveryBand() {
        ModelConfig config = HuggingFaceReader.open(
                        ReferenceModel.of("llama-llama3-scaling-tied").folder())
                .config();
        RopeScaling.Llama3 scaling = (RopeScaling.Llama3) config.ropeScaling();
        int kept = 0;
        int divided = 0;
        int between = 0;
        for (int i = 0; i < config.headDim() / 2; i++) {
            double wavelength = 2 * Math.PI * Math.pow(config.ropeTheta(), 2.0 * i / config.headDim());
            if (wavelength < scaling.originalMaxPositions() / scaling.highFrequencyFactor()) {
                kept++;
            } else if (wavelength > scaling.originalMaxPositions() / scaling.lowFrequencyFactor()) {
                divided++;
            } else {
                between++;
            }
        }
        assertThat(List.of(kept, between, divided)).allMatch(count -> count > 0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"qwen3-moe", "qwen3-moe-mixed-layers", "qwen3-moe-yarn"})
    void routerLoadsAreThoseOfTransformers(String name) {
        ReferenceModel reference = ReferenceModel.of(name);
        Map<Integer, long[]> loads = new TreeMap<>();
        Map<Integer, Double> entropies = new TreeMap<>();
        int[] ids = reference.sequence(0);
        try (Transformer model = reference.load(DType.F32);
                Parameters parameters = model.parameters();
                Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Moe moe = Objects.requireNonNull(model.config().moe());
            model.onRouting(routing -> {
                long[] load = new long[moe.experts()];
                for (long expert : routing.chosen().longs()) {
                    load[(int) expert]++;
                }
                assertThat(Arrays.stream(load).sum()).isEqualTo((long) ids.length * moe.expertsPerToken());
                loads.put(routing.layer(), load);
                double[] probabilities = routing.probabilities().doubles();
                entropies.put(
                        routing.layer(),
                        -Arrays.stream(probabilities).map(p -> p * Math.log(p)).sum() / ids.length);
            });
            // The last token of a response is predicted but not read: one more makes the model read all of them.
            model.hidden(block(Arrays.copyOf(ids, ids.length + 1)));
        }
        JsonNode router = reference.reference().get("router");
        assertThat(loads.keySet().stream().map(String::valueOf)).containsExactlyElementsOf(router.propertyNames());
        loads.forEach((layer, load) -> {
            JsonNode expected = router.get(String.valueOf(layer));
            assertThat(Arrays.stream(load).asDoubleStream().toArray())
                    .as("%s, layer %d", name, layer)
                    .containsExactly(ReferenceModel.doubles(expected.get("load")));
            assertThat(entropies.get(layer)).isCloseTo(expected.get("entropy").doubleValue(), within(1e-5));
        });
    }

    private static TokenBlock block(int[] ids) {
        return TokenBlock.of(new int[] {ids[0]}, Arrays.copyOfRange(ids, 1, ids.length));
    }

    static double[] logProbs(Transformer model, int[] ids) {
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            TokenBlock block = block(ids);
            return model.hidden(block)
                    .linear(model.head())
                    .logSoftmax(1)
                    .gather(1, Tensor.of(TestDevice.HERE, block.targets()).unsqueeze(1))
                    .doubles();
        }
    }

    private static double largestDifference(double[] first, double[] second) {
        double largest = 0;
        for (int i = 0; i < first.length; i++) {
            largest = Math.max(largest, Math.abs(first[i] - second[i]));
        }
        return largest;
    }
}
