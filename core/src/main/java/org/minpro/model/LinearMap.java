package org.minpro.model;

import org.jspecify.annotations.Nullable;
import org.minpro.tensor.Tensor;

/** How {@code x W^T + b} is computed: from the weights as they are, or as they were packed ({@link PackedWeights}). */
@FunctionalInterface
interface LinearMap {
    LinearMap PLAIN = (x, weight, bias) -> bias == null ? x.linear(weight) : x.linear(weight, bias);

    /**
     * @param x {@code [tokens, in]}
     * @param weight {@code [out, in]}
     * @param bias {@code [out]}, or null
     * @return {@code [tokens, out]}
     */
    Tensor apply(Tensor x, Tensor weight, @Nullable Tensor bias);

    /** A weight as it was packed, or null where products are computed from it as it is. */
    default @Nullable PackedMatrix packed(Tensor weight) {
        return null;
    }

    /** How the same is computed with weights that are not trained, which several versions of a model share. */
    default LinearMap ofFrozen() {
        return this;
    }
}
