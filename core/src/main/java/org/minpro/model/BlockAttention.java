package org.minpro.model;

import org.jspecify.annotations.Nullable;
import org.minpro.tensor.Tensor;

/** Attention over a block's sequences, with its way back; made by {@link ModelSteps#attention}. */
public interface BlockAttention {
    /**
     * What the tokens found.
     *
     * @param output {@code [tokens, heads * headDim]}
     * @param logSumExp of each query's scores, as the way back of the same steps wants them; null where it does not
     */
    record Attended(Tensor output, @Nullable Tensor logSumExp) {}

    /** @param queryKeyValue {@code [tokens, heads or keyValueHeads, headDim]} each, rotated */
    Attended forward(Tensor[] queryKeyValue);

    /**
     * The gradients of queries, keys and values, of their shapes and type.
     *
     * @param upstream {@code dL/doutput}, in that type or in the model's
     * @param attended what {@link #forward} gave, its output in either type
     */
    Tensor[] backward(Tensor upstream, Tensor[] queryKeyValue, Attended attended);
}
