package org.minpro.objective;

import java.util.Map;
import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * ASPO: importance weights flipped where the advantage is positive, so that tokens that became unlikely are the ones that are raised
 * (arXiv 2510.06062; Archer2.0).
 *
 * <ul>
 *   <li>{@code A_t > 0}: {@code l_t = -A_t / min(r_t, 1 + clipHigh)}, {@code g_t = A_t / r_t}, 0 where {@code r_t > 1 + clipHigh};
 *   <li>{@code A_t < 0}: {@code l_t = -A_t max(r_t, 1 - clipLow)}, {@code g_t = A_t r_t}, 0 where {@code r_t < 1 - clipLow};
 *   <li>where that weight, 1/r_t or r_t, exceeds dualClip: {@code l_t = -A_t dualClip log pi_theta(y_t)}, {@code g_t = A_t dualClip}.
 * </ul>
 *
 * The authors' code has two widths of the window, chosen by the entropy of the token; this is the one window of its paper's main form.
 *
 * @param clipLow half-width of the window below 1, where the advantage is negative
 * @param clipHigh half-width of the window above 1, where the advantage is positive
 * @param dualClip largest weight; beyond it the loss is that of log pi with this weight
 */
@Described(
        family = "clip",
        formula = "A > 0: −A clip(1/ρ); A < 0: max(−Aρ, −A clip(ρ))",
        source = "arXiv 2510.06062; Archer2.0 compute_policy_loss_archer")
public record Aspo(
        @Doc("Half-width of the window below 1, where the advantage is negative.")
        double clipLow,

        @Doc("Half-width of the window above 1, where the advantage is positive.")
        double clipHigh,

        @Doc("Largest weight; beyond it the loss is that of log pi with this weight.")
        double dualClip)
        implements Objective {
    public Aspo {
        ClippedSurrogate.check(clipLow, clipHigh);
        Rule.aboveOne("dual-clip", dualClip);
        Rule.finite("dual-clip", dualClip);
    }

    /** 0.2 / 0.2 and 3, those of the authors' code for its first class of tokens. */
    public Aspo() {
        this(0.2, 0.2, 3);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor d = inputs.ratios().logToken(); // [batch, time]
        Tensor ratio = d.exp();
        Tensor flipped = d.negate().exp();
        Tensor advantages = inputs.advantages();
        Tensor positive = advantages.greater(0);
        Tensor weight = positive.choose(flipped, ratio);
        Tensor value = positive.choose(flipped.clampMinimum(1 / (1 + clipHigh)), ratio.clampMinimum(1 - clipLow));
        Tensor clipped = value.notEqual(weight);
        Tensor beyond = weight.greater(dualClip);
        ObjectiveResult inside = FirstOrder.of(
                inputs,
                advantages,
                value,
                weight.clampMaximum(dualClip).maskedFill(clipped, 0),
                Map.of(
                        "clip_ratio/region_mean", clipped.to(d.type()),
                        "clip_ratio/dual_mean", beyond.to(d.type())));
        Tensor logarithmic = advantages.multiply(inputs.logProbs()).multiply(-dualClip);
        return new ObjectiveResult(
                beyond.choose(logarithmic, inside.tokenLosses()), inside.weights(), inside.tokenMetrics(), Map.of());
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }
}
