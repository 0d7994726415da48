package org.minpro.app;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.stream.IntStream;
import org.minpro.model.LowRankAdapter;
import org.minpro.model.ModelConfig;
import org.minpro.model.ParameterSelection;
import org.minpro.objective.Objectives;
import org.minpro.recipe.KlSection;
import org.minpro.recipe.Recipe;
import org.minpro.run.MemoryEstimate;
import org.minpro.tensor.Cuda;
import org.minpro.tensor.DType;
import org.minpro.train.Reduce;

/**
 * What a training run will do and take, from its recipe and its model's configuration alone.
 *
 * @param recipe of the run
 * @param model its shape
 * @param compute the type that it computes in
 * @param ranks processes of the run
 * @param localRanks those of them on one machine
 */
record RunPlan(Recipe recipe, ModelConfig model, DType compute, int ranks, int localRanks) {
    /** Operations of a sampled token for each parameter that it goes through: a product and a sum. */
    private static final double SAMPLING = 2;

    /** Of a trained one: as many on the way forward, and twice as many on the way back. */
    private static final double TRAINING = 6;

    /** Of one beside an adapter: none of the weights has a gradient. */
    private static final double TRAINING_ADAPTER = 4;

    /**
     * Operations a second.
     *
     * @param sampling while sampling
     * @param training while training
     * @param source where the numbers are from
     */
    record Rates(double sampling, double training, String source) {
        private static final String MEASURED = "measured on two cores, docs/performance.md";

        /** What the two models of docs/performance.md reach, by the type that they compute in. */
        static Rates measured(DType compute) {
            return compute == DType.BF16 ? new Rates(188e9, 411e9, MEASURED) : new Rates(46e9, 130e9, MEASURED);
        }
    }

    String modelLine() {
        ParameterSelection trained = recipe.trained(model);
        return String.format(
                Locale.ROOT,
                "%s model %s, %s parameters%s, %s",
                model.architecture().modelType(),
                recipe.model().path(),
                Figures.count(model.parameterCount()),
                whatIsTrained(trained),
                compute.name().toLowerCase(Locale.ROOT));
    }

    private static String whatIsTrained(ParameterSelection trained) {
        LowRankAdapter adapter = trained.adapter();
        if (adapter != null) {
            return " and an adapter of rank " + adapter.rank() + " whose " + Figures.count(trained.count())
                    + " parameters are trained";
        }
        return trained.isWhole() ? "" : " of which " + Figures.count(trained.count()) + " are trained";
    }

    /** Operations of a trained token for each parameter that it goes through. */
    private double training() {
        return recipe.adapter().isOn() ? TRAINING_ADAPTER : TRAINING;
    }

    /** How {@link #seconds} is computed. */
    String formula() {
        return "sampled and evaluated tokens x 2 x active parameters / sampling rate + trained tokens x "
                + Math.round(training())
                + " x active parameters / training rate, for responses half as long as the limit; prompts and attention"
                + " left out";
    }

    /** Tokens that are sampled, at most. */
    long sampledTokens() {
        return recipe.rowsPerIteration()
                * recipe.iterations()
                * recipe.sampling().maxNewTokens();
    }

    String rollouts() {
        return String.format(
                Locale.ROOT,
                "%d iterations of %d problems x %d responses of up to %d tokens: at most %s tokens sampled",
                recipe.iterations(),
                recipe.groupsPerIteration(),
                recipe.groupSize(),
                recipe.sampling().maxNewTokens(),
                Figures.count(sampledTokens()));
    }

    String updates() {
        return String.format(
                Locale.ROOT,
                "%d of %d rows with %s; %s on %s",
                recipe.updates(),
                recipe.rowsPerIteration() / recipe.updatesPerIteration(),
                Objectives.nameOf(recipe.objective()),
                TrainCommand.count(recipe.compute().lanes(), "lane"),
                TrainCommand.count(recipe.compute().threads(localRanks), "worker")
                        + (ranks == 1 ? "" : " of each process"));
    }

    /** Of a run of several. */
    String processes() {
        return String.format(
                Locale.ROOT,
                "%d, %d of them on this machine; %s lanes each; the gradients are added %s",
                ranks,
                localRanks,
                recipe.compute().lanes() % ranks == 0
                        ? String.valueOf(recipe.compute().lanes() / ranks)
                        : recipe.compute().lanes() / ranks + " or "
                                + (recipe.compute().lanes() / ranks + 1),
                recipe.ranks().reduce() == Reduce.ORDERED
                        ? "lane by lane: the bytes are those of one process"
                        : "process by process: rounding depends on how many there are");
    }

    /** What kind of device each process computes on. */
    String device() {
        return recipe.compute().onCuda() ? "cuda" : "cpu";
    }

    /** Of one process. */
    long bytes() {
        return MemoryEstimate.ofTraining(recipe, model, compute, ranks, localRanks);
    }

    /** Processes that share one device's memory: those of a machine, or where it has several CUDA devices those of one. */
    int sharing() {
        int devices = recipe.compute().onCuda() ? Math.max(1, Cuda.found().devices()) : 1;
        return (localRanks + devices - 1) / devices;
    }

    /** Of all processes that share a device. */
    long bytesOfDevice() {
        return sharing() * bytes();
    }

    /** @param free bytes of a device */
    String memory(long free) {
        return "about " + MemoryEstimate.readable(bytes())
                + (localRanks == 1 ? "" : " for each of " + localRanks + " processes") + " of "
                + MemoryEstimate.readable(free) + " free";
    }

    /** What the loss or the reward compares the policy with, if anything. */
    Optional<String> reference() {
        KlSection kl = recipe.kl();
        return recipe.hasReference()
                ? Optional.of(kl.reference() + ": "
                        + (kl.coefficient() == 0
                                ? "read by the loss"
                                : kl.estimator() + " times " + kl.coefficient() + " in the " + kl.where()))
                : Optional.empty();
    }

    /** Tokens that are sampled if responses are half as long as the limit, evaluations included. */
    private double expectedSampled() {
        int every = recipe.evaluation().every();
        double evaluations = 2.0 + (every == 0 ? 0 : (recipe.iterations() - 1) / every);
        double evaluated = recipe.evaluation().problems() == 0
                ? 0
                : evaluations
                        * recipe.evaluation().problems()
                        * Math.max(1, recipe.evaluation().samples());
        return (recipe.rowsPerIteration() * (double) recipe.iterations() + evaluated) * length();
    }

    private double expectedTrained() {
        // Every update has its part of an iteration's rows.
        return recipe.updates() * (double) recipe.rowsPerIteration() / recipe.updatesPerIteration() * length();
    }

    private double length() {
        return Math.max(1, recipe.sampling().maxNewTokens() / 2.0);
    }

    double seconds(Rates rates) {
        // What the ranks compute is shared out; what they exchange is left out.
        return (SAMPLING * model.activeParameters() * expectedSampled() / rates.sampling()
                        + training() * model.activeParameters() * expectedTrained() / rates.training())
                / ranks;
    }

    String time(Rates rates) {
        return String.format(
                Locale.ROOT,
                "about %s, computed: %s; %s and %s GFLOP/s (%s)",
                Figures.duration(seconds(rates)),
                formula(),
                Figures.count(Math.round(rates.sampling() / 1e9)),
                Figures.count(Math.round(rates.training() / 1e9)),
                rates.source());
    }

    /**
     * The same for a program.
     *
     * @param free bytes of a device, which the processes that share it have in equal parts
     */
    SequencedMap<String, Object> json(Rates rates, long free) {
        SequencedMap<String, Object> json = new LinkedHashMap<>();
        json.put(
                "model",
                Map.of(
                        "path", recipe.model().path(),
                        "type", model.architecture().modelType(),
                        "parameters", model.parameterCount(),
                        "active_parameters", model.activeParameters(),
                        "trained_parameters", recipe.trained(model).count(),
                        "dtype", compute.name().toLowerCase(Locale.ROOT)));
        json.put(
                "tokens",
                Map.of(
                        "sampled_at_most", sampledTokens(),
                        "sampled_expected", Math.round(expectedSampled()),
                        "trained_expected", Math.round(expectedTrained())));
        json.put("iterations", recipe.iterations());
        json.put("updates", recipe.updates());
        json.put("rows_per_update", recipe.rowsPerIteration() / recipe.updatesPerIteration());
        json.put("objective", Objectives.nameOf(recipe.objective()));
        json.put(
                "memory",
                IntStream.range(0, ranks)
                        .mapToObj(rank ->
                                Map.of("rank", rank, "device", device(), "bytes", bytes(), "free", free / sharing()))
                        .toList());
        json.put("memory_suffices", bytesOfDevice() <= free);
        json.put(
                "time",
                Map.of(
                        "seconds", seconds(rates),
                        "formula", formula(),
                        "sampling_flops_per_second", rates.sampling(),
                        "training_flops_per_second", rates.training(),
                        "rates_from", rates.source()));
        json.put("warnings", recipe.warnings());
        return json;
    }
}
