package org.minpro.objective;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Doc;
import org.minpro.ratio.Ratios;
import org.minpro.tensor.Tensor;

/**
 * GEPO: sequence probabilities over the expectation of their group, PPO's clip on the ratio (arXiv 2508.17850).
 *
 * <p>With {@code p_i = exp(mean_t log pi_theta)} and {@code q_i = exp(mean_t log mu)} of a row and the sums over the rows of its group, {@code E = sum_j q_j^2 /
 * sum_j q_j}, {@code w_i = p_i / E}: {@code l_i = max(-A_i w_i, -A_i clip(w_i, 1 - clipLow, 1 + clipHigh))}, {@code A_i} the row's mean advantage. Gradient
 * coefficient {@code g_t = A_i w_i 1[not clipped]} under {@code seq-mean-token-mean}, which is required. On policy w is not 1 but in groups of one. The
 * authors' code knows no groups and normalises over a whole call; this follows the paper. The denominator is the anchor's.
 *
 * @param clipLow half-width of the window below 1, of a sequence's weight
 * @param clipHigh half-width of the window above 1, of a sequence's weight
 */
@Described(
        family = "sequence",
        formula = "max(−Āw, −Ā clip(w)), w = p/E_q[q]",
        source = "arXiv 2508.17850; HeteroRL_GEPO online_rl.py")
public record Gepo(
        @Doc("Half-width of the window below 1, of a sequence's weight.")
        double clipLow,

        @Doc("Half-width of the window above 1, of a sequence's weight.")
        double clipHigh)
        implements Objective {
    public Gepo {
        ClippedSurrogate.check(clipLow, clipHigh);
    }

    /** PPO's 0.2. */
    public Gepo() {
        this(0.2, 0.2);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor logP = RowValues.mean(inputs, inputs.frozenLogProbs()); // [batch, time]
        Tensor logQ = RowValues.mean(inputs, inputs.anchorLogProbs());
        Tensor ratio = logP.subtract(groupExpectations(inputs, logQ))
                .clamp(-Ratios.LOG_LIMIT, Ratios.LOG_LIMIT)
                .exp();
        Tensor advantages = RowValues.mean(inputs, inputs.advantages());
        return FirstOrder.clip(inputs, advantages, ratio, 1 - clipLow, 1 + clipHigh);
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }

    @Override
    public boolean isReinforceOnPolicy() {
        return false;
    }

    @Override
    public @Nullable Aggregation requiredAggregation() {
        return Aggregation.SEQ_MEAN_TOKEN_MEAN;
    }

    @Override
    public Reach reach() {
        return Reach.BATCH;
    }

    @Override
    public Set<Statistic> statistics() {
        return Set.of(Statistic.GROUP);
    }

    /** {@code log(sum_j q_j^2 / sum_j q_j)} over the rows of each token's group. */
    private static Tensor groupExpectations(ObjectiveInputs inputs, Tensor logQ) {
        double[] logs = logQ.doubles();
        double[] groups = inputs.statistic(Statistic.GROUP).doubles();
        double[] mask = inputs.mask().doubles();
        Map<Double, double[]> sums = new HashMap<>();
        for (int at : RowValues.firsts(inputs)) {
            double q = Math.exp(logs[at]);
            double[] sum = sums.computeIfAbsent(groups[at], absent -> new double[2]);
            sum[0] += q;
            sum[1] += q * q;
        }
        double[] expectations = new double[logs.length];
        for (int at = 0; at < logs.length; at++) {
            double[] sum = sums.getOrDefault(groups[at], new double[] {1, 1});
            expectations[at] = mask[at] != 0 ? Math.log(sum[1] / sum[0]) : 0;
        }
        return RowValues.constant(inputs, expectations);
    }
}
