package org.minpro.objective;

import java.util.Locale;
import java.util.Map;
import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * CTPO: PPO's clip on the ratio of the prefix, in a window of its logarithm that depends on the position (arXiv 2605.07331).
 *
 * <p>{@code log c_t} is the sum of the log ratios up to token t ({@code cumulative}) or their mean ({@code geometric}), at most 10, live in its own
 * token. With {@code w = [-low t^power, high t^power]}, t counting valid tokens from 1: {@code l_t = max(-A_t c_t, -A_t exp(clip(log c_t, w)))},
 * and for {@code A_t < 0} at most {@code -A_t exp(high t^power)}. Gradient coefficient {@code g_t = A_t c_t} inside, else 0.
 *
 * @param prefix the ratio of a prefix: the product of its tokens' ratios (cumulative) or their geometric mean (geometric)
 * @param low the window of the logarithm below 0 at the first token, nats
 * @param high the window of the logarithm above 0 at the first token, nats
 * @param power how the window grows with the position: 0.5 like a random walk, -0.5 for means, 0 not at all
 */
@Described(
        family = "prefix",
        formula = "max(−Ac, −A clip(c)), log window [−low tᵖ, high tᵖ]",
        source = "arXiv 2605.07331; horizon-llm/CTPO core_algos")
public record Ctpo(
        @Doc(
                "The ratio of a prefix: the product of its tokens' ratios (cumulative) or their geometric mean (geometric).")
        Prefix prefix,

        @Doc("The window of the logarithm below 0 at the first token, nats.")
        double low,

        @Doc("The window of the logarithm above 0 at the first token, nats.")
        double high,

        @Doc("How the window grows with the position: 0.5 like a random walk, -0.5 for means, 0 not at all.")
        double power)
        implements Objective {
    /** What the ratio of a prefix is. */
    public enum Prefix {
        /** The product of its tokens' ratios. */
        CUMULATIVE,
        /** Their geometric mean. */
        GEOMETRIC;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public Ctpo {
        Rule.notNegative("low", low);
        Rule.notNegative("high", high);
        Rule.finite("power", power);
    }

    /** The authors' script: cumulative, 0.025 / 0.05, power 0.5, which it keeps for the geometric mean too. */
    public Ctpo() {
        this(Prefix.CUMULATIVE, 0.025, 0.05, 0.5);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor logs = prefix == Prefix.CUMULATIVE
                ? inputs.ratios().logPrefix()
                : RowValues.runningMean(inputs, inputs.ratios().logToken());
        logs = logs.clampMaximum(10); // [batch, time]
        Tensor growth = RowValues.positions(inputs).clampMinimum(1).power(power);
        Tensor lowest = growth.multiply(-low);
        Tensor highest = growth.multiply(high);
        Tensor negative = inputs.advantages().less(0);
        Tensor bounded = negative.choose(logs.maximum(lowest), logs).minimum(highest);
        Tensor clipped = bounded.notEqual(logs);
        return FirstOrder.of(
                inputs,
                inputs.advantages(),
                bounded.exp(),
                logs.exp().maskedFill(clipped, 0),
                Map.of("clip_ratio/region_mean", clipped.to(logs.type())));
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }
}
