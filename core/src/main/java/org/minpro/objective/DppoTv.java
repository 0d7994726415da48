package org.minpro.objective;

import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * DPPO with the total variation of the sampled token: {@code l_t = -A_t sg(min(r_t, cap) keep_t) log pi_theta(y_t)} (arXiv 2602.04879).
 *
 * <p>With p and q the token's probability under the policy and the anchor, a token is kept where {@code A_t > 0 and p - q <= deltaHigh}, or
 * {@code A_t <= 0 and p - q >= -deltaLow}. Gradient coefficient {@code g_t = A_t min(r_t, cap) keep_t}. The paper anchors at the policy that
 * sampled. The forms over the top K tokens need both distributions and are left out.
 *
 * @param deltaLow largest divergence where the advantage is not positive
 * @param deltaHigh largest divergence where the advantage is positive
 * @param cap upper bound of the weight, absolute; .inf for none
 */
@Described(
        family = "mask",
        formula = "−sg(min(ρ, cap) 1[p − q within]) A log π",
        source = "arXiv 2602.04879; verl compute_policy_loss_dppo_tv")
public record DppoTv(
        @Doc("Largest divergence where the advantage is not positive.")
        double deltaLow,

        @Doc("Largest divergence where the advantage is positive.")
        double deltaHigh,

        @Doc("Upper bound of the weight, absolute; .inf for none.")
        double cap)
        implements Objective {
    public DppoTv {
        Rule.notNegative("delta-low", deltaLow);
        Rule.notNegative("delta-high", deltaHigh);
        Rule.cap("cap", cap);
    }

    /** 0.15, the paper's; a cap of 20 as in verl's function (its configuration gives 3). */
    public DppoTv() {
        this(0.15, 0.15, 20);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor moved =
                inputs.frozenLogProbs().exp().subtract(inputs.anchorLogProbs().exp()); // [batch, time]
        Tensor dropped = inputs.advantages().greater(0).choose(moved.greater(deltaHigh), moved.less(-deltaLow));
        return ConstantWeight.masked(inputs, inputs.ratios().token().clampMaximum(cap), dropped);
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }
}
