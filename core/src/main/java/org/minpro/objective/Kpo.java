package org.minpro.objective;

import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * KPO: PPO's clip on ratios whose logarithms a causal Kalman filter has smoothed along the response ("online causal Kalman filtering", 2026).
 *
 * <p>{@code x_t = x_{t-1} + K_t (log r_t - x_{t-1})}, {@code K_t = P^- / (P^- + observationNoise)}, {@code P^- = P_{t-1} + processNoise}, {@code P_t = (1 - K_t)
 * P^-}, {@code x_0 = 0}; {@code l_t = max(-A_t exp(x_t), -A_t clip(exp(x_t), 1 - clipLow, 1 + clipHigh))}. Gradient coefficient {@code g_t = A_t exp(x_t) 1[not
 * clipped]}, straight through the filter. That, and P_0 at its steady value, are inferred.
 *
 * @param processNoise variance that the log ratio gains from token to token, Q
 * @param observationNoise variance of a token's log ratio around it, V
 * @param clipLow half-width of the window below 1, of a smoothed ratio
 * @param clipHigh half-width of the window above 1, of a smoothed ratio
 */
@Described(
        family = "clip",
        formula = "max(−Ar̂, −A clip(r̂)), r̂ = exp(filtered log ρ)",
        source = "Online causal Kalman filtering, 2026 (secondary)")
public record Kpo(
        @Doc("Variance that the log ratio gains from token to token, Q.")
        double processNoise,

        @Doc("Variance of a token's log ratio around it, V.")
        double observationNoise,

        @Doc("Half-width of the window below 1, of a smoothed ratio.")
        double clipLow,

        @Doc("Half-width of the window above 1, of a smoothed ratio.")
        double clipHigh)
        implements Objective {
    public Kpo {
        Rule.positive("process-noise", processNoise);
        Rule.positive("observation-noise", observationNoise);
        ClippedSurrogate.check(clipLow, clipHigh);
    }

    /** 1e-6 and 1, 3e-4 / 4e-4, as reported of the paper. */
    public Kpo() {
        this(1e-6, 1, 3e-4, 4e-4);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor ratio = RowValues.map(inputs, inputs.ratios().logToken(), this::filtered)
                .exp(); // [batch, time]
        return FirstOrder.clip(inputs, inputs.advantages(), ratio, 1 - clipLow, 1 + clipHigh);
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }

    private double[] filtered(double[] logRatios) {
        double q = processNoise;
        double variance = (Math.sqrt(q * q + 4 * observationNoise * q) - q) / 2;
        double x = 0;
        double[] filtered = new double[logRatios.length];
        for (int t = 0; t < logRatios.length; t++) {
            double predicted = variance + q;
            double gain = predicted / (predicted + observationNoise);
            x += gain * (logRatios[t] - x);
            variance = (1 - gain) * predicted;
            filtered[t] = x;
        }
        return filtered;
    }
}
