package org.minpro.objective;

import org.minpro.config.Doc;

/**
 * CISPO: token ratios as clipped constant weights, {@code l_t = -sg(clip(r_t, floor, cap)) A_t log pi_theta(y_t)},
 * {@code r_t = pi_theta(y_t) / mu(y_t)} (MiniMax-M1, arXiv 2506.13585, eq. 4).
 *
 * <p>Gradient coefficient {@code g_t = clip(r_t, floor, cap) A_t}: no token ever loses its gradient.
 *
 * @param floor lower bound of the weight, absolute. The paper uses none
 * @param cap upper bound of the weight, absolute ({@code 1 + eps_high}). The paper tunes it without giving a number;
 *     5 is ScaleRL's (arXiv 2510.13786) and the documented choice of TRL
 */
@Described(family = "weight", formula = "−sg(clip(ρ)) A log π", source = "arXiv 2506.13585")
public record Cispo(
        @Doc("Lower bound of the weight, absolute. The paper uses none.")
        double floor,

        @Doc("Upper bound of the weight, absolute (1 + eps_high); .inf for none.")
        double cap)
        implements Objective {
    public Cispo {
        ConstantWeight.check(floor, cap);
    }

    /** Weights between 0 and 5. */
    public Cispo() {
        this(0, 5);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        return ConstantWeight.of(inputs, inputs.ratios().token(), floor, cap);
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }
}
