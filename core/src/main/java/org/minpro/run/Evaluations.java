package org.minpro.run;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.minpro.eval.Accuracy;

/**
 * The accuracies of a run, by the iterations that were done before each: in {@code evaluations.jsonl}, so that a run that
 * was interrupted still knows where it began.
 */
final class Evaluations implements AutoCloseable {
    private final MetricsFile file;
    private final Map<Long, Accuracy> known = new TreeMap<>();

    private Evaluations(MetricsFile file) {
        this.file = file;
    }

    /** Opens the file to continue after so many iterations; what was measured later is forgotten and measured again. */
    static Evaluations open(Path path, long iterationsDone) {
        Evaluations evaluations = new Evaluations(MetricsFile.open(path, iterationsDone + 1));
        MetricsFile.read(
                path,
                (iteration, numbers) -> evaluations.known.put(
                        iteration,
                        new Accuracy(
                                numbers.getOrDefault("accuracy", Double.NaN),
                                numbers.getOrDefault("accuracy_low", Double.NaN),
                                numbers.getOrDefault("accuracy_high", Double.NaN),
                                numbers.getOrDefault("problems", 0.0).intValue(),
                                numbers.getOrDefault("samples", 0.0).intValue(),
                                numbers.getOrDefault("undecided", 0.0),
                                numbers.getOrDefault("truncated", 0.0))));
        return evaluations;
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
