package org.minpro.train;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the updates of an iteration did.
 *
 * @param learningRate of the last one
 * @param skipped how many were skipped
 * @param withoutGradient how many of the others had a gradient of norm 0
 * @param updates what was seen in the others, or null where all were skipped
 * @param each the updates one by one, in their order
 */
public record LearnerReport(
        double learningRate,
        int skipped,
        int withoutGradient,
        @Nullable UpdateMetrics updates,
        List<OfUpdate> each) {
    /**
     * One update.
     *
     * @param learningRate of its place in the schedule
     * @param seen in its rows, or null where it was skipped
     */
    public record OfUpdate(double learningRate, @Nullable UpdateMetrics seen) {
        static OfUpdate of(Update update) {
            return new OfUpdate(update.learningRate(), update.skipped() ? null : UpdateMetrics.of(List.of(update)));
        }

        /** The numbers, and arrays of numbers, by the names that they have in the metrics. */
        public Map<String, Object> metrics() {
            Map<String, Object> metrics = new LinkedHashMap<>();
            metrics.put("learning_rate", learningRate);
            metrics.put("updates_skipped", seen == null ? 1.0 : 0.0);
            if (seen != null) {
                metrics.putAll(seen.metrics());
                metrics.putAll(seen.ledger().arrays());
            }
            return metrics;
        }
    }

    public LearnerReport {
        each = List.copyOf(each);
    }

    /** @param updates in their order, at least one */
    public static LearnerReport of(List<Update> updates) {
        List<Update> done = updates.stream().filter(update -> !update.skipped()).toList();
        return new LearnerReport(
                updates.getLast().learningRate(),
                updates.size() - done.size(),
                (int) done.stream()
                        .filter(update -> update.requireStep().gradientNorm() == 0)
                        .count(),
                done.isEmpty() ? null : UpdateMetrics.of(done),
                updates.stream().map(OfUpdate::of).toList());
    }

    /** The numbers by the names that they have in the metrics. */
    public Map<String, Double> metrics() {
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put("learning_rate", learningRate);
        metrics.put("updates_skipped", (double) skipped);
        if (updates != null) {
            metrics.putAll(updates.metrics());
        }
        return metrics;
    }
}
