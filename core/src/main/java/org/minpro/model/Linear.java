package org.minpro.model;

import org.jspecify.annotations.Nullable;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Tensor;

/** {@code x W^T + b} with its gradient written out. */
final class Linear {
    private final String name;
    private final Tensor weight;
    private final @Nullable Tensor bias;
    private final LinearMap map;

    /** @param name of the projection; its parameters are {@code name.weight} and, where the model has one, {@code name.bias} */
    Linear(Parameters parameters, String name, LinearMap map) {
        this.name = name;
        this.map = map;
        weight = parameters.stored(name + ".weight");
        bias = parameters.stored().get(name + ".bias");
    }

    Tensor apply(Tensor x) {
        return map.apply(x, weight, bias);
    }

    /**
     * Adds {@code dL/dW = u^T x} and {@code dL/db = sum u}, and returns {@code dL/dx = u W}.
     *
     * @param x {@code [tokens, in]}
     * @param upstream {@code u}, {@code [tokens, out]}
     */
    Tensor backward(Tensor x, Tensor upstream, WeightGradients gradients) {
        try (NoGradient off = NoGradient.open()) {
            gradients.add(name + ".weight", upstream.transposed().matrixProduct(x));
            if (bias != null) {
                gradients.add(name + ".bias", upstream.sum(0, false));
            }
            return upstream.matrixProduct(weight);
        }
    }
}
