package org.minpro.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.minpro.tensor.DType;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Philox;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.TestDevice;

class LowRankAdapterTest {
    private static final ModelConfig DENSE = TinyModels.dense();
    private static final ModelConfig EXPERTS = TinyModels.experts();

    private static LowRankAdapter adapter(ModelConfig config, String... targets) {
        return LowRankAdapter.of(config, 3, 6, LowRankAdapter.Variant.LORA, List.of(targets));
    }

    /** A random model with an adapter whose B is random too, so that it changes what the model says. */
    private static Parameters parameters(ModelConfig config, LowRankAdapter adapter, DType type, DType base) {
        Parameters parameters =
                Parameters.zeros(config, ParameterSelection.of(config, adapter), TestDevice.HERE, type, base);
        parameters.initialise(4, 0.2);
        parameters.initialiseAdapter(5);
        try (Scope scope = Scope.open()) {
            int draw = 0;
            for (Map.Entry<String, Tensor> entry : parameters.adapter().entrySet()) {
                if (LowRankAdapter.isUp(entry.getKey())) {
                    int count = Math.toIntExact(entry.getValue().elements());
                    double[] noise = Philox.normals(count, 6, Philox.Purpose.TRIAL, draw++);
                    entry.getValue()
                            .copyInPlace(Tensor.of(
                                            TestDevice.HERE,
                                            noise,
                                            entry.getValue().shape())
                                    .multiply(0.1));
                }
            }
        }
        return parameters;
    }

    private static TokenBlock block() {
        Random random = new Random(6);
        List<int[]> prompts = List.of(ids(random, 7), ids(random, 12));
        List<int[]> responses = List.of(ids(random, 9), ids(random, 1), ids(random, 15), ids(random, 4));
        return new TokenBlock(prompts, new int[] {0, 0, 1, 1}, responses);
    }

    private static int[] ids(Random random, int length) {
        return random.ints(length, 2, 97).toArray();
    }

    private static Tensor weights(TokenBlock block) {
        double[] weights = new double[block.responseTokens()];
        Arrays.setAll(weights, i -> Math.sin(i + 1));
        return Tensor.of(TestDevice.HERE, weights);
    }

    @Test
    void endsOfNamesWholeNamesAndPatternsNameTargets() {
        assertThat(adapter(DENSE, "v_proj", "q_proj").modules())
                .containsExactly(
                        "model.layers.0.self_attn.q_proj",
                        "model.layers.0.self_attn.v_proj",
                        "model.layers.1.self_attn.q_proj",
                        "model.layers.1.self_attn.v_proj");
        assertThat(adapter(DENSE, "model.layers.1.mlp.*").modules())
                .containsExactly(
                        "model.layers.1.mlp.gate_proj", "model.layers.1.mlp.up_proj", "model.layers.1.mlp.down_proj");
        assertThat(adapter(DENSE, "layers.0.self_attn.o_proj").modules())
                .containsExactly("model.layers.0.self_attn.o_proj");
        assertThat(adapter(DENSE, LowRankAdapter.ALL_LINEAR).modules()).hasSize(14);
        assertThat(adapter(EXPERTS, LowRankAdapter.ALL_LINEAR).modules())
                .contains("model.layers.0.mlp.experts.up_proj")
                .noneMatch(name -> name.equals("lm_head") || name.endsWith(".gate"));
        assertThat(adapter(EXPERTS, "gate", "lm_head").modules())
                .containsExactly("model.layers.0.mlp.gate", "model.layers.1.mlp.gate", "lm_head");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "q_prj | the nearest name is q_proj, and there are q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj"
                        + " and all-linear",
                "lm_head | the output head of this model is its embedding, which is no linear map of its own",
                "embed_tokens | an embedding is no linear map",
                "model.layers.7.self_attn.q_proj | the nearest name is model.layers.0.self_attn.q_proj"
            })
    void anUnknownTargetIsRefusedWithTheNearestName(String target, String hint) {
        assertThatThrownBy(() -> adapter(DENSE, "v_proj", target))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("adapter.targets must name linear maps of the model, got: " + target + "; ")
                .hasMessageContaining(hint);
    }

    @Test
    void theScaleIsAlphaByTheRankOrByItsRoot() {
        List<String> all = List.of(LowRankAdapter.ALL_LINEAR);
        assertThat(LowRankAdapter.of(DENSE, 16, 32, LowRankAdapter.Variant.LORA, all)
                        .scale())
                .isEqualTo(2);
        assertThat(LowRankAdapter.of(DENSE, 16, 32, LowRankAdapter.Variant.RSLORA, all)
                        .scale())
                .isEqualTo(8);
    }

    @Test
    void onlyItsOwnParametersAreTrainedAndCounted() {
        LowRankAdapter adapter = adapter(DENSE, "q_proj", "v_proj", "down_proj");
        ParameterSelection selection = ParameterSelection.of(DENSE, adapter);
        // Of each layer: q 32 to 64 and v 32 to 32 with rank 3, down 48 to 32.
        long expected = 2L * 3 * ((32 + 64) + (32 + 32) + (48 + 32));
        assertThat(selection.count()).isEqualTo(expected);
        assertThat(selection.isWhole()).isFalse();
        assertThat(ParameterSelection.of(DENSE, adapter(DENSE, "layers.1.mlp.up_proj"))
                        .lowestLayer())
                .isEqualTo(1);
        try (Parameters parameters = parameters(DENSE, adapter, DType.F32, DType.BF16)) {
            assertThat(parameters.type()).isEqualTo(DType.BF16);
            assertThat(parameters.trainable().values().stream()
                            .mapToLong(Tensor::elements)
                            .sum())
                    .isEqualTo(expected);
            assertThat(parameters.trainable().values()).allMatch(tensor -> tensor.type() == DType.F32);
            assertThat(parameters.trainableNamed().keySet())
                    .hasSize(2 * adapter.modules().size())
                    .contains(
                            "model.layers.0.self_attn.v_proj.lora_A.weight",
                            "model.layers.1.mlp.down_proj.lora_B.weight");
            assertThat(parameters.trainable().keySet())
                    .contains("model.layers.0.self_attn.qkv_proj.lora_A.weight")
                    .noneMatch(name -> parameters.named().containsKey(name));
        }
    }

    @ParameterizedTest
    @CsvSource({"false,all-linear", "false,q_proj v_proj o_proj up_proj", "true,all-linear lm_head gate"})
    void gradientsAreThoseOfAutogradInFloat64(boolean experts, String targets) {
        ModelConfig config = experts ? EXPERTS : DENSE;
        LowRankAdapter adapter = adapter(config, targets.split(" "));
        TokenBlock block = block();
        try (Parameters parameters = parameters(config, adapter, DType.F64, DType.F64);
                Transformer model = new Transformer(config, parameters);
                Parameters leaves = parameters.alias();
                Parameters ofAutograd = parameters.alias();
                GradientSums sums = new GradientSums(DType.F64, leaves, 1);
                WeightGradients gradients = sums.ofBlock(0);
                Scope scope = Scope.open()) {
            Transformer live = model.over(leaves);
            ForwardPass pass = live.record(block);
            LanguageHead.Pass head =
                    new LanguageHead(live, 1).record(pass.hidden(), Tensor.of(TestDevice.HERE, block.targets()), false);
            pass.backward(head.gradient(weights(block), gradients), gradients);

            Transformer recorded = model.over(ofAutograd);
            recorded.outputHead()
                    .apply(ReferenceAttention.hidden(recorded, block))
                    .logSoftmax(1)
                    .gather(1, Tensor.of(TestDevice.HERE, block.targets()).unsqueeze(1))
                    .squeeze(1)
                    .multiply(weights(block))
                    .sum()
                    .backward();
            assertThat(adapter.storedShapes().keySet())
                    .isEqualTo(parameters.trainable().keySet());
            leaves.trainable().keySet().forEach(name -> {
                double[] expected = Objects.requireNonNull(
                                ofAutograd.stored(name).gradient(), name)
                        .doubles();
                assertThat(gradients.sum(name).doubles()).as(name).containsExactly(expected, within(1e-9));
                assertThat(Arrays.stream(expected).anyMatch(number -> Math.abs(number) > 1e-4))
                        .as(name)
                        .isTrue();
            });
        }
    }

    private static double[] logProbs(Transformer model) {
        TokenBlock block = block();
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            return new LanguageHead(model, 1)
                    .logProbs(model.hidden(block), Tensor.of(TestDevice.HERE, block.targets()), false)
                    .logProbs()
                    .doubles();
        }
    }

    @ParameterizedTest
    @CsvSource({"false,LORA", "true,LORA", "false,RSLORA"})
    void unmergedItSaysWhatTheMergedWeightsSay(boolean experts, LowRankAdapter.Variant variant) {
        ModelConfig config = experts ? EXPERTS : DENSE;
        LowRankAdapter adapter = LowRankAdapter.of(config, 3, 6, variant, List.of(LowRankAdapter.ALL_LINEAR));
        try (Parameters parameters = parameters(config, adapter, DType.F64, DType.F64);
                Parameters base = parameters.withoutAdapter(config);
                Transformer model = new Transformer(config, parameters);
                Transformer off = new Transformer(config, base)) {
            double[] with = logProbs(model);
            double[] without = logProbs(off);
            assertThat(with).isNotEqualTo(without);
            // The base shares its memory, so it is merged into last.
            parameters.mergeAdapter();
            assertThat(logProbs(off)).containsExactly(with, within(1e-10));
        }
    }

    @ParameterizedTest
    @CsvSource({"F32,F32", "F32,BF16", "F64,F64"})
    void aNewAdapterChangesNoBitOfWhatTheModelSays(DType type, DType base) {
        LowRankAdapter adapter = adapter(DENSE, LowRankAdapter.ALL_LINEAR);
        try (Parameters parameters =
                        Parameters.zeros(DENSE, ParameterSelection.of(DENSE, adapter), TestDevice.HERE, type, base);
                Parameters without = parameters.withoutAdapter(DENSE);
                Transformer model = new Transformer(DENSE, parameters);
                Transformer off = new Transformer(DENSE, without)) {
            parameters.initialise(4, 0.2);
            parameters.initialiseAdapter(5);
            assertThat(logProbs(model)).isEqualTo(logProbs(off));
            Map<String, double[]> values = new TreeMap<>();
            parameters.adapter().forEach((name, tensor) -> values.put(name, tensor.doubles()));
            double[] down = Objects.requireNonNull(values.get("model.layers.0.mlp.down_proj.lora_A.weight"));
            assertThat(Arrays.stream(down).map(Math::abs).max().orElseThrow()).isLessThanOrEqualTo(1 / Math.sqrt(48));
            assertThat(Arrays.stream(down).map(Math::abs).average().orElseThrow())
                    .isCloseTo(0.5 / Math.sqrt(48), within(0.02));
        }
    }
}
