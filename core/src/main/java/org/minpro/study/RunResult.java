package org.minpro.study;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.minpro.run.JsonLines;
import org.minpro.run.RunFiles;
import tools.jackson.databind.JsonNode;

/**
 * What a study keeps of a run that has ended: its line and its curve.
 *
 * @param key which run
 * @param outcome how it ended
 * @param before accuracy on held-out problems before training
 * @param after accuracy on them after it
 * @param problems that were evaluated on
 * @param updates that were made
 * @param sampledTokens that were trained on or would have been
 * @param seconds of sampling, training and evaluating
 * @param version of MinPRO that did it
 * @param settings a hash of what it was told
 * @param curve over its iterations
 * @param positions ratios by position in the response
 */
public record RunResult(
        RunKey key,
        Outcome outcome,
        OptionalDouble before,
        OptionalDouble after,
        int problems,
        long updates,
        long sampledTokens,
        double seconds,
        String version,
        String settings,
        Curve curve,
        Positions positions) {

    /** Whether held-out problems were evaluated on the way, not only before and after. */
    boolean evaluatedOnTheWay() {
        // One that was cut short has no evaluation at its end.
        long end = outcome == Outcome.NOT_FINITE ? Long.MAX_VALUE : curve.iterations();
        return curve.points().stream()
                .anyMatch(point ->
                        point.iterations() < end && point.value(Curve.EVALUATED).isPresent());
    }

    /** How a run ended. */
    public enum Outcome {
        /** At its last iteration. */
        DONE,
        /** At an update that was not finite. */
        NOT_FINITE,
        /** At its last iteration, with the weights that it began with. */
        UNCHANGED;

        /** As tables have it. */
        public String label() {
            return switch (this) {
                case DONE -> "done";
                case NOT_FINITE -> "not finite";
                case UNCHANGED -> "unchanged";
            };
        }
    }

    /**
     * Reads a run's folder.
     *
     * @param rows responses sampled in an iteration
     * @param window iterations of a point of the curve
     */
    public static RunResult read(
            RunKey key, Outcome outcome, Path folder, long rows, int window, String version, String settings) {
        RunFiles files = new RunFiles(folder);
        Map<Long, Double> evaluated = new TreeMap<>();
        double seconds = 0;
        int problems = 0;
        for (JsonNode node : JsonLines.of(files.evaluations())) {
            if (node.path("accuracy").isNumber()) {
                evaluated.put(
                        node.path("iteration").longValue(),
                        node.path("accuracy").doubleValue());
                problems = node.path("problems").intValue(0);
            }
            seconds += node.path("time").path("seconds").doubleValue(0);
        }
        long iterations = 0;
        long updates = 0;
        double tokens = 0;
        List<JsonNode> metrics = JsonLines.of(files.metrics());
        for (JsonNode node : metrics) {
            iterations = node.path("iteration").longValue() + 1;
            updates = Math.round(node.path("version").doubleValue(0));
            tokens += rows * node.path("completions/mean_length").doubleValue(0);
            JsonNode time = node.path("time");
            // Where sampling goes on beside training, what training waited for it is what it adds.
            JsonNode sampling = time.path("waiting_seconds").isNumber()
                    ? time.path("waiting_seconds")
                    : time.path("sampling_seconds");
            seconds += sampling.doubleValue(0) + time.path("training_seconds").doubleValue(0);
        }
        return new RunResult(
                key,
                outcome,
                optional(evaluated.get(0L)),
                iterations == 0 ? OptionalDouble.empty() : optional(evaluated.get(iterations)),
                problems,
                updates,
                Math.round(tokens),
                seconds,
                version,
                settings,
                Curve.of(metrics, evaluated, window),
                Positions.of(metrics));
    }

    private static OptionalDouble optional(@Nullable Double value) {
        return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
    }
}
