package org.minpro.objective;

import java.util.Map;
import org.minpro.config.Doc;

/**
 * DAPO's policy loss, PPO's clip with a wider upper side ("clip-higher"): {@code l_t = max(-A_t r_t, -A_t clip(r_t, 1 -
 * clipLow, 1 + clipHigh))} (arXiv 2503.14476, eq. 10).
 *
 * <p>Gradient coefficient {@code g_t = A_t r_t 1[not clipped]}. DAPO's token mean is the aggregation, its dynamic
 * sampling and its penalty of overlong responses are settings of the run.
 *
 * @param clipLow half-width of the window below 1
 * @param clipHigh half-width of the window above 1
 */
@Described(family = "clip", formula = "max(−Aρ, −A clip(ρ))", source = "arXiv 2503.14476")
public record Dapo(
        @Doc("Half-width of the window below 1.") double clipLow,
        @Doc("Half-width of the window above 1.") double clipHigh)
        implements Objective {
    public Dapo {
        ClippedSurrogate.check(clipLow, clipHigh);
    }

    /** 0.2 / 0.28, the paper's. */
    public Dapo() {
        this(0.2, 0.28);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        return ClippedSurrogate.of(inputs, inputs.ratios().token(), 1 - clipLow, 1 + clipHigh, Map.of());
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }
}
