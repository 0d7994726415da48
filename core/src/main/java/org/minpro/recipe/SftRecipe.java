package org.minpro.recipe;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Binder;
import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.model.ModelConfig;
import org.minpro.model.ParameterSelection;
import org.minpro.model.Parameters;
import org.minpro.tracker.Tracker;
import org.minpro.tracker.Trackers;
import org.minpro.train.ComputeSettings;
import org.minpro.train.LearningRateSchedule;
import org.minpro.train.OptimizerSettings;

/** Everything {@code minpro sft} can be told: a supervised warm start, with the prompt masked. */
public record SftRecipe(
        @Doc("Seed of everything random: order, demonstrations, initial weights.")
        long seed,

        @Doc("The model to train.") ModelSection model,

        @Doc("A low-rank adapter that is trained in place of the model's own weights; docs/adapters.md.")
        AdapterSection adapter,

        @Doc("Whether the weights start random, from the folder's config.json alone.")
        boolean initialise,

        @Doc("What is learnt from.") DemonstrationSection data,
        @Doc("How prompts are put to the model.") PromptSection prompts,

        @Doc("Longest completion, tokens; longer ones are skipped and counted.")
        int maxCompletionTokens,

        @Doc("Optimizer steps; null goes through the files epochs times.") @Nullable Integer updates,

        @Doc("Times that the files are gone through where updates is null.")
        int epochs,

        @Doc("Examples of an update.") int batchRows,
        @Doc("AdamW.") OptimizerSettings optimizer,
        @Doc("How the work is cut.") ComputeSettings compute,
        @Doc("When the run is saved.") CheckpointSection checkpoints,

        @Doc("Updates between two measurements of the evaluation loss, with data.held-out or data.evaluation-files; 0"
                + " measures it before the first and after the last alone.")
        int evaluationEvery,

        @Doc("Where the numbers go beside the run's folder, such as [tensorboard]; docs/trackers.md.")
        List<Tracker> trackers,

        @Doc("Folder in which each run gets a numbered folder of its own.")
        Path runs) {

    public SftRecipe {
        adapter.requireAlone(model);
        Rule.check(
                !initialise || !adapter.isOn(),
                "initialise",
                "false with an adapter, because what it is beside keeps its values",
                initialise);
        Rule.positive("max-completion-tokens", maxCompletionTokens);
        Rule.check(updates == null || updates >= 1, "updates", ">= 1", String.valueOf(updates));
        Rule.positive("epochs", epochs);
        Rule.positive("batch-rows", batchRows);
        Rule.notNegative("evaluation-every", evaluationEvery);
        trackers = List.copyOf(trackers);
    }

    public SftRecipe() {
        this(
                1,
                new ModelSection(),
                new AdapterSection(),
                false,
                new DemonstrationSection(),
                new PromptSection(),
                512,
                null,
                1,
                16,
                new OptimizerSettings(2e-5, 0, LearningRateSchedule.CONSTANT),
                new ComputeSettings(),
                new CheckpointSection(100, 2),
                50,
                List.of(),
                Path.of("runs"));
    }

    /**
     * The parameters that are trained: the adapter's where there is one, else those of the model that are chosen.
     *
     * @throws IllegalArgumentException where a target or a pattern names nothing of the model's
     */
    public ParameterSelection trained(ModelConfig config) {
        return adapter.trained(model, config);
    }

    /** Writes what the adapter begins with, where there is one. */
    public Consumer<Parameters> adapterBeginning() {
        return adapter.beginning(seed);
    }

    /** Makes recipes of settings, and YAML of recipes. */
    public static Binder binder() {
        return new Binder(Trackers.table());
    }

    /** What is allowed and probably not meant, one line each. */
    public List<String> warnings() {
        List<String> warnings = new ArrayList<>();
        if (updates != null && epochs != new SftRecipe().epochs()) {
            warnings.add("epochs has no effect: updates is " + updates);
        }
        if (data.heldOut() > 0 && !data.evaluationFiles().isEmpty()) {
            warnings.add("data.held-out has no effect: data.evaluation-files are given");
        }
        if (data.isBuiltin() && (data.heldOut() > 0 || !data.evaluationFiles().isEmpty())) {
            warnings.add("data.held-out and data.evaluation-files have no effect on the built-in task");
        }
        return warnings;
    }
}
