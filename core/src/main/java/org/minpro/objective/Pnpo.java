package org.minpro.objective;

import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * PNPO: prefixes normalised by their length, {@code rbar_t = (rho_1 ... rho_t)^(1/t)}, both as the ratio and as what is clipped (arXiv 2608.01418).
 *
 * <ul>
 *   <li>form {@code clip}: PPO's clip on rbar_t, live in its own token, {@code g_t = A_t rbar_t 1[not clipped]};
 *   <li>form {@code weight}: {@code l_t = -sg(clip(rbar_t, floor, cap)) A_t log pi_theta(y_t)}, {@code g_t = clip(rbar_t, floor, cap) A_t}.
 * </ul>
 *
 * The paper's bounds and how its gradient passes through the prefix were not found: those here are inferred.
 *
 * @param form what the ratio is: a constant weight of log pi (weight) or the ratio in PPO's clip (clip)
 * @param floor in form weight, lower bound of the weight, absolute
 * @param cap in form weight, upper bound of the weight, absolute; .inf for none
 * @param clipLow in form clip, half-width of the window below 1
 * @param clipHigh in form clip, half-width of the window above 1
 */
@Described(
        family = "prefix",
        formula = "max(−Ar̄, −A clip(r̄)) or −sg(clip(r̄)) A log π, r̄ = (ρ₁⋯ρ_t)^(1/t)",
        source = "arXiv 2608.01418")
public record Pnpo(
        @Doc("What the ratio is: a constant weight of log pi (weight) or the ratio in PPO's clip (clip).")
        PrefixForm form,

        @Doc("In form weight, lower bound of the weight, absolute.")
        double floor,

        @Doc("In form weight, upper bound of the weight, absolute; .inf for none.")
        double cap,

        @Doc("In form clip, half-width of the window below 1.")
        double clipLow,

        @Doc("In form clip, half-width of the window above 1.")
        double clipHigh)
        implements Objective {
    public Pnpo {
        ConstantWeight.check(floor, cap);
        ClippedSurrogate.check(clipLow, clipHigh);
    }

    /** PPO's clip with DAPO's window. */
    public Pnpo() {
        this(PrefixForm.CLIP, 0, 5, 0.2, 0.28);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor ratio = RowValues.runningMean(inputs, inputs.ratios().logToken()).exp(); // [batch, time]
        return form.of(inputs, ratio, floor, cap, clipLow, clipHigh);
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }
}
