package org.minpro.objective;

import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * DPPO with the binary KL divergence of the sampled token: {@code l_t = -A_t sg(min(r_t, cap) keep_t) log pi_theta(y_t)} (arXiv 2602.04879).
 *
 * <p>With p and q the token's probability under the policy and the anchor, {@code k = q log(q / p) + (1 - q) log((1 - q + 1e-8) / (1 - p +
 * 1e-8))}. A token is dropped where k is over the threshold and the update would move it further: {@code A_t > 0 and k > deltaHigh and p > q}, or
 * {@code A_t <= 0 and k > deltaLow and p < q}. Gradient coefficient {@code g_t = A_t min(r_t, cap) keep_t}.
 *
 * @param deltaLow largest divergence where the advantage is not positive
 * @param deltaHigh largest divergence where the advantage is positive
 * @param cap upper bound of the weight, absolute; .inf for none
 */
@Described(
        family = "mask",
        formula = "−sg(min(ρ, cap) 1[k within]) A log π",
        source = "arXiv 2602.04879; verl compute_policy_loss_dppo_kl")
public record DppoKl(
        @Doc("Largest divergence where the advantage is not positive.")
        double deltaLow,

        @Doc("Largest divergence where the advantage is positive.")
        double deltaHigh,

        @Doc("Upper bound of the weight, absolute; .inf for none.")
        double cap)
        implements Objective {
    public DppoKl {
        Rule.notNegative("delta-low", deltaLow);
        Rule.notNegative("delta-high", deltaHigh);
        Rule.cap("cap", cap);
    }

    /** 0.05, the paper's; a cap of 20 as in verl's function (its configuration gives 3). */
    public DppoKl() {
        this(0.05, 0.05, 20);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor logP = inputs.frozenLogProbs();
        Tensor logQ = inputs.anchorLogProbs();
        Tensor p = logP.exp();
        Tensor q = logQ.exp(); // [batch, time]
        Tensor other =
                q.negate().add(1 + 1e-8).log().subtract(p.negate().add(1 + 1e-8).log());
        Tensor k = q.multiply(logQ.subtract(logP)).add(q.negate().add(1).multiply(other));
        Tensor dropped = inputs.advantages()
                .greater(0)
                .choose(
                        k.greater(deltaHigh).and(p.greater(q)),
                        k.greater(deltaLow).and(p.less(q)));
        return ConstantWeight.masked(inputs, inputs.ratios().token().clampMaximum(cap), dropped);
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }
}
