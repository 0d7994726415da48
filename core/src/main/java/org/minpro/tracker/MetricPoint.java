package org.minpro.tracker;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The numbers of one step: a line of {@code metrics.jsonl} or of {@code evaluations.jsonl}.
 *
 * @param series which of the two files
 * @param step iteration or update, from 0; of an evaluation the iterations done before it
 * @param time when it ended, seconds since 1970
 * @param values finite numbers by their names in trackers
 */
public record MetricPoint(Series series, long step, double time, Map<String, Double> values) {
    /** What a point's numbers are of; each is a file of a run's folder. */
    public enum Series {
        /** Of iterations or updates; the names stay as they are. */
        TRAINING(""),
        /** Of evaluations; {@code eval/} stands before each name, as in TRL and verl. */
        EVALUATION("eval/");

        private final String prefix;

        Series(String prefix) {
            this.prefix = prefix;
        }
    }

    /** Name of the object in a line that has what depends on the clock. */
    public static final String TIME = "time";

    /** Name of the time at which a line was written, in {@link #TIME}. */
    public static final String ENDED_AT = "ended_at";

    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** The point of a line: {@code time.seconds} becomes {@code time/seconds}, what is null is left out. */
    public static MetricPoint of(Series series, JsonNode line) {
        Map<String, Double> values = new LinkedHashMap<>();
        line.forEachEntry((name, value) -> {
            if (value.isNumber() && !name.equals("iteration")) {
                values.put(series.prefix + name, value.doubleValue());
            }
        });
        line.path(TIME).forEachEntry((name, value) -> {
            if (value.isNumber() && !name.equals(ENDED_AT)) {
                values.put(series.prefix + TIME + "/" + name, value.doubleValue());
            }
        });
        return new MetricPoint(
                series,
                line.path("iteration").longValue(0),
                line.path(TIME).path(ENDED_AT).doubleValue(0),
                values);
    }

    /** The points of a file, in order; none where there is no such file. A line that was cut short is left out. */
    static List<MetricPoint> read(Series series, Path file) throws IOException {
        List<MetricPoint> points = new ArrayList<>();
        if (!Files.isRegularFile(file)) {
            return points;
        }
        // A crash may have cut a character, which Files.readAllLines would not take.
        for (String line : new String(Files.readAllBytes(file), StandardCharsets.UTF_8).split("\n")) {
            try {
                JsonNode node = JSON.readTree(line);
                if (node.path("iteration").isIntegralNumber()) {
                    points.add(of(series, node));
                }
            } catch (JacksonException e) {
                // Damaged, or cut short: it costs no other line.
            }
        }
        return points;
    }
}
