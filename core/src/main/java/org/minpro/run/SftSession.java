package org.minpro.run;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.LongFunction;
import java.util.stream.Stream;
import org.minpro.data.EpochOrder;
import org.minpro.environment.Speech;
import org.minpro.model.Kernels;
import org.minpro.model.ParameterSelection;
import org.minpro.model.Parameters;
import org.minpro.recipe.SftRecipe;
import org.minpro.task.Demonstration;
import org.minpro.tensor.DType;
import org.minpro.tensor.Engine;
import org.minpro.tensor.Workers;
import org.minpro.text.Tokenizer;
import org.minpro.tracker.MetricPoint;
import org.minpro.train.Policy;
import org.minpro.train.SupervisedTrainer;

/** A supervised run from a recipe, as {@code minpro sft} does it. */
public final class SftSession implements AutoCloseable {
    /** Standard deviation of fresh weights, as transformers' initializer_range. */
    private static final double INITIAL_DEVIATION = 0.02;

    private static final String COMMAND = "sft";

    private final OpenResources opened = new OpenResources();
    private final SftRecipe recipe;
    private final RunFolder folder;
    private final ModelFiles files;
    private final Tokenizer tokenizer;
    private final Policy policy;
    private final SupervisedRun run;
    private final long updates;
    private final String description;

    private SftSession(SftRecipe recipe, RunFolder folder, Consumer<String> notice) {
        this.recipe = recipe;
        this.folder = folder;
        opened.add(folder);
        try {
            Engine.use(recipe.compute().device());
            files = recipe.initialise()
                    ? ModelFiles.withoutWeights(recipe.model().path())
                    : ModelFiles.open(recipe.model().path());
            tokenizer = opened.add(files.tokenizer());
            Examples examples = examples(notice);
            description = examples.description;
            DataFiles.keepOrRequire(
                    folder,
                    Stream.concat(recipe.data().paths().stream(), recipe.data().evaluationPaths().stream())
                            .toList());
            if (recipe.updates() == null && recipe.data().isBuiltin()) {
                throw new IllegalArgumentException(
                        "updates must be given for demonstrations of the built-in task, which have"
                                + " no end, got: null; --set updates=100, or --data FILE for examples of your own");
            }
            updates = recipe.updates() != null
                    ? recipe.updates()
                    : Math.max(1, examples.count * recipe.epochs() / recipe.batchRows());
            Kernels.notices(Engine.device(), files.computeType(recipe.model().dtype()))
                    .forEach(notice);
            policy = opened.add(policy());
            Workers workers = opened.add(new Workers(recipe.compute().threads()));
            SupervisedTrainer trainer = opened.add(new SupervisedTrainer(
                    new SupervisedTrainer.Settings(updates, recipe.batchRows(), recipe.optimizer(), recipe.compute()),
                    policy,
                    examples.source,
                    workers));
            run = opened.add(new SupervisedRun(folder, recipe, policy, workers, trainer, examples.heldOut, notice));
            opened.add(TrackedFolder.open(
                    folder,
                    recipe.trackers(),
                    run::finished,
                    notice,
                    Map.of(MetricPoint.Series.TRAINING, run.metrics())));
        } catch (RuntimeException | Error e) {
            opened.closeAfter(e);
            throw e;
        }
    }

    private Policy policy() {
        DType compute = files.computeType(recipe.model().dtype());
        ParameterSelection trained = recipe.trained(files.config());
        if (!recipe.initialise()) {
            return files.policy(compute, trained, recipe.adapterBeginning());
        }
        Parameters master = Parameters.zeros(files.config(), trained, Engine.device(), DType.F32, DType.F32);
        master.initialise(recipe.seed(), INITIAL_DEVIATION);
        return new Policy(files.config(), master, compute);
    }

    /** Starts a new run in a folder of its own. */
    public static SftSession start(SftRecipe recipe, Consumer<String> notice) {
        SftRecipe fixed = StoredRecipe.placed(StoredRecipe.dated(recipe, recipe.prompts()), recipe.compute());
        RunFolder folder = StoredRecipe.create(
                fixed.runs(),
                COMMAND,
                SftRecipe.binder(),
                StoredRecipe.located(
                        fixed,
                        fixed.model(),
                        fixed.adapter(),
                        fixed.data().isBuiltin(),
                        fixed.data().folder()));
        return new SftSession(fixed, folder, notice);
    }

    /** Continues a run in its folder, bit for bit. */
    public static SftSession resume(Path run, Consumer<String> notice) {
        RunFolder folder = RunFolder.open(run);
        SftRecipe stored = StoredRecipe.read(folder, COMMAND, SftRecipe.binder(), SftRecipe.class);
        return new SftSession(stored, folder, notice);
    }

    private record Examples(
            SupervisedTrainer.ExampleSource source,
            long count,
            String description,
            List<SupervisedTrainer.Example> heldOut) {}

    private Examples examples(Consumer<String> notice) {
        if (recipe.data().isBuiltin()) {
            Prompts prompts = Prompts.of(recipe.prompts(), files, tokenizer);
            Speech speech = prompts.speech(List.of(), true);
            LongFunction<Demonstration> demonstrations = recipe.data().builtinDemonstrations(recipe.seed());
            return new Examples(
                    ordinal -> {
                        Demonstration demonstration = demonstrations.apply(ordinal);
                        return SftExamples.of(
                                demonstration,
                                prompts.encode(demonstration.problem()),
                                tokenizer,
                                speech,
                                files.config().eosIds());
                    },
                    Long.MAX_VALUE,
                    "demonstrations of the built-in task, without end",
                    List.of());
        }
        SftExamples read = SftExamples.read(recipe, files, tokenizer, notice);
        List<SupervisedTrainer.Example> all = read.training();
        requirePositions(all);
        requirePositions(read.heldOut());
        EpochOrder order = new EpochOrder(all.size(), recipe.seed());
        return new Examples(
                ordinal -> all.get(order.place(ordinal)),
                all.size(),
                all.size() + " examples"
                        + (read.heldOut().isEmpty() ? "" : " (" + read.heldOut().size() + " held out)"),
                read.heldOut());
    }

    private void requirePositions(List<SupervisedTrainer.Example> examples) {
        int longest = examples.stream()
                .mapToInt(example -> example.promptIds().length + example.completionIds().length)
                .max()
                .orElse(0);
        String problem = Positions.of(recipe.model(), files.config()).problem(longest);
        if (problem != null) {
            throw new IllegalArgumentException("the longest example: " + problem
                    + ". Lower prompts.max-tokens (" + recipe.prompts().maxTokens() + ") or max-completion-tokens ("
                    + recipe.maxCompletionTokens() + ") to leave long examples out");
        }
    }

    public SftRecipe recipe() {
        return recipe;
    }

    public RunFolder folder() {
        return folder;
    }

    public ModelFiles files() {
        return files;
    }

    /** What is learnt from, in a few words. */
    public String description() {
        return description;
    }

    /** Optimizer steps of the whole run. */
    public long updates() {
        return updates;
    }

    /** Optimizer steps done. */
    public long done() {
        return run.done();
    }

    /** Asks the run to save itself and stop; from any thread. */
    public void stop() {
        run.stop();
    }

    /**
     * Trains until the last update, or until {@link #stop}.
     *
     * @param told of each update with the seconds it took
     * @return whether all updates are done
     */
    public boolean run(BiConsumer<SupervisedTrainer.Report, Double> told) {
        return RunFailure.kept(folder.path(), () -> run.run(told));
    }

    /**
     * Writes the model into the run's folder, in the layout and the types of the model it came from; of an adapter that alone,
     * as PEFT does.
     *
     * @return the folder
     */
    public Path saveModel() {
        return files.saveTrained(folder, policy.master());
    }

    @Override
    public void close() {
        opened.close();
    }
}
