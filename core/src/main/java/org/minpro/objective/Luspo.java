package org.minpro.objective;

import org.jspecify.annotations.Nullable;
import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * LUSPO: the sequence loss of {@link GspoSequence} times the length of the response, {@code l_i = T_i max(-A_i s_i, -A_i clip(s_i, 1
 * - clipLow, 1 + clipHigh))}, averaged over rows, so that long responses are not weakened (TRL's loss type {@code luspo}).
 *
 * <p>Gradient coefficient {@code g_t = A_i s_i 1[not clipped]} under {@code seq-mean-token-sum}, which is required: the factor T_i is the sum
 * over the row's tokens.
 *
 * @param clipLow half-width of the window below 1, of a mean over the response
 * @param clipHigh half-width of the window above 1, of a mean over the response
 */
@Described(family = "sequence", formula = "T·max(−Ās, −Ā clip(s))", source = "TRL grpo_trainer, loss type luspo")
public record Luspo(
        @Doc("Half-width of the window below 1, of a mean over the response.")
        double clipLow,

        @Doc("Half-width of the window above 1, of a mean over the response.")
        double clipHigh)
        implements Objective {
    public Luspo {
        ClippedSurrogate.check(clipLow, clipHigh);
    }

    /** 2e-3 / 2.5e-3, TRL's. */
    public Luspo() {
        this(2e-3, 2.5e-3);
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
        return Aggregation.SEQ_MEAN_TOKEN_SUM;
    }
}
