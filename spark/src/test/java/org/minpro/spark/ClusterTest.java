package org.minpro.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The programs on a cluster of this machine: what they leave has the bytes of what one process leaves. */
@Tag("slow")
final class ClusterTest {
    private static final int SECONDS = 300;

    @TempDir
    static Path folder;

    @SuppressWarnings("NullAway.Init") // set before all
    private static SubmittedProgram programs;

    @SuppressWarnings("NullAway.Init") // set by each test
    private Process submitted;

    @BeforeAll
    static void open() throws IOException {
        programs = SubmittedProgram.in(folder);
    }

    @AfterEach
    void end() {
        if (submitted != null) {
            submitted.descendants().forEach(ProcessHandle::destroyForcibly);
            submitted.destroyForcibly();
        }
    }

    private static void assertDone(String name, Process process) throws Exception {
        assertThat(process.waitFor(SECONDS, TimeUnit.SECONDS)).as(said(name)).isTrue();
        assertThat(process.exitValue()).as(said(name)).isZero();
    }

    private static String said(String name) throws IOException {
        return Files.readString(programs.out(name)) + Files.readString(programs.err(name));
    }

    private static void await(String name, BooleanSupplier there) throws IOException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
        while (!there.getAsBoolean()) {
            assertThat(System.nanoTime()).as(said(name)).isLessThan(end);
            LockSupport.parkNanos(5_000_000);
        }
    }

    private static boolean has(Path file, String text) {
        try {
            return Files.exists(file) && Files.readString(file).contains(text);
        } catch (IOException e) {
            return false;
        }
    }

    /** The executor whose task started a rank. */
    private static Optional<ProcessHandle> executorOf(Process driver, int rank) {
        return driver.descendants()
                .filter(process -> environment(process).contains("\0RANK=" + rank + "\0"))
                .findFirst()
                .flatMap(ProcessHandle::parent);
    }

    private static String environment(ProcessHandle process) {
        try {
            Path file = Path.of("/proc", String.valueOf(process.pid()), "environ");
            return "\0" + new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return "";
        }
    }

    private static Path recipe() throws IOException {
        return Files.writeString(folder.resolve("recipe.yaml"), """
                iterations: 16
                lag: 1
                groups-per-iteration: 2
                group-size: 4
                updates-per-iteration: 1
                sampling: {max-new-tokens: 96}
                optimizer: {warmup-updates: 0}
                compute: {lanes: 2, workers: 1}
                checkpoints: {every: 3}
                evaluation: {problems: 8}
                """);
    }

    private static void assertSameBytes(Path one, Path other) throws IOException {
        for (String file : List.of(
                "tokens.jsonl",
                "samples.txt",
                "model/model.safetensors",
                "checkpoints/iteration-000000016/weights.safetensors",
                "checkpoints/iteration-000000016/optimizer.safetensors",
                "checkpoints/iteration-000000016/state.json")) {
            assertThat(one.resolve(file)).as(file).hasSameBinaryContentAs(other.resolve(file));
        }
        for (String file : List.of("metrics.jsonl", "evaluations.jsonl")) {
            assertThat(untimed(one.resolve(file))).as(file).isEqualTo(untimed(other.resolve(file)));
        }
        assertThat(Files.readAllLines(one.resolve("journal.jsonl")))
                .containsExactlyInAnyOrderElementsOf(Files.readAllLines(other.resolve("journal.jsonl")));
    }

    private static List<String> untimed(Path file) throws IOException {
        return Files.readAllLines(file).stream()
                .map(line -> line.replaceFirst(",\"time\":\\{[^}]*}", ""))
                .toList();
    }

    @Test
    void aRunWhoseExecutorIsKilledLeavesTheBytesOfOneThatNothingBefell() throws Exception {
        Path recipe = recipe();
        String whole = folder.resolve("whole").toString();
        Process alone = programs.minpro("alone", "train", "--config", recipe.toString(), "--runs", whole);
        assertDone("alone", alone);

        submitted = programs.submit(
                "train",
                TrainOnSpark.class,
                List.of(),
                "--config",
                recipe.toString(),
                "--runs",
                folder.resolve("runs").toString(),
                "--ranks",
                "2");
        Path run = folder.resolve("runs").resolve("0001");
        await("train", () -> new SharedRun(run).iterations() >= 5 || !submitted.isAlive());
        ProcessHandle executor = executorOf(submitted, 0).orElseThrow(() -> new AssertionError("no rank 0"));
        List<ProcessHandle> ranks = executor.children().toList();
        long killed = System.nanoTime();
        executor.destroyForcibly();
        await("train", () -> has(programs.err("train"), "generation 2 of ") || !submitted.isAlive());
        double seconds = (System.nanoTime() - killed) / 1e9;
        System.out.printf("an executor killed: the next generation %.1f s later%n", seconds);
        assertThat(seconds).isLessThan(60);
        // The rank of the killed executor has ended: nobody would wait for it.
        CompletableFuture.allOf(ranks.stream().map(ProcessHandle::onExit).toArray(CompletableFuture[]::new))
                .get(10, TimeUnit.SECONDS);
        assertDone("train", submitted);
        assertThat(said("train"))
                .contains("generation 1 of ", "generation 1 ended after ", "generation 2 of ", "after: ", "done, on ")
                .doesNotContain("generation 3");
        assertThat(run.resolve("ranks").resolve("1.log")).exists();
        assertThat(run.resolve("ranks").resolve("1").resolve("metrics.jsonl")).isNotEmptyFile();
        assertSameBytes(run, folder.resolve("whole").resolve("0001"));
    }

    private static Path study(String name) throws IOException {
        return Files.writeString(folder.resolve(name + ".yaml"), """
                folder: '%s'
                processes: 2
                grid: {objective: [minpro, grpo]}
                seeds: [1]
                window: 1
                recipe:
                  iterations: 3
                  groups-per-iteration: 2
                  group-size: 4
                  updates-per-iteration: 1
                  sampling: {max-new-tokens: 96}
                  optimizer: {warmup-updates: 0}
                  compute: {workers: 1}
                  evaluation: {problems: 8}
                """.formatted(folder.resolve(name)));
    }

    /** A table's lines without the seconds that a run took, sorted: runs end in any order. */
    private static List<String> table(String study, String table) throws IOException {
        List<String> lines = Files.readAllLines(folder.resolve(study).resolve(table));
        int seconds = List.of(lines.getFirst().split(",", -1)).indexOf("seconds");
        return lines.stream()
                .map(line -> {
                    String[] cells = line.split(",", -1);
                    if (seconds >= 0) {
                        cells[seconds] = "";
                    }
                    return String.join(",", cells);
                })
                .sorted(Comparator.naturalOrder())
                .toList();
    }

    @Test
    void aStudyOnExecutorsHasTheTablesOfOneOnThisMachine() throws Exception {
        Process here =
                programs.minpro("here", "compare", "--config", study("here").toString());
        assertDone("here", here);
        submitted = programs.submit(
                "there",
                CompareOnSpark.class,
                List.of(),
                "--config",
                study("there").toString());
        assertDone("there", submitted);
        assertThat(said("there")).contains("2 of 2  ", "report: ");
        assertThat(table("there", "runs.csv")).hasSize(3).isEqualTo(table("here", "runs.csv"));
        assertThat(table("there", "curves.csv")).hasSizeGreaterThan(6).isEqualTo(table("here", "curves.csv"));
        assertThat(folder.resolve("there").resolve("report.html")).isNotEmptyFile();
        assertThat(Files.readAllLines(programs.out("there"))).isEqualTo(Files.readAllLines(programs.out("here")));
    }

    @Test
    void commandsAreTasksAndOneThatFailsIsNamed() throws Exception {
        Path commands = Files.writeString(folder.resolve("commands.txt"), """
                # what is asked of the command
                objectives minpro
                verify --answer "x = 2" --reference 2 --nonsense
                """);
        Path results = folder.resolve("results");
        submitted =
                programs.submit("commands", CommandsOnSpark.class, List.of(), commands.toString(), results.toString());
        assertThat(submitted.waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
        assertThat(submitted.exitValue()).as(said("commands")).isEqualTo(1);
        assertThat(said("commands"))
                .contains("failed: minpro verify", "exit code 2", "unknown option", "1 of 2 commands");
        assertThat(results.resolve("1.out")).isNotEmptyFile();
    }
}
