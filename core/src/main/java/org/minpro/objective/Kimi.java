package org.minpro.objective;

import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * Kimi k1.5's loss, and DRO's: {@code l_t = -A_t log pi_theta(y_t) + (tau / 2) (log r_t)^2} (arXiv 2501.12599; DRO, arXiv 2405.19107,
 * writes beta for tau).
 *
 * <p>Gradient coefficient {@code g_t = A_t - tau log r_t}. The clamp of the log ratio does not stop the gradient.
 *
 * @param tau how strongly the policy is held to the one that it is compared with
 */
@Described(family = "penalty", formula = "−A log π + (τ/2)(log ρ)²", source = "arXiv 2501.12599; verl, loss mode dro")
public record Kimi(
        @Doc("How strongly the policy is held to the one that it is compared with.")
        double tau) implements Objective {
    public Kimi {
        Rule.notNegative("tau", tau);
    }

    /** 0.1, the paper's; DRO names none. */
    public Kimi() {
        this(0.1);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor d = inputs.ratios().logToken(); // [batch, time]
        Tensor live = inputs.logProbs().subtract(inputs.frozenLogProbs()).add(d);
        return new ObjectiveResult(
                live.square().multiply(tau / 2).subtract(inputs.advantages().multiply(inputs.logProbs())));
    }
}
