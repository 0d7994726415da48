package org.minpro.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.minpro.data.DataException;
import org.minpro.data.Row;
import org.minpro.data.Rows;
import org.minpro.eval.Benchmark;
import org.minpro.eval.BenchmarkReport;
import org.minpro.eval.BenchmarkResult;
import org.minpro.eval.Evaluator;
import org.minpro.eval.ProblemOutcome;
import org.minpro.experience.Scoring;
import org.minpro.reward.MathReward;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutEngine;
import org.minpro.rollout.SamplingParams;
import org.minpro.verify.Verifier;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * An evaluation on benchmarks in a folder of its own: its settings, a journal of every response that has ended, and the
 * results.
 *
 * <p>An evaluation that was killed at any time is continued by opening its folder with the same settings: what the
 * journal has is not generated again, and with an engine that is {@linkplain RolloutEngine.Exactness#BITWISE exact to the
 * bit} the results have the bytes of an uninterrupted one, but for times and the journal's order.
 */
public final class BenchmarkRun implements AutoCloseable {
    private static final String SETTINGS = "settings.json";
    private static final String PROBLEMS = "problems.jsonl";
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final JsonMapper INDENTED =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private final RunFolder folder;
    private final JournalFile journal;

    private BenchmarkRun(RunFolder folder, JournalFile journal) {
        this.folder = folder;
        this.journal = journal;
    }

    /**
     * Opens the folder of an evaluation, made if it is not there.
     *
     * @param settings all that decides what the responses are and how they are judged: texts, numbers, booleans, lists
     *     and maps
     * @throws IllegalArgumentException if the folder was made with other settings, or for something else
     */
    public static BenchmarkRun open(Path path, Map<String, ?> settings) {
        JsonNode given = JSON.readTree(JSON.writeValueAsString(settings));
        checkPurpose(path);
        RunFolder folder = RunFolder.at(path);
        try {
            Optional<JsonNode> stored = settings(path);
            if (stored.isEmpty()) {
                WholeFile.write(path.resolve(SETTINGS), INDENTED.writeValueAsString(given) + "\n");
            } else {
                checkEqual(path, stored.get(), given);
            }
            return new BenchmarkRun(folder, JournalFile.open(folder.journal(), 0));
        } catch (RuntimeException e) {
            folder.close();
            throw e;
        }
    }

    /** The settings that a folder was made with; empty where it is none of an evaluation. */
    public static Optional<JsonNode> settings(Path path) {
        Path file = path.resolve(SETTINGS);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            return Optional.of(JSON.readTree(Files.readString(file)));
        } catch (IOException | JacksonException e) {
            throw new DataException(file + " must be the settings of an evaluation, got: " + e.getMessage(), e);
        }
    }

    private static void checkPurpose(Path path) {
        if (!Files.exists(path) || Files.exists(path.resolve(SETTINGS))) {
            return;
        }
        try (Stream<Path> entries = Files.list(path)) {
            // A process that was killed before it wrote its settings leaves the lock.
            List<String> others = entries.map(entry -> entry.getFileName().toString())
                    .filter(name -> !name.equals("lock") && !name.endsWith(".part"))
                    .sorted()
                    .toList();
            if (!others.isEmpty()) {
                throw new IllegalArgumentException("a results folder must be new or one of an evaluation, got: " + path
                        + ", which holds " + others.getFirst() + " and no " + SETTINGS);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("a results folder must be readable, got: " + path, e);
        }
    }

    private static void checkEqual(Path path, JsonNode stored, JsonNode given) {
        Map<String, String> was = new TreeMap<>();
        Map<String, String> is = new TreeMap<>();
        flatten("", stored, was);
        flatten("", given, is);
        SortedSet<String> names = new TreeSet<>(was.keySet());
        names.addAll(is.keySet());
        List<String> differences = names.stream()
                .filter(name -> !was.getOrDefault(name, "nothing").equals(is.getOrDefault(name, "nothing")))
                .map(name -> name + " was " + was.getOrDefault(name, "nothing") + " and is "
                        + is.getOrDefault(name, "nothing"))
                .toList();
        if (!differences.isEmpty()) {
            throw new IllegalArgumentException("a results folder is continued with the settings it was made with, got: "
                    + path + ", where " + String.join("; ", differences)
                    + "; give those settings or another folder");
        }
    }

    private static void flatten(String name, JsonNode node, Map<String, String> values) {
        if (node.isObject() && !node.isEmpty()) {
            node.forEachEntry((key, value) -> flatten(name.isEmpty() ? key : name + "." + key, value, values));
        } else {
            values.put(name, node.toString());
        }
    }

    public Path path() {
        return folder.path();
    }

    /**
     * Has the problems of a benchmark answered, as far as the journal lacks the answers, and judges them.
     *
     * @param questions its problems with the ids of their prompts
     * @param samples responses to each
     * @param verifier judges each response, and tells which are one answer
     * @param finished told of each response that is generated now, from any thread
     */
    public BenchmarkResult evaluate(
            Benchmark benchmark,
            List<Evaluator.Question> questions,
            RolloutEngine engine,
            SamplingParams params,
            int samples,
            Verifier verifier,
            Consumer<Rollout> finished) {
        Evaluator.Result result = new Evaluator(engine, new Scoring(new MathReward().judgedBy(verifier)), journal)
                .evaluate(questions, params, samples, benchmark.firstDraw(), finished);
        return BenchmarkResult.of(benchmark.name(), samples, result.groups(), verifier);
    }

    /** Writes {@code results.json}, {@code results.csv} and {@code problems.jsonl}. */
    public void write(List<BenchmarkReport> reports) {
        StringBuilder problems = new StringBuilder();
        StringBuilder table = new StringBuilder("benchmark,metric,value,low,high,problems\n");
        for (BenchmarkReport report : reports) {
            BenchmarkResult result = report.result();
            result.outcomes()
                    .forEach(outcome -> problems.append(JSON.writeValueAsString(json(result, outcome)))
                            .append('\n'));
            result.metrics()
                    .forEach((metric, estimate) -> table.append(String.join(
                                    ",",
                                    result.benchmark(),
                                    metric,
                                    cell(estimate.mean()),
                                    cell(estimate.low()),
                                    cell(estimate.high()),
                                    String.valueOf(estimate.problems())))
                            .append('\n'));
            Map<String, Object> shares = new LinkedHashMap<>();
            shares.put("truncated", result.truncated());
            shares.put("undecided", result.undecided());
            shares.put("tokens", result.tokens());
            shares.put("seconds", report.seconds());
            shares.forEach((metric, value) -> table.append(
                            String.join(",", result.benchmark(), metric, value.toString(), "", ""))
                    .append(',')
                    .append(result.outcomes().size())
                    .append('\n'));
        }
        WholeFile.write(
                path().resolve("results.json"),
                INDENTED.writeValueAsString(
                                reports.stream().map(BenchmarkReport::json).toList())
                        + "\n");
        WholeFile.write(path().resolve("results.csv"), table.toString());
        WholeFile.write(path().resolve(PROBLEMS), problems.toString());
    }

    private static String cell(double value) {
        return Double.isFinite(value) ? Double.toString(value) : "";
    }

    private static Map<String, @Nullable Object> json(BenchmarkResult result, ProblemOutcome outcome) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("benchmark", result.benchmark());
        json.put("problem", outcome.problem());
        json.put("samples", outcome.samples());
        json.put("decided", outcome.decided());
        json.put("right", outcome.right());
        json.put("majority", outcome.majority());
        json.put("truncated", outcome.truncated());
        json.put("tokens", outcome.tokens());
        return json;
    }

    /**
     * The results in the folder of a finished evaluation, by benchmark.
     *
     * @throws DataException if there are none
     */
    public static Map<String, BenchmarkResult> read(Path path) {
        Path file = path.resolve(PROBLEMS);
        if (!Files.isRegularFile(file)) {
            throw new DataException("a folder to compare with must be one of a finished evaluation, got: " + path
                    + ", which has no " + PROBLEMS);
        }
        Map<String, List<ProblemOutcome>> outcomes = new LinkedHashMap<>();
        for (Row row : Rows.readAll(file)) {
            outcomes.computeIfAbsent(row.string("benchmark"), name -> new ArrayList<>())
                    .add(outcome(row));
        }
        Map<String, BenchmarkResult> results = new LinkedHashMap<>();
        outcomes.forEach((name, all) ->
                results.put(name, new BenchmarkResult(name, all.getFirst().samples(), all)));
        return results;
    }

    private static ProblemOutcome outcome(Row row) {
        try {
            return new ProblemOutcome(
                    row.string("problem"),
                    (int) count(row, "samples"),
                    (int) count(row, "decided"),
                    (int) count(row, "right"),
                    row.has("majority") ? row.flag("majority", false) : null,
                    (int) count(row, "truncated"),
                    count(row, "tokens"));
        } catch (DataException e) {
            throw e;
        } catch (IllegalArgumentException e) {
            throw row.error(String.valueOf(e.getMessage()));
        }
    }

    private static long count(Row row, String field) {
        return switch (row.required(field)) {
            case Integer count when count >= 0 -> count;
            case Long count when count >= 0 -> count;
            case Object other -> throw row.wrongKind(field, "a count", other);
        };
    }

    @Override
    public void close() {
        journal.close();
        folder.close();
    }
}
