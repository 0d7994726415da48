package org.minpro.spark;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaFutureAction;
import org.apache.spark.api.java.JavaSparkContext;

/** Commands of MinPRO as ordinary jobs of one task each. Spark does them where there is room, and again where an executor is lost. */
final class CommandJobs implements AutoCloseable {
    private final JavaSparkContext spark;
    private final List<String> javaOptions;
    private final Path here = Path.of("").toAbsolutePath();

    private CommandJobs(JavaSparkContext spark) {
        this.spark = spark;
        javaOptions = MinproProcess.javaOptions(spark.getConf());
    }

    /** @param name of the application where the user gave none */
    static CommandJobs open(String name) {
        return new CommandJobs(new JavaSparkContext(
                new SparkConf().setIfMissing("spark.app.name", name).setIfMissing("spark.log.level", "WARN")));
    }

    /**
     * Does a command; from any thread.
     *
     * @param description of the job, for Spark's pages
     * @param main its main class
     * @param out gets its standard output
     * @param log its standard error is appended to
     * @param line told of every line of {@code out} as it is there
     * @return its exit code
     * @throws IllegalStateException where no executor could do it
     */
    int run(String description, String main, List<String> arguments, Path out, Path log, Consumer<String> line) {
        spark.sc().setJobDescription(description);
        GrowingFile said = new GrowingFile(out);
        JavaFutureAction<List<Integer>> job = spark.parallelize(List.of(0), 1)
                .map(new CommandTask(main, arguments, javaOptions, here, out.toAbsolutePath(), log.toAbsolutePath()))
                .collectAsync();
        while (true) {
            try {
                int code = job.get(1, TimeUnit.SECONDS).getFirst();
                said.read(line);
                return code;
            } catch (TimeoutException e) {
                said.read(line);
            } catch (ExecutionException e) {
                throw new IllegalStateException(TrainOnSpark.reason(e), e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("the driver must go on, got: an interrupt", e);
            }
        }
    }

    @Override
    public void close() {
        spark.close();
    }
}
