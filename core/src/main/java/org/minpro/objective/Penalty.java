package org.minpro.objective;

import java.util.Map;
import org.minpro.tensor.Tensor;

/**
 * A penalty: a loss of every token that is added to the objective's, with the same aggregation, such as a distance from
 * another policy.
 *
 * <p>As in an {@link Objective}, a gradient flows through {@link ObjectiveInputs#logProbs} alone. An implementation is a
 * record as an objective is. It may be called from several threads at once.
 */
public interface Penalty extends LossPart {
    /** The token losses with their coefficient. */
    Losses compute(ObjectiveInputs inputs);

    /** As {@link Objective#vanishesWithAdvantages}: a penalty that does not read advantages does not vanish with them. */
    default boolean vanishesWithAdvantages() {
        return false;
    }

    /**
     * What a penalty adds.
     *
     * @param values the losses to add, {@code [batch, time]}; what they are at masked tokens does not matter as long as it
     *     is finite
     * @param tokenMetrics named numbers per token, {@code [batch, time]}, reported as their mean over the valid tokens of
     *     the whole update
     */
    record Losses(Tensor values, Map<String, Tensor> tokenMetrics) {
        public Losses {
            tokenMetrics = Map.copyOf(tokenMetrics);
        }
    }
}
