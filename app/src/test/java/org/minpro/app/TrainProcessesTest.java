package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code minpro train --processes}: one command, one console, and the bytes of one process. */
final class TrainProcessesTest {
    @TempDir
    static Path modelFolder;

    private static String model = "";

    @TempDir
    Path folder;

    @BeforeAll
    static void writeModel() {
        model = TinyModelFolder.write(modelFolder).toString();
    }

    private String[] train(String runs, String... more) {
        List<String> line = new ArrayList<>(List.of(
                "train", "--model", model, "--runs", folder.resolve(runs).toString(), "--lag", "1"));
        for (String setting : List.of(
                "iterations=4",
                "groups-per-iteration=2",
                "group-size=2",
                "updates-per-iteration=1",
                "sampling.max-new-tokens=4",
                "optimizer.warmup-updates=0",
                "prompts.chat-template=off",
                "compute.workers=1",
                "checkpoints.every=1",
                "evaluation.problems=2")) {
            line.addAll(List.of("--set", setting));
        }
        line.addAll(List.of("--reward", TrainCommandTest.Varied.class.getName()));
        line.addAll(List.of(more));
        return line.toArray(String[]::new);
    }

    private Path run(String runs) {
        return folder.resolve(runs).resolve("0001");
    }

    private void assertSameBytes(String one, String other) throws IOException {
        for (String file : List.of(
                "tokens.jsonl",
                "samples.txt",
                "model/model.safetensors",
                "checkpoints/iteration-000000004/weights.safetensors",
                "checkpoints/iteration-000000004/optimizer.safetensors",
                "checkpoints/iteration-000000004/state.json")) {
            assertThat(run(one).resolve(file))
                    .as(file)
                    .hasSameBinaryContentAs(run(other).resolve(file));
        }
        assertThat(Files.readAllLines(run(one).resolve("journal.jsonl")))
                .containsExactlyInAnyOrderElementsOf(
                        Files.readAllLines(run(other).resolve("journal.jsonl")));
    }

    @Test
    void fewerLanesThanProcessesAreAUsageError() {
        CommandLineRun refused = CommandLineRun.of(train("runs", "--processes", "3"));
        assertThat(refused.code()).isEqualTo(2);
        assertThat(refused.err())
                .contains("minpro: compute.lanes must be at least the number of processes (3), got: 2")
                .contains("--set compute.lanes=3");
        assertThat(folder.resolve("runs")).doesNotExist();
    }

    @ParameterizedTest
    @Tag("slow")
    @ValueSource(strings = {"f32", "bf16"})
    void twoProcessesSayAndLeaveWhatOneDoes(String type) throws Exception {
        String setting = "model.dtype=" + type;
        CommandLineRun one = CommandLineRun.of(train("one", "--set", setting));
        assertThat(one.code()).as(one.err()).isZero();
        CommandLineRun two = CommandLineRun.of(train("two", "--set", setting, "--processes", "2"));
        assertThat(two.code()).as(two.err()).isZero();
        assertThat(two.err())
                .contains("processes  2, 2 of them on this machine; 1 lanes each")
                .contains("after:");
        assertSameBytes("two", "one");
        assertThat(run("two").resolve("ranks").resolve("1").resolve("metrics.jsonl"))
                .isNotEmptyFile();
        assertThat(run("two").resolve("ranks").resolve("1.log").toFile()).exists();
    }

    @Test
    @Tag("slow")
    void aKilledProcessIsNamedAndTheRunGoesOnWithOne() throws Exception {
        CommandLineRun whole = CommandLineRun.of(train("whole", "--set", "iterations=100"));
        assertThat(whole.code()).as(whole.err()).isZero();
        CompletableFuture<CommandLineRun> running = CompletableFuture.supplyAsync(
                () -> CommandLineRun.of(train("killed", "--set", "iterations=100", "--processes", "2")));
        Path metrics = run("killed").resolve("metrics.jsonl");
        long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(2);
        while ((Files.notExists(metrics) || Files.size(metrics) == 0) && System.nanoTime() < end) {
            LockSupport.parkNanos(2_000_000);
        }
        Optional<ProcessHandle> other = ProcessHandle.current()
                .children()
                .filter(child -> child.info().command().orElse("").endsWith("java"))
                .findFirst();
        other.orElseThrow().destroyForcibly();
        CommandLineRun killed = running.get(2, TimeUnit.MINUTES);
        assertThat(killed.code()).as(killed.err()).isEqualTo(1);
        assertThat(killed.err())
                .containsPattern("minpro: rank 1 on \\S+ must be alive, got: no sign of life")
                .contains("--resume")
                .doesNotContain("\tat ");
        CommandLineRun resumed =
                CommandLineRun.of("train", "--resume", run("killed").toString());
        assertThat(resumed.code()).as(resumed.err()).isZero();
        assertThat(run("killed").resolve("model/model.safetensors"))
                .hasSameBinaryContentAs(run("whole").resolve("model/model.safetensors"));
        assertThat(run("killed").resolve("tokens.jsonl"))
                .hasSameBinaryContentAs(run("whole").resolve("tokens.jsonl"));
    }
}
