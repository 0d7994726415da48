package org.minpro.model;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.DType;
import org.minpro.tensor.TestDevice;

/** Small random models for tests, with weights large enough that a wrong one shows. */
public final class TinyModels {
    private TinyModels() {}

    public static ModelConfig dense() {
        return config(ModelConfig.Architecture.LLAMA, null, 97);
    }

    public static ModelConfig dense(int vocabulary) {
        return config(ModelConfig.Architecture.LLAMA, null, vocabulary);
    }

    public static ModelConfig experts() {
        return config(ModelConfig.Architecture.QWEN3_MOE, new ModelConfig.Moe(6, 2, 24, true, 1, List.of()), 97);
    }

    /** A dense model of other attention heads. */
    public static ModelConfig heads(int heads, int keyValueHeads, int headDim) {
        return config(ModelConfig.Architecture.LLAMA, null, 97, heads, keyValueHeads, headDim);
    }

    private static ModelConfig config(
            ModelConfig.Architecture architecture, ModelConfig.@Nullable Moe moe, int vocabulary) {
        return config(architecture, moe, vocabulary, 4, 2, 16);
    }

    private static ModelConfig config(
            ModelConfig.Architecture architecture,
            ModelConfig.@Nullable Moe moe,
            int vocabulary,
            int heads,
            int keyValueHeads,
            int headDim) {
        return new ModelConfig(
                architecture,
                vocabulary,
                32,
                2,
                heads,
                keyValueHeads,
                headDim,
                48,
                1e-5,
                10_000,
                new ModelConfig.RopeScaling.None(),
                List.of(),
                null,
                512,
                architecture == ModelConfig.Architecture.LLAMA,
                false,
                false,
                moe,
                DType.F32,
                null,
                List.of(1),
                null);
    }

    /** A model with its own parameters, which the caller closes. */
    public static Transformer random(ModelConfig config, DType type, long seed) {
        Parameters parameters = Parameters.zeros(config, TestDevice.HERE, type);
        parameters.initialise(seed, 0.2);
        return new Transformer(config, parameters);
    }
}
