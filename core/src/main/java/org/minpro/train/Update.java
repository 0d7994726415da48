package org.minpro.train;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.minpro.model.RoutingStatistics;
import org.minpro.objective.LossMetrics;

/**
 * One update that was due.
 *
 * @param rows what it was made of
 * @param learningRate of its place in the schedule, times what the objective makes of it
 * @param step the optimizer step, or null where the gradient is known to be zero and none was taken
 */
public record Update(
        List<TrainingRow> rows,
        double learningRate,
        @Nullable Step step) {
    /**
     * An optimizer step, and what was seen before it.
     *
     * @param version of the weights before it
     * @param metrics of the loss over all rows
     * @param gradientNorm before clipping
     * @param scored log-probabilities and entropies of the rows
     * @param routing what the sparse layers decided
     */
    public record Step(
            long version,
            LossMetrics metrics,
            double gradientNorm,
            PolicyGradient.Scored scored,
            RoutingStatistics routing) {}

    public Update {
        rows = List.copyOf(rows);
    }

    /** Whether no step was taken. */
    public boolean skipped() {
        return step == null;
    }

    /** The step, of an update that was not skipped. */
    public Step requireStep() {
        if (step == null) {
            throw new IllegalStateException("the update must have a step, got: one that was skipped");
        }
        return step;
    }
}
