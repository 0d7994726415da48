package org.minpro.model;

import org.minpro.tensor.Tensor;

/** Attention over a block's sequences, with its way back; made by {@link ModelSteps#attention}. */
public interface BlockAttention {
    /**
     * What the tokens found.
     *
     * @param output {@code [tokens, heads * headDim]}
     * @param logSumExp of each query's scores, as the way back of the same steps wants them
     */
    record Attended(Tensor output, Tensor logSumExp) {}

    /** @param queryKeyValue {@code [tokens, heads or keyValueHeads, headDim]} each, rotated */
    Attended forward(Tensor[] queryKeyValue);

    /**
     * The gradients of queries, keys and values, of their shapes.
     *
     * @param upstream {@code dL/doutput}
     */
    Tensor[] backward(Tensor upstream, Tensor[] queryKeyValue, Attended attended);
}
