package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.model.SafetensorsFile;
import org.minpro.tensor.DType;

/** A run that is killed and continued leaves the bytes of one that was not. */
class ResumeTest {
    private static final int CHAINS = 2;

    @TempDir
    static Path temporary;

    /** What the uninterrupted run left. */
    private static Left expected;

    @BeforeAll
    static void runUninterrupted() throws IOException {
        Path folder = newFolder("whole");
        assertThat(ResumableRun.go(folder, new RunListener() {}, false)).isTrue();
        expected = Left.in(folder);
    }

    /**
     * What a finished run left, without what depends on the clock.
     *
     * @param checkpoint the files of the last one
     * @param journal its lines, sorted: rollouts end in any order
     * @param metrics its lines without their {@code time} objects
     * @param reference what the reference model said of the rollouts
     * @param tokens of some rows of each update
     */
    private record Left(
            Map<String, byte[]> checkpoint,
            List<String> journal,
            List<String> metrics,
            String samples,
            String reference,
            String tokens) {
        static Left in(Path folder) throws IOException {
            Map<String, byte[]> checkpoint = new TreeMap<>();
            Path last = folder.resolve("checkpoints").resolve(String.format("iteration-%09d", ResumableRun.ITERATIONS));
            try (Stream<Path> files = Files.list(last)) {
                for (Path file : files.toList()) {
                    checkpoint.put(file.getFileName().toString(), Files.readAllBytes(file));
                }
            }
            List<String> metrics = new ArrayList<>();
            for (String line : Files.readAllLines(folder.resolve("metrics.jsonl"))) {
                String untimed = line.replaceFirst(",\"time\":\\{[^}]*}", "");
                assertThat(untimed).isNotEqualTo(line);
                metrics.add(untimed);
            }
            return new Left(
                    checkpoint,
                    Files.readAllLines(folder.resolve("journal.jsonl")).stream()
                            .sorted()
                            .toList(),
                    metrics,
                    Files.readString(folder.resolve("samples.txt")),
                    Files.readString(folder.resolve("reference.jsonl")),
                    Files.readString(folder.resolve("tokens.jsonl")));
        }

        void assertSame(Left other) {
            assertThat(checkpoint.keySet()).isEqualTo(other.checkpoint.keySet());
            other.checkpoint.forEach(
                    (name, bytes) -> assertThat(checkpoint.get(name)).as(name).isEqualTo(bytes));
            assertThat(metrics).isEqualTo(other.metrics);
            assertThat(journal).isEqualTo(other.journal);
            assertThat(samples).isEqualTo(other.samples);
            assertThat(reference).isEqualTo(other.reference);
            assertThat(tokens).isEqualTo(other.tokens);
        }
    }

    private static Path newFolder(String name) throws IOException {
        Path folder = Files.createDirectory(temporary.resolve(name));
        Files.writeString(folder.resolve("recipe.yaml"), "# a program's own\n");
        return folder;
    }

    private static Process start(Path folder) throws IOException {
        return start(folder, ResumableRun.Model.WHOLE);
    }

    private static Process start(Path folder, ResumableRun.Model model) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-Xmx256m",
                        "-Duser.home=" + System.getProperty("user.home"),
                        "-cp",
                        System.getProperty("java.class.path"),
                        ResumableRun.class.getName(),
                        folder.toString(),
                        model.trainable(),
                        model.type().name())
                .redirectError(new File(folder.toFile().getParentFile(), folder.getFileName() + ".stderr"))
                .start();
    }

    /** What to wait for before a kill. */
    private enum Instant {
        /** Some time after the program has started, most likely while it reads what is there. */
        OPENING("opening", 1, 700),
        ROLLOUT("rollout", 40, 10),
        UPDATE("update", 5, 10),
        ITERATION("iteration", 3, 10),
        /** A checkpoint's temporary folder has appeared. */
        CHECKPOINT("", 1, 8);

        private final String word;
        private final int mostOccurrences;
        private final int mostMilliseconds;

        Instant(String word, int mostOccurrences, int mostMilliseconds) {
            this.word = word;
            this.mostOccurrences = mostOccurrences;
            this.mostMilliseconds = mostMilliseconds;
        }
    }

    /** Kills so far, how many there must be in all, and how many of them must have hit a checkpoint's writing or removal. */
    private static final class Kills {
        private final int most;
        private final int mostInCheckpoints;
        private final AtomicInteger all = new AtomicInteger();
        private final AtomicInteger inCheckpoints = new AtomicInteger();
        private final Map<Instant, Integer> byInstant = new ConcurrentHashMap<>();

        Kills(int most, int mostInCheckpoints) {
            this.most = most;
            this.mostInCheckpoints = mostInCheckpoints;
        }

        boolean enough() {
            return all.get() >= most && inCheckpoints.get() >= mostInCheckpoints;
        }
    }

    /** Folders of checkpoints that are not whole, with the time of their last change. */
    private static Map<String, Long> unfinished(Path folder) {
        Map<String, Long> found = new TreeMap<>();
        File[] entries = folder.resolve("checkpoints").toFile().listFiles();
        for (File entry : entries == null ? new File[0] : entries) {
            if (entry.getName().endsWith(".part") || !new File(entry, "manifest.json").exists()) {
                try {
                    found.put(
                            entry.getName(),
                            Files.getLastModifiedTime(entry.toPath()).to(TimeUnit.NANOSECONDS));
                } catch (IOException e) {
                    // Renamed or removed in the meantime.
                    found.remove(entry.getName());
                }
            }
        }
        return found;
    }

    private static void waitFor(Instant instant, int occurrences, Path folder, Process process) throws IOException {
        if (instant == Instant.CHECKPOINT) {
            Map<String, Long> before = unfinished(folder);
            while (process.isAlive()
                    && unfinished(folder).entrySet().stream()
                            .noneMatch(entry -> !entry.getValue().equals(before.get(entry.getKey())))) {
                LockSupport.parkNanos(50_000);
            }
            return;
        }
        BufferedReader words =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        int seen = 0;
        for (String word = words.readLine(); word != null; word = words.readLine()) {
            if (word.equals(instant.word) && ++seen == occurrences) {
                return;
            }
        }
    }

    /** One life of a run; true if it came to its end. */
    private static boolean live(Path folder, Random random, Kills kills) throws IOException, InterruptedException {
        Map<String, Long> before = unfinished(folder);
        Process process = start(folder);
        try {
            if (!kills.enough()) {
                Instant[] instants = Instant.values();
                Instant instant =
                        kills.all.get() >= kills.most ? Instant.CHECKPOINT : instants[random.nextInt(instants.length)];
                waitFor(instant, 1 + random.nextInt(instant.mostOccurrences), folder, process);
                LockSupport.parkNanos((long) (random.nextDouble() * instant.mostMilliseconds * 1e6));
                process.destroyForcibly();
                int exit = process.waitFor();
                if (exit != 0) {
                    assertThat(exit)
                            .as("killed, not failed by itself: %s", errors(folder))
                            .isEqualTo(128 + 9);
                    kills.all.incrementAndGet();
                    kills.byInstant.merge(instant, 1, Integer::sum);
                    if (unfinished(folder).entrySet().stream()
                            .anyMatch(entry -> !entry.getValue().equals(before.get(entry.getKey())))) {
                        kills.inCheckpoints.incrementAndGet();
                    }
                    return false;
                }
            }
            assertThat(process.waitFor()).as("%s", errors(folder)).isZero();
            return true;
        } finally {
            process.destroyForcibly();
        }
    }

    private static String errors(Path folder) {
        try {
            return Files.readString(temporary.resolve(folder.getFileName() + ".stderr"));
        } catch (IOException e) {
            return e.toString();
        }
    }

    @Test
    void aRunThatIsKilledContinuesBitForBit() throws Exception {
        killAndContinue(new Kills(5, 0));
    }

    @Test
    @Tag("slow")
    void aRunThatIsKilledAtAnyInstantContinuesBitForBit() throws Exception {
        killAndContinue(new Kills(24, 3));
    }

    private static void killAndContinue(Kills kills) throws Exception {
        long began = System.nanoTime();
        AtomicInteger runs = new AtomicInteger();
        List<Callable<Boolean>> chains = new ArrayList<>();
        for (int chain = 0; chain < CHAINS; chain++) {
            Random random = new Random(71 + chain);
            chains.add(() -> {
                do {
                    Path folder = newFolder("killed-" + kills.most + "-" + runs.incrementAndGet());
                    int lives = 1;
                    while (!live(folder, random, kills)) {
                        lives++;
                        assertThat(lives).as("lives of one run").isLessThan(100);
                    }
                    Left.in(folder).assertSame(expected);
                } while (!kills.enough());
                return true;
            });
        }
        ExecutorService executor = Executors.newFixedThreadPool(CHAINS);
        try {
            for (Future<Boolean> chain : executor.invokeAll(chains)) {
                assertThat(chain.get()).isTrue();
            }
        } finally {
            executor.shutdownNow();
        }
        assertThat(kills.enough()).isTrue();
        System.out.printf(
                "resumed bit for bit: %d runs, %d kills (%s), %d of them while a checkpoint was written or removed, %d s%n",
                runs.get(),
                kills.all.get(),
                new TreeMap<>(kills.byInstant),
                kills.inCheckpoints.get(),
                Duration.ofNanos(System.nanoTime() - began).toSeconds());
    }

    @Test
    void theRunThatIsComparedPutsGroupsAsideAndIsStillWarmingUp() {
        assertThat(expected.metrics).hasSize(ResumableRun.ITERATIONS);
        for (int i = 0; i < ResumableRun.ITERATIONS; i++) {
            assertThat(expected.metrics.get(i)).startsWith("{\"iteration\":" + i + ",");
        }
        assertThat(expected.metrics).anyMatch(line -> line.matches(".*\"groups_resampled\":[1-3].*"));
        assertThat(expected.journal.size()).isGreaterThan(ResumableRun.ITERATIONS * 16);
        assertThat(expected.metrics.get(2))
                .contains("\"version\":2.0", "\"reference/k3\":", "\"entropy_coefficient\":");
        assertThat(expected.checkpoint).containsKey("reference.safetensors");
        assertThat(expected.reference.lines()).hasSizeGreaterThan(ResumableRun.ITERATIONS * 16 - 1);
        assertThat(expected.tokens.lines()).hasSizeGreaterThan(100);
    }

    @Test
    void aRunThatWasAskedToStopContinuesBitForBit() throws IOException {
        Path folder = newFolder("stopped");
        assertThat(ResumableRun.go(folder, new RunListener() {}, true)).isFalse();
        assertThat(folder.resolve("checkpoints/iteration-000000005")).isDirectory();
        assertThat(ResumableRun.go(folder, new RunListener() {}, false)).isTrue();
        Left.in(folder).assertSame(expected);
    }

    @Test
    void aRunThatTrainsOneLayerContinuesBitForBitAndStoresThatLayer() throws Exception {
        ResumableRun.Model layer = new ResumableRun.Model("model.layers.1.*", DType.F32);
        Path whole = newFolder("one-layer");
        assertThat(ResumableRun.go(whole, new RunListener() {}, false, layer)).isTrue();
        Path killed = newFolder("one-layer-killed");
        Process process = start(killed, layer);
        waitFor(Instant.ITERATION, 4, killed, process);
        process.destroyForcibly().waitFor();
        assertThat(killed.resolve("checkpoints")).isNotEmptyDirectory();
        assertThat(ResumableRun.go(killed, new RunListener() {}, false, layer)).isTrue();
        Left.in(killed).assertSame(Left.in(whole));
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
        ResumableRun.Model bf16 = new ResumableRun.Model("*", DType.BF16);
        Path whole = newFolder("bf16-whole");
        assertThat(ResumableRun.go(whole, new RunListener() {}, false, bf16)).isTrue();
        Left expectedInBf16 = Left.in(whole);
        assertThat(expectedInBf16.checkpoint.get("weights.safetensors"))
                .isNotEqualTo(expected.checkpoint.get("weights.safetensors"));

        Path folder = newFolder("bf16-killed");
        assertThat(ResumableRun.go(folder, new RunListener() {}, true, bf16)).isFalse();
        for (Instant instant : List.of(Instant.ROLLOUT, Instant.UPDATE)) {
            Process process = start(folder, bf16);
            waitFor(instant, 3, folder, process);
            process.destroyForcibly();
            assertThat(process.waitFor()).as("%s", errors(folder)).isEqualTo(128 + 9);
        }
        assertThat(ResumableRun.go(folder, new RunListener() {}, false, bf16)).isTrue();
        Left.in(folder).assertSame(expectedInBf16);
    }

    private static List<String> continueAndListen(Path folder) {
        List<String> notices = new ArrayList<>();
        RunListener listener = new RunListener() {
            @Override
            public void notice(String line) {
                notices.add(line);
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
        Path folder = newFolder("damaged");
        ResumableRun.go(folder, new RunListener() {}, true);
        flipOneByte(folder.resolve("checkpoints/iteration-000000005/optimizer.safetensors"));
        assertThat(continueAndListen(folder))
                .singleElement()
                .satisfies(line -> assertThat(line)
                        .doesNotContain("\n")
                        .contains("iteration-000000005", "damaged", "optimizer.safetensors"));
        Left.in(folder).assertSame(expected);
    }

    @Test
    void aDamagedLastCheckpointIsMadeAgain() throws IOException {
        Path folder = newFolder("damaged-last");
        ResumableRun.go(folder, new RunListener() {}, false);
        flipOneByte(folder.resolve(
                String.format("checkpoints/iteration-%09d/weights.safetensors", ResumableRun.ITERATIONS)));
        assertThat(continueAndListen(folder)).hasSize(1);
        Left.in(folder).assertSame(expected);
        assertThat(continueAndListen(folder)).isEmpty();
    }

    @Test
    void whereEveryCheckpointIsDamagedTheRunStartsAgainAndKeepsItsRollouts() throws IOException {
        Path folder = newFolder("all-damaged");
        ResumableRun.go(folder, new RunListener() {}, true);
        try (Stream<Path> checkpoints = Files.list(folder.resolve("checkpoints"))) {
            for (Path checkpoint : checkpoints.toList()) {
                flipOneByte(checkpoint.resolve("state.json"));
            }
        }
        assertThat(continueAndListen(folder)).hasSize(2);
        Left.in(folder).assertSame(expected);
    }

    @Test
    void linesThatWereCutShortAreWrittenAgain() throws IOException {
        Path stopped = newFolder("cut");
        ResumableRun.go(stopped, new RunListener() {}, true);
        // Rollouts of the iteration that follows, as if it had been under way.
        String next = expected.journal.stream()
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
            Left.in(folder).assertSame(expected);
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

    @Test
    void aSecondProcessIsRefusedInOneLine() throws Exception {
        Path folder = newFolder("held");
        try (RunFolder held = RunFolder.open(folder)) {
            assertThat(held.path()).isEqualTo(folder);
            Process second = start(folder);
            assertThat(second.waitFor()).isEqualTo(1);
            assertThat(errors(folder).lines().toList())
                    .singleElement()
                    .satisfies(line -> assertThat(line).contains("must be used by one process", folder.toString()));
        }
    }
}
