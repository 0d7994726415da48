package org.minpro.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaFutureAction;
import org.apache.spark.api.java.JavaSparkContext;
import scala.reflect.ClassTag$;

/**
 * {@code minpro train} on a cluster: {@code spark-submit --class org.minpro.spark.TrainOnSpark ... --config recipe.yaml}.
 *
 * <p>The driver makes the run's folder, on a disk that all machines see, and submits a barrier stage with a task for each rank.
 * Where the stage fails, because an executor was lost or a rank has ended, it submits another one with the next generation
 * number, which goes on from the newest checkpoint. What rank 0 says is said here.
 */
public final class TrainOnSpark {
    private static final int FAILED = 1;
    private static final int USAGE = 2;
    private static final long PAUSE_SECONDS = 10;

    /**
     * Spark's settings where the user has none. A silent executor is lost within 40 s in place of three minutes, a stage that
     * starts while executors are still coming waits for them by the second, for ten minutes, and an executor whose task does
     * not end is ended.
     */
    private static final Map<String, String> SETTINGS = Map.of(
            "spark.app.name", "minpro train",
            "spark.log.level", "WARN",
            "spark.executor.heartbeatInterval", "5s",
            "spark.storage.blockManagerHeartbeatTimeoutMs", "30s",
            "spark.network.timeoutInterval", "10s",
            "spark.task.reaper.enabled", "true",
            "spark.task.reaper.killTimeout", "20s",
            "spark.scheduler.barrier.maxConcurrentTasksCheck.interval", "1s",
            "spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures", "600");

    private final JavaSparkContext spark;
    private final TrainOptions options;
    private final SharedRun run;
    private final List<String> javaOptions;

    private TrainOnSpark(JavaSparkContext spark, TrainOptions options, Path run) {
        this.spark = spark;
        this.options = options;
        this.run = new SharedRun(run);
        javaOptions = MinproProcess.javaOptions(spark.getConf());
    }

    /** @param arguments those of {@code minpro train} that make a recipe, or {@code --resume RUN}; {@code --ranks N} */
    public static void main(String[] arguments) {
        int code;
        try {
            code = run(arguments);
        } catch (IllegalArgumentException e) {
            say("minpro: " + e.getMessage());
            code = USAGE;
        } catch (IllegalStateException | UncheckedIOException e) {
            say("minpro: " + e.getMessage());
            code = FAILED;
        }
        if (code != 0) {
            System.exit(code);
        }
    }

    private static int run(String[] arguments) {
        SparkConf settings = new SparkConf();
        SETTINGS.forEach(settings::setIfMissing);
        TrainOptions options = TrainOptions.of(arguments, settings.getInt("spark.executor.instances", 0));
        Path resume = options.resume();
        Path run = resume == null ? prepared(options) : resume.toAbsolutePath().normalize();
        try (JavaSparkContext spark = new JavaSparkContext(settings)) {
            return new TrainOnSpark(spark, options, run).train() ? 0 : FAILED;
        }
    }

    /** The folder of a new run with its recipe. */
    private static Path prepared(TrainOptions options) {
        List<String> command = new ArrayList<>(List.of("train", "--prepare"));
        command.addAll(List.of("--processes", String.valueOf(options.ranks())));
        command.addAll(options.recipe());
        try {
            Process process = MinproProcess.of(List.of(), ShippedJars.COMMAND, command)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            String path = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            int code = process.waitFor();
            if (code != 0) {
                // It has said why.
                System.exit(code);
            }
            return Path.of(path);
        } catch (IOException e) {
            throw new UncheckedIOException("a process must start, got: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("the run must have a folder before it begins, got: an interrupt", e);
        }
    }

    /** Whether the run came to its end. */
    private boolean train() {
        int idle = 0;
        long most = run.iterations();
        while (true) {
            long generation = run.nextGeneration();
            long start = System.nanoTime();
            say("generation " + generation + " of " + run.folder() + ": " + options.ranks() + " ranks");
            Optional<String> failure = failure(generation);
            if (failure.isEmpty()) {
                return true;
            }
            long done = run.iterations();
            idle = done > most ? 0 : idle + 1;
            most = Math.max(most, done);
            say("generation " + generation + " ended after "
                    + Duration.ofNanos(System.nanoTime() - start).toSeconds() + " s, with " + done
                    + " iterations done: " + failure.get());
            if (idle > options.restarts()) {
                say("minpro: a run must get on, got: " + idle + " starts that came no iteration further; continue with"
                        + " --resume " + run.folder());
                return false;
            }
            // A machine may be on its way back, and so may the lock of the run's folder that a lost one held.
            MinproProcess.pause(idle * PAUSE_SECONDS);
        }
    }

    /** Starts all ranks once, and waits until all have ended: why they did before the run's end; empty where they did not. */
    private Optional<String> failure(long generation) {
        spark.setJobGroup("minpro", "generation " + generation + " of " + run.folder(), true);
        GrowingFile said = new GrowingFile(RankTask.log(run.folder(), 0));
        RankTask task = new RankTask(run.folder(), generation, javaOptions, options.ofRanks());
        JavaFutureAction<List<String>> stage = spark.parallelize(
                        Collections.nCopies(options.ranks(), 0), options.ranks())
                .rdd()
                .barrier()
                .mapPartitions(task, false, ClassTag$.MODULE$.<String>apply(String.class))
                .toJavaRDD()
                .collectAsync();
        while (true) {
            try {
                List<String> hosts = stage.get(1, TimeUnit.SECONDS);
                said.read(TrainOnSpark::say);
                say("done, on " + String.join(", ", hosts));
                return Optional.empty();
            } catch (TimeoutException e) {
                said.read(TrainOnSpark::say);
            } catch (ExecutionException e) {
                said.read(TrainOnSpark::say);
                return Optional.of(reason(e));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(
                        "the driver must go on, got: an interrupt; continue with --resume " + run.folder(), e);
            }
        }
    }

    /** What Spark says of a failed job, without the traces of its threads. */
    static String reason(ExecutionException e) {
        StringBuilder text = new StringBuilder();
        String.valueOf(e.getCause() == null ? e.getMessage() : e.getCause().getMessage())
                .lines()
                .map(String::strip)
                .takeWhile(line -> !line.equals("Driver stacktrace:"))
                .filter(line -> !line.isEmpty() && !line.startsWith("at ") && !line.startsWith("..."))
                .forEach(line -> text.append(text.isEmpty() ? "" : " ").append(line));
        return text.toString();
    }

    private static void say(String line) {
        System.err.println(line);
    }
}
