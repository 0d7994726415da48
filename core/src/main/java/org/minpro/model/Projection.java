package org.minpro.model;

import org.jspecify.annotations.Nullable;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * A named linear map of a model, {@code x W^T + b} and what an adapter adds ({@link LowRankMap}), with its gradient written
 * out.
 *
 * <p>Every product with weights is one of these, whether of attention, feed-forward, an expert, the router or the output
 * head. So whatever changes such a map, as an adapter does, has one place.
 */
final class Projection {
    /** Rows of the weight whose gradient is computed at once: the gradient of all takes as much memory as the weight. */
    private static final long SLICE = 8192;

    private final Parameter weight;
    private final @Nullable Parameter bias;
    private final @Nullable Integer expert;
    private final LinearMap map;
    private final ModelSteps steps;
    private final @Nullable LowRankMap adapter;

    private Projection(Parameters parameters, String name, @Nullable Integer expert, ModelSteps steps, LinearMap map) {
        this.expert = expert;
        this.steps = steps;
        weight = parameters.parameter(name + ".weight");
        this.map = weight.trainable() ? map : map.ofFrozen();
        adapter = LowRankMap.of(parameters, name, expert, steps, map);
        bias = parameters.find(name + ".bias");
    }

    /** @param name its parameters are {@code name.weight} and, where the model has one, {@code name.bias} */
    static Projection of(Parameters parameters, String name, ModelSteps steps, LinearMap map) {
        return new Projection(parameters, name, null, steps, map);
    }

    /** One expert's map; the weights of all experts are stacked in {@code name.weight}, {@code [experts, out, in]}. */
    static Projection ofExpert(Parameters parameters, String name, int expert, ModelSteps steps, LinearMap map) {
        return new Projection(parameters, name, expert, steps, map);
    }

    /** {@code [tokens, in]} to {@code [tokens, out]}. */
    Tensor apply(Tensor x) {
        Tensor y = map.apply(x, weight(), bias == null ? null : bias.tensor());
        if (adapter != null) {
            adapter.addTo(x, y);
        }
        return y;
    }

    /** {@code W}, {@code [out, in]}. */
    Tensor weight() {
        return part(weight.tensor());
    }

    /** The expert's matrix of a stack; the matrix itself where there is no stack. */
    private Tensor part(Tensor stack) {
        return expert == null ? stack : stack.select(0, expert);
    }

    /**
     * Adds {@code dL/dW = u^T x} and {@code dL/db = sum u} where they are trained, and the adapter's gradients, and returns
     * {@code dL/dx}, {@code u W} and what comes through the adapter.
     *
     * @param x {@code [tokens, in]}
     * @param upstream {@code u}, {@code [tokens, out]}
     */
    Tensor backward(Tensor x, Tensor upstream, WeightGradients gradients) {
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            // Before anything is added, which may have to wait for other blocks.
            Tensor toX = upstream.matrixProduct(weight());
            if (weight.trainable()) {
                addWeightGradient(x, upstream, gradients);
            }
            if (bias != null && bias.trainable()) {
                gradients.add(bias.name(), upstream.sum(0, false));
            }
            if (adapter != null) {
                adapter.backward(x, upstream, toX, gradients);
            }
            return scope.keep(toX);
        }
    }

    private void addWeightGradient(Tensor x, Tensor upstream, WeightGradients gradients) {
        long rows = upstream.size(1);
        if (expert == null && rows <= SLICE) {
            gradients.add(weight.name(), upstream.transposed().matrixProduct(x), steps::addGradient);
            return;
        }
        Tensor sum = part(gradients.sum(weight.name()));
        for (long start = 0; start < rows; start += SLICE) {
            long length = Math.min(SLICE, rows - start);
            try (Scope scope = Scope.open()) {
                steps.addGradient(
                        sum.narrow(0, start, length),
                        upstream.narrow(1, start, length).transposed().matrixProduct(x));
            }
        }
    }
}
