package org.minpro.model;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Tensor;

/** {@code down(silu(gate x) * up x)}. */
final class Dense implements FeedForward {
    private final Projection gateUp;
    private final Projection down;

    private final ModelSteps steps;

    Dense(Projection gateUp, Projection down, ModelSteps steps) {
        this.gateUp = gateUp;
        this.down = down;
        this.steps = steps;
    }

    @Override
    public Tensor project(Tensor x, @Nullable Consumer<Transformer.Routing> listener) {
        return gateUp.apply(x);
    }

    @Override
    public Tensor finish(Tensor projected) {
        return down.apply(steps.gate(projected));
    }

    @Override
    public Tensor backward(Tensor x, Tensor projected, Tensor upstream, WeightGradients gradients) {
        Tensor gated;
        try (NoGradient off = NoGradient.open()) {
            gated = steps.gate(projected);
        }
        Tensor toGated = down.backward(gated, upstream, gradients);
        return gateUp.backward(x, steps.gateBackward(projected, toGated), gradients);
    }
}
