package org.minpro.tensor;

import org.jspecify.annotations.Nullable;

/** One way to compute {@link FlashAttention}, whose shapes these are; without gradients. */
interface AttentionKernel {
    /**
     * Attention.
     *
     * @param mask added to the scores, {@code [batch, 1, 1, keys]}; excludes {@code causal}
     */
    FlashAttention.Result forward(Tensor query, Tensor key, Tensor value, @Nullable Tensor mask, boolean causal);

    /** Its way back, given the result over all keys that a query saw. */
    FlashAttention.Gradient backward(
            Tensor upstream,
            Tensor query,
            Tensor key,
            Tensor value,
            FlashAttention.Result result,
            @Nullable Tensor mask,
            boolean causal);

    /** What computes, for reports. */
    String description();
}
