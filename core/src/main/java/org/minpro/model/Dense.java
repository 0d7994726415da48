package org.minpro.model;

import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.Tensor;

/** {@code down(silu(gate x) * up x)}. */
final class Dense implements FeedForward {
    private final Projection gateUp;
    private final Projection down;

    Dense(Projection gateUp, Projection down) {
        this.gateUp = gateUp;
        this.down = down;
    }

    @Override
    public Tensor project(Tensor x, @Nullable Consumer<Transformer.Routing> listener) {
        return gateUp.apply(x);
    }

    @Override
    public Tensor finish(Tensor projected) {
        return down.apply(gated(projected));
    }

    @Override
    public Tensor backward(Tensor x, Tensor projected, Tensor upstream, WeightGradients gradients) {
        Tensor leaf = projected.detach().requireGradient();
        Tensor gated = gated(leaf);
        gated.backward(down.backward(gated, upstream, gradients));
        return gateUp.backward(x, Objects.requireNonNull(leaf.gradient()), gradients);
    }

    /** {@code silu(gate) * up} of the two side by side, {@code [tokens, 2 * inner]}. */
    static Tensor gated(Tensor gateUp) {
        long inner = gateUp.size(1) / 2;
        Tensor[] halves = gateUp.split(1, inner, inner);
        return halves[0].silu().multiply(halves[1]);
    }
}
