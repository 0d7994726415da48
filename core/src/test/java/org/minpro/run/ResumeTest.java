package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.model.SafetensorsFile;
import org.minpro.tensor.DType;

/** A run that is killed and continued leaves the bytes of one that was not. */
class ResumeTest {
    @TempDir
    static Path temporary;

    private static KilledRuns runs;

    /** What the uninterrupted run left. */
    private static KilledRuns.Left expected;

    @BeforeAll
    static void runUninterrupted() throws IOException {
        runs = new KilledRuns(temporary);
        Path folder = runs.newFolder("whole");
        assertThat(ResumableRun.go(folder, new RunListener() {}, false)).isTrue();
        expected = KilledRuns.Left.in(folder);
    }

    @Tag("slow")
    @Test
    void aRunThatIsKilledContinuesBitForBit() throws Exception {
        runs.killAndContinue(ResumableRun.Model.WHOLE, 2, 0, 71, left -> left.assertSame(expected));
    }

    @Test
    @Tag("slow")
    void aRunThatIsKilledAtAnyInstantContinuesBitForBit() throws Exception {
        int kills = Integer.getInteger("soak.kills", 6);
        runs.killAndContinue(
                ResumableRun.Model.WHOLE,
                kills,
                // Three of the soak's must be inside a checkpoint's writing, as ever.
                Math.min(3, kills / 4),
                Long.getLong("soak.seed", 71),
                left -> left.assertSame(expected));
    }

    @Test
    void theRunThatIsComparedPutsGroupsAsideAndIsStillWarmingUp() {
        assertThat(expected.metrics()).hasSize(ResumableRun.ITERATIONS);
        for (int i = 0; i < ResumableRun.ITERATIONS; i++) {
            assertThat(expected.metrics().get(i)).startsWith("{\"iteration\":" + i + ",");
        }
        assertThat(expected.metrics()).anyMatch(line -> line.matches(".*\"groups_resampled\":[1-3].*"));
        assertThat(expected.journal().size()).isGreaterThan(ResumableRun.ITERATIONS * 16);
        assertThat(expected.metrics().get(2))
                .contains("\"version\":2.0", "\"reference/k3\":", "\"entropy_coefficient\":");
        assertThat(expected.checkpoint()).containsKey("reference.safetensors");
        assertThat(expected.reference().lines()).hasSizeGreaterThan(ResumableRun.ITERATIONS * 16 - 1);
        assertThat(expected.tokens().lines()).hasSizeGreaterThan(100);
    }

    @Test
    void aRunThatWasAskedToStopContinuesBitForBit() throws IOException {
        Path folder = runs.newFolder("stopped");
        assertThat(ResumableRun.go(folder, new RunListener() {}, true)).isFalse();
        assertThat(folder.resolve("checkpoints/iteration-000000005")).isDirectory();
        assertThat(ResumableRun.go(folder, new RunListener() {}, false)).isTrue();
        KilledRuns.Left.in(folder).assertSame(expected);
    }

    @Tag("slow")
    @Test
    void aRunThatTrainsOneLayerContinuesBitForBitAndStoresThatLayer() throws Exception {
        ResumableRun.Model layer = new ResumableRun.Model("model.layers.1.*", DType.F32, ResumableRun.DELAYED);
        Path whole = runs.newFolder("one-layer");
        assertThat(ResumableRun.go(whole, new RunListener() {}, false, layer)).isTrue();
        Path killed = runs.newFolder("one-layer-killed");
        Process process = runs.start(killed, layer);
        KilledRuns.waitFor(KilledRuns.Instant.ITERATION, 4, killed, process);
        process.destroyForcibly().waitFor();
        assertThat(killed.resolve("checkpoints")).isNotEmptyDirectory();
        assertThat(ResumableRun.go(killed, new RunListener() {}, false, layer)).isTrue();
        KilledRuns.Left.in(killed).assertSame(KilledRuns.Left.in(whole));
        Path last = whole.resolve("checkpoints").resolve(String.format("iteration-%09d", ResumableRun.ITERATIONS));
        try (SafetensorsFile weights = SafetensorsFile.open(last.resolve("weights.safetensors"));
                SafetensorsFile optimizer = SafetensorsFile.open(last.resolve("optimizer.safetensors"))) {
            assertThat(weights.header().tensors().keySet())
                    .hasSize(9)
                    .allMatch(name -> name.startsWith("model.layers.1."));
            assertThat(optimizer.header().tensors().keySet())
                    .hasSize(2 * 6)
                    .allMatch(name -> name.matches("(mean|square)\\.model\\.layers\\.1\\..*"));
        }
    }

    @Test
    @Tag("slow")
    void aRunInBf16ThatIsStoppedAndKilledContinuesBitForBit() throws Exception {
        ResumableRun.Model bf16 = new ResumableRun.Model("*", DType.BF16, ResumableRun.DELAYED);
        Path whole = runs.newFolder("bf16-whole");
        assertThat(ResumableRun.go(whole, new RunListener() {}, false, bf16)).isTrue();
        KilledRuns.Left expectedInBf16 = KilledRuns.Left.in(whole);
        assertThat(expectedInBf16.checkpoint().get("weights.safetensors"))
                .isNotEqualTo(expected.checkpoint().get("weights.safetensors"));

        Path folder = runs.newFolder("bf16-killed");
        assertThat(ResumableRun.go(folder, new RunListener() {}, true, bf16)).isFalse();
        for (KilledRuns.Instant instant : List.of(KilledRuns.Instant.ROLLOUT, KilledRuns.Instant.UPDATE)) {
            Process process = runs.start(folder, bf16);
            KilledRuns.waitFor(instant, 3, folder, process);
            process.destroyForcibly();
            assertThat(process.waitFor()).as("%s", runs.errors(folder)).isEqualTo(128 + 9);
        }
        assertThat(ResumableRun.go(folder, new RunListener() {}, false, bf16)).isTrue();
        KilledRuns.Left.in(folder).assertSame(expectedInBf16);
    }

    private static List<String> continueAndListen(Path folder) {
        List<String> notices = new ArrayList<>();
        RunListener listener = new RunListener() {
            @Override
            public void notice(String line) {
                // What a run's own numbers say of it is another test's matter.
                if (!line.startsWith("warning: ")) {
                    notices.add(line);
                }
            }
        };
        assertThat(ResumableRun.go(folder, listener, false)).isTrue();
        return notices;
    }

    private static void flipOneByte(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length / 2] ^= 1;
        Files.write(file, bytes);
    }

    @Test
    void aDamagedNewestCheckpointIsPassedOverForTheOneBefore() throws IOException {
        Path folder = runs.newFolder("damaged");
        ResumableRun.go(folder, new RunListener() {}, true);
        flipOneByte(folder.resolve("checkpoints/iteration-000000005/optimizer.safetensors"));
        assertThat(continueAndListen(folder))
                .singleElement()
                .satisfies(line -> assertThat(line)
                        .doesNotContain("\n")
                        .contains("iteration-000000005", "damaged", "optimizer.safetensors"));
        KilledRuns.Left.in(folder).assertSame(expected);
    }

    @Tag("slow")
    @Test
    void aDamagedLastCheckpointIsMadeAgain() throws IOException {
        Path folder = runs.newFolder("damaged-last");
        ResumableRun.go(folder, new RunListener() {}, false);
        flipOneByte(folder.resolve(
                String.format("checkpoints/iteration-%09d/weights.safetensors", ResumableRun.ITERATIONS)));
        assertThat(continueAndListen(folder)).hasSize(1);
        KilledRuns.Left.in(folder).assertSame(expected);
        assertThat(continueAndListen(folder)).isEmpty();
    }

    @Tag("slow")
    @Test
    void whereEveryCheckpointIsDamagedTheRunStartsAgainAndKeepsItsRollouts() throws IOException {
        Path folder = runs.newFolder("all-damaged");
        ResumableRun.go(folder, new RunListener() {}, true);
        try (Stream<Path> checkpoints = Files.list(folder.resolve("checkpoints"))) {
            for (Path checkpoint : checkpoints.toList()) {
                flipOneByte(checkpoint.resolve("state.json"));
            }
        }
        assertThat(continueAndListen(folder)).hasSize(2);
        KilledRuns.Left.in(folder).assertSame(expected);
    }

    @Tag("slow")
    @Test
    void linesThatWereCutShortAreWrittenAgain() throws IOException {
        Path stopped = runs.newFolder("cut");
        ResumableRun.go(stopped, new RunListener() {}, true);
        // Rollouts of the iteration that follows, as if it had been under way.
        String next = expected.journal().stream()
                .filter(line -> line.startsWith("{\"iteration\":5,"))
                .findFirst()
                .orElseThrow();
        byte[] line = next.getBytes(StandardCharsets.UTF_8);
        int text = new String(line, StandardCharsets.ISO_8859_1).indexOf("\"text\":\"") + "\"text\":\"".length();
        byte[] whole = Files.readAllBytes(stopped.resolve("journal.jsonl"));
        // In the middle of a character, between two characters, before the end of the line, and with the first byte.
        for (int length : new int[] {text + 1, text + 2, line.length, 1}) {
            Path folder = temporary.resolve("cut-" + length);
            copy(stopped, folder);
            Path journal = folder.resolve("journal.jsonl");
            Files.write(journal, whole);
            Files.write(journal, Arrays.copyOf(line, length), StandardOpenOption.APPEND);
            Files.writeString(folder.resolve("metrics.jsonl"), "{\"iteration\":5,\"rew", StandardOpenOption.APPEND);
            Files.writeString(folder.resolve("tokens.jsonl"), "{\"iteration\":5,\"upd", StandardOpenOption.APPEND);
            Files.writeString(folder.resolve("reference.jsonl"), "{\"iteration\":5,\"dra", StandardOpenOption.APPEND);
            Files.write(
                    folder.resolve("samples.txt"),
                    cutInsideACharacter("== iteration 5, draw 31: \u0401"),
                    StandardOpenOption.APPEND);
            assertThat(continueAndListen(folder)).isEmpty();
            KilledRuns.Left.in(folder).assertSame(expected);
        }
    }

    private static byte[] cutInsideACharacter(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return Arrays.copyOf(bytes, bytes.length - 1);
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> paths = Files.walk(from)) {
            for (Path path : paths.toList()) {
                Files.copy(path, to.resolve(from.relativize(path).toString()));
            }
        }
    }

    @Tag("slow")
    @Test
    void aSecondProcessIsRefusedInOneLine() throws Exception {
        Path folder = runs.newFolder("held");
        try (RunFolder held = RunFolder.open(folder)) {
            assertThat(held.path()).isEqualTo(folder);
            Process second = runs.start(folder, ResumableRun.Model.WHOLE);
            assertThat(second.waitFor()).isEqualTo(1);
            assertThat(runs.errors(folder).lines().toList())
                    .singleElement()
                    .satisfies(line -> assertThat(line).contains("must be used by one process", folder.toString()));
        }
    }
}
