package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.minpro.data.Problem;
import org.minpro.reward.Reward;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;

/** Ctrl-C, which is SIGINT to a process of its own: the run is saved and can be continued, a second one ends at once. */
@DisabledOnOs(OS.WINDOWS)
@Tag("slow")
final class InterruptedRunTest {
    private static final int ITERATIONS = 12;

    @TempDir
    static Path modelFolder;

    private static String model = "";

    @TempDir
    Path folder;

    private static final int SIGINT = 2;

    @BeforeAll
    static void writeModel() throws IOException {
        assumeThat(ignoresInterrupts())
                .as("SIGINT is ignored where this runs, as in a background job, and its children inherit that")
                .isFalse();
        model = TinyModelFolder.write(modelFolder).toString();
    }

    private static boolean ignoresInterrupts() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.exists(status)) {
            return false;
        }
        try (Stream<String> lines = Files.lines(status)) {
            return lines.filter(line -> line.startsWith("SigIgn:"))
                    .anyMatch(line -> (Long.parseUnsignedLong(line.split("\\s+")[1], 16) >> (SIGINT - 1) & 1) == 1);
        }
    }

    /** Public, because a reward is. Slow enough that every phase can be hit. */
    public static final class Slow implements Reward {
        @Override
        public Score score(Problem problem, Rollout rollout) {
            sleep(20);
            return new TrainCommandTest.Varied().score(problem, rollout);
        }
    }

    /** Public, because a reward is. */
    public static final class Hanging implements Reward {
        @Override
        public Score score(Problem problem, Rollout rollout) {
            sleep(3_600_000);
            return Score.of(1);
        }
    }

    private static void sleep(long milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private List<String> train(Class<? extends Reward> reward, String... settings) {
        List<String> line = new ArrayList<>(List.of(
                "train", "--model", model, "--runs", folder.resolve("runs").toString(), "--lag", "1"));
        List<String> all = new ArrayList<>(List.of(
                "iterations=" + ITERATIONS,
                "groups-per-iteration=2",
                "group-size=4",
                "updates-per-iteration=1",
                "sampling.max-new-tokens=8",
                "optimizer.warmup-updates=0",
                "prompts.chat-template=off",
                "compute.workers=1",
                "checkpoints.every=5",
                "evaluation.problems=2"));
        all.addAll(List.of(settings));
        for (String setting : all) {
            line.addAll(List.of("--set", setting));
        }
        line.addAll(List.of("--reward", reward.getName()));
        return line;
    }

    private static Process start(List<String> line) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx256m",
                "-Duser.home=" + System.getProperty("user.home"),
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
        command.addAll(line);
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }

    private static void interrupt(Process process) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-INT", Long.toString(process.pid()))
                .inheritIO()
                .start()
                .waitFor();
    }

    /** Reads up to the first line with a text; all of it where the process ends before. */
    private static String upTo(BufferedReader lines, String text) throws IOException {
        StringBuilder read = new StringBuilder();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            read.append(line).append('\n');
            if (line.contains(text)) {
                break;
            }
        }
        return read.toString();
    }

    private static BufferedReader lines(Process process) {
        return new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @CsvSource({
        "'  run  ',      1, 400", // while the start is measured or the model is evaluated
        "before: accuracy, 2, 600", // in the first iterations, of which the first has no update
        "iteration 5/,   3, 300" // a checkpoint is written about now
    })
    void oneStopsTheRunSavedAtAnyMoment(String line, long seed, int within) throws Exception {
        Process process = start(train(Slow.class));
        try (BufferedReader lines = lines(process)) {
            String before = upTo(lines, line);
            assertThat(process.isAlive()).as(before).isTrue();
            TimeUnit.MILLISECONDS.sleep(new Random(seed).nextInt(within));
            interrupt(process);
            String after = upTo(lines, "never");
            assertThat(process.waitFor()).as(before + after).isEqualTo(130);
            assertThat(after)
                    .containsOnlyOnce("stopping as soon as what is under way is saved")
                    .contains("stopped ");
        } finally {
            process.destroyForcibly();
        }
        Path run = folder.resolve("runs").resolve("0001");
        if (Files.exists(run)) {
            CommandLineRun resumed = CommandLineRun.of("train", "--resume", run.toString());
            assertThat(resumed.code()).as(resumed.err()).isZero();
            assertThat(Files.readAllLines(run.resolve("metrics.jsonl"))).hasSize(ITERATIONS);
        }
    }

    @Test
    void aSecondOneEndsAtOnce() throws Exception {
        Process process = start(train(Hanging.class, "reward-budget-seconds=3600", "evaluation.problems=0"));
        try (BufferedReader lines = lines(process)) {
            String before = upTo(lines, "  run  ");
            TimeUnit.SECONDS.sleep(2);
            interrupt(process);
            String after = upTo(lines, "stopping as soon as");
            assertThat(process.isAlive()).as(before + after).isTrue();
            interrupt(process);
            assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isEqualTo(130);
        } finally {
            process.destroyForcibly();
        }
    }
}
