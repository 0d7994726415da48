package org.minpro.objective;

import org.minpro.config.Doc;

/**
 * PPO's clip with a second bound where the advantage is negative: {@code l_t = max(-A_t r_t, -A_t clip(r_t, 1 - clipLow, 1 +
 * clipHigh))}, and for {@code A_t < 0} at most {@code -A_t dualClip} (arXiv 1912.09729).
 *
 * <p>Gradient coefficient {@code g_t = A_t r_t}; 0 where PPO clips and where {@code A_t < 0 and r_t > dualClip}. TRL's {@code delta} is
 * another bound: it is on both signs.
 *
 * @param clipLow half-width of the window below 1
 * @param clipHigh half-width of the window above 1
 * @param dualClip upper bound of the ratio where the advantage is negative; .inf for none
 */
@Described(
        family = "clip",
        formula = "max(−Aρ, −A clip(ρ)); for A < 0 at most −A·dual-clip",
        source = "arXiv 1912.09729; verl core_algos.compute_policy_loss_vanilla")
public record DualClip(
        @Doc("Half-width of the window below 1.") double clipLow,

        @Doc("Half-width of the window above 1.") double clipHigh,

        @Doc("Upper bound of the ratio where the advantage is negative; .inf for none.")
        double dualClip)
        implements Objective {
    public DualClip {
        ClippedSurrogate.check(clipLow, clipHigh);
        Rule.aboveOne("dual-clip", dualClip);
    }

    /** verl's {@code vanilla}: 0.2 / 0.2 and 3. */
    public DualClip() {
        this(0.2, 0.2, 3);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        return FirstOrder.clip(
                inputs, inputs.advantages(), inputs.ratios().token(), 1 - clipLow, 1 + clipHigh, dualClip);
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }
}
