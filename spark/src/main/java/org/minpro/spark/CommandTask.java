package org.minpro.spark;

import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.Function;

/** A command of MinPRO as an ordinary task, in a process of its own; the task's value is the command's exit code. */
final class CommandTask implements Function<Integer, Integer>, Serializable {
    private static final long serialVersionUID = 1;

    /** For the process of an executor that was lost to notice it, and to let go of its folder. */
    private static final long AGAIN_SECONDS = 5;

    private final String main;
    private final List<String> arguments;
    private final List<String> javaOptions;
    private final String here;
    private final String out;
    private final String log;

    /**
     * @param main its main class
     * @param javaOptions of its JVM
     * @param here the folder that it works in, on a disk that all machines see
     * @param out gets its standard output
     * @param log its standard error is appended to
     */
    CommandTask(String main, List<String> arguments, List<String> javaOptions, Path here, Path out, Path log) {
        this.main = main;
        this.arguments = new ArrayList<>(arguments);
        this.javaOptions = new ArrayList<>(javaOptions);
        this.here = here.toString();
        this.out = out.toString();
        this.log = log.toString();
    }

    @Override
    public Integer call(Integer nothing) {
        TaskContext task = TaskContext.get();
        for (Path seen : List.of(Path.of(here), Path.of(log).toAbsolutePath().getParent())) {
            if (!Files.isDirectory(seen)) {
                throw new IllegalStateException(
                        "the folder where spark-submit was called, and that of the results, must be"
                                + " on a disk that the driver and all executors see, got: " + seen
                                + ", which an executor has not");
            }
        }
        if (task.attemptNumber() > 0) {
            MinproProcess.pause(AGAIN_SECONDS);
        }
        List<String> options = new ArrayList<>();
        options.add("-XX:ActiveProcessorCount=" + task.cpus());
        options.addAll(javaOptions);
        return MinproProcess.run(
                MinproProcess.of(options, main, arguments)
                        .directory(Path.of(here).toFile())
                        .redirectOutput(Path.of(out).toFile())
                        .redirectError(
                                ProcessBuilder.Redirect.appendTo(Path.of(log).toFile())),
                task);
    }
}
