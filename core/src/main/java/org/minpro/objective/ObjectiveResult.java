package org.minpro.objective;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.Tensor;

/**
 * What an objective says of a batch.
 *
 * @param tokenLosses the losses to minimise, {@code [batch, time]}; an {@link Aggregation} weighs and adds them
 * @param weights the constants that multiply advantage and gradient, {@code [batch, time]}, or null where the
 *     objective has none
 * @param tokenMetrics named numbers per token, {@code [batch, time]}, reported as their mean over the valid tokens of
 *     the whole update
 * @param updateMetrics named numbers of the whole update; only an objective of {@link Reach#BATCH} has some
 */
public record ObjectiveResult(
        Tensor tokenLosses,
        @Nullable Tensor weights,
        Map<String, Tensor> tokenMetrics,
        Map<String, Double> updateMetrics) {

    public ObjectiveResult {
        tokenMetrics = Map.copyOf(tokenMetrics);
        updateMetrics = Map.copyOf(updateMetrics);
    }

    public ObjectiveResult(Tensor tokenLosses) {
        this(tokenLosses, null, Map.of(), Map.of());
    }
}
