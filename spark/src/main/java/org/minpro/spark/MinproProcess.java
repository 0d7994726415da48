package org.minpro.spark;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.apache.spark.SparkConf;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskKilledException;

/**
 * A process of MinPRO, started from a JVM of Spark with the shipped jars as its class path.
 *
 * <p>It is a process and no thread of the executor, because libtorch cannot be interrupted while a process can always be
 * killed, because libtorch's settings are those of a process and are in part read from its environment, and because Spark's
 * libraries and MinPRO's need not agree on versions.
 */
final class MinproProcess {
    /** Options of the processes' JVMs, such as {@code -Xmx8g}: words without quotes. */
    static final String JAVA_OPTIONS = "spark.minpro.javaOptions";

    /** What {@code ./minpro} sets before Java starts, and for the same reasons; a value of the executor's own stands. */
    static final Map<String, String> ENVIRONMENT = Map.of(
            "OMP_NUM_THREADS", "1",
            "OPENBLAS_NUM_THREADS", "1",
            "OMP_WAIT_POLICY", "passive",
            "MALLOC_ARENA_MAX", "1",
            "MALLOC_TRIM_THRESHOLD_", "1073741824",
            "MALLOC_MMAP_THRESHOLD_", "1073741824",
            "ONEDNN_PRIMITIVE_CACHE_CAPACITY", "96",
            "LRU_CACHE_CAPACITY", "32",
            "CUBLAS_WORKSPACE_CONFIG", ":4096:8",
            "PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True");

    /** What {@code ./minpro} gives every JVM. */
    static final List<String> OPTIONS = List.of("--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-Xmn32m");

    private static final int VECTOR_KERNELS = 25;
    private static final int UNSAFE_WARNS = 24;

    private MinproProcess() {}

    /** The user's options of a JVM in Spark's settings. */
    static List<String> javaOptions(SparkConf settings) {
        String words = settings.get(JAVA_OPTIONS, "").strip();
        return words.isEmpty() ? List.of() : List.of(words.split("\\s+"));
    }

    /**
     * A process that is not started yet. It ends when this one does: it reads its standard input, which this one never writes.
     *
     * @param javaOptions the user's, after those that MinPRO needs
     * @param main its main class
     */
    static ProcessBuilder of(List<String> javaOptions, String main, List<String> arguments) {
        int version = Runtime.version().feature();
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(OPTIONS);
        command.add("-Dminpro.terminal=false");
        if (version >= UNSAFE_WARNS) {
            command.add("--sun-misc-unsafe-memory-access=allow");
        }
        if (version >= VECTOR_KERNELS) {
            command.addAll(List.of("--add-modules", "jdk.incubator.vector"));
        }
        String home = System.getenv("HOME");
        if (home != null && !home.isBlank()) {
            command.add("-Duser.home=" + home);
        }
        command.addAll(javaOptions);
        command.addAll(List.of(
                "-cp",
                ShippedJars.here().stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator)),
                EndsWithParent.class.getName(),
                main));
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command);
        ENVIRONMENT.forEach(builder.environment()::putIfAbsent);
        return builder;
    }

    /**
     * Starts a process and waits for its end; where Spark ends the task, the process is killed first. What was saved before
     * stays, and the run goes on from there.
     *
     * @return its exit code; 128 and the signal's number where one ended it
     */
    static int run(ProcessBuilder builder, TaskContext task) {
        Process process;
        try {
            process = builder.start();
        } catch (IOException e) {
            throw new UncheckedIOException("a process must start, got: " + e.getMessage(), e);
        }
        try {
            while (!process.waitFor(1, TimeUnit.SECONDS)) {
                if (task.isInterrupted()) {
                    throw new TaskKilledException("its process is killed");
                }
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("a task must go on until its process ends, got: an interrupt", e);
        } finally {
            process.destroyForcibly();
        }
    }

    /** Waits before another start; an interrupt ends it. */
    static void pause(long seconds) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        while (System.nanoTime() < end && !Thread.currentThread().isInterrupted()) {
            LockSupport.parkNanos(end - System.nanoTime());
        }
    }

    /** What a process said last. */
    static String lastLine(Path log) {
        try (var lines = Files.lines(log)) {
            return lines.filter(line -> !line.isBlank())
                    .reduce((first, second) -> second)
                    .orElse("nothing");
        } catch (IOException | UncheckedIOException e) {
            return "what cannot be read (" + e.getMessage() + ")";
        }
    }
}
