package org.minpro.objective;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.minpro.config.Doc;
import org.minpro.ratio.RatioStatistics;
import org.minpro.tensor.Tensor;

/**
 * VCPO, variance controlled policy optimisation: capped importance weights of whole responses, a baseline of least variance, and a rate that
 * follows the effective sample size; {@code l_t = -sg(min(W, cap)) (A_t - b) pi_theta / sg(pi_theta)}, {@code W = r_1 ... r_T} (arXiv 2602.17616).
 *
 * <p>Gradient coefficient {@code g_t = min(W, cap) (A_t - b)}. Over the responses i of a group {@code b = sum_i V_i A_i / sum_i V_i}, {@code V_i = W_i^2 N_i},
 * with N the squared norm of the response's gradient. The authors measure that norm; here its stand-in is {@code N = sum_t (1 - 2
 * pi_theta(y_t) + sum_v pi_theta(v)^2)}, the squared norms of {@code d log pi_theta(y_t) / dz} over the logits z (as verl's optimal token baseline has
 * it). Advantages that differ from rewards by a shift and a scale of their group give the same {@code A - b} as rewards do. The only
 * response of a group has b = 0.
 *
 * <p>The learning rate of an update is multiplied by {@code min(1, ess)^rateExponent}, ess the effective sample size of its W, as a share of its
 * responses. The authors average by {@code seq-mean-token-mean}.
 *
 * @param cap upper bound of the weight, absolute; .inf for none
 * @param baseline whether advantages are shifted by b
 * @param rateExponent of the effective sample size in the rate; 0 leaves the rate as it is
 */
@Described(
        family = "weight",
        formula = "−sg(min(ρ₁⋯ρ_T, cap)) (A − b)",
        source = "arXiv 2602.17616; mit-han-lab/vcpo recipe/fully_async_policy")
public record Vcpo(
        @Doc("Upper bound of the weight, absolute; .inf for none.")
        double cap,

        @Doc("Whether advantages are shifted by the baseline of least variance of their group.")
        boolean baseline,

        @Doc(
                "Exponent of the effective sample size that the learning rate is multiplied by, >= 0; 0 leaves the rate as it is.")
        double rateExponent)
        implements Objective, RateScaling {
    public Vcpo {
        Rule.cap("cap", cap);
        Rule.notNegative("rate-exponent", rateExponent);
    }

    /** 8, a baseline and the square root, the authors'. */
    public Vcpo() {
        this(8, true, 0.5);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor products = RowValues.product(inputs, inputs.ratios().logToken()); // [batch, time]
        Tensor weights = products.clampMaximum(cap);
        Tensor advantages = baseline ? inputs.advantages().subtract(baselines(inputs, products)) : inputs.advantages();
        return FirstOrder.of(inputs, advantages, weights, weights, Map.of());
    }

    /** b of each token's group. */
    private static Tensor baselines(ObjectiveInputs inputs, Tensor products) {
        Tensor ofTokens = inputs.frozenLogProbs()
                .exp()
                .multiply(-2)
                .add(inputs.statistic(Statistic.COLLISION))
                .add(1);
        double[] norms = RowValues.sum(inputs, ofTokens).doubles();
        double[] weights = products.doubles();
        double[] advantages = RowValues.mean(inputs, inputs.advantages()).doubles();
        double[] groups = inputs.statistic(Statistic.GROUP).doubles();
        Map<Double, double[]> sums = new HashMap<>();
        for (int at : RowValues.firsts(inputs)) {
            double variance = weights[at] * weights[at] * norms[at];
            double[] sum = sums.computeIfAbsent(groups[at], absent -> new double[3]);
            sum[0] += variance * advantages[at];
            sum[1] += variance;
            sum[2]++;
        }
        double[] baselines = new double[groups.length];
        for (int at = 0; at < groups.length; at++) {
            double[] sum = sums.get(groups[at]);
            // The only response of a group is no baseline for itself; one that is certain of every token has no
            // gradient.
            baselines[at] = sum != null && sum[2] > 1 && sum[1] > 0 ? sum[0] / sum[1] : 0;
        }
        return RowValues.constant(inputs, baselines);
    }

    @Override
    public double rateFactor(RatioStatistics ratios) {
        return ratios.tokens() == 0 ? 1 : Math.pow(Math.min(1, ratios.sequenceEss()), rateExponent);
    }

    @Override
    public Reach reach() {
        return baseline ? Reach.BATCH : Reach.ROW;
    }

    @Override
    public Set<Statistic> statistics() {
        return baseline ? Set.of(Statistic.GROUP, Statistic.COLLISION) : Set.of();
    }

    @Override
    public boolean isReinforceOnPolicy() {
        return !baseline;
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }
}
