package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Runs in processes of their own ({@link ResumableRun}) that are killed and continued. */
final class KilledRuns {
    /** So many runs at once. */
    private static final int CHAINS = 2;

    private final Path temporary;
    private final AtomicInteger folders = new AtomicInteger();

    KilledRuns(Path temporary) {
        this.temporary = temporary;
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
    record Left(
            Map<String, byte[]> checkpoint,
            List<String> journal,
            List<String> metrics,
            String samples,
            String reference,
            String tokens) {
        static Left in(Path folder) throws IOException {
            return in(folder, ResumableRun.ITERATIONS);
        }

        /** @param iterations of the run */
        static Left in(Path folder, int iterations) throws IOException {
            Map<String, byte[]> checkpoint = new TreeMap<>();
            Path last = folder.resolve("checkpoints").resolve(String.format("iteration-%09d", iterations));
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

    Path newFolder(String name) throws IOException {
        Path folder = Files.createDirectory(temporary.resolve(name));
        Files.writeString(folder.resolve("recipe.yaml"), "# a program's own\n");
        return folder;
    }

    Process start(Path folder, ResumableRun.Model model) throws IOException {
        return builder(folder, model)
                .redirectError(new File(folder.toFile().getParentFile(), folder.getFileName() + ".stderr"))
                .start();
    }

    /** A process of {@link ResumableRun}. */
    ProcessBuilder builder(Path folder, ResumableRun.Model model) {
        return java(
                ResumableRun.class,
                folder.toString(),
                model.trainable(),
                model.type().name(),
                model.staleness(),
                model.turns().name());
    }

    /** A small JVM of its own that runs a main class of the tests. */
    static ProcessBuilder java(Class<?> main, String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx256m",
                "-Duser.home=" + System.getProperty("user.home"),
                "-cp",
                System.getProperty("java.class.path"),
                main.getName()));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command);
    }

    /** What to wait for before a kill. */
    enum Instant {
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

    static void waitFor(Instant instant, int occurrences, Path folder, Process process) throws IOException {
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
    private boolean live(Path folder, ResumableRun.Model model, Random random, Kills kills)
            throws IOException, InterruptedException {
        Map<String, Long> before = unfinished(folder);
        Process process = start(folder, model);
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

    private static List<String> wholeLines(Path file) throws IOException {
        if (!Files.exists(file)) {
            return List.of();
        }
        byte[] bytes = Files.readAllBytes(file);
        int end = bytes.length;
        while (end > 0 && bytes[end - 1] != '\n') {
            end--;
        }
        return new String(bytes, 0, end, StandardCharsets.UTF_8).lines().toList();
    }

    String errors(Path folder) {
        try {
            return Files.readString(temporary.resolve(folder.getFileName() + ".stderr"));
        } catch (IOException e) {
            return e.toString();
        }
    }

    /**
     * Runs that are killed at seeded instants and continued until they are done. What a killed one has journaled is in the journal
     * of the one that goes on.
     *
     * @param most kills
     * @param mostInCheckpoints of which so many must hit the writing or removal of a checkpoint
     * @param check of what each run leaves
     */
    void killAndContinue(ResumableRun.Model model, int most, int mostInCheckpoints, long seed, Consumer<Left> check)
            throws Exception {
        Kills kills = new Kills(most, mostInCheckpoints);
        long began = System.nanoTime();
        AtomicInteger runs = new AtomicInteger();
        List<Callable<Boolean>> chains = new ArrayList<>();
        for (int chain = 0; chain < CHAINS; chain++) {
            Random random = new Random(seed + chain);
            chains.add(() -> {
                do {
                    Path folder = newFolder("killed-" + folders.incrementAndGet());
                    int lives = 1;
                    Set<String> journaled = new HashSet<>();
                    while (!live(folder, model, random, kills)) {
                        lives++;
                        assertThat(lives).as("lives of one run").isLessThan(100);
                        journaled.addAll(wholeLines(folder.resolve("journal.jsonl")));
                    }
                    Left left = Left.in(folder);
                    assertThat(left.journal()).containsAll(journaled);
                    check.accept(left);
                    runs.incrementAndGet();
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
                "killed and continued: %d runs, %d kills (%s), %d of them while a checkpoint was written or removed, %d s%n",
                runs.get(),
                kills.all.get(),
                new TreeMap<>(kills.byInstant),
                kills.inCheckpoints.get(),
                Duration.ofNanos(System.nanoTime() - began).toSeconds());
    }
}
