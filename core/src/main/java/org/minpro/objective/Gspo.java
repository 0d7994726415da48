package org.minpro.objective;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Doc;

/**
 * GSPO: PPO's clip on the ratio of the whole sequence (arXiv 2507.18071), in its token form.
 *
 * <p>With {@code s = exp(mean_t(log pi_theta(y_t) - log mu(y_t)))} of a row, {@code s_t = sg(s) pi_theta(y_t) /
 * sg(pi_theta(y_t))} and {@code l_t = max(-A_t s_t, -A_t clip(s_t, 1 - clipLow, 1 + clipHigh))}. Gradient coefficient
 * {@code g_t = A_t s 1[not clipped]}. With one advantage per row, gradient and loss are those of the sequence form
 * {@code max(-A s, -A clip(s))}; that holds under {@code seq-mean-token-mean} only, which is therefore required.
 *
 * @param clipLow half-width of the window below 1; of a mean over a row, so orders of magnitude below PPO's
 * @param clipHigh half-width of the window above 1
 */
@Described(family = "sequence", formula = "max(−As, −A clip(s))", source = "arXiv 2507.18071, token form")
public record Gspo(
        @Doc("Half-width of the window below 1, of a mean over the response.")
        double clipLow,

        @Doc("Half-width of the window above 1, of a mean over the response.")
        double clipHigh)
        implements Objective {
    public Gspo {
        ClippedSurrogate.check(clipLow, clipHigh);
    }

    /** 3e-4 / 4e-4, the paper's. */
    public Gspo() {
        this(3e-4, 4e-4);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        return ClippedSurrogate.of(inputs, inputs.ratios().sequence(), 1 - clipLow, 1 + clipHigh, Map.of());
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }

    @Override
    public @Nullable Aggregation requiredAggregation() {
        return Aggregation.SEQ_MEAN_TOKEN_MEAN;
    }
}
