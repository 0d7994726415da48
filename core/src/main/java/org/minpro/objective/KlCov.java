package org.minpro.objective;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * KL-Cov: live ratios without a clip, and a distance from the anchor on the tokens that would change the entropy most, {@code l_t = -A_t r_t + 1[chosen]
 * coefficient |log r_t|} (arXiv 2505.22617).
 *
 * <p>Chosen are the {@code max(1, fraction n)} of the update's n valid tokens with the largest {@code cov_t = (A_t - mean A) (log pi_t - mean log pi)}. Gradient
 * coefficient {@code g_t = A_t r_t - 1[chosen] coefficient sign(log r_t)}.
 *
 * @param fraction share of the update's tokens that is held, at least one token
 * @param coefficient what the distance of a chosen token is multiplied by
 */
@Described(
        family = "entropy",
        formula = "−Aρ + 1[chosen] coefficient |log ρ|",
        source = "arXiv 2505.22617; verl compute_policy_loss_kl_cov")
public record KlCov(
        @Doc("Share of the update's tokens that is held, at least one token.")
        double fraction,

        @Doc("What the distance of a chosen token is multiplied by.")
        double coefficient)
        implements Objective {
    public KlCov {
        Rule.fraction("fraction", fraction);
        Rule.notNegative("coefficient", coefficient);
    }

    /** 2e-4 and 0.1, those of verl's configuration (its function falls back to 1). */
    public KlCov() {
        this(2e-4, 0.1);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor d = inputs.ratios().logToken(); // [batch, time]
        Tensor ratio = d.exp();
        ObjectiveResult result = FirstOrder.of(inputs, inputs.advantages(), ratio, ratio, Map.of());
        Tensor distance = inputs.logProbs()
                .subtract(inputs.frozenLogProbs())
                .multiply(d.sign())
                .add(d.abs());
        Tensor losses =
                result.tokenLosses().add(chosen(inputs).multiply(distance).multiply(coefficient));
        return new ObjectiveResult(losses, ratio, Map.of(), Map.of());
    }

    @Override
    public Reach reach() {
        return Reach.BATCH;
    }

    private Tensor chosen(ObjectiveInputs inputs) {
        TokenCovariance covariance = TokenCovariance.of(inputs);
        double[] values = covariance.values();
        List<Integer> places = new ArrayList<>();
        for (int at = 0; at < values.length; at++) {
            if (!Double.isNaN(values[at])) {
                places.add(at);
            }
        }
        places.sort(Comparator.comparingDouble((Integer at) -> -values[at]));
        double[] chosen = new double[values.length];
        int count = Math.min(places.size(), Math.max(1, (int) (fraction * covariance.tokens())));
        for (int at : places.subList(0, count)) {
            chosen[at] = 1;
        }
        return RowValues.constant(inputs, chosen);
    }
}
