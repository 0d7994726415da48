package org.minpro.objective;

import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * CPPO: a budget for the divergence of a whole response, spent token by token (arXiv 2606.10968, Algorithm 1 with the binary divergence).
 *
 * <p>With {@code D_t = |p - q|} of the sampled token, {@code w_t = 1 - (1 - weight) (t - 1) / max(T - 1, 1)}, {@code Z_t = w_t D_t}, the sums over the
 * tokens before {@code S_t = sum_{i<t} Z_i}, {@code W_t = sum_{i<t} w_i} and {@code b = clip(quantile(D_1..D_T), budget, 2 budget)}, the threshold is
 * {@code c_t = min(delta, delta + b W_t - S_t)}. A token is kept where {@code A_t (r_t - 1) <= 0 or Z_t <= c_t}. {@code l_t = -A_t sg(min(r_t, cap)
 * keep_t) log pi_theta(y_t)}, gradient coefficient {@code g_t = A_t min(r_t, cap) keep_t}. The paper's eq. 11 is {@code keep_t r_t A_t} with r live:
 * another value of the loss, the same gradient up to the cap. The quantile is interpolated linearly (inferred).
 *
 * @param delta largest weighted divergence of a token
 * @param budget divergence per token that a response may spend at least; at most twice that
 * @param quantile the quantile of the response's divergences that its budget is, between the two
 * @param weight the weight of the last token's divergence; the first one's is 1
 * @param cap upper bound of the weight, absolute; .inf for none
 */
@Described(family = "mask", formula = "−sg(min(ρ, cap) 1[Z_t ≤ c_t]) A log π", source = "arXiv 2606.10968, Algorithm 1")
public record Cppo(
        @Doc("Largest weighted divergence of a token.") double delta,

        @Doc("Divergence per token that a response may spend at least; at most twice that.")
        double budget,

        @Doc("The quantile of the response's divergences that its budget is, between the two.")
        double quantile,

        @Doc("The weight of the last token's divergence; the first one's is 1.")
        double weight,

        @Doc("Upper bound of the weight, absolute; .inf for none.")
        double cap)
        implements Objective {
    public Cppo {
        Rule.positive("delta", delta);
        Rule.notNegative("budget", budget);
        Rule.fraction("quantile", quantile);
        Rule.fraction("weight", weight);
        Rule.cap("cap", cap);
    }

    /** The paper's for a dense model; the cap is that of the open pull request of verl, 6731. */
    public Cppo() {
        this(0.15, 0.02, 0.9, 0.8, 20);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor ratio = inputs.ratios().token(); // [batch, time]
        Tensor divergence = inputs.frozenLogProbs()
                .exp()
                .subtract(inputs.anchorLogProbs().exp())
                .abs();
        Tensor over = RowValues.map(inputs, divergence, this::over).greater(0);
        Tensor dropped =
                over.and(inputs.advantages().multiply(ratio.subtract(1)).greater(0));
        return ConstantWeight.masked(inputs, ratio.clampMaximum(cap), dropped);
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }

    /** 1 where the token's weighted divergence is over its threshold. */
    private double[] over(double[] divergences) {
        int length = divergences.length;
        double perToken = Math.min(Math.max(RowValues.quantile(divergences, quantile), budget), 2 * budget);
        double spent = 0;
        double weights = 0;
        double[] over = new double[length];
        for (int t = 0; t < length; t++) {
            double w = 1 - (1 - weight) * t / Math.max(length - 1, 1);
            double z = w * divergences[t];
            over[t] = z > Math.min(delta, delta + perToken * weights - spent) ? 1 : 0;
            spent += z;
            weights += w;
        }
        return over;
    }
}
