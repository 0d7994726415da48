package org.minpro.objective;

import java.util.HashMap;
import java.util.Map;
import org.minpro.tensor.Tensor;

/**
 * Losses given by their value and their gradient: {@code l_t = -A_t (v_t + c_t (log pi_theta(y_t) - sg(log
 * pi_theta(y_t))))} has the value {@code -A_t v_t} and the gradient coefficient {@code g_t = A_t c_t}.
 *
 * <p>Formulas whose derivative reaches other tokens of the row are written in this form once that derivative has been
 * collected.
 */
final class FirstOrder {
    private FirstOrder() {}

    /** {@code value} and {@code slope}: constants, {@code [batch, time]}. */
    static ObjectiveResult of(
            ObjectiveInputs inputs, Tensor advantages, Tensor value, Tensor slope, Map<String, Tensor> tokenMetrics) {
        Tensor losses = slope.multiply(inputs.logProbs().subtract(inputs.frozenLogProbs()))
                .add(value)
                .multiply(advantages)
                .negate();
        return new ObjectiveResult(losses, slope, tokenMetrics, Map.of());
    }

    /** PPO's plain clip, without a dual. */
    static ObjectiveResult clip(
            ObjectiveInputs inputs, Tensor advantages, Tensor ratio, double lowest, double highest) {
        return clip(inputs, advantages, ratio, lowest, highest, Double.POSITIVE_INFINITY);
    }

    /**
     * PPO's clip with its dual: value {@code min(r, highest)} where A > 0, {@code clip(r, lowest, dual)} where A < 0; slope
     * r where that is r itself, else 0.
     *
     * @param ratio constants, {@code [batch, time]}
     * @param dual upper bound where A < 0
     */
    static ObjectiveResult clip(
            ObjectiveInputs inputs, Tensor advantages, Tensor ratio, double lowest, double highest, double dual) {
        Tensor negative = advantages.less(0);
        Tensor value = negative.choose(ratio.clamp(lowest, dual), ratio.clampMaximum(highest));
        Tensor low = negative.and(ratio.less(lowest));
        Tensor high = advantages.greater(0).and(ratio.greater(highest));
        Tensor beyond = negative.and(ratio.greater(dual));
        Tensor clipped = low.or(high).or(beyond);
        Map<String, Tensor> metrics = new HashMap<>(Map.of(
                "clip_ratio/low_mean", low.to(ratio.type()),
                "clip_ratio/high_mean", high.to(ratio.type()),
                "clip_ratio/region_mean", clipped.to(ratio.type())));
        if (Double.isFinite(dual)) {
            metrics.put("clip_ratio/dual_mean", beyond.to(ratio.type()));
        }
        return of(inputs, advantages, value, ratio.maskedFill(clipped, 0), metrics);
    }

    /** A result whose losses are multiplied by constants. */
    static ObjectiveResult times(ObjectiveResult result, Tensor factors) {
        Tensor weights = result.weights();
        return new ObjectiveResult(
                result.tokenLosses().multiply(factors),
                weights == null ? factors : weights.multiply(factors),
                result.tokenMetrics(),
                result.updateMetrics());
    }
}
