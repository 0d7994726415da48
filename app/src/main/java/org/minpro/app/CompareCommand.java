package org.minpro.app;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.minpro.recipe.Recipe;
import org.minpro.report.Block;
import org.minpro.report.StudyReport;
import org.minpro.run.BuildVersion;
import org.minpro.run.RunFolder;
import org.minpro.study.Axis;
import org.minpro.study.Comparison;
import org.minpro.study.RunResult;
import org.minpro.study.Study;
import org.minpro.study.StudyTables;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code minpro compare}: the runs of a study, or runs that have ended, and what their differences are worth. */
@Command(
        name = "compare",
        mixinStandardHelpOptions = true,
        description = {
            "Compares objectives, or whatever else runs differ in.",
            "",
            "With --config: does the runs of a study's grid, each in a process of its own, and goes on where it was"
                    + " interrupted. With folders of runs: compares those.",
            "Either way report.html, report.md and tables as CSV are written."
        })
final class CompareCommand implements Callable<Integer> {
    private static final Path COMPARISON = Path.of("comparison");

    private final Console console;
    private final StudyRunner.@Nullable Executor executor;

    @Mixin
    private final ClassPathOption classPath = new ClassPathOption();

    @Option(names = "--config", paramLabel = "FILE", description = "A study: see docs/compare.md.")
    private @Nullable Path config;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "Where the report of finished runs goes; 'comparison' without it.")
    private @Nullable Path out;

    @Option(names = "--list", description = "Shows which runs of the study are done, and stops.")
    private boolean list;

    @Option(names = "--report", description = "Writes the report of what is done, and does no run.")
    private boolean reportOnly;

    @Option(
            names = "--recipe",
            paramLabel = "RUN",
            description = "Writes the recipe of a run to standard output, for minpro train --config, and stops. --list"
                    + " names the runs.")
    private @Nullable String recipe;

    @Parameters(paramLabel = "RUN", arity = "0..*", description = "Folders of runs.")
    private List<Path> runs = List.of();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    /** @param executor does a run; null for a process of its own */
    CompareCommand(Console console, StudyRunner.@Nullable Executor executor) {
        this.console = console;
        this.executor = executor;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if ((config == null) == runs.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(),
                    "either --config FILE or folders of runs must be given, got: "
                            + (config == null ? "neither" : "both"));
        }
        if (config == null && (list || reportOnly || recipe != null)) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--list, --report and --recipe are for a study, got: folders of runs; name it with --config");
        }
        return config == null ? finished() : study(config);
    }

    private int study(Path file) throws IOException, InterruptedException {
        if (out != null) {
            throw new ParameterException(
                    spec.commandLine(), "--out is for finished runs; a study's folder is its setting folder");
        }
        Study study = Study.read(file, classPath.loader());
        if (recipe != null) {
            return recipe(study, recipe);
        }
        if (list) {
            return list(study);
        }
        try (LiveLine live = new LiveLine(console);
                RunFolder locked = RunFolder.at(study.folder())) {
            StudyTables tables = StudyTables.open(study.folder(), study.axisNames());
            StudyRunner runner = new StudyRunner(
                    live,
                    study,
                    tables,
                    classPath.given(),
                    classPath.loader(),
                    failures -> report(file, study, tables, failures),
                    executor);
            runner.requireSame();
            study.runs().stream()
                    .flatMap(run -> run.recipe().warnings().stream())
                    .distinct()
                    .forEach(warning -> console.say("warning: " + warning));
            tables.results().stream()
                    .map(RunResult::version)
                    .filter(version -> !version.equals(BuildVersion.present().toString()))
                    .distinct()
                    .forEach(version -> console.say("note: runs here were done by MinPRO " + version + ", this is "
                            + BuildVersion.present() + "; what the study does not say follows each one's defaults"));
            StudyProgress.lines(study, tables).forEach(console::say);
            boolean all;
            if (reportOnly) {
                all = true;
            } else {
                console.say(runner.open().size() + " runs to do, "
                        + study.recipe().processes() + " at a time, in " + study.folder());
                try (StopOnInterrupt interrupt = new StopOnInterrupt(live::say)) {
                    interrupt.stops(runner::stop);
                    all = runner.run();
                }
            }
            if (tables.results().isEmpty()) {
                throw new IllegalStateException(
                        "a study must have a run that ended to be reported, got: none in " + study.folder());
            }
            Comparison comparison = report(file, study, tables, runner.failures());
            StudyProgress.lines(study, tables).forEach(console::say);
            table(comparison);
            console.say("report: " + study.folder().resolve("report.html"));
            if (!all) {
                console.say(runner.open().size() + " runs are not done; go on with: "
                        + ShownCommand.of(List.of("compare", "--config", file.toString())));
            }
            return all ? 0 : Main.FAILED;
        }
    }

    private int list(Study study) {
        StudyTables tables = StudyTables.open(study.folder(), study.axisNames());
        StudyProgress.lines(study, tables).forEach(console::say);
        study.runs()
                .forEach(run ->
                        console.result(run.key().id() + "\t" + (tables.result(run.key()) == null ? "open" : "done")));
        return 0;
    }

    private int recipe(Study study, String id) {
        Study.Run run = study.runs().stream()
                .filter(candidate -> candidate.key().id().equals(id))
                .findFirst()
                .orElseThrow(() -> new ParameterException(
                        spec.commandLine(),
                        "--recipe must name a run of the study, got: " + id + "; --list names them"));
        console.out().print(Recipe.binder(classPath.loader()).write(run.recipe().with("runs", Path.of("runs")), false));
        return 0;
    }

    private Comparison report(Path file, Study study, StudyTables tables, Map<String, String> failures) {
        // A table may have runs that the grid no longer names: they stay, and are compared too.
        Comparison comparison = Comparison.of(
                study.axisNames(),
                study.recipe().comparedAxis(),
                inOrder(study, tables),
                study.recipe().threshold(),
                study.recipe().entropyBound());
        List<String> commands = new ArrayList<>();
        commands.add("# all runs");
        commands.add(ShownCommand.of(List.of("compare", "--config", file.toString())));
        commands.add("# one of them");
        commands.add(ShownCommand.of(List.of(
                        "compare",
                        "--config",
                        file.toString(),
                        "--recipe",
                        study.runs().getFirst().key().id()))
                + " > run.yaml");
        commands.add(ShownCommand.of(List.of("train", "--config", "run.yaml")));
        new StudyReport(
                        study.recipe().title(),
                        comparison,
                        Math.max(study.runs().size(), comparison.runs().size()),
                        study.recipe().difference(),
                        labels(study),
                        RunSettings.shared(
                                study.runs().stream().map(Study.Run::recipe).toList()),
                        commands,
                        failures,
                        StudyRollouts.read(study.folder()))
                .write(study.folder());
        return comparison;
    }

    /** Where they say more than the label does. */
    private static Map<String, String> labels(Study study) {
        Map<String, String> labels = new LinkedHashMap<>();
        for (Axis axis : study.axes()) {
            for (Axis.Level level : axis.levels()) {
                String label = axis.name() + ": " + level.label();
                if (!label.equals(level.text())) {
                    labels.put(label, level.text());
                }
            }
        }
        return labels;
    }

    /** As the grid has them, so that charts give a variant one colour whichever run ends first. */
    private static List<RunResult> inOrder(Study study, StudyTables tables) {
        List<RunResult> results = new ArrayList<>();
        for (Study.Run run : study.runs()) {
            RunResult result = tables.result(run.key());
            if (result != null) {
                results.add(result);
            }
        }
        for (RunResult result : tables.results()) {
            if (!results.contains(result)) {
                results.add(result);
            }
        }
        return results;
    }

    private int finished() throws IOException {
        Path folder = out == null ? COMPARISON : out;
        Map<Path, Recipe> recipes = new LinkedHashMap<>();
        for (Path run : runs) {
            recipes.put(run, RunSettings.read(run, classPath.loader()));
        }
        Map<Path, String> labels = RunSettings.labels(recipes);
        List<RunResult> results = new ArrayList<>();
        recipes.forEach((run, its) -> results.add(RunSettings.result(run, labels.getOrDefault(run, ""), its)));
        Comparison comparison = Comparison.of(List.of("variant"), 0, results, null, null);
        List<String> command = new ArrayList<>(List.of("compare"));
        runs.forEach(run -> command.add(run.toString()));
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new UncheckedIOException("--out must be a folder that can be made, got: " + folder, e);
        }
        List<Block.Tokens> rollouts = new ArrayList<>();
        for (Map.Entry<Path, Recipe> run : recipes.entrySet()) {
            StudyRollouts.of(run.getKey(), run.getKey().toString(), run.getValue())
                    .ifPresent(rollouts::add);
        }
        new StudyReport(
                        "A comparison of " + runs.size() + " runs",
                        comparison,
                        runs.size(),
                        0.03,
                        Map.of(),
                        RunSettings.shared(List.copyOf(recipes.values())),
                        List.of(ShownCommand.of(command)),
                        Map.of(),
                        rollouts)
                .write(folder);
        table(comparison);
        console.say("report: " + folder.resolve("report.html"));
        return 0;
    }

    /** The means at the end, on standard output: a line of tabs for each variant at each place. */
    private void table(Comparison comparison) {
        for (Comparison.Place place : comparison.places()) {
            for (Comparison.Variant variant : place.ranked()) {
                console.result(String.format(
                        Locale.ROOT,
                        "%s\t%s\t%s\t%d of %d collapsed",
                        place.title(comparison.axes(), comparison.compared()),
                        variant.label(),
                        variant.end().percent(),
                        variant.collapsed(),
                        variant.runs().size()));
            }
        }
    }
}
