package org.minpro.objective;

import java.util.Map;
import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * prime-rl's default loss: {@code l_t = -keep_t A_t r_t + kl (log r_t)^2} with the mask of {@link DppoTv} (prime-rl, src/prime_rl/trainer/rl/loss.py).
 *
 * <p>Gradient coefficient {@code g_t = keep_t A_t r_t - 2 kl log r_t}: the quadratic is on all tokens, dropped or not.
 *
 * @param deltaLow largest divergence where the advantage is not positive
 * @param deltaHigh largest divergence where the advantage is positive
 * @param kl what the square of the log ratio is multiplied by
 */
@Described(
        family = "mask",
        formula = "−1[p − q within] Aρ + kl (log ρ)²",
        source = "prime-rl src/prime_rl/trainer/rl/loss.py, default")
public record PrimeRl(
        @Doc("Largest divergence where the advantage is not positive.")
        double deltaLow,

        @Doc("Largest divergence where the advantage is positive.")
        double deltaHigh,

        @Doc("What the square of the log ratio is multiplied by.")
        double kl)
        implements Objective {
    public PrimeRl {
        Rule.notNegative("delta-low", deltaLow);
        Rule.notNegative("delta-high", deltaHigh);
        Rule.notNegative("kl", kl);
    }

    /** 0.2 / 0.2 and 1e-3, prime-rl's. */
    public PrimeRl() {
        this(0.2, 0.2, 1e-3);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor moved =
                inputs.frozenLogProbs().exp().subtract(inputs.anchorLogProbs().exp()); // [batch, time]
        Tensor dropped = inputs.advantages().greater(0).choose(moved.greater(deltaHigh), moved.less(-deltaLow));
        Tensor d = inputs.ratios().logToken();
        Tensor kept = d.exp().maskedFill(dropped, 0);
        ObjectiveResult result =
                FirstOrder.of(inputs, inputs.advantages(), kept, kept, Map.of("mask/dropped", dropped.to(d.type())));
        Tensor live = inputs.logProbs().subtract(inputs.frozenLogProbs()).add(d);
        return new ObjectiveResult(
                result.tokenLosses().add(live.square().multiply(kl)), kept, result.tokenMetrics(), Map.of());
    }
}
