package org.minpro.model;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.Tensor;

/** The part of a layer that works on each token by itself: {@code finish(project(x))}. */
interface FeedForward {
    /**
     * What a backward pass needs beside {@code x}.
     *
     * @param x {@code [tokens, hidden]}
     */
    Tensor project(Tensor x, @Nullable Consumer<Transformer.Routing> listener);

    /** {@code [tokens, hidden]}. */
    Tensor finish(Tensor projected);

    /**
     * Adds the gradients of the weights and returns {@code dL/dx}.
     *
     * @param upstream {@code dL/dfinish(project(x))}
     */
    Tensor backward(Tensor x, Tensor projected, Tensor upstream, WeightGradients gradients);
}
