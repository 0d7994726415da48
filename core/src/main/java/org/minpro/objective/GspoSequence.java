package org.minpro.objective;

import org.jspecify.annotations.Nullable;
import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * GSPO in its sequence form: {@code l_i = max(-A_i s_i, -A_i clip(s_i, 1 - clipLow, 1 + clipHigh))} with {@code s_i =
 * exp(mean_t log r_t)} and {@code A_i} the mean advantage of the row's tokens, averaged over rows (arXiv 2507.18071, eq. 5).
 *
 * <p>Gradient coefficient {@code g_t = A_i s_i 1[not clipped]} under {@code seq-mean-token-mean}, which is required. It differs from
 * {@link Gspo}, the token form, only where advantages differ between the tokens of a row: there each token keeps its own advantage and is
 * clipped by its own sign, here the mean decides for all. The mean is inferred; AReaL averages in the same way.
 *
 * @param clipLow half-width of the window below 1, of a mean over the response
 * @param clipHigh half-width of the window above 1, of a mean over the response
 */
@Described(family = "sequence", formula = "max(−Ās, −Ā clip(s))", source = "arXiv 2507.18071, sequence form")
public record GspoSequence(
        @Doc("Half-width of the window below 1, of a mean over the response.")
        double clipLow,

        @Doc("Half-width of the window above 1, of a mean over the response.")
        double clipHigh)
        implements Objective {
    public GspoSequence {
        ClippedSurrogate.check(clipLow, clipHigh);
    }

    /** 3e-4 / 4e-4, the paper's. */
    public GspoSequence() {
        this(3e-4, 4e-4);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor advantages = RowValues.mean(inputs, inputs.advantages());
        return FirstOrder.clip(inputs, advantages, inputs.ratios().sequence(), 1 - clipLow, 1 + clipHigh);
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
