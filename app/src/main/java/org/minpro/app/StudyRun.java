package org.minpro.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.minpro.config.Settings;
import org.minpro.recipe.Recipe;
import org.minpro.rollout.Rollout;
import org.minpro.run.IterationReport;
import org.minpro.run.RunFailure;
import org.minpro.run.RunFiles;
import org.minpro.run.RunListener;
import org.minpro.run.TrainingResult;
import org.minpro.run.TrainingSession;
import org.minpro.run.WholeFile;
import org.minpro.study.RunResult.Outcome;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/**
 * One run of a study, in a process of its own: begun, or continued where it was interrupted. It ends when the process that
 * started it does, so that a study that was killed leaves nobody who holds a run's folder.
 */
final class StudyRun {
    private static final String OUTCOME = "outcome";

    private StudyRun() {}

    /** The recipe of a run, beside the numbered folder that the run has. */
    static Path recipe(Path folder) {
        return folder.resolve("recipe.yaml");
    }

    /** How a run ended, if it did. */
    static Optional<Outcome> outcome(Path folder) throws IOException {
        Path file = folder.resolve(OUTCOME);
        return Files.exists(file)
                ? Optional.of(Outcome.valueOf(Files.readString(file).strip()))
                : Optional.empty();
    }

    /** The run's numbered folder: the newest that a run has begun in. */
    static Optional<Path> begun(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return Optional.empty();
        }
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.filter(entry -> String.valueOf(entry.getFileName()).matches("\\d{4,9}"))
                    .filter(entry -> Files.exists(new RunFiles(entry).recipe()))
                    .max(Path::compareTo);
        }
    }

    /**
     * Does the run whose recipe is in a folder.
     *
     * @param arguments the folder, and the class path option as it was given
     */
    public static void main(String[] arguments) {
        // Nobody would read the result of an orphan, and the next process of the study could not go on with its run.
        Optional<ProcessHandle> parent = ProcessHandle.current().parent();
        if (parent.isEmpty()) {
            Runtime.getRuntime().halt(Main.FAILED);
        }
        CompletableFuture<Void> orphaned = parent.orElseThrow()
                .onExit()
                .thenAccept(gone -> Runtime.getRuntime().halt(Main.FAILED));
        Console console = Console.ofProcess();
        ClassPathOption classPath = new ClassPathOption();
        new CommandLine(CommandSpec.create().addMixin("classPath", CommandSpec.forAnnotatedObject(classPath)))
                .parseArgs(Stream.of(arguments).skip(1).toArray(String[]::new));
        int code;
        try {
            code = run(Path.of(arguments[0]), classPath.loader(), console);
        } catch (Exception e) {
            code = Main.failure(console, e);
        }
        orphaned.cancel(false);
        System.exit(code);
    }

    /**
     * Does the run whose recipe is in a folder, or goes on with it.
     *
     * @return 0 where it has ended, whatever it has come to
     */
    static int run(Path folder, ClassLoader loader, Console console) throws IOException {
        Recipe recipe = Recipe.binder(loader).bind(Recipe.class, new Settings().file(recipe(folder)));
        Optional<Path> begun = begun(folder);
        try (StopOnInterrupt interrupt = new StopOnInterrupt(console::say)) {
            RunListener listener = new RunListener() {
                @Override
                public void iterationFinished(IterationReport report) {
                    console.result((report.iteration() + 1) + " " + recipe.iterations());
                    console.flush();
                }

                @Override
                public void rolloutFinished(Rollout rollout) {
                    // A line for each would be too many.
                }

                @Override
                public void notice(String line) {
                    console.say(line);
                }
            };
            TrainingSession.Start start = begun.isPresent() ? TrainingSession.stored() : TrainingSession.of(recipe);
            start.classLoader(loader).listener(listener);
            Outcome outcome;
            try (TrainingSession opened = begun.isPresent() ? start.resume(begun.get()) : start.start()) {
                interrupt.stops(opened::stop);
                TrainingResult result = opened.train();
                boolean interrupted =
                        result.before().isPresent() && result.after().isEmpty() && !opened.isUnchanged();
                if (!result.finished() || interrupted) {
                    return Main.FAILED;
                }
                outcome = opened.isUnchanged() ? Outcome.UNCHANGED : Outcome.DONE;
            } catch (IllegalStateException e) {
                if (!RunFailure.isNotFinite(e)) {
                    throw e;
                }
                console.say(String.valueOf(e.getMessage()));
                outcome = Outcome.NOT_FINITE;
            }
            WholeFile.write(folder.resolve(OUTCOME), outcome.name() + "\n");
            return 0;
        }
    }
}
