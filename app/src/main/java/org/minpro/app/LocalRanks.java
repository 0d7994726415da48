package org.minpro.app;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.minpro.dist.RankContext;
import org.minpro.dist.Ranks;

/**
 * The other processes of a run on this machine, started by the first one, which is this process: what {@code minpro train
 * --processes} does. They meet through a file in the run's folder, so no port is open but Gloo's own on the loopback
 * interface; each logs into {@code ranks/RANK.log}. They end when this process does, whatever ends it.
 */
final class LocalRanks implements AutoCloseable {
    private static final String STOP = "stop";
    private static final String MEETING = "meeting-";

    /** For the others to end by themselves once the first is done. */
    private static final long PATIENCE_SECONDS = 15;

    private final int processes;
    private final List<String> options;
    private final Duration limit;
    private final List<Process> others = new ArrayList<>();
    private final List<Path> logs = new ArrayList<>();

    /**
     * @param processes in all, this one counted
     * @param options that each process gets, such as a class path
     * @param limit for one to come
     */
    LocalRanks(int processes, List<String> options, Duration limit) {
        this.processes = processes;
        this.options = List.copyOf(options);
        this.limit = limit;
    }

    /** Starts the others and meets them. */
    Ranks start(Path folder) {
        try {
            Path ranks = Files.createDirectories(folder.resolve("ranks").toAbsolutePath());
            long generation = nextGeneration(ranks);
            Path meeting = ranks.resolve(MEETING + generation);
            for (int rank = 1; rank < processes; rank++) {
                start(folder, ranks, meeting, rank, generation);
            }
            RankContext first =
                    new RankContext(0, processes, processes, generation, new RankContext.MeetingFile(meeting), null);
            return Ranks.join(first, limit, this::lost);
        } catch (IOException e) {
            close();
            throw new UncheckedIOException("the run folder must be writable, got: " + folder, e);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Each start of a run has a number of its own, so that a process that another one left cannot join. */
    private static long nextGeneration(Path ranks) throws IOException {
        long newest = 0;
        try (Stream<Path> entries = Files.list(ranks)) {
            for (Path entry : entries.toList()) {
                String name = entry.getFileName().toString();
                if (name.matches(MEETING + "\\d{1,18}")) {
                    newest = Math.max(newest, Long.parseLong(name.substring(MEETING.length())));
                    Files.delete(entry);
                }
            }
        }
        long next = newest + 1;
        // Kept: it is how the next start knows.
        Files.createFile(ranks.resolve(MEETING + next));
        return next;
    }

    private void start(Path folder, Path ranks, Path meeting, int rank, long generation) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
        command.addAll(List.of("train", "--resume", folder.toAbsolutePath().toString()));
        command.addAll(options);
        Path log = ranks.resolve(rank + ".log");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(new File(log.toString()));
        Map<String, String> environment = builder.environment();
        environment.put("RANK", String.valueOf(rank));
        environment.put("LOCAL_RANK", String.valueOf(rank));
        environment.put("WORLD_SIZE", String.valueOf(processes));
        environment.put("LOCAL_WORLD_SIZE", String.valueOf(processes));
        environment.put("RUN_GENERATION", String.valueOf(generation));
        environment.put(RankContext.MEETING_FILE, meeting.toString());
        environment.remove("GLOO_SOCKET_IFNAME");
        logs.add(log);
        others.add(builder.start());
    }

    /** The first that has ended, if any has. */
    private Optional<String> lost() {
        for (int i = 0; i < others.size(); i++) {
            Process process = others.get(i);
            if (!process.isAlive()) {
                return Optional.of("rank " + (i + 1) + " on this machine must take part in the run, got: exit code "
                        + process.exitValue() + ", after saying: " + lastLine(logs.get(i)) + " (" + logs.get(i) + ")");
            }
        }
        return Optional.empty();
    }

    private static String lastLine(Path log) {
        try {
            List<String> lines = Files.readAllLines(log).stream()
                    .filter(line -> !line.isBlank())
                    .toList();
            return lines.isEmpty() ? "nothing" : lines.getLast();
        } catch (IOException e) {
            return "what cannot be read";
        }
    }

    /** Asks the others to stop, as this process is asked; from any thread. */
    void stop() {
        others.forEach(LocalRanks::stop);
    }

    private static void stop(Process process) {
        try {
            process.getOutputStream().write((STOP + "\n").getBytes(StandardCharsets.UTF_8));
            process.getOutputStream().flush();
        } catch (IOException e) {
            // It has ended, which the ranks notice by themselves.
            return;
        }
    }

    /**
     * Follows the first process from a started one: stops where it says so, and ends at once where it has gone.
     *
     * @param in what the first one writes
     * @param stop asks the session of this process to stop
     */
    static void obey(InputStream in, Runnable stop) {
        Thread thread = new Thread(
                () -> {
                    try {
                        BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
                        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                            if (line.equals(STOP)) {
                                stop.run();
                            }
                        }
                    } catch (IOException e) {
                        Runtime.getRuntime().halt(Main.FAILED);
                    }
                    Runtime.getRuntime().halt(Main.FAILED);
                },
                "minpro-first-rank");
        thread.setDaemon(true);
        thread.start();
    }

    /** Waits for the others to end, a while, and ends those that have not. */
    @Override
    public void close() {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        boolean interrupted = false;
        for (Process process : others) {
            try {
                if (!process.waitFor(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS)) {
                    process.destroyForcibly().waitFor();
                }
            } catch (InterruptedException e) {
                process.destroyForcibly();
                interrupted = true;
            }
        }
        others.clear();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
