package org.minpro.model;

import org.jspecify.annotations.Nullable;

/**
 * How a layer makes queries, keys and values of what its projection gave.
 *
 * @param heads of queries
 * @param keyValueHeads of keys and of values; {@code heads / keyValueHeads} neighbours among the queries share one
 * @param headDim numbers of a head
 * @param rotates whether the layer rotates by position
 * @param queryNorm weight {@code [headDim]} of the RMSNorm of each query before rotation, where the model has one
 * @param keyNorm that of each key; there where {@code queryNorm} is
 * @param epsilon of both
 */
public record AttentionHeads(
        int heads,
        int keyValueHeads,
        int headDim,
        boolean rotates,
        @Nullable Parameter queryNorm,
        @Nullable Parameter keyNorm,
        double epsilon) {
    public AttentionHeads {
        if ((queryNorm == null) != (keyNorm == null)) {
            throw new IllegalArgumentException("queries and keys must both have a norm or neither, got: "
                    + (queryNorm == null ? "one of keys alone" : "one of queries alone"));
        }
    }

    static AttentionHeads of(ModelConfig config, Parameters parameters, int layer) {
        String prefix = "model.layers." + layer + ".self_attn.";
        return new AttentionHeads(
                config.heads(),
                config.keyValueHeads(),
                config.headDim(),
                config.isRotated(layer),
                parameters.find(prefix + "q_norm.weight"),
                parameters.find(prefix + "k_norm.weight"),
                config.rmsNormEpsilon());
    }

    /** Numbers of a token's queries, keys and values together. */
    public int width() {
        return (heads + 2 * keyValueHeads) * headDim;
    }
}
