package org.minpro.objective;

import java.util.Locale;
import java.util.Map;
import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * TRM, trust region masking: a response is left out whole where the divergence of its tokens exceeds a threshold, {@code l_t = -M A_t r_t} (arXiv 2512.23075).
 *
 * <p>The divergence of a token is the estimate {@code k3 = r - 1 - log r} of {@code KL(mu || pi_theta)}; over the response it is the largest one ({@code max})
 * or the mean ({@code average}). Gradient coefficient {@code g_t = M A_t r_t}. The estimate from the sampled token is inferred: the paper's bound is on the
 * divergence of the whole distribution.
 *
 * @param criterion what of a response's divergences is compared: the largest (max) or the mean (average)
 * @param threshold largest divergence of a response that is kept, nats
 */
@Described(family = "mask", formula = "−1[divergence ≤ threshold] Aρ", source = "arXiv 2512.23075")
public record Trm(
        @Doc("What of a response's divergences is compared: the largest (max) or the mean (average).")
        Criterion criterion,

        @Doc("Largest divergence of a response that is kept, nats.")
        double threshold)
        implements Objective {
    /** What of a response's divergences is compared. */
    public enum Criterion {
        /** The largest. */
        MAX,
        /** The mean. */
        AVERAGE;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public Trm {
        Rule.notNegative("threshold", threshold);
    }

    /** The largest one, 0.05: a third party's, the paper's is not known. */
    public Trm() {
        this(Criterion.MAX, 0.05);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor d = inputs.ratios().logToken(); // [batch, time]
        Tensor ratio = d.exp();
        Tensor divergence = ratio.subtract(1).subtract(d);
        Tensor ofRow =
                criterion == Criterion.MAX ? RowValues.max(inputs, divergence) : RowValues.mean(inputs, divergence);
        Tensor dropped = ofRow.greater(threshold);
        Tensor kept = ratio.maskedFill(dropped, 0);
        return FirstOrder.of(inputs, inputs.advantages(), kept, kept, Map.of("mask/dropped", dropped.to(d.type())));
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }
}
