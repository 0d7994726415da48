package org.minpro.objective;

import org.minpro.tensor.Tensor;

/**
 * The policy gradient without correction: {@code l_t = -A_t log pi_theta(y_t)} (Williams 1992).
 *
 * <p>Gradient coefficient {@code g_t = A_t}. On rollouts of an older policy it is biased: every weight is 1.
 */
@Described(family = "weight", formula = "−A log π", source = "Williams 1992")
public record Reinforce() implements Objective {
    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor ones = Tensor.ones(
                inputs.mask().device(), inputs.mask().type(), inputs.mask().shape());
        return ConstantWeight.of(inputs, ones);
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }
}
