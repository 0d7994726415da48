package org.minpro.kernels;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.minpro.model.LowRankAdapter;
import org.minpro.model.ModelConfig;
import org.minpro.model.ParameterSelection;
import org.minpro.model.Parameters;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Philox;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/** Small random models of every kind that the steps cover. */
final class Models {
    private static final int VOCABULARY = 97;

    private Models() {}

    /** By a name for the test's report. */
    static Map<String, ModelConfig> all() {
        Map<String, ModelConfig> all = new TreeMap<>();
        all.put("grouped queries", config(ModelConfig.Architecture.LLAMA, 32, 4, 2, 16, 48, false, null, none()));
        all.put("the built-in model's shape", builtin());
        all.put(
                "a middling model's shape",
                config(ModelConfig.Architecture.LLAMA, 576, 9, 3, 64, 1536, false, null, none()));
        all.put(
                "norms of queries and keys, narrow heads",
                config(ModelConfig.Architecture.QWEN3, 40, 6, 2, 10, 56, false, null, none()));
        all.put(
                "biases and yarn",
                config(
                        ModelConfig.Architecture.QWEN2,
                        48,
                        4,
                        1,
                        12,
                        64,
                        true,
                        null,
                        new ModelConfig.RopeScaling.Yarn(4, 64, 32, 1, 1.1, true)));
        all.put(
                "llama3 rotation, one query a key, biases everywhere",
                config(
                        ModelConfig.Architecture.LLAMA,
                        64,
                        4,
                        4,
                        16,
                        96,
                        true,
                        null,
                        new ModelConfig.RopeScaling.Llama3(8, 1, 4, 128)));
        all.put("linear rotation, a layer without", withoutRotation());
        all.put("experts", experts());
        all.put(
                "a dense layer, experts with probabilities as they are",
                config(
                        ModelConfig.Architecture.QWEN3_MOE,
                        32,
                        4,
                        2,
                        16,
                        48,
                        false,
                        new ModelConfig.Moe(5, 3, 24, false, 1, List.of(0)),
                        none()));
        return all;
    }

    static ModelConfig builtin() {
        return new ModelConfig(
                ModelConfig.Architecture.LLAMA,
                19,
                128,
                3,
                4,
                4,
                32,
                336,
                1e-5,
                10_000,
                none(),
                List.of(),
                null,
                1024,
                true,
                false,
                false,
                null,
                DType.F32,
                null,
                List.of(1),
                null);
    }

    static ModelConfig experts() {
        return config(
                ModelConfig.Architecture.QWEN3_MOE,
                32,
                4,
                2,
                16,
                48,
                false,
                new ModelConfig.Moe(6, 2, 24, true, 1, List.of()),
                none());
    }

    /** As SmolLM3: some layers' queries and keys are not rotated. */
    private static ModelConfig withoutRotation() {
        return config(
                ModelConfig.Architecture.SMOLLM3,
                40,
                4,
                2,
                20,
                56,
                false,
                null,
                new ModelConfig.RopeScaling.Linear(2.5),
                List.of(1));
    }

    private static ModelConfig.RopeScaling none() {
        return new ModelConfig.RopeScaling.None();
    }

    private static ModelConfig config(
            ModelConfig.Architecture architecture,
            int hidden,
            int heads,
            int keyHeads,
            int headDim,
            int inner,
            boolean bias,
            ModelConfig.@Nullable Moe moe,
            ModelConfig.RopeScaling rotation) {
        return config(architecture, hidden, heads, keyHeads, headDim, inner, bias, moe, rotation, List.of());
    }

    private static ModelConfig config(
            ModelConfig.Architecture architecture,
            int hidden,
            int heads,
            int keyHeads,
            int headDim,
            int inner,
            boolean bias,
            ModelConfig.@Nullable Moe moe,
            ModelConfig.RopeScaling rotation,
            List<Integer> layersWithoutRotation) {
        return new ModelConfig(
                architecture,
                VOCABULARY,
                hidden,
                2,
                heads,
                keyHeads,
                headDim,
                inner,
                1e-5,
                10_000,
                rotation,
                layersWithoutRotation,
                null,
                4096,
                architecture == ModelConfig.Architecture.LLAMA,
                bias,
                bias && architecture == ModelConfig.Architecture.LLAMA,
                moe,
                DType.F32,
                null,
                List.of(1),
                null);
    }

    /** Random weights, biases and norms too, so that a wrong one shows; closed by the caller. */
    static Parameters parameters(ModelConfig config, DType type) {
        Parameters parameters = Parameters.zeros(config, Device.CPU, type);
        parameters.initialise(7, 1 / Math.sqrt(config.hiddenSize()));
        try (Scope scope = Scope.open()) {
            int draw = 0;
            for (Tensor tensor : parameters.stored().values()) {
                if (tensor.dimensions() == 1) {
                    int count = Math.toIntExact(tensor.elements());
                    Tensor noise = Tensor.of(
                            Device.CPU, Philox.normals(count, 3, Philox.Purpose.TRIAL, draw++), tensor.shape());
                    tensor.addInPlace(noise.multiply(0.2).to(type));
                }
            }
        }
        return parameters;
    }

    /** The same with a float32 adapter beside all linear maps, the router and an untied head too, which changes what the model says. */
    static Parameters adapted(ModelConfig config, DType type) {
        List<String> targets = new ArrayList<>(List.of(LowRankAdapter.ALL_LINEAR));
        if (!config.tieWordEmbeddings()) {
            targets.add("lm_head");
        }
        if (config.moe() != null) {
            targets.add("gate");
        }
        LowRankAdapter adapter = LowRankAdapter.of(config, 5, 8, LowRankAdapter.Variant.RSLORA, targets);
        Parameters parameters =
                Parameters.zeros(config, ParameterSelection.of(config, adapter), Device.CPU, DType.F32, type);
        parameters.initialise(7, 1 / Math.sqrt(config.hiddenSize()));
        parameters.initialiseAdapter(8);
        try (Scope scope = Scope.open()) {
            int draw = 0;
            for (Map.Entry<String, Tensor> entry : parameters.adapter().entrySet()) {
                if (entry.getKey().endsWith("lora_B.weight")) {
                    int count = Math.toIntExact(entry.getValue().elements());
                    double[] noise = Philox.normals(count, 9, Philox.Purpose.TRIAL, draw++);
                    entry.getValue()
                            .copyInPlace(Tensor.of(
                                            Device.CPU, noise, entry.getValue().shape())
                                    .multiply(0.1));
                }
            }
        }
        return parameters;
    }

    /** Token ids of a prompt or a response. */
    static int[] ids(ModelConfig config, Random random, int length) {
        return random.ints(length, 2, config.vocabSize()).toArray();
    }

    /** {@code |a - b| / |b|}. */
    static double distance(double[] a, double[] b) {
        double difference = 0;
        double size = 0;
        for (int i = 0; i < a.length; i++) {
            difference += (a[i] - b[i]) * (a[i] - b[i]);
            size += b[i] * b[i];
        }
        return Math.sqrt(difference / size);
    }

    /** Each of the first with each of the second. */
    static <A, B> List<Object[]> pairs(Iterable<A> first, List<B> second) {
        List<Object[]> pairs = new ArrayList<>();
        for (A one : first) {
            second.forEach(other -> pairs.add(new Object[] {one, other}));
        }
        return pairs;
    }

    static String bits(float[] numbers) {
        int[] bits = new int[numbers.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(numbers[i]);
        }
        return Arrays.toString(bits);
    }
}
