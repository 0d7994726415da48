package org.minpro.app;

import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Binder;
import org.minpro.config.Rule;
import org.minpro.config.Settings;
import org.minpro.dashboard.DashboardServer;
import org.minpro.dist.RankContext;
import org.minpro.dist.RankLostException;
import org.minpro.dist.Ranks;
import org.minpro.eval.Evaluator;
import org.minpro.recipe.Recipe;
import org.minpro.rollout.served.ServerException;
import org.minpro.run.MemoryEstimate;
import org.minpro.run.ModelFiles;
import org.minpro.run.RunFiles;
import org.minpro.run.RunListener;
import org.minpro.run.SavedRunException;
import org.minpro.run.TooManyUndecidedException;
import org.minpro.run.TrainingSession;
import org.minpro.tensor.DType;
import org.minpro.tensor.Engine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code minpro train}: plan, accuracy before, training with a live line, accuracy after, and where the model lies. */
@Command(
        name = "train",
        mixinStandardHelpOptions = true,
        description = {
            "Trains a model on rollouts that are older than it.",
            "",
            "Without options: the built-in model learns to add, in a few minutes on two cores.",
            "With --model and --data: a Hugging Face folder learns problems of a JSONL file."
        })
final class TrainCommand implements Callable<Integer> {
    private final Console console;

    @Mixin
    private final MemoryCheck memory;

    TrainCommand(Console console, MemoryCheck memory) {
        this.console = console;
        this.memory = memory;
    }

    @Mixin
    private final RecipeOptions options = new RecipeOptions();

    @Mixin
    private final TrainingOptions trainingOptions = new TrainingOptions();

    @Option(names = "--runs", paramLabel = "DIR", description = "Folder of the runs' folders.")
    private @Nullable String runs;

    @Option(
            names = "--resume",
            paramLabel = "RUN",
            description = "Continues a run in its folder, bit for bit. To go on for longer, also after its end, raise"
                    + " iterations in the folder's recipe.yaml first.")
    private @Nullable Path resume;

    @Option(
            names = "--show-samples",
            paramLabel = "N",
            description =
                    "Every N iterations a prompt with its best and its worst completion; 0 for none, 5 by default."
                            + " samples.txt in the run's folder has some of every iteration.")
    private int showSamples = 5;

    @Option(
            names = "--dashboard",
            description =
                    "Shows the run in a browser while it goes on, as minpro dashboard does; on port 6007, or a free"
                            + " one where that is taken.")
    private boolean dashboard;

    @Option(
            names = "--show-ledger",
            paramLabel = "N",
            description =
                    "Every N iterations all numbers of the last update, by their names in metrics.jsonl; 0, the default,"
                            + " for none.")
    private int showLedger;

    @Option(
            names = "--processes",
            paramLabel = "N",
            description =
                    "Trains with N processes of this machine, whose cores they share; 1 by default. On several machines"
                            + " torchrun, Slurm or Kubernetes start them: see docs/scale.md.")
    private int processes = 1;

    @Option(
            names = "--prepare",
            description = "Makes the folder of a run with its recipe, writes its path to standard output and stops:"
                    + " --resume begins the run, with as many processes as --processes says or on another machine.")
    private boolean prepare;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Option(names = "--print-config", description = "Writes the recipe with comments to standard output and stops.")
    private boolean printConfig;

    @Override
    public Integer call() {
        LiveLine live = new LiveLine(console);
        if (showSamples < 0) {
            throw new IllegalArgumentException("--show-samples must be >= 0 (0 shows none), got: " + showSamples);
        }
        if (showLedger < 0) {
            throw new IllegalArgumentException("--show-ledger must be >= 0 (0 shows none), got: " + showLedger);
        }
        TrainProgress progress = new TrainProgress(console, live, showSamples, showLedger);
        RankContext context = RankContext.of(System.getenv()).orElse(null);
        Rule.check(processes >= 1 && processes <= 1024, "--processes", "in [1, 1024]", processes);
        if (context != null && processes > 1) {
            throw new IllegalArgumentException("--processes must be left out where something else starts the processes,"
                    + " got: " + processes + ", with WORLD_SIZE " + context.size() + " in the environment");
        }
        ClassLoader loader = options.loader();
        try (StopOnInterrupt interrupt = new StopOnInterrupt(live::say)) {
            if (context != null && context.rank() > 0) {
                return follow(context, loader, interrupt);
            }
            if (resume != null) {
                ResumeOptions.only(
                        spec,
                        "--class-path",
                        "--show-samples",
                        "--show-ledger",
                        "--dashboard",
                        "--processes",
                        MemoryCheck.IGNORE);
                Recipe stored = stored(loader);
                requireLanes(stored, context);
                try (LocalRanks others = others(stored);
                        TrainingSession session = TrainingSession.stored()
                                .classLoader(loader)
                                .listener(progress)
                                .memory(memory::allowed)
                                .ranks(meeting(stored, context, others))
                                .resume(resume)) {
                    interrupt.stops(() -> stop(session, others));
                    console.say("continuing " + session.folder().path() + " at iteration " + session.iteration()
                            + " of " + session.recipe().iterations());
                    return train(session, live, progress, true);
                }
            }
            Binder binder = Recipe.binder(loader);
            Recipe recipe = recipe(loader);
            if (printConfig) {
                console.out().print(binder.write(recipe, true));
                return 0;
            }
            recipe.warnings().forEach(warning -> console.say("warning: " + warning));
            requireLanes(recipe, context);
            if (prepare) {
                console.result(TrainingSession.of(recipe)
                        .classLoader(loader)
                        .prepare()
                        .toAbsolutePath()
                        .normalize()
                        .toString());
                return 0;
            }
            Engine.use(recipe.compute().device());
            ModelFiles files = ModelFiles.open(recipe.model().path());
            DType compute = files.computeType(recipe.model().dtype());
            int local = context == null ? processes : context.localSize();
            int all = context == null ? processes : context.size();
            memory.require(
                    new RunPlan(recipe, files.config(), compute, all, local).bytesOfDevice(),
                    MemoryEstimate.TRAINING_SETTINGS);
            if (!Engine.unpacked()) {
                console.say("unpacking the native libraries into " + Engine.cacheFolder() + ", once");
            }
            try (LocalRanks others = others(recipe);
                    TrainingSession session = TrainingSession.of(recipe)
                            .classLoader(loader)
                            .listener(progress)
                            .memory(memory::allowed)
                            .ranks(meeting(recipe, context, others))
                            .start()) {
                interrupt.stops(() -> stop(session, others));
                try {
                    plan(session, compute);
                } catch (CancellationException e) {
                    return stopped(session, live);
                }
                return train(session, live, progress, false);
            }
        }
    }

    /** This process's part in the run of another one, which speaks and keeps the folder. */
    private int follow(RankContext context, ClassLoader loader, StopOnInterrupt interrupt) {
        Recipe known = resume != null ? stored(loader) : recipe(loader);
        TrainingSession.Start start = resume != null ? TrainingSession.stored() : TrainingSession.of(known);
        try (TrainingSession session = start.classLoader(loader)
                .listener(new RunListener() {})
                .memory(memory::allowed)
                .follow(Ranks.join(context, limit(known)))) {
            interrupt.stops(session::stop);
            if (context.meeting() instanceof RankContext.MeetingFile) {
                LocalRanks.obey(console.in(), session::stop);
            }
            return session.follow() ? 0 : Main.FAILED;
        }
    }

    private Recipe recipe(ClassLoader loader) {
        return options.recipe(Recipe.binder(loader), options.defaults(), settings(), console);
    }

    /** The recipe of the run that is continued; the built-in one where its folder is not on this machine. */
    private Recipe stored(ClassLoader loader) {
        Path file = new RunFiles(Objects.requireNonNull(resume)).recipe();
        return Files.exists(file) ? Recipe.binder(loader).bind(Recipe.class, new Settings().file(file)) : new Recipe();
    }

    private static Duration limit(Recipe recipe) {
        return Duration.ofMillis(Math.round(1000 * recipe.ranks().limitSeconds()));
    }

    private void requireLanes(Recipe recipe, @Nullable RankContext context) {
        int all = context == null ? processes : context.size();
        if (recipe.compute().lanes() < all) {
            throw new IllegalArgumentException(
                    TrainingSession.lanesRefusal(all, recipe.compute().lanes()));
        }
    }

    private LocalRanks others(Recipe recipe) {
        List<String> given = new ArrayList<>(options.givenClassPath());
        if (memory.isIgnored()) {
            given.add(MemoryCheck.IGNORE);
        }
        return new LocalRanks(processes, given, limit(recipe));
    }

    private Function<Path, Ranks> meeting(Recipe recipe, @Nullable RankContext context, LocalRanks others) {
        if (context != null) {
            return folder -> Ranks.join(context, limit(recipe));
        }
        return processes == 1 ? folder -> Ranks.alone() : others::start;
    }

    private static void stop(TrainingSession session, LocalRanks others) {
        session.stop();
        others.stop();
    }

    private Settings settings() {
        Settings settings = options.settings();
        trainingOptions.into(settings);
        RecipeOptions.option(settings, "runs", runs, "--runs");
        return settings;
    }

    private void plan(TrainingSession session, DType compute) {
        Recipe recipe = session.recipe();
        int ranks = session.ranks().size();
        RunPlan plan = new RunPlan(
                recipe,
                session.files().config(),
                compute,
                ranks,
                session.ranks().localSize());
        List<String> lines = new ArrayList<>();
        lines.add("plan: " + plan.modelLine());
        int evaluated = session.questions().size();
        int skipped = session.problems().heldOut().size() - evaluated;
        lines.add("  problems   " + session.problems().description() + "; "
                + (evaluated == 0 ? "none" : String.valueOf(evaluated)) + " held out to evaluate"
                + (evaluated == 0 && skipped == 0
                        ? ", so no accuracy is measured (evaluation.problems, more data)"
                        : "")
                + (skipped == 0
                        ? ""
                        : ", " + skipped + " skipped, whose prompts are longer than prompts.max-tokens ("
                                + recipe.prompts().maxTokens() + ")"));
        lines.add("  rollouts   " + plan.rollouts());
        session.beyondPositions().ifPresent(line -> lines.add("  positions  " + line));
        lines.add("  staleness  " + recipe.staleness().described(recipe.updatesOfIteration()));
        lines.add("  updates    " + plan.updates());
        plan.reference().ifPresent(line -> lines.add("  reference  " + line));
        if (ranks > 1) {
            lines.add("  processes  " + plan.processes());
        }
        lines.add("  memory     " + plan.memory(memory.available()));
        lines.add("  time       " + expectedTime(session));
        lines.add("  run        " + session.folder().path());
        lines.forEach(console::say);
        session.folder().writePlan(lines);
    }

    static String count(int count, String what) {
        return count + " " + what + (count == 1 ? "" : "s");
    }

    /** From the tokens per second of a small piece of the work itself. */
    private static String expectedTime(TrainingSession session) {
        double seconds = session.expectedSeconds();
        return "about " + Figures.duration(seconds) + " (measured on a small piece of the work, for responses half as"
                + " long as the limit)";
    }

    private int train(TrainingSession session, LiveLine live, TrainProgress progress, boolean resumed) {
        try (DashboardServer shown = dashboard ? beside(session) : null) {
            return trainAndEvaluate(session, live, progress, resumed);
        } catch (RankLostException e) {
            live.close();
            throw new RankLostException(e.getMessage() + ": " + ShownCommand.of(continuing(session)), e);
        } catch (ServerException e) {
            live.close();
            throw new ServerException(
                    e.kind(), e.getMessage() + ". Continue with: " + ShownCommand.of(continuing(session)), e);
        } catch (IllegalStateException | UncheckedIOException e) {
            live.close();
            throw DiskFull.named(e, continuing(session));
        }
    }

    private DashboardServer beside(TrainingSession session) {
        Path folder = session.folder().path().toAbsolutePath().normalize();
        Path all = Objects.requireNonNullElse(folder.getParent(), folder);
        DashboardServer server;
        try {
            server = DashboardCommand.start(all, DashboardCommand.HOST, DashboardCommand.PORT);
        } catch (IllegalArgumentException e) {
            server = DashboardCommand.start(all, DashboardCommand.HOST, 0);
        }
        console.say("dashboard: " + server.url());
        return server;
    }

    private int trainAndEvaluate(TrainingSession session, LiveLine live, TrainProgress progress, boolean resumed) {
        boolean evaluates = !session.questions().isEmpty();
        boolean done;
        try {
            if (evaluates
                    && session.iteration() == 0
                    && session.accuracyBefore().isEmpty()) {
                live.say("before: " + evaluate(session, live, "before"));
            }
            progress.start(session);
            done = session.run();
            live.close();
        } catch (CancellationException e) {
            done = false;
        } catch (SavedRunException e) {
            live.close();
            String verdicts = e instanceof TooManyUndecidedException
                    ? ". The verdicts: "
                            + ShownCommand.of(List.of(
                                    "audit-verdicts", session.folder().path().toString()))
                    : "";
            throw new IllegalStateException(
                    e.getMessage() + verdicts + ". Continue with: " + ShownCommand.of(continuing(session)), e);
        }
        if (!done) {
            return stopped(session, live);
        }
        if (session.isUnchanged()) {
            return Main.FAILED;
        }
        int waiting = session.trainer().waitingGroups();
        if (waiting > 0) {
            live.say(count(waiting, "group") + " at the end " + (waiting == 1 ? "was" : "were")
                    + " sampled but not trained on");
        }
        Path saved = session.saveModel();
        try {
            if (evaluates) {
                String after = evaluate(session, live, "after");
                if (resumed) {
                    session.accuracyBefore().ifPresent(before -> live.say("before: " + before.described()));
                }
                live.say("after:  " + after);
            }
        } catch (CancellationException e) {
            live.say("the evaluation was interrupted; the model is saved");
        }
        live.say("model:  " + saved);
        live.say("try it: "
                + ShownCommand.of(List.of("generate", "--model", saved.toString(), "--prompt", session.example())));
        return 0;
    }

    private int stopped(TrainingSession session, LiveLine live) {
        live.say(
                session.folder().isUnused()
                        ? "stopped before anything was done; the run's folder is removed"
                        : "stopped at iteration " + session.iteration() + "; continue with: "
                                + ShownCommand.of(continuing(session)));
        return 1;
    }

    private List<String> continuing(TrainingSession session) {
        List<String> command = new ArrayList<>(List.of(
                "train",
                "--resume",
                session.folder().path().toAbsolutePath().normalize().toString()));
        command.addAll(options.givenClassPath());
        if (processes > 1) {
            command.addAll(List.of("--processes", String.valueOf(processes)));
        }
        return command;
    }

    private static String evaluate(TrainingSession session, LiveLine live, String name) {
        AtomicLong finished = new AtomicLong();
        long all = (long) session.questions().size()
                * Math.max(1, session.recipe().evaluation().samples());
        Evaluator.Result result = session.evaluate(
                rollout -> live.show(name + ": " + finished.incrementAndGet() + " of " + all + " responses"));
        live.close();
        return result.accuracy().described();
    }
}
