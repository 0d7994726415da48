package org.minpro.objective;

import java.util.Map;
import org.minpro.tensor.Tensor;

/**
 * The form that MinPRO, CISPO and the full prefix ratio share: {@code l_t = -sg(clip(w_t, floor, cap)) A_t log
 * pi_theta(y_t)}, a clipped importance weight held constant, so that no token ever loses its gradient.
 */
final class ConstantWeight {
    private ConstantWeight() {}

    static void check(double floor, double cap) {
        if (!(floor >= 0 && Double.isFinite(floor))) {
            throw new IllegalArgumentException("floor must be >= 0 and finite, got: " + floor);
        }
        if (!(cap > 0 && cap >= floor)) {
            throw new IllegalArgumentException(
                    "cap must be > 0 and >= floor (" + floor + "); .inf is no cap, got: " + cap);
        }
    }

    /** {@code weights}: constants, {@code [batch, time]}, that have no bounds of their own. */
    static ObjectiveResult of(ObjectiveInputs inputs, Tensor weights) {
        Tensor losses = weights.multiply(inputs.advantages())
                .multiply(inputs.logProbs())
                .negate();
        return new ObjectiveResult(losses, weights, Map.of(), Map.of());
    }

    /** Weights that are 0 at the dropped tokens, which stay in the denominator. */
    static ObjectiveResult masked(ObjectiveInputs inputs, Tensor weights, Tensor dropped) {
        ObjectiveResult result = of(inputs, weights.maskedFill(dropped, 0));
        return new ObjectiveResult(
                result.tokenLosses(), result.weights(), Map.of("mask/dropped", dropped.to(weights.type())), Map.of());
    }

    /** {@code ratio}: constants, {@code [batch, time]}. */
    static ObjectiveResult of(ObjectiveInputs inputs, Tensor ratio, double floor, double cap) {
        Tensor weights = ratio.clamp(floor, cap); // [batch, time]
        Tensor losses = weights.multiply(inputs.advantages())
                .multiply(inputs.logProbs())
                .negate();
        return new ObjectiveResult(
                losses,
                weights,
                Map.of(
                        "weight/at_floor",
                        ratio.less(floor).to(ratio.type()),
                        "weight/at_cap",
                        ratio.greater(cap).to(ratio.type())),
                Map.of());
    }
}
