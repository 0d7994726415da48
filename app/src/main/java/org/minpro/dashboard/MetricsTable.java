package org.minpro.dashboard;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.minpro.run.WholeLines;
import org.minpro.tracker.MetricPoint;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A file of metrics as columns, read further as it grows. A run that is continued cuts its file and writes on: then all of it
 * is read again. For one thread at a time.
 */
public final class MetricsTable {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final Path file;
    private final MetricPoint.Series series;
    private final SequencedMap<String, double[]> columns = new LinkedHashMap<>();
    private double[] steps = new double[16];
    private double[] times = new double[16];
    private int rows;
    private long position;

    /** @param series which of a run's files it is */
    public MetricsTable(Path file, MetricPoint.Series series) {
        this.file = file;
        this.series = series;
    }

    /** Reads what is new; whole lines only. */
    public void refresh() throws IOException {
        if (!Files.isRegularFile(file)) {
            clear();
            return;
        }
        // What does not follow on may be a file that was written anew.
        if (Files.size(file) < position || !readOn(false)) {
            clear();
            readOn(true);
        }
    }

    private void clear() {
        columns.clear();
        rows = 0;
        position = 0;
    }

    /**
     * Whether what follows is what may follow: later steps, whole lines of JSON.
     *
     * @param anew whether the file is read from its beginning: then a line that is no JSON is passed over
     */
    private boolean readOn(boolean anew) throws IOException {
        return WholeLines.read(file, position, (line, end) -> {
            position = end;
            return add(line, anew);
        });
    }

    private boolean add(String line, boolean anew) {
        MetricPoint point;
        try {
            JsonNode node = JSON.readTree(line);
            if (!node.path("iteration").isNumber()) {
                return anew;
            }
            point = MetricPoint.of(series, node);
        } catch (JacksonException e) {
            return anew;
        }
        if (rows > 0 && point.step() <= steps[rows - 1]) {
            return false;
        }
        if (rows == steps.length) {
            steps = Arrays.copyOf(steps, 2 * rows);
            times = Arrays.copyOf(times, 2 * rows);
            columns.replaceAll((name, column) -> {
                double[] longer = Arrays.copyOf(column, steps.length);
                Arrays.fill(longer, rows, longer.length, Double.NaN);
                return longer;
            });
        }
        steps[rows] = point.step();
        times[rows] = point.time();
        point.values()
                .forEach((name, value) -> columns.computeIfAbsent(name, key -> {
                    double[] column = new double[steps.length];
                    Arrays.fill(column, Double.NaN);
                    return column;
                })[rows] = value);
        rows++;
        return true;
    }

    /** Lines read. */
    public int rows() {
        return rows;
    }

    /** The step of a line: an iteration, an update, or the iterations done before an evaluation. */
    public long step(int row) {
        return (long) steps[row];
    }

    /** When a line was written, seconds since 1970; 0 where it does not say. */
    public double time(int row) {
        return times[row];
    }

    /** Names of all numbers, in the order in which they first came. */
    public List<String> names() {
        return List.copyOf(columns.keySet());
    }

    /** A number of a line; NaN where it has none. */
    public double value(String name, int row) {
        double[] column = columns.get(name);
        return column == null ? Double.NaN : column[row];
    }

    /** All numbers of the last line that has any. */
    public Map<String, Double> newest() {
        Map<String, Double> newest = new LinkedHashMap<>();
        if (rows > 0) {
            columns.forEach((name, column) -> {
                if (!Double.isNaN(column[rows - 1])) {
                    newest.put(name, column[rows - 1]);
                }
            });
        }
        return newest;
    }
}
