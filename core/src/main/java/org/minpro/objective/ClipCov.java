package org.minpro.objective;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.minpro.config.Doc;
import org.minpro.tensor.Philox;
import org.minpro.tensor.Tensor;

/**
 * Clip-Cov: PPO's clip, and of the tokens that would change the entropy most some are left out at random (arXiv 2505.22617).
 *
 * <p>With {@code cov_t = (A_t - mean A) (log pi_t - mean log pi)} over the update's n valid tokens, {@code max(1, fraction n)} of the unclipped tokens with {@code
 * covLow < cov_t < covHigh} are chosen and have loss 0. Gradient coefficient {@code g_t = A_t r_t 1[not clipped] 1[not chosen]}. The choice is by Philox from
 * the seed and the token's own log-probability, advantage and place in its response, so that it depends neither on the order of rows nor on threads.
 *
 * @param clipLow half-width of the window below 1
 * @param clipHigh half-width of the window above 1
 * @param fraction share of the update's tokens that is left out, at least one token
 * @param covLow tokens are chosen above this covariance
 * @param covHigh tokens are chosen below this covariance
 * @param seed of the choice
 */
@Described(
        family = "entropy",
        formula = "1[not chosen] max(−Aρ, −A clip(ρ))",
        source = "arXiv 2505.22617; verl compute_policy_loss_clip_cov")
public record ClipCov(
        @Doc("Half-width of the window below 1.") double clipLow,

        @Doc("Half-width of the window above 1.") double clipHigh,

        @Doc("Share of the update's tokens that is left out, at least one token.")
        double fraction,

        @Doc("Tokens are chosen above this covariance.") double covLow,

        @Doc("Tokens are chosen below this covariance.") double covHigh,

        @Doc("Of the choice.") long seed)
        implements Objective {
    public ClipCov {
        ClippedSurrogate.check(clipLow, clipHigh);
        Rule.fraction("fraction", fraction);
        Rule.finite("cov-low", covLow);
        Rule.finite("cov-high", covHigh);
    }

    /** verl's: 0.2, 2e-4 of the tokens, between 1 and 5. */
    public ClipCov() {
        this(0.2, 0.2, 2e-4, 1, 5, 0);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor ratio = inputs.ratios().token(); // [batch, time]
        ObjectiveResult result = FirstOrder.clip(inputs, inputs.advantages(), ratio, 1 - clipLow, 1 + clipHigh);
        Tensor kept = chosen(inputs, ratio.doubles()).negate().add(1);
        return FirstOrder.times(result, kept);
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
    public Reach reach() {
        return Reach.BATCH;
    }

    private record Candidate(int at, double order) {}

    private Tensor chosen(ObjectiveInputs inputs, double[] ratios) {
        TokenCovariance covariance = TokenCovariance.of(inputs);
        double[] advantages = inputs.advantages().doubles();
        double[] logProbs = inputs.frozenLogProbs().doubles();
        double[] positions = RowValues.positions(inputs).doubles();
        List<Candidate> candidates = new ArrayList<>();
        for (int at = 0; at < ratios.length; at++) {
            boolean clipped = (advantages[at] > 0 && ratios[at] > 1 + clipHigh)
                    || (advantages[at] < 0 && ratios[at] < 1 - clipLow);
            double value = covariance.values()[at];
            if (value > covLow && value < covHigh && !clipped) {
                // Bits of float32, so that a run in float32 and a check in float64 choose alike.
                long draw = Float.floatToIntBits((float) logProbs[at]) & 0xFFFFFFFFL;
                int sample = Float.floatToIntBits((float) advantages[at]);
                candidates.add(new Candidate(
                        at, Philox.uniform(seed, Philox.Purpose.OBJECTIVE, draw, sample, (int) positions[at])));
            }
        }
        candidates.sort(Comparator.comparingDouble(Candidate::order));
        double[] chosen = new double[ratios.length];
        int count = Math.min(candidates.size(), Math.max(1, (int) (fraction * covariance.tokens())));
        for (Candidate candidate : candidates.subList(0, count)) {
            chosen[candidate.at] = 1;
        }
        return RowValues.constant(inputs, chosen);
    }
}
