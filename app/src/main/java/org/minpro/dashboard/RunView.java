package org.minpro.dashboard;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.minpro.config.FlatSettings;
import org.minpro.run.JsonLines;
import org.minpro.run.RunFiles;
import org.minpro.run.RunProcess;
import org.minpro.tracker.MetricPoint;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A run's folder, as far as it can be read: running, finished, killed or copied. It never writes to it and asks for no lock.
 *
 * @param folder the folder
 */
public record RunView(Path folder) {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** Bytes at the end of a file in which its last line is looked for first. */
    private static final int TAIL = 1 << 16;

    /** Whether a folder is one of a run. */
    public static boolean isRun(Path folder) {
        return Files.isRegularFile(new RunFiles(folder).recipe());
    }

    private RunFiles files() {
        return new RunFiles(folder);
    }

    public Path metrics() {
        return files().metrics();
    }

    public Path evaluations() {
        return files().evaluations();
    }

    public Path journal() {
        return files().journal();
    }

    public Path tokens() {
        return files().tokens();
    }

    /** The text of its recipe; empty where it cannot be read. */
    public String recipe() {
        return text("recipe.yaml");
    }

    /** Each setting by its name with dots. */
    public Map<String, String> settings() {
        return FlatSettings.of(recipe());
    }

    /** What was printed before the run began; empty where it was not. */
    public String plan() {
        return text("plan.txt");
    }

    private String text(String name) {
        try {
            return new String(Files.readAllBytes(folder.resolve(name)), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "";
        }
    }

    /** What was said while it went on, oldest first. */
    public List<JsonNode> notices() {
        return JsonLines.of(folder.resolve("notices.jsonl"));
    }

    /** Each evaluation's line, oldest first. */
    public List<JsonNode> evaluated() {
        return JsonLines.of(evaluations());
    }

    /** The iterations before which answers were stored, ascending. */
    public List<Long> answered() throws IOException {
        Path answers = folder.resolve("answers");
        if (!Files.isDirectory(answers)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(answers)) {
            return files.map(file -> String.valueOf(file.getFileName()))
                    .filter(name -> name.matches("iteration-\\d{1,18}\\.jsonl"))
                    .map(name -> Long.parseLong(name.replaceAll("\\D", "")))
                    .sorted()
                    .toList();
        }
    }

    public Path answers(long iteration) {
        return folder.resolve("answers").resolve("iteration-" + iteration + ".jsonl");
    }

    /** The last whole line of the metrics that has an iteration; one that is damaged or cut short is passed over. */
    public Optional<JsonNode> lastLine() {
        try (SeekableByteChannel channel = Files.newByteChannel(metrics())) {
            long size = channel.size();
            for (long tail = TAIL; ; tail *= 4) {
                int length = Math.toIntExact(Math.min(tail, size));
                ByteBuffer buffer = ByteBuffer.allocate(length);
                channel.position(size - length);
                while (buffer.hasRemaining() && channel.read(buffer) > 0) {}
                Optional<JsonNode> line =
                        lastLine(new String(buffer.array(), 0, buffer.position(), StandardCharsets.UTF_8));
                if (line.isPresent() || length == size) {
                    return line;
                }
            }
        } catch (IOException | ArithmeticException e) {
            return Optional.empty();
        }
    }

    private static Optional<JsonNode> lastLine(String text) {
        int end = text.lastIndexOf('\n');
        while (end >= 0) {
            int before = text.lastIndexOf('\n', end - 1);
            try {
                JsonNode node = JSON.readTree(text.substring(before + 1, end));
                if (node.path("iteration").isIntegralNumber()) {
                    return Optional.of(node);
                }
            } catch (JacksonException e) {
                // Damaged, or its beginning is not in the text.
            }
            end = before;
        }
        return Optional.empty();
    }

    /** The numbers of the last line by their names in trackers. */
    public Map<String, Double> newest() {
        return lastLine()
                .map(line -> MetricPoint.of(MetricPoint.Series.TRAINING, line).values())
                .orElse(Map.of());
    }

    /** Iterations or updates that are recorded. */
    public long done() {
        return lastLine().map(line -> 1 + line.path("iteration").longValue(-1)).orElse(0L);
    }

    /** Iterations or updates that the recipe asks for; 0 where it does not say. */
    public static long due(Map<String, String> settings) {
        String due = settings.getOrDefault("iterations", settings.getOrDefault("updates", ""));
        return due.matches("\\d{1,18}") ? Long.parseLong(due) : 0;
    }

    public RunState state(long done, long due) {
        Optional<RunProcess> process = RunProcess.of(folder);
        boolean finished = due > 0 ? done >= due : files().hasResult();
        if (process.isPresent() && process.get().isAlive()) {
            return RunState.RUNNING;
        }
        // One that died in its last steps left its mark: the model or the accuracy after it may be missing.
        if (process.isPresent() && process.get().isHere()) {
            return RunState.KILLED;
        }
        if (Files.exists(files().failure())) {
            return RunState.FAILED;
        }
        if (finished) {
            return RunState.FINISHED;
        }
        return process.isPresent() ? RunState.ELSEWHERE : RunState.STOPPED;
    }
}
