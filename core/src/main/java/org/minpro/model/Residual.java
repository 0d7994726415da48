package org.minpro.model;

import org.jspecify.annotations.Nullable;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * Hidden states between two layers, {@code x + delta}: the next norm adds the two on its way.
 *
 * @param x {@code [tokens, hidden]}
 * @param delta what the last layer adds to it, of the same shape; null where nothing is to be added
 */
record Residual(Tensor x, @Nullable Tensor delta) {
    /** The sum and its norm; {@code delta} is used up. */
    ModelSteps.Sum normed(ModelSteps steps, Parameter weight, double epsilon) {
        return delta == null
                ? new ModelSteps.Sum(x, steps.norm(x, weight, epsilon))
                : steps.addNorm(x, delta, weight, epsilon);
    }

    /** The sum in memory of its own, or {@code x} itself. */
    Tensor sum() {
        return delta == null ? x : x.add(delta);
    }

    /** Moves both to the scope around this one. */
    Residual keptBy(Scope scope) {
        return new Residual(scope.keep(x), delta == null ? null : scope.keep(delta));
    }
}
