package org.minpro.eval;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * A result with what it took.
 *
 * @param result what was measured
 * @param skipped problems whose prompts were too long; they are not in the result
 * @param seconds that this process spent on it
 * @param generatedTokens that this process generated; the rest was in the journal
 */
public record BenchmarkReport(BenchmarkResult result, int skipped, double seconds, long generatedTokens) {
    /** As it is written to results.json; all that depends on the clock or on interruptions is under {@code time}. */
    public SequencedMap<String, @Nullable Object> json() {
        SequencedMap<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("benchmark", result.benchmark());
        json.put("problems", result.outcomes().size());
        json.put("skipped", skipped);
        json.put("samples", result.samples());
        json.put("metrics", json(result.metrics()));
        json.put("truncated", result.truncated());
        json.put("undecided", result.undecided());
        json.put("tokens", result.tokens());
        json.put("time", Map.of("seconds", seconds, "generated_tokens", generatedTokens));
        return json;
    }

    /** Estimates by metric; a number that is not finite is null. */
    public static SequencedMap<String, Object> json(Map<String, Estimate> estimates) {
        SequencedMap<String, Object> json = new LinkedHashMap<>();
        estimates.forEach((name, estimate) -> {
            Map<String, @Nullable Object> values = new LinkedHashMap<>();
            values.put("mean", finite(estimate.mean()));
            values.put("low", finite(estimate.low()));
            values.put("high", finite(estimate.high()));
            values.put("problems", estimate.problems());
            json.put(name, values);
        });
        return json;
    }

    private static @Nullable Double finite(double value) {
        return Double.isFinite(value) ? value : null;
    }
}
