package org.minpro.app;

import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Settings;
import org.minpro.recipe.SftRecipe;
import org.minpro.run.MemoryEstimate;
import org.minpro.run.ModelFiles;
import org.minpro.run.SftSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code minpro sft}: a supervised warm start. */
@Command(
        name = "sft",
        mixinStandardHelpOptions = true,
        description = "Trains a model on prompts with completions (JSON lines); the prompt is masked.")
final class SftCommand implements Callable<Integer> {
    private final Console console;

    @Mixin
    private final MemoryCheck memory;

    SftCommand(Console console, MemoryCheck memory) {
        this.console = console;
        this.memory = memory;
    }

    @Option(names = "--config", paramLabel = "FILE", description = "A recipe; --print-config writes one to start from.")
    private @Nullable Path config;

    @Option(names = "--set", paramLabel = "NAME=VALUE", description = "Any setting of a recipe; may be repeated.")
    private List<String> assignments = List.of();

    @Option(names = "--model", paramLabel = "DIR", description = "A Hugging Face folder.")
    private @Nullable String model;

    @Option(names = "--data", paramLabel = "FILE", description = "Examples as JSON lines; may be repeated.")
    private List<String> data = List.of();

    @Option(names = "--seed", paramLabel = "N", description = "Seed of everything random.")
    private @Nullable String seed;

    @Option(names = "--runs", paramLabel = "DIR", description = "Folder of the runs' folders.")
    private @Nullable String runs;

    @Option(
            names = "--resume",
            paramLabel = "RUN",
            description = "Continues a run in its folder, bit for bit. To go on for longer, also after its end, raise"
                    + " updates or epochs in the folder's recipe.yaml first.")
    private @Nullable Path resume;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Option(names = "--print-config", description = "Writes the recipe with comments to standard output and stops.")
    private boolean printConfig;

    @Override
    public Integer call() {
        LiveLine live = new LiveLine(console);
        try (StopOnInterrupt interrupt = new StopOnInterrupt(live::say)) {
            if (resume != null) {
                ResumeOptions.only(spec, MemoryCheck.IGNORE);
                try (SftSession session = SftSession.resume(resume, live::say)) {
                    interrupt.stops(session::stop);
                    return train(session, live);
                }
            }
            SftRecipe recipe = SftRecipe.binder().bind(SftRecipe.class, settings());
            if (printConfig) {
                console.out().print(SftRecipe.binder().write(recipe, true));
                return 0;
            }
            recipe.warnings().forEach(warning -> live.say("warning: " + warning));
            requireMemory(recipe);
            try (SftSession session = SftSession.start(recipe, live::say)) {
                interrupt.stops(session::stop);
                return train(session, live);
            }
        }
    }

    private void requireMemory(SftRecipe recipe) {
        String path = recipe.model().path();
        ModelFiles files = recipe.initialise() ? ModelFiles.withoutWeights(path) : ModelFiles.open(path);
        memory.require(
                MemoryEstimate.ofSupervised(
                        recipe, files.config(), files.computeType(recipe.model().dtype())),
                "compute.micro-batch-tokens, compute.lanes or max-completion-tokens");
    }

    private Settings settings() {
        Settings settings = new Settings();
        if (config != null) {
            settings.file(config);
        }
        assignments.forEach(settings::set);
        if (model != null) {
            settings.option("model.path", model, "--model");
        }
        if (runs != null) {
            settings.option("runs", runs, "--runs");
        }
        if (seed != null) {
            settings.option("seed", seed, "--seed");
        }
        if (!data.isEmpty()) {
            settings.option("data.files", RecipeOptions.fromHere(data, settings), "--data");
        }
        return settings;
    }

    private static int train(SftSession session, LiveLine live) {
        live.say(String.format(
                Locale.ROOT,
                "plan: %s, %d updates of %d rows from update %d on, in %s",
                session.description(),
                session.updates(),
                session.recipe().batchRows(),
                session.done(),
                session.folder().path()));
        List<String> continuing = List.of(
                "sft",
                "--resume",
                session.folder().path().toAbsolutePath().normalize().toString());
        boolean done;
        try {
            done = run(session, live);
        } catch (IllegalStateException | UncheckedIOException e) {
            live.close();
            throw DiskFull.named(e, continuing);
        }
        if (!done) {
            live.say("stopped at update " + session.done() + "; continue with: " + ShownCommand.of(continuing));
            return 1;
        }
        live.say("model: " + session.saveModel());
        return 0;
    }

    private static boolean run(SftSession session, LiveLine live) {
        long first = session.done();
        double[] spent = new double[1];
        long shownEvery = Math.max(1, session.updates() / 50);
        return session.run((report, seconds) -> {
            spent[0] += seconds;
            String text = String.format(
                    Locale.ROOT,
                    "update %d/%d  loss %.4f  gradient norm %.3f  %s tok/s  ETA %s",
                    report.update() + 1,
                    session.updates(),
                    report.loss(),
                    report.gradientNorm(),
                    Figures.count(Math.round(report.tokens() / seconds)),
                    Figures.duration(
                            spent[0] / (report.update() + 1 - first) * (session.updates() - report.update() - 1)));
            if ((report.update() + 1) % shownEvery == 0) {
                live.say(text);
            } else {
                live.show(text);
            }
        });
    }
}
