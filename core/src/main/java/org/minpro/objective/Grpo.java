package org.minpro.objective;

import java.util.Map;
import org.minpro.config.Doc;

/**
 * GRPO's policy loss, PPO's clip on token ratios: {@code l_t = max(-A_t r_t, -A_t clip(r_t, 1 - clipLow, 1 +
 * clipHigh))}, {@code r_t = pi_theta(y_t) / mu(y_t)} (arXiv 2402.03300, 1707.06347).
 *
 * <p>Gradient coefficient {@code g_t = A_t r_t 1[not clipped]}. The paper normalises by {@code seq-mean-token-mean} and
 * adds a KL term to the loss; neither is part of this record.
 *
 * @param clipLow half-width of the window below 1
 * @param clipHigh half-width of the window above 1
 */
@Described(family = "clip", formula = "max(−Aρ, −A clip(ρ))", source = "arXiv 2402.03300, 1707.06347")
public record Grpo(
        @Doc("Half-width of the window below 1.") double clipLow,
        @Doc("Half-width of the window above 1.") double clipHigh)
        implements Objective {
    public Grpo {
        ClippedSurrogate.check(clipLow, clipHigh);
    }

    /** 0.2 / 0.2, as in PPO and in every framework. */
    public Grpo() {
        this(0.2, 0.2);
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
