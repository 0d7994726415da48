package org.minpro.objective;

import java.util.Map;
import java.util.Set;
import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * ASPO: importance weights flipped where the advantage is positive, so that tokens that became unlikely are the ones that are raised
 * (arXiv 2510.06062; Archer2.0).
 *
 * <ul>
 *   <li>{@code A_t > 0}: {@code l_t = -A_t / min(r_t, 1 + clipHigh)}, {@code g_t = A_t / r_t}, 0 where {@code r_t > 1 + clipHigh};
 *   <li>{@code A_t < 0}: {@code l_t = -A_t max(r_t, 1 - clipLow)}, {@code g_t = A_t r_t}, 0 where {@code r_t < 1 - clipLow};
 *   <li>where that weight, 1/r_t or r_t, exceeds dualClip: {@code l_t = -A_t dualClip log pi_theta(y_t)}, {@code g_t = A_t dualClip}.
 * </ul>
 *
 * Tokens whose entropy is over the response's quantile have a window of their own, {@code highEntropyClipLow} and {@code highEntropyClipHigh} in
 * the places of the two others. (In the authors' code the mask by the name of high entropy marks the tokens up to the quantile.)
 *
 * @param clipLow half-width of the window below 1, where the advantage is negative
 * @param clipHigh half-width of the window above 1, where the advantage is positive
 * @param highEntropyClipLow the same below 1 for tokens of high entropy
 * @param highEntropyClipHigh the same above 1 for tokens of high entropy
 * @param entropyQuantile of the entropies of a response's tokens, above which one is high
 * @param dualClip largest weight; beyond it the loss is that of log pi with this weight
 */
@Described(
        family = "clip",
        formula = "A > 0: −A clip(1/ρ); A < 0: max(−Aρ, −A clip(ρ))",
        source = "arXiv 2510.06062; Archer2.0 compute_policy_loss_archer")
public record Aspo(
        @Doc("Half-width of the window below 1, where the advantage is negative.")
        double clipLow,

        @Doc("Half-width of the window above 1, where the advantage is positive.")
        double clipHigh,

        @Doc("The same below 1 for tokens of high entropy.") double highEntropyClipLow,

        @Doc("The same above 1 for tokens of high entropy.") double highEntropyClipHigh,

        @Doc("The quantile of the entropies of a response's tokens above which one is high, [0, 1].")
        double entropyQuantile,

        @Doc("Largest weight; beyond it the loss is that of log pi with this weight.")
        double dualClip)
        implements Objective {
    public Aspo {
        ClippedSurrogate.check(clipLow, clipHigh);
        ClippedSurrogate.check("high-entropy-", highEntropyClipLow, highEntropyClipHigh);
        Rule.fraction("entropy-quantile", entropyQuantile);
        Rule.aboveOne("dual-clip", dualClip);
        Rule.finite("dual-clip", dualClip);
    }

    /** 0.2 / 0.2, 0.4 / 0.4 for the fifth of the tokens with the highest entropies, and 3: those of the authors' code. */
    public Aspo() {
        this(0.2, 0.2, 0.4, 0.4, 0.8, 3);
    }

    /** One window for all tokens, which reads no entropies. */
    public static Aspo ofOneWindow(double clipLow, double clipHigh, double dualClip) {
        return new Aspo(clipLow, clipHigh, clipLow, clipHigh, 1, dualClip);
    }

    private boolean hasOneWindow() {
        return clipLow == highEntropyClipLow && clipHigh == highEntropyClipHigh;
    }

    @Override
    public Set<Statistic> statistics() {
        return hasOneWindow() ? Set.of() : Set.of(Statistic.ENTROPY);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor d = inputs.ratios().logToken(); // [batch, time]
        Tensor ratio = d.exp();
        Tensor flipped = d.negate().exp();
        Tensor advantages = inputs.advantages();
        Tensor positive = advantages.greater(0);
        Tensor weight = positive.choose(flipped, ratio);
        Tensor value = value(positive, flipped, ratio, clipLow, clipHigh);
        if (!hasOneWindow()) {
            Tensor entropies = inputs.statistic(Statistic.ENTROPY);
            value = entropies
                    .greater(RowValues.quantile(inputs, entropies, entropyQuantile))
                    .choose(value(positive, flipped, ratio, highEntropyClipLow, highEntropyClipHigh), value);
        }
        Tensor clipped = value.notEqual(weight);
        Tensor beyond = weight.greater(dualClip);
        ObjectiveResult inside = FirstOrder.of(
                inputs,
                advantages,
                value,
                weight.clampMaximum(dualClip).maskedFill(clipped, 0),
                Map.of(
                        "clip_ratio/region_mean", clipped.to(d.type()),
                        "clip_ratio/dual_mean", beyond.to(d.type())));
        Tensor logarithmic = advantages.multiply(inputs.logProbs()).multiply(-dualClip);
        return new ObjectiveResult(
                beyond.choose(logarithmic, inside.tokenLosses()), inside.weights(), inside.tokenMetrics(), Map.of());
    }

    private static Tensor value(Tensor positive, Tensor flipped, Tensor ratio, double low, double high) {
        return positive.choose(flipped.clampMinimum(1 / (1 + high)), ratio.clampMinimum(1 - low));
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }
}
