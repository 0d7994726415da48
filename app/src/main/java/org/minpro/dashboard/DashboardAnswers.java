package org.minpro.dashboard;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.minpro.run.RunFiles;
import org.minpro.tracker.MetricPoint;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What the dashboard's page asks for, as JSON. */
final class DashboardAnswers implements AutoCloseable {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** Points of a curve that a page is sent; a longer run is thinned out. */
    private static final int MOST_POINTS = 4000;

    private static final int MOST_ROLLOUTS = 200;

    /** Runs whose files are kept in memory. */
    private static final int MOST_OPEN = 6;

    /** How long a request waits for an index that is being made. */
    private static final long PATIENCE_MILLIS = 400;

    private final RunDirectory runs;
    private final Path cache;
    private final ExecutorService indexing = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon(true).name("dashboard index").factory());
    private final Map<String, OpenRun> open = new LinkedHashMap<>(16, 0.75f, true);
    private final Map<String, String> stamps = new ConcurrentHashMap<>();

    DashboardAnswers(RunDirectory runs, Path cache) {
        this.runs = runs;
        this.cache = cache;
    }

    /** What is kept of a run between requests. */
    private final class OpenRun {
        private final RunView view;
        private final MetricsTable metrics;
        private final MetricsTable evaluations;
        private final RolloutIndex rollouts;
        private @Nullable Future<?> reading;
        private @Nullable ShownRollouts shown;
        /** Read by who decodes, written by who frees the tokenizer, which must not be in use then. */
        private final ReadWriteLock using = new ReentrantReadWriteLock();

        private boolean closed;

        OpenRun(RunView view) {
            this.view = view;
            metrics = new MetricsTable(view.metrics(), MetricPoint.Series.TRAINING);
            evaluations = new MetricsTable(view.evaluations(), MetricPoint.Series.EVALUATION);
            rollouts = new RolloutIndex(view.journal(), view.tokens(), cache);
        }

        /** Whether the index has all that the journal has; it is read on the way. */
        synchronized boolean indexed() throws IOException {
            Future<?> task = reading;
            if (task == null) {
                task = indexing.submit(() -> {
                    rollouts.refresh();
                    return null;
                });
                reading = task;
            }
            try {
                task.get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
                reading = null;
                return true;
            } catch (TimeoutException e) {
                return false;
            } catch (ExecutionException e) {
                reading = null;
                throw new IOException(e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException(e);
            }
        }

        /** What a question makes of the run's rollouts as they are shown. */
        <T> T shown(Question<T> question) throws IOException {
            using.readLock().lock();
            try {
                return question.of(opened());
            } finally {
                using.readLock().unlock();
            }
        }

        private synchronized ShownRollouts opened() {
            if (closed) {
                throw new IllegalArgumentException("run must be open, got: one that was closed meanwhile; ask again");
            }
            if (shown == null) {
                shown = ShownRollouts.of(view);
            }
            return shown;
        }

        void close() {
            using.writeLock().lock();
            try {
                closeNow();
            } finally {
                using.writeLock().unlock();
            }
        }

        private synchronized void closeNow() {
            closed = true;
            if (shown != null) {
                shown.close();
                shown = null;
            }
        }
    }

    /** What is made of shown rollouts. */
    @FunctionalInterface
    private interface Question<T> {
        T of(ShownRollouts shown) throws IOException;
    }

    private OpenRun run(Map<String, String> query) {
        String name = query.getOrDefault("run", "");
        RunView view = runs.run(name)
                .orElseThrow(
                        () -> new IllegalArgumentException("run must be one of " + runs.root() + ", got: " + name));
        synchronized (open) {
            OpenRun found = open.computeIfAbsent(name, key -> new OpenRun(view));
            if (open.size() > MOST_OPEN) {
                Iterator<OpenRun> oldest = open.values().iterator();
                oldest.next().close();
                oldest.remove();
            }
            return found;
        }
    }

    /** The answer to a question; null where there is no such question. */
    @Nullable JsonNode of(String question, Map<String, String> query) throws IOException {
        return switch (question) {
            case "runs" -> list();
            case "run" -> details(query);
            case "series" -> series(query);
            case "rollouts" -> rollouts(query);
            case "group" -> group(query);
            case "answers" -> compared(query);
            default -> null;
        };
    }

    private ObjectNode list() {
        ObjectNode answer = JSON.createObjectNode();
        answer.put("root", String.valueOf(runs.root()));
        ArrayNode all = answer.putArray("runs");
        runs.runs().forEach((name, view) -> all.add(summary(runs.summary(name, view))));
        return answer;
    }

    private static ObjectNode summary(RunSummary run) {
        ObjectNode node = JSON.createObjectNode()
                .put("name", run.name())
                .put("command", run.command())
                .put("state", run.state().word())
                .put("done", run.done())
                .put("due", run.due())
                .put("objective", run.objective())
                .put("model", run.model())
                .put("lag", run.lag())
                .put("reward", run.reward())
                .put("entropy", run.entropy())
                .put("loss", run.loss())
                .put("accuracy", run.accuracy())
                .put("accuracy_before", run.accuracyBefore())
                .put("changed", run.changed())
                .put("seconds", run.seconds())
                .put("warnings", run.warnings());
        return node;
    }

    private ObjectNode details(Map<String, String> query) throws IOException {
        OpenRun run = run(query);
        ObjectNode answer = JSON.createObjectNode();
        answer.set("summary", summary(runs.summary(query.getOrDefault("run", ""), run.view)));
        answer.put("folder", String.valueOf(run.view.folder()));
        ObjectNode settings = answer.putObject("settings");
        run.view.settings().forEach(settings::put);
        answer.put("plan", run.view.plan());
        ArrayNode notices = answer.putArray("notices");
        run.view.notices().forEach(notices::add);
        ArrayNode answered = answer.putArray("answered");
        run.view.answered().forEach(answered::add);
        synchronized (run.metrics) {
            run.metrics.refresh();
            ArrayNode names = answer.putArray("names");
            run.metrics.names().forEach(names::add);
        }
        return answer;
    }

    private ObjectNode series(Map<String, String> query) throws IOException {
        OpenRun run = run(query);
        List<String> names = Arrays.stream(query.getOrDefault("names", "").split(","))
                .filter(name -> !name.isEmpty())
                .toList();
        ObjectNode answer = JSON.createObjectNode();
        answer.set("training", columns(run.metrics, names));
        answer.set(
                "evaluation",
                columns(run.evaluations, List.of("eval/accuracy", "eval/accuracy_low", "eval/accuracy_high")));
        return answer;
    }

    /** Names that end in an asterisk stand for all that begin so. */
    private static ObjectNode columns(MetricsTable table, List<String> names) throws IOException {
        synchronized (table) {
            table.refresh();
            int every = 1 + (table.rows() - 1) / MOST_POINTS;
            ObjectNode answer =
                    JSON.createObjectNode().put("rows", table.rows()).put("every", every);
            column(answer.putArray("step"), table, every, row -> (double) table.step(row));
            column(answer.putArray("time"), table, every, table::time);
            ObjectNode columns = answer.putObject("columns");
            for (String name : table.names()) {
                boolean asked = names.stream()
                        .anyMatch(wanted -> wanted.endsWith("*")
                                ? name.startsWith(wanted.substring(0, wanted.length() - 1))
                                : name.equals(wanted));
                if (asked) {
                    column(columns.putArray(name), table, every, row -> table.value(name, row));
                }
            }
            return answer;
        }
    }

    private static void column(ArrayNode column, MetricsTable table, int every, Function<Integer, Double> value) {
        for (int row = 0; row < table.rows(); row++) {
            // The last one too: it is what is looked at.
            if (row % every == 0 || row == table.rows() - 1) {
                double number = value.apply(row);
                if (Double.isFinite(number)) {
                    column.add(number);
                } else {
                    column.addNull();
                }
            }
        }
    }

    private ObjectNode rollouts(Map<String, String> query) throws IOException {
        OpenRun run = run(query);
        ObjectNode answer = JSON.createObjectNode();
        if (!run.indexed()) {
            long size = Files.size(run.view.journal());
            return answer.put("indexing", true).put("share", size == 0 ? 0 : run.rollouts.read() / (double) size);
        }
        RolloutIndex.Filter filter = new RolloutIndex.Filter(
                number(query, "iteration", Long::valueOf),
                number(query, "reward_from", Double::valueOf),
                number(query, "reward_to", Double::valueOf),
                number(query, "tokens_from", Integer::valueOf),
                number(query, "tokens_to", Integer::valueOf),
                number(query, "undecided", Boolean::valueOf),
                number(query, "truncated", Boolean::valueOf),
                "true".equals(query.get("recorded")));
        RolloutIndex.Order order;
        try {
            order = RolloutIndex.Order.valueOf(
                    query.getOrDefault("order", "newest").toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "order must be one of "
                            + Arrays.toString(RolloutIndex.Order.values()).toLowerCase(Locale.ROOT) + ", got: "
                            + query.get("order"),
                    e);
        }
        Integer skip = number(query, "skip", Integer::valueOf);
        RolloutIndex.Found found =
                run.rollouts.find(filter, order, skip == null ? 0 : Math.max(0, skip), MOST_ROLLOUTS);
        answer.put("all", run.rollouts.size()).put("matching", found.matching());
        ArrayNode page = answer.putArray("rollouts");
        for (RolloutIndex.Entry entry : found.page()) {
            ObjectNode node = page.addObject()
                    .put("iteration", entry.iteration())
                    .put("draw", entry.draw())
                    .put("sample", entry.sample())
                    .put("tokens", entry.tokens())
                    .put("undecided", entry.undecided())
                    .put("truncated", entry.truncated());
            put(node, "reward", entry.reward());
            put(node, "log_ratio", entry.logRatio());
        }
        return answer;
    }

    private static void put(ObjectNode node, String name, float value) {
        if (Float.isNaN(value)) {
            node.putNull(name);
        } else {
            node.put(name, value);
        }
    }

    private static <N> @Nullable N number(Map<String, String> query, String name, Function<String, N> parse) {
        String given = query.get(name);
        if (given == null || given.isBlank()) {
            return null;
        }
        try {
            return parse.apply(given.strip());
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(name + " must be a number, got: " + given, e);
        }
    }

    private ObjectNode group(Map<String, String> query) throws IOException {
        OpenRun run = run(query);
        Long draw = number(query, "draw", Long::valueOf);
        if (draw == null) {
            throw new IllegalArgumentException("draw must be given");
        }
        run.indexed();
        ObjectNode answer = JSON.createObjectNode().put("draw", draw);
        ArrayNode responses = answer.putArray("responses");
        for (RolloutIndex.Entry entry : run.rollouts.ofDraw(draw)) {
            ObjectNode response = run.shown(
                    shown -> shown.shown(run.rollouts.read(entry), run.rollouts.tokens(draw, entry.sample())));
            responses.add(response);
        }
        return answer;
    }

    /** The answers of two evaluations, problem by problem. */
    private ObjectNode compared(Map<String, String> query) throws IOException {
        OpenRun run = run(query);
        List<Long> there = run.view.answered();
        Long before = number(query, "before", Long::valueOf);
        Long after = number(query, "after", Long::valueOf);
        ObjectNode answer = JSON.createObjectNode();
        ArrayNode answered = answer.putArray("answered");
        there.forEach(answered::add);
        if (before == null || after == null || !there.contains(before) || !there.contains(after)) {
            return answer;
        }
        Map<String, ObjectNode> rows = new LinkedHashMap<>();
        read(run.view.answers(before), line -> {
            ObjectNode row = JSON.createObjectNode();
            row.set("problem", line.path("problem"));
            row.set("answer", line.path("answer"));
            row.set("sample", line.path("sample"));
            run.shown(shown -> shown.text(line.path("prompt_ids"))).ifPresent(prompt -> row.put("prompt", prompt));
            row.set("before", judged(line));
            rows.put(line.path("problem").stringValue("") + "\n" + line.path("sample"), row);
        });
        read(run.view.answers(after), line -> {
            ObjectNode row = rows.get(line.path("problem").stringValue("") + "\n" + line.path("sample"));
            if (row != null) {
                row.set("after", judged(line));
            }
        });
        Map<String, Integer> counts = new HashMap<>();
        String wanted = query.getOrDefault("change", "");
        List<ObjectNode> chosen = new ArrayList<>();
        for (ObjectNode row : rows.values()) {
            if (!row.has("after")) {
                continue;
            }
            String change = change(row.get("before"), row.get("after"));
            row.put("change", change);
            counts.merge(change, 1, Integer::sum);
            if (wanted.isEmpty() || wanted.equals(change)) {
                chosen.add(row);
            }
        }
        ObjectNode counted = answer.putObject("counts");
        counts.forEach(counted::put);
        answer.put("matching", chosen.size());
        ArrayNode page = answer.putArray("rows");
        chosen.stream().limit(MOST_ROLLOUTS).forEach(page::add);
        return answer;
    }

    private static ObjectNode judged(JsonNode line) {
        ObjectNode node = JSON.createObjectNode();
        node.set("text", line.path("text"));
        node.set("finish", line.path("finish"));
        node.set("score", line.path("score"));
        node.put("tokens", line.path("response_ids").size());
        return node;
    }

    /** What became of an answer: by its reward, and by its text where that is the same. */
    private static String change(JsonNode before, JsonNode after) {
        JsonNode old = before.path("score");
        JsonNode now = after.path("score");
        boolean decided =
                old.path("decided").booleanValue(false) && now.path("decided").booleanValue(false);
        if (!decided) {
            return "undecided";
        }
        int order = Double.compare(
                now.path("value").doubleValue(0), old.path("value").doubleValue(0));
        if (order != 0) {
            return order > 0 ? "better" : "worse";
        }
        return before.path("text").equals(after.path("text")) ? "same" : "other words";
    }

    private interface Line {
        void of(JsonNode line) throws IOException;
    }

    private static void read(Path file, Line told) throws IOException {
        try (BufferedReader reader =
                new BufferedReader(new InputStreamReader(Files.newInputStream(file), StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                try {
                    told.of(JSON.readTree(line));
                } catch (JacksonException e) {
                    // A damaged line says nothing.
                }
            }
        }
    }

    /** The newest numbers of all runs for Prometheus. */
    String prometheus() {
        PrometheusText text = new PrometheusText();
        runs.runs().forEach((name, view) -> {
            RunSummary summary = runs.summary(name, view);
            text.add(name, summary.state(), summary.done(), summary.due(), view.newest());
        });
        return text.text();
    }

    /** The names of runs that have changed since this was asked last, as a JSON array; empty where none has. */
    Optional<String> changed() {
        ArrayNode changed = JSON.createArrayNode();
        Map<String, RunView> all = runs.runs();
        all.forEach((name, view) -> {
            String stamp = size(view.metrics()) + " " + size(view.evaluations()) + " "
                    + size(view.folder().resolve("notices.jsonl")) + " "
                    + size(new RunFiles(view.folder()).lock());
            if (!stamp.equals(stamps.put(name, stamp))) {
                changed.add(name);
            }
        });
        if (stamps.keySet().retainAll(all.keySet())) {
            changed.add("");
        }
        return changed.isEmpty() ? Optional.empty() : Optional.of(JSON.writeValueAsString(changed));
    }

    private static long size(Path file) {
        return file.toFile().length();
    }

    @Override
    public void close() {
        indexing.shutdownNow();
        synchronized (open) {
            open.values().forEach(OpenRun::close);
            open.clear();
        }
    }
}
