package org.minpro.study;

import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import org.minpro.config.JsonProblem;
import org.minpro.data.DataException;
import org.minpro.run.WholeFile;
import tools.jackson.core.JacksonException;
import tools.jackson.dataformat.csv.CsvMapper;
import tools.jackson.dataformat.csv.CsvReadFeature;

/**
 * The tables of a study: {@code runs.csv} has a line for each run that has ended, {@code curves.csv} its curve, {@code
 * positions.csv} its ratios by position. A run whose line and curve stand there is done, whatever became of its folder.
 *
 * <p>Each file is written whole and renamed, the lines last, so that a crash at any time leaves runs that are done or are
 * not.
 */
public final class StudyTables {
    private static final CsvMapper CSV = new CsvMapper();
    /** Columns of {@code runs.csv} beside the axes. */
    static final List<String> LINE = List.of(
            "run",
            "seed",
            "outcome",
            "before",
            "after",
            "problems",
            "updates",
            "sampled_tokens",
            "seconds",
            "version",
            "settings");

    private static final List<String> POINT = List.of("run", "iterations", "updates", Curve.EVALUATED);

    private final Path runsFile;
    private final Path curvesFile;
    private final Path positionsFile;
    private final List<String> axes;
    private final Map<RunKey, RunResult> results = new LinkedHashMap<>();

    private StudyTables(Path folder, List<String> axes) {
        runsFile = folder.resolve("runs.csv");
        curvesFile = folder.resolve("curves.csv");
        positionsFile = folder.resolve("positions.csv");
        this.axes = List.copyOf(axes);
    }

    /**
     * Opens the tables of a folder, which may have none yet.
     *
     * @param axes names of the axes
     * @throws DataException where the folder has those of a study with other axes, or what is no table
     */
    public static StudyTables open(Path folder, List<String> axes) {
        StudyTables tables = new StudyTables(folder, axes);
        if (Files.exists(tables.runsFile)) {
            tables.read();
        }
        return tables;
    }

    private void read() {
        Map<String, List<Curve.Point>> curves = new LinkedHashMap<>();
        for (Map<String, String> row : rows(curvesFile)) {
            Map<String, Double> values = new LinkedHashMap<>();
            row.forEach((column, text) -> {
                if (!text.isEmpty() && (column.equals(Curve.EVALUATED) || Curve.METRICS.contains(column))) {
                    values.put(column, number(curvesFile, text));
                }
            });
            curves.computeIfAbsent(cell(curvesFile, row, "run"), id -> new ArrayList<>())
                    .add(new Curve.Point(
                            (long) number(curvesFile, cell(curvesFile, row, "iterations")),
                            (long) number(curvesFile, cell(curvesFile, row, "updates")),
                            values));
        }
        Map<String, Positions> positions = readPositions();
        for (Map<String, String> row : rows(runsFile)) {
            List<String> known = row.keySet().stream()
                    .filter(column -> !LINE.contains(column))
                    .toList();
            if (!known.equals(axes)) {
                throw new DataException("a study's folder must have one set of axes, got: " + runsFile + " with "
                        + known + " and a study with " + axes + "; name another folder, or keep the axes");
            }
            RunKey key = new RunKey(
                    axes.stream().map(axis -> cell(runsFile, row, axis)).toList(), seed(cell(runsFile, row, "seed")));
            RunResult.Outcome outcome = outcome(cell(runsFile, row, "outcome"));
            long updates = (long) number(runsFile, cell(runsFile, row, "updates"));
            // One that ended in its first update has no point.
            boolean pointless = outcome == RunResult.Outcome.NOT_FINITE && updates == 0;
            List<Curve.Point> points = curves.getOrDefault(key.id(), List.of());
            if (points.isEmpty() && !pointless) {
                continue;
            }
            results.put(
                    key,
                    new RunResult(
                            key,
                            outcome,
                            optional(cell(runsFile, row, "before")),
                            optional(cell(runsFile, row, "after")),
                            (int) number(runsFile, cell(runsFile, row, "problems")),
                            updates,
                            (long) number(runsFile, cell(runsFile, row, "sampled_tokens")),
                            number(runsFile, cell(runsFile, row, "seconds")),
                            cell(runsFile, row, "version"),
                            cell(runsFile, row, "settings"),
                            new Curve(points),
                            positions.getOrDefault(key.id(), Positions.NONE)));
        }
    }

    private Map<String, Positions> readPositions() {
        Map<String, Map<String, List<Double>>> values = new LinkedHashMap<>();
        for (Map<String, String> row : rows(positionsFile)) {
            Map<String, List<Double>> ofRun =
                    values.computeIfAbsent(cell(positionsFile, row, "run"), id -> new LinkedHashMap<>());
            int tenth = (int) number(positionsFile, cell(positionsFile, row, "tenth")) - 1;
            if (tenth < 0 || tenth >= Positions.TENTHS) {
                throw new DataException(positionsFile + " must have tenths from 1 to " + Positions.TENTHS + ", got: "
                        + row.get("tenth"));
            }
            row.forEach((column, text) -> {
                if (!text.isEmpty() && Positions.METRICS.contains(column)) {
                    ofRun.computeIfAbsent(
                                    column, key -> new ArrayList<>(Collections.nCopies(Positions.TENTHS, Double.NaN)))
                            .set(tenth, number(positionsFile, text));
                }
            });
        }
        Map<String, Positions> positions = new LinkedHashMap<>();
        values.forEach((run, ofRun) -> positions.put(run, new Positions(ofRun)));
        return positions;
    }

    private long seed(String text) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new DataException(runsFile + " must have seeds that are whole numbers, got: '" + text + "'", e);
        }
    }

    private RunResult.Outcome outcome(String label) {
        return Arrays.stream(RunResult.Outcome.values())
                .filter(outcome -> outcome.label().equals(label))
                .findFirst()
                .orElseThrow(
                        () -> new DataException(runsFile + " must have outcomes that a run can have, got: " + label));
    }

    private OptionalDouble optional(String text) {
        return text.isEmpty() ? OptionalDouble.empty() : OptionalDouble.of(number(runsFile, text));
    }

    private static double number(Path file, String text) {
        try {
            return Double.parseDouble(text);
        } catch (NumberFormatException e) {
            throw new DataException(file + " must have numbers, got: '" + text + "'", e);
        }
    }

    private static String cell(Path file, Map<String, String> row, String column) {
        String text = row.get(column);
        if (text == null) {
            throw new DataException(file + " must have a column " + column + ", got: " + row.keySet());
        }
        return text;
    }

    private static List<Map<String, String>> rows(Path file) {
        if (!Files.exists(file)) {
            return List.of();
        }
        List<Map<String, String>> rows = new ArrayList<>();
        try (var lines = CSV.readerFor(String[].class)
                .with(CsvReadFeature.WRAP_AS_ARRAY)
                .<String[]>readValues(Files.readString(file))) {
            String[] header = lines.hasNext() ? lines.next() : new String[0];
            while (lines.hasNext()) {
                String[] cells = lines.next();
                Map<String, String> row = new LinkedHashMap<>();
                for (int i = 0; i < header.length; i++) {
                    row.put(header[i], i < cells.length && cells[i] != null ? cells[i] : "");
                }
                rows.add(row);
            }
            return rows;
        } catch (JacksonException e) {
            throw new DataException(
                    file + " must be a table, got: " + JsonProblem.of(e) + ", line "
                            + e.getLocation().getLineNr(),
                    e);
        } catch (IOException e) {
            throw new DataException(file + " must be a table, got: " + e.getMessage(), e);
        }
    }

    /** Runs that are done, in the order in which they were. */
    public synchronized List<RunResult> results() {
        return List.copyOf(results.values());
    }

    /** What is known of a run; null where it is not done. */
    public synchronized @Nullable RunResult result(RunKey key) {
        return results.get(key);
    }

    /** Adds a run that has ended; when this returns, it is done. */
    public synchronized void add(RunResult result) {
        RunResult before = results.put(result.key(), result);
        try {
            write(positionsFile, positions());
            write(curvesFile, curves());
            write(runsFile, lines());
        } catch (RuntimeException e) {
            if (before == null) {
                results.remove(result.key());
            } else {
                results.put(result.key(), before);
            }
            throw e;
        }
    }

    private List<List<String>> lines() {
        List<List<String>> lines = new ArrayList<>();
        List<String> header = new ArrayList<>(axes);
        header.addAll(LINE);
        lines.add(header);
        for (RunResult result : results.values()) {
            List<String> line = new ArrayList<>(result.key().labels());
            line.addAll(List.of(
                    result.key().id(),
                    Long.toString(result.key().seed()),
                    result.outcome().label(),
                    text(result.before()),
                    text(result.after()),
                    Integer.toString(result.problems()),
                    Long.toString(result.updates()),
                    Long.toString(result.sampledTokens()),
                    String.format(Locale.ROOT, "%.1f", result.seconds()),
                    result.version(),
                    result.settings()));
            lines.add(line);
        }
        return lines;
    }

    private List<List<String>> positions() {
        List<List<String>> lines = new ArrayList<>();
        List<String> header = new ArrayList<>(List.of("run", "tenth"));
        header.addAll(Positions.METRICS);
        lines.add(header);
        for (RunResult result : results.values()) {
            for (int tenth = 0; tenth < Positions.TENTHS && !result.positions().equals(Positions.NONE); tenth++) {
                int at = tenth;
                List<String> line = new ArrayList<>(List.of(result.key().id(), Integer.toString(tenth + 1)));
                Positions.METRICS.forEach(
                        metric -> line.add(text(result.positions().value(metric, at))));
                lines.add(line);
            }
        }
        return lines;
    }

    private List<List<String>> curves() {
        List<String> metrics = Curve.METRICS.stream()
                .filter(metric -> results.values().stream()
                        .flatMap(result -> result.curve().points().stream())
                        .anyMatch(point -> point.values().containsKey(metric)))
                .toList();
        List<List<String>> lines = new ArrayList<>();
        List<String> header = new ArrayList<>(POINT);
        header.addAll(metrics);
        lines.add(header);
        for (RunResult result : results.values()) {
            for (Curve.Point point : result.curve().points()) {
                List<String> line = new ArrayList<>(List.of(
                        result.key().id(),
                        Long.toString(point.iterations()),
                        Long.toString(point.updates()),
                        text(point.value(Curve.EVALUATED))));
                metrics.forEach(metric -> line.add(text(point.value(metric))));
                lines.add(line);
            }
        }
        return lines;
    }

    /** Four digits: more than the noise of a run leaves. */
    static String text(OptionalDouble value) {
        if (value.isEmpty()) {
            return "";
        }
        double rounded = value.getAsDouble() == 0
                ? 0
                : new BigDecimal(value.getAsDouble()).round(new MathContext(4)).doubleValue();
        return rounded == Math.rint(rounded) && Math.abs(rounded) < 1e6
                ? Long.toString((long) rounded)
                : Double.toString(rounded);
    }

    /** A table's rows as a file, whole or not at all. */
    public static void write(Path file, List<List<String>> rows) {
        StringBuilder text = new StringBuilder();
        for (List<String> row : rows) {
            text.append(CSV.writer().writeValueAsString(row.toArray(String[]::new)));
        }
        WholeFile.write(file, text.toString());
    }
}
