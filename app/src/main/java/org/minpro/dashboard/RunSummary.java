package org.minpro.dashboard;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.minpro.config.FlatSettings;
import org.minpro.tracker.MetricPoint;
import tools.jackson.databind.JsonNode;

/**
 * A run in the list of runs.
 *
 * @param name its path below the folder of runs
 * @param command that began it, train or sft
 * @param done iterations or updates
 * @param due of them; 0 where the recipe does not say
 * @param reward of the last iteration
 * @param entropy of the last iteration, nats per token
 * @param loss of the last iteration
 * @param accuracy of the last evaluation
 * @param accuracyBefore of the first
 * @param changed when the last line was written, seconds since 1970; 0 where none was
 * @param seconds of the last iteration or update
 * @param warnings that were said
 */
public record RunSummary(
        String name,
        String command,
        RunState state,
        long done,
        long due,
        String objective,
        String model,
        String lag,
        @Nullable Double reward,
        @Nullable Double entropy,
        @Nullable Double loss,
        @Nullable Double accuracy,
        @Nullable Double accuracyBefore,
        double changed,
        double seconds,
        long warnings) {
    static RunSummary of(String name, RunView run) {
        String recipe = run.recipe();
        Map<String, String> settings = FlatSettings.of(recipe);
        Optional<JsonNode> line = run.lastLine();
        Map<String, Double> newest = line.map(last ->
                        MetricPoint.of(MetricPoint.Series.TRAINING, last).values())
                .orElse(Map.of());
        long done = line.map(last -> 1 + last.path("iteration").longValue(-1)).orElse(0L);
        long due = RunView.due(settings);
        List<JsonNode> evaluated = run.evaluated();
        return new RunSummary(
                name,
                recipe.startsWith("# minpro sft") ? "sft" : "train",
                run.state(done, due),
                done,
                due,
                settings.getOrDefault("objective.name", settings.getOrDefault("objective", "")),
                settings.getOrDefault("model.path", ""),
                settings.getOrDefault("lag", settings.getOrDefault("staleness.lag", "")),
                newest.get("reward"),
                newest.get("entropy"),
                newest.get("loss"),
                evaluated.isEmpty() ? null : accuracy(evaluated.getLast()),
                evaluated.size() < 2 ? null : accuracy(evaluated.getFirst()),
                line.map(last -> last.path(MetricPoint.TIME)
                                .path(MetricPoint.ENDED_AT)
                                .doubleValue(0))
                        .orElse(0.0),
                newest.getOrDefault("time/sampling_seconds", newest.getOrDefault("time/seconds", 0.0))
                        + newest.getOrDefault("time/training_seconds", 0.0),
                run.notices().stream()
                        .filter(notice -> isWarning(notice.path("line").stringValue("")))
                        .count());
    }

    static boolean isWarning(String line) {
        return line.startsWith("warning:") || isVerdict(line);
    }

    /** Whether a notice says that a run, or an iteration of it, was for nothing. */
    static boolean isVerdict(String line) {
        return line.startsWith("nothing to learn") || line.matches("0 of \\d+ updates took a step.*");
    }

    private static @Nullable Double accuracy(JsonNode evaluation) {
        JsonNode accuracy = evaluation.path("accuracy");
        return accuracy.isNumber() ? accuracy.doubleValue() : null;
    }
}
