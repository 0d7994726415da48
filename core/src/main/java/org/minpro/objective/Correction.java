package org.minpro.objective;

import java.util.Map;
import org.minpro.tensor.Tensor;

/**
 * A correction of the objective: a constant weight {@code w_t >= 0} that multiplies the objective's loss of every token,
 * such as an importance weight for what the objective's own ratios leave out. Penalties are not multiplied.
 *
 * <p>The weights are computed from {@link ObjectiveInputs#frozenLogProbs} and the other constants of the inputs. An
 * implementation is a record as an {@link Objective} is. It may be called from several threads at once.
 */
public interface Correction extends LossPart {
    /** The weights of the tokens. */
    Weights compute(ObjectiveInputs inputs);

    /**
     * Whether tokens of weight 0 leave the denominators of the aggregation, as if they were masked. Then the losses of all rows
     * depend on each other, and {@link #reach} is {@link Reach#BATCH}.
     */
    default boolean zerosLeaveDenominator() {
        return false;
    }

    @Override
    default Reach reach() {
        return zerosLeaveDenominator() ? Reach.BATCH : Reach.ROW;
    }

    /**
     * The weights that a correction gives the tokens.
     *
     * @param values w_t, constants, {@code [batch, time]}; what they are at masked tokens does not matter as long as it is
     *     finite
     * @param tokenMetrics named numbers per token, {@code [batch, time]}, reported as their mean over the valid tokens of
     *     the whole update
     */
    record Weights(Tensor values, Map<String, Tensor> tokenMetrics) {
        public Weights {
            if (values.requiresGradient()) {
                throw new IllegalArgumentException("weights must be constants, got: a tensor with a gradient");
            }
            tokenMetrics = Map.copyOf(tokenMetrics);
        }
    }
}
