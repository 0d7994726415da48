package org.minpro.app;

import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Rule;
import org.minpro.config.Settings;
import org.minpro.recipe.Recipe;
import org.minpro.run.MemoryEstimate;
import org.minpro.run.ModelFiles;
import org.minpro.run.Positions;
import org.minpro.run.TrainingSession;
import org.minpro.tensor.DType;
import org.minpro.tensor.Engine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code minpro plan}: what {@code minpro train} would do and take, without weights, without data. */
@Command(
        name = "plan",
        mixinStandardHelpOptions = true,
        description = {
            "Says what a training run would do and take: tokens, memory, updates, time.",
            "",
            "It reads the recipe and the model's config.json alone: no weights, no data. Exit code 1 where memory does not"
                    + " suffice."
        })
final class PlanCommand implements Callable<Integer> {
    private final Console console;
    private final LongSupplier available;

    @Mixin
    private final RecipeOptions options = new RecipeOptions();

    @Mixin
    private final TrainingOptions trainingOptions = new TrainingOptions();

    @Option(
            names = "--memory",
            paramLabel = "GB",
            description =
                    "Memory of the device that will do it, GB of 1e9 bytes; without it what is free on the device here.")
    private @Nullable Double memory;

    @Option(
            names = "--sampling-rate",
            paramLabel = "GFLOPS",
            description = "Operations a second while sampling; without it what two cores were measured to do.")
    private @Nullable Double sampling;

    @Option(
            names = "--training-rate",
            paramLabel = "GFLOPS",
            description = "Operations a second while training; without it what two cores were measured to do.")
    private @Nullable Double training;

    @Option(
            names = "--processes",
            paramLabel = "N",
            description =
                    "Processes of the run, 1 by default: of this machine, which they share; with --memory each with"
                            + " a device of its own.")
    private int processes = 1;

    @Option(names = "--json", description = "Writes the plan as a line of JSON to standard output.")
    private boolean json;

    /** @param available bytes that the machine can still give */
    PlanCommand(Console console, LongSupplier available) {
        this.console = console;
        this.available = available;
    }

    @Override
    public Integer call() {
        Settings settings = options.settings();
        trainingOptions.into(settings);
        Recipe recipe = options.recipe(Recipe.binder(options.loader()), options.defaults(), settings, console);
        recipe.warnings().forEach(warning -> console.say("warning: " + warning));
        ModelFiles files = ModelFiles.withoutWeights(recipe.model().path());
        DType compute = files.computeType(recipe.model().dtype());
        Rule.check(processes >= 1 && processes <= 1024, "--processes", "in [1, 1024]", processes);
        if (recipe.compute().lanes() < processes) {
            throw new IllegalArgumentException(
                    TrainingSession.lanesRefusal(processes, recipe.compute().lanes()));
        }
        RunPlan plan = new RunPlan(recipe, files.config(), compute, processes, memory == null ? processes : 1);
        long free = memory == null ? free(recipe) : Math.round(1e9 * positive("--memory", memory));
        RunPlan.Rates rates = rates(RunPlan.Rates.measured(compute));
        console.say("plan: " + plan.modelLine());
        console.say("  rollouts   " + plan.rollouts());
        positions(recipe, files).ifPresent(line -> console.say("  positions  " + line));
        console.say("  staleness  " + recipe.staleness().described(recipe.updatesOfIteration()));
        console.say("  updates    " + plan.updates());
        plan.reference().ifPresent(line -> console.say("  reference  " + line));
        if (processes > 1) {
            console.say("  processes  " + plan.processes());
        }
        console.say("  memory     " + plan.memory(free) + ", on " + devices(plan));
        console.say("  time       " + plan.time(rates));
        if (json) {
            JsonLine line = new JsonLine();
            plan.json(rates, free).forEach(line::with);
            console.result(line.toString());
        }
        if (plan.bytesOfDevice() > free) {
            console.say(
                    "minpro: " + MemoryEstimate.refusal(plan.bytesOfDevice(), free, MemoryEstimate.TRAINING_SETTINGS));
            return Main.FAILED;
        }
        return 0;
    }

    /** Whether responses may go beyond what the model was made for; how long the prompts are, only {@code train} knows. */
    private static Optional<String> positions(Recipe recipe, ModelFiles files) {
        Positions positions = Positions.of(recipe.model(), files.config());
        int newTokens = recipe.sampling().maxNewTokens();
        positions.require(1, "a prompt", newTokens, "sampling.max-new-tokens");
        return Optional.ofNullable(positions.beyond(recipe.prompts().maxTokens(), newTokens))
                .filter(line -> recipe.model().beyondPositions());
    }

    private static String devices(RunPlan plan) {
        return "1 device (" + plan.device() + ") of "
                + (plan.ranks() == 1
                        ? "1 rank"
                        : plan.sharing() == 1
                                ? "each of " + plan.ranks() + " ranks"
                                : plan.sharing() + " ranks, which share it");
    }

    /** Bytes that are free where the run would compute, which must be here. */
    private long free(Recipe recipe) {
        try {
            Engine.use(recipe.compute().device());
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "--memory must be given for a device that is not here, got: none; " + e.getMessage(), e);
        }
        return available.getAsLong();
    }

    private RunPlan.Rates rates(RunPlan.Rates measured) {
        if (sampling == null && training == null) {
            return measured;
        }
        return new RunPlan.Rates(
                sampling == null ? measured.sampling() : 1e9 * positive("--sampling-rate", sampling),
                training == null ? measured.training() : 1e9 * positive("--training-rate", training),
                sampling == null || training == null ? "one given, the other " + measured.source() : "given");
    }

    private static double positive(String name, double value) {
        Rule.check(value > 0 && Double.isFinite(value), name, "> 0", value);
        return value;
    }
}
