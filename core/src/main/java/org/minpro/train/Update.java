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
     * @param entropyCoefficient of the bonus that follows a target, or null where there is none
     * @param metrics of the loss over all rows
     * @param gradientNorm before clipping
     * @param scored log-probabilities and entropies of the rows
     * @param routing what the sparse layers decided
     */
    public record Step(
            long version,
            @Nullable Double entropyCoefficient,
            LossMetrics metrics,
            double gradientNorm,
            PolicyGradient.Scored scored,
            RoutingStatistics routing) {
        /** Mean over the valid tokens, nats; there must be one, and entropies. */
        double meanEntropy(List<TrainingRow> rows) {
            double sum = 0;
            long tokens = 0;
            for (int i = 0; i < rows.size(); i++) {
                for (int t = 0; t < rows.get(i).length(); t++) {
                    if (rows.get(i).mask()[t]) {
                        sum += scored.entropies()[i][t];
                        tokens++;
                    }
                }
            }
            return sum / tokens;
        }
    }

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
