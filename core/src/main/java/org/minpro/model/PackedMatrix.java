package org.minpro.model;

import org.jspecify.annotations.Nullable;
import org.minpro.tensor.Tensor;

/** A weight matrix in the layout that a product's kernels read: a copy, which does not follow later changes of the weight. */
public interface PackedMatrix extends AutoCloseable {
    /**
     * {@code x weight^T + bias}, {@code [rows, out]}; to be called without gradients. A row has the same bits beside any
     * others.
     *
     * @param x {@code [rows, in]}
     * @param bias {@code [out]}, or null
     */
    Tensor linear(Tensor x, @Nullable Tensor bias);

    @Override
    void close();
}
