package org.minpro.run;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.minpro.tracker.MetricPoint;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code metrics.jsonl}: one line of JSON for each iteration, in order, each iteration exactly once.
 *
 * <p>Everything that depends on the clock is in the object {@code time}; the rest of a line is a function of the
 * configuration and the seed. A number that is not finite is null.
 */
public final class MetricsFile implements AutoCloseable {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final AppendedLines file;
    private Consumer<JsonNode> told = line -> {};

    private MetricsFile(AppendedLines file) {
        this.file = file;
    }

    /**
     * Opens the file, made if it is not there, to continue at an iteration: its line and later ones, and a line that a
     * crash cut short, are removed; the run writes them again.
     */
    public static MetricsFile open(Path path, long nextIteration) {
        try {
            AppendedLines file = AppendedLines.open(path, "the metrics");
            file.cutFrom(nextIteration);
            return new MetricsFile(file);
        } catch (IOException e) {
            throw new UncheckedIOException("the metrics must be readable and writable, got: " + path, e);
        }
    }

    /** Takes the numbers of a line; NaN where one is null. */
    @FunctionalInterface
    public interface Reader {
        /** The next line. */
        void line(long iteration, Map<String, Double> numbers);
    }

    /**
     * Reads a file's whole lines, without what depends on the clock; none where there is no such file.
     *
     * @return the numbers of the lines, from 1, that are damaged and left out; the last line of a file may be one that is being
     *     written, or that a crash cut short
     */
    public static List<Integer> read(Path path, Reader reader) {
        List<Integer> damaged = new ArrayList<>();
        if (!Files.isRegularFile(path)) {
            return damaged;
        }
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(Files.newInputStream(path), StandardCharsets.UTF_8))) {
            int number = 0;
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                number++;
                JsonNode node = node(line);
                if (!node.path("iteration").isIntegralNumber()) {
                    damaged.add(number);
                    continue;
                }
                Map<String, Double> numbers = new LinkedHashMap<>();
                node.forEachEntry((name, value) -> {
                    if (value.isNumber() || value.isNull()) {
                        numbers.put(name, value.isNull() ? Double.NaN : value.doubleValue());
                    }
                });
                reader.line(node.path("iteration").longValue(0), numbers);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the metrics must be readable, got: " + path, e);
        }
        return damaged;
    }

    private static JsonNode node(String line) {
        try {
            return JSON.readTree(line);
        } catch (JacksonException e) {
            return JSON.missingNode();
        }
    }

    /** Tells somebody of each line that is written from now on. */
    void tell(Consumer<JsonNode> listener) {
        told = listener;
    }

    /**
     * Adds a line, with the time at which it is written.
     *
     * @param metrics what follows from configuration and seed
     * @param time what depends on the clock, with units in the names
     */
    public void append(long iteration, Map<String, Double> metrics, Map<String, Double> time) {
        append(iteration, metrics, List.of(), time);
    }

    /**
     * The same with what is of each update alone.
     *
     * @param updates numbers ({@code Double}) and arrays of numbers ({@code double[]}) of each update, in their order; none
     *     leaves the field out
     */
    public void append(
            long iteration,
            Map<String, Double> metrics,
            List<? extends Map<String, ?>> updates,
            Map<String, Double> time) {
        ObjectNode node = JSON.createObjectNode();
        node.put("iteration", iteration);
        metrics.forEach((name, value) -> put(node, name, value));
        if (!updates.isEmpty()) {
            ArrayNode list = node.putArray("updates");
            for (Map<String, ?> update : updates) {
                ObjectNode ofUpdate = list.addObject();
                update.forEach((name, value) -> {
                    if (value instanceof double[] numbers) {
                        put(ofUpdate.putArray(name), numbers);
                    } else {
                        put(ofUpdate, name, (Double) value);
                    }
                });
            }
        }
        ObjectNode clock = node.putObject(MetricPoint.TIME);
        time.forEach((name, value) -> put(clock, name, value));
        put(clock, MetricPoint.ENDED_AT, System.currentTimeMillis() / 1000.0);
        file.append(JSON.writeValueAsString(node) + "\n");
        told.accept(node);
    }

    private static void put(ArrayNode array, double[] values) {
        for (double value : values) {
            if (Double.isFinite(value)) {
                array.add(value);
            } else {
                array.addNull();
            }
        }
    }

    private static void put(ObjectNode node, String name, double value) {
        if (Double.isFinite(value)) {
            node.put(name, value);
        } else {
            node.putNull(name);
        }
    }

    /** Makes everything written so far survive a loss of power. */
    public void force() {
        file.force();
    }

    @Override
    public void close() {
        file.close();
    }
}
