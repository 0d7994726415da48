package org.minpro.objective;

import java.util.Map;
import org.minpro.tensor.Tensor;

/**
 * PPO's pessimistic clipped surrogate {@code l_t = max(-A_t r_t, -A_t clip(r_t, lowest, highest))} (Schulman et al.,
 * arXiv 1707.06347), with {@code r_t} live in its own token.
 *
 * <p>Gradient coefficient {@code g_t = A_t r_t 1[not clipped]}; clipped is {@code A_t > 0 and r_t > highest} or {@code
 * A_t < 0 and r_t < lowest}.
 */
final class ClippedSurrogate {
    private ClippedSurrogate() {}

    static void check(double clipLow, double clipHigh) {
        check("", clipLow, clipHigh);
    }

    /** @param prefix of the parameters' names, such as {@code high-entropy-} */
    static void check(String prefix, double clipLow, double clipHigh) {
        Rule.notNegative(prefix + "clip-low", clipLow);
        if (!(clipHigh >= 0)) {
            throw new IllegalArgumentException(prefix + "clip-high must be >= 0, got: " + clipHigh);
        }
    }

    /** {@code ratio}: constants, {@code [batch, time]}; {@code lowest} and {@code highest} bound the ratio itself. */
    static ObjectiveResult of(
            ObjectiveInputs inputs, Tensor ratio, double lowest, double highest, Map<String, Double> updateMetrics) {
        Tensor advantages = inputs.advantages();
        Tensor live = inputs.live(ratio); // [batch, time]
        Tensor plain = advantages.multiply(live).negate();
        Tensor clipped = advantages.multiply(live.clamp(lowest, highest)).negate();
        Tensor low = advantages.less(0).and(ratio.less(lowest));
        Tensor high = advantages.greater(0).and(ratio.greater(highest));
        return new ObjectiveResult(
                plain.maximum(clipped),
                ratio.maskedFill(low.or(high), 0),
                Map.of(
                        "clip_ratio/low_mean", low.to(ratio.type()),
                        "clip_ratio/high_mean", high.to(ratio.type()),
                        "clip_ratio/region_mean", low.or(high).to(ratio.type())),
                updateMetrics);
    }
}
