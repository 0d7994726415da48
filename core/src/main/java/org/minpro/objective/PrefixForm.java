package org.minpro.objective;

import java.util.Locale;
import java.util.Map;
import org.minpro.tensor.Tensor;

/** What a ratio that carries its prefix is used as. */
public enum PrefixForm {
    /** A constant weight of log pi. */
    WEIGHT,
    /** The ratio in PPO's clipped surrogate. */
    CLIP;

    /**
     * The loss of this form.
     *
     * @param ratio {@code [batch, time]}
     * @param floor in form weight, lower bound of the weight
     * @param cap in form weight, upper bound of the weight
     * @param clipLow in form clip, half-width of the window below 1
     * @param clipHigh in form clip, half-width of the window above 1
     */
    ObjectiveResult of(
            ObjectiveInputs inputs, Tensor ratio, double floor, double cap, double clipLow, double clipHigh) {
        return switch (this) {
            case WEIGHT -> ConstantWeight.of(inputs, ratio, floor, cap);
            case CLIP -> ClippedSurrogate.of(inputs, ratio, 1 - clipLow, 1 + clipHigh, Map.of());
        };
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
