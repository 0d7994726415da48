package org.minpro.app;

import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.function.ToIntBiFunction;
import java.util.stream.Stream;
import org.minpro.run.MachineMemory;

/**
 * {@code minpro compare} whose runs are done somewhere else, such as on a cluster, by machines that see the study's folder.
 * What it takes and gives are types of the JDK, so that a program can call it in a class loader of its own.
 */
public final class ComparisonElsewhere {
    private ComparisonElsewhere() {}

    /**
     * Does the command.
     *
     * @param runs does the run whose recipe is in a folder, by {@link #main} in a process of its own: it tells every line of
     *     that process's standard output, appends its standard error to {@code log.txt} in the folder, and returns its exit
     *     code. So many threads call it at once as the study has {@code processes}
     * @param arguments of {@code minpro compare}
     * @return the command's exit code
     */
    public static int run(ToIntBiFunction<Path, Consumer<String>> runs, String... arguments) {
        Console console = Console.ofProcess();
        int code = Main.run(
                console,
                MachineMemory::whereModelsAre,
                runs::applyAsInt,
                Stream.concat(Stream.of("compare"), Stream.of(arguments)).toArray(String[]::new));
        console.out().flush();
        return code;
    }

    /**
     * Does one run of a study, or goes on with it; it ends when the process that started it does.
     *
     * @param arguments the folder with the run's recipe
     */
    public static void main(String[] arguments) {
        StudyRun.main(arguments);
    }
}
