package org.minpro.objective;

import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * OPSM, off-policy sequence masking: PPO's clip without the responses of negative advantage that have become unlikely, those with {@code mean_t(log mu -
 * log pi_theta) > threshold} (DeepSeek-V3.2; TRL's {@code off_policy_mask_threshold}).
 *
 * <p>Gradient coefficient {@code g_t = A_t r_t 1[not clipped] 1[A_t >= 0 or mean_t(-log r_t) <= threshold]}.
 *
 * @param threshold largest mean of -log r of a response of negative advantage, nats
 * @param clipLow half-width of the window below 1
 * @param clipHigh half-width of the window above 1
 */
@Described(
        family = "mask",
        formula = "1[A ≥ 0 or mean(−log ρ) ≤ threshold] max(−Aρ, −A clip(ρ))",
        source = "DeepSeek-V3.2; TRL off_policy_mask_threshold, slime")
public record Opsm(
        @Doc("Largest mean of -log r of a response of negative advantage, nats.")
        double threshold,

        @Doc("Half-width of the window below 1.") double clipLow,

        @Doc("Half-width of the window above 1.") double clipHigh)
        implements Objective {
    public Opsm {
        Rule.notNegative("threshold", threshold);
        ClippedSurrogate.check(clipLow, clipHigh);
    }

    /** 0.5, which TRL suggests (slime 1e-4); PPO's 0.2. */
    public Opsm() {
        this(0.5, 0.2, 0.2);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor mean = RowValues.mean(inputs, inputs.ratios().logToken()); // [batch, time]
        Tensor dropped = inputs.advantages().less(0).and(mean.less(-threshold));
        Tensor kept = mean.multiply(0).add(1).maskedFill(dropped, 0);
        return FirstOrder.times(
                FirstOrder.clip(inputs, inputs.advantages(), inputs.ratios().token(), 1 - clipLow, 1 + clipHigh), kept);
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }
}
