package org.minpro.objective;

import org.minpro.config.Doc;

/**
 * The full prefix product as clipped constant weight: {@code l_t = -sg(clip(rho_1 ... rho_t, floor, cap)) A_t log
 * pi_theta(y_t)}.
 *
 * <p>Gradient coefficient {@code g_t = clip(rho_1 ... rho_t, floor, cap) A_t}. Without bounds it is the unbiased
 * off-policy gradient, with a variance that grows exponentially in t; MinPRO (arXiv 2601.22718) is measured against it.
 *
 * @param floor lower bound of the weight, absolute
 * @param cap upper bound of the weight, absolute; by default that of {@link Cispo}, as docs/study.md has it
 */
@Described(family = "prefix", formula = "−sg(clip(ρ₁⋯ρ_t)) A log π", source = "arXiv 2601.22718")
public record PrefixRatio(
        @Doc("Lower bound of the weight, absolute.") double floor,

        @Doc("Upper bound of the weight, absolute; .inf for none.")
        double cap)
        implements Objective {
    public PrefixRatio {
        ConstantWeight.check(floor, cap);
    }

    /** Weights between 0 and 5. */
    public PrefixRatio() {
        this(0, 5);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        return ConstantWeight.of(inputs, inputs.ratios().prefix(), floor, cap);
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }
}
