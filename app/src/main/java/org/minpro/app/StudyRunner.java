package org.minpro.app;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.minpro.recipe.Recipe;
import org.minpro.run.BuildVersion;
import org.minpro.run.WholeFile;
import org.minpro.study.RunKey;
import org.minpro.study.RunResult;
import org.minpro.study.Study;
import org.minpro.study.StudyTables;

/**
 * Does the runs of a study that its tables do not have, each in a process of its own, and keeps the line and the curve of
 * each as it ends. A run that fails does not stop the others; the next time it is gone on with.
 */
final class StudyRunner {
    private static final String LOG = "log.txt";
    private static final String SETTINGS = "settings";

    private final LiveLine live;
    private final Study study;
    private final StudyTables tables;
    private final List<String> classPath;
    private final ClassLoader loader;
    private final Executor executor;
    private final Consumer<Map<String, String>> recorded;
    private final Map<String, String> failures = new LinkedHashMap<>();
    private final Map<RunKey, String> underWay = new ConcurrentHashMap<>();
    private final List<Process> processes = new ArrayList<>();
    private volatile boolean stopping;
    private double seconds;
    private int ended;

    /** Does one run. */
    interface Executor {
        /**
         * Does the run whose recipe is in a folder.
         *
         * @param progress told of every line that it says
         * @return its exit code
         */
        int run(Path folder, Consumer<String> progress) throws IOException, InterruptedException;
    }

    /**
     * @param recorded told after each run, with what the failed ones said
     * @param executor does a run; null for a process of its own
     */
    StudyRunner(
            LiveLine live,
            Study study,
            StudyTables tables,
            List<String> classPath,
            ClassLoader loader,
            Consumer<Map<String, String>> recorded,
            @Nullable Executor executor) {
        this.live = live;
        this.study = study;
        this.tables = tables;
        this.classPath = classPath;
        this.loader = loader;
        this.recorded = recorded;
        this.executor = executor == null ? this::process : executor;
    }

    /** What the runs that failed said, by run. */
    Map<String, String> failures() {
        return failures;
    }

    /** Runs that are not done. */
    List<Study.Run> open() {
        return study.runs().stream()
                .filter(run -> tables.result(run.key()) == null)
                .toList();
    }

    /**
     * Refuses runs that are done or begun with other settings than the study has now.
     *
     * @throws IllegalArgumentException with the first of them
     */
    void requireSame() throws IOException {
        for (Study.Run run : study.runs()) {
            RunResult done = tables.result(run.key());
            if (done != null && !done.settings().equals(run.settings())) {
                throw new IllegalArgumentException("a run must keep the settings that it was done with, got others for "
                        + run.key() + " of " + study.folder()
                        + "; name another folder, another label, or remove its line"
                        + " from runs.csv");
            }
            Path stored = folder(run).resolve(SETTINGS);
            if (done == null
                    && Files.exists(stored)
                    && !Files.readString(stored).strip().equals(run.settings())) {
                throw new IllegalArgumentException(
                        "a run must keep the settings that it was begun with, got others for " + run.key() + "; remove "
                                + folder(run) + ", or name another folder");
            }
        }
    }

    private Path folder(Study.Run run) {
        return study.folder().resolve("runs").resolve(run.key().id());
    }

    /**
     * Does all runs that are open.
     *
     * @return whether every run of the study is done
     */
    boolean run() throws InterruptedException {
        Queue<Study.Run> open = new ArrayDeque<>(open());
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < study.recipe().processes(); i++) {
            threads.add(Thread.ofVirtual().start(() -> {
                for (Study.Run run = next(open); run != null && !stopping; run = next(open)) {
                    one(run, open);
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        live.close();
        return open().isEmpty();
    }

    private static Study.@Nullable Run next(Queue<Study.Run> open) {
        synchronized (open) {
            return open.poll();
        }
    }

    /** Asks the runs under way to save themselves; from any thread. */
    void stop() {
        stopping = true;
        synchronized (processes) {
            // Process.destroy would close the stream that is being read.
            processes.forEach(process -> process.toHandle().destroy());
        }
    }

    private void one(Study.Run run, Queue<Study.Run> open) {
        Path folder = folder(run);
        long start = System.nanoTime();
        try {
            Files.createDirectories(folder);
            WholeFile.write(StudyRun.recipe(folder), Recipe.binder(loader).write(run.recipe(), false));
            WholeFile.write(folder.resolve(SETTINGS), run.settings() + "\n");
            int code = StudyRun.outcome(folder).isPresent()
                    ? 0
                    : executor.run(folder, line -> {
                        underWay.put(run.key(), line.replace(" ", "/"));
                        show(open.size());
                    });
            if (code == 0) {
                done(run, folder, (System.nanoTime() - start) / 1e9);
            } else if (!stopping) {
                failed(run, lastLine(folder.resolve(LOG)));
            }
        } catch (IOException | RuntimeException e) {
            // A table or a folder that cannot be written: the next run may find it better.
            failed(run, String.valueOf(e.getMessage()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            underWay.remove(run.key());
        }
    }

    private synchronized void done(Study.Run run, Path folder, double took) throws IOException {
        Path begun = StudyRun.begun(folder).orElseThrow();
        RunResult result = RunResult.read(
                run.key(),
                StudyRun.outcome(folder).orElseThrow(),
                begun,
                run.recipe().rowsPerIteration(),
                study.recipe().window(),
                BuildVersion.present().toString(),
                run.settings());
        tables.add(result);
        failures.remove(run.key().toString());
        try {
            String variant = run.key().labels().get(study.recipe().comparedAxis());
            StudyRollouts.keep(begun, study.folder(), run.key(), variant, run.recipe());
            if (!study.recipe().keepRuns()) {
                remove(folder);
            }
        } catch (IOException | RuntimeException e) {
            // The run is done all the same: its line stands in the tables.
            live.say("warning: " + run.key() + " is done, but its folder " + folder + " cannot be tidied up: "
                    + e.getMessage());
        }
        seconds += took;
        ended++;
        live.say(String.format(
                Locale.ROOT,
                "%d of %d  %s: accuracy %s -> %s, %s; %s",
                study.runs().size() - open().size(),
                study.runs().size(),
                run.key(),
                percent(result.before()),
                percent(result.after()),
                result.outcome() == RunResult.Outcome.DONE
                        ? Figures.duration(took)
                        : result.outcome().label(),
                end()));
        report();
    }

    private void report() {
        try {
            recorded.accept(failures);
        } catch (RuntimeException e) {
            // The runs' lines stand in the tables: the next report has them.
            live.say("warning: the report cannot be written: " + e.getMessage());
        }
    }

    private synchronized void failed(Study.Run run, String message) {
        failures.put(run.key().toString(), message);
        live.say("failed: " + run.key() + ": " + message + " (all of it: "
                + folder(run).resolve(LOG) + ")");
        report();
    }

    private static String percent(OptionalDouble share) {
        return share.isEmpty() ? "-" : String.format(Locale.ROOT, "%.1f %%", 100 * share.getAsDouble());
    }

    /** When the last run will have ended, if they take as long as those did. */
    private String end() {
        double each = ended > 0
                ? seconds / ended
                : tables.results().stream()
                        .mapToDouble(RunResult::seconds)
                        .average()
                        .orElse(Double.NaN);
        double left = each * open().size() / study.recipe().processes();
        return "ETA " + Figures.duration(left);
    }

    private void show(int waiting) {
        live.show(underWay.entrySet().stream()
                        .map(run -> run.getKey() + ": iteration " + run.getValue())
                        .sorted()
                        .collect(Collectors.joining("  "))
                + "  " + waiting + " waiting  " + end());
    }

    /** A process that runs {@link StudyRun} as this one was started. */
    private int process(Path folder, Consumer<String> progress) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> !argument.startsWith("-agentlib") && !argument.startsWith("-Dminpro.terminal"))
                .forEach(command::add);
        command.addAll(List.of(
                "-Dminpro.terminal=false",
                "-cp",
                System.getProperty("java.class.path"),
                StudyRun.class.getName(),
                folder.toString()));
        command.addAll(classPath);
        File log = folder.resolve(LOG).toFile();
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.appendTo(log))
                .start();
        synchronized (processes) {
            processes.add(process);
            if (stopping) {
                process.toHandle().destroy();
            }
        }
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                progress.accept(line);
            }
        }
        int code = process.waitFor();
        synchronized (processes) {
            processes.remove(process);
        }
        return code;
    }

    private static String lastLine(Path log) throws IOException {
        return Files.exists(log)
                ? Files.readAllLines(log).stream()
                        .filter(line -> !line.isBlank())
                        .reduce((first, second) -> second)
                        .orElse("it said nothing")
                : "it said nothing";
    }

    private static void remove(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(folder + " cannot be removed: " + e.getMessage(), e);
        }
    }
}
