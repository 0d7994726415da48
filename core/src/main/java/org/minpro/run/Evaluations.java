package org.minpro.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.minpro.eval.Accuracy;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The accuracies of a run, by the iterations that were done before each: in {@code evaluations.jsonl}, so that a run that
 * was interrupted still knows where it began.
 */
final class Evaluations implements AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();

    private final MetricsFile file;
    private final Map<Long, Accuracy> known = new TreeMap<>();

    private Evaluations(MetricsFile file) {
        this.file = file;
    }

    /** Opens the file to continue after so many iterations; what was measured later is forgotten and measured again. */
    static Evaluations open(Path path, long iterationsDone) {
        Evaluations evaluations = new Evaluations(MetricsFile.open(path, iterationsDone + 1));
        try {
            for (String line : Files.readAllLines(path, StandardCharsets.UTF_8)) {
                JsonNode node = JSON.readTree(line);
                evaluations.known.put(
                        node.path("iteration").longValue(),
                        new Accuracy(
                                node.path("accuracy").doubleValue(Double.NaN),
                                node.path("accuracy_low").doubleValue(Double.NaN),
                                node.path("accuracy_high").doubleValue(Double.NaN),
                                node.path("problems").intValue(),
                                node.path("samples").intValue(),
                                node.path("undecided").doubleValue(),
                                node.path("truncated").doubleValue()));
            }
            return evaluations;
        } catch (IOException e) {
            evaluations.close();
            throw new UncheckedIOException("the evaluations must be readable, got: " + path, e);
        }
    }

    /** The file that each evaluation is recorded in. */
    MetricsFile file() {
        return file;
    }

    Optional<Accuracy> after(long iterations) {
        return Optional.ofNullable(known.get(iterations));
    }

    /** Keeps what was measured; measured again, it is the same. */
    void record(long iterations, Accuracy accuracy, double seconds) {
        if (known.putIfAbsent(iterations, accuracy) != null) {
            return;
        }
        Map<String, Double> values = new LinkedHashMap<>();
        values.put("accuracy", accuracy.mean());
        values.put("accuracy_low", accuracy.low());
        values.put("accuracy_high", accuracy.high());
        values.put("problems", (double) accuracy.problems());
        values.put("samples", (double) accuracy.samples());
        values.put("undecided", accuracy.undecided());
        values.put("truncated", accuracy.truncated());
        file.append(iterations, values, Map.of("seconds", seconds));
        file.force();
    }

    @Override
    public void close() {
        file.close();
    }
}
