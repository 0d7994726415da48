package org.minpro.run;

import java.util.Locale;
import org.minpro.model.KeyValueCache;
import org.minpro.model.LanguageHead;
import org.minpro.model.ModelConfig;
import org.minpro.model.ParameterSelection;
import org.minpro.recipe.ModelSection;
import org.minpro.recipe.Recipe;
import org.minpro.recipe.SftRecipe;
import org.minpro.tensor.DType;
import org.minpro.train.AdamW;
import org.minpro.train.ComputeSettings;

/** Bytes that work takes at most, roughly, known before any of them are: what a command compares with what is free. */
public final class MemoryEstimate {
    /** Prompts are rarely as long as they may be. */
    private static final int USUAL_PROMPT = 512;

    private static final long RUNTIME = 500L << 20;

    /** The settings of a training run that would make it take less. */
    public static final String TRAINING_SETTINGS =
            "compute.micro-batch-tokens, compute.lanes, sampling.max-new-tokens or compute.workers";

    private MemoryEstimate() {}

    /**
     * What a person is told where memory does not suffice.
     *
     * @param bytes that the work takes
     * @param free bytes that there are
     * @param lower the settings that would make it take less
     */
    public static String refusal(long bytes, long free, String lower) {
        return "this run needs about " + readable(bytes) + " of memory, got: " + readable(free) + " free; lower "
                + lower + ", or take a smaller model";
    }

    /** Such as {@code 1.2 GB}. */
    public static String readable(long bytes) {
        return bytes < 1e9
                ? String.format(Locale.ROOT, "%.0f MB", bytes / 1e6)
                : String.format(Locale.ROOT, "%.1f GB", bytes / 1e9);
    }

    /** A training run: what an update takes, the sampler's caches, and the runtime itself. */
    public static long ofTraining(Recipe recipe, ModelConfig model, DType compute) {
        long tokens =
                Math.max(recipe.compute().microBatchTokens(), recipe.sampling().maxNewTokens());
        return ofUpdates(recipe.compute(), recipe.model(), model, compute, tokens)
                + recipe.compute().threads() * KeyValueCache.bytes(model, recipe.decodeSlots(), longest(recipe))
                + RUNTIME;
    }

    /** A supervised run. */
    public static long ofSupervised(SftRecipe recipe, ModelConfig model, DType compute) {
        long tokens = Math.max(recipe.compute().microBatchTokens(), recipe.maxCompletionTokens());
        return ofUpdates(recipe.compute(), recipe.model(), model, compute, tokens) + RUNTIME;
    }

    /**
     * Sampling alone: the weights as they are and packed, and a cache for each worker.
     *
     * @param slots responses that a worker decodes at once
     * @param longest tokens of a prompt and its response
     */
    public static long ofSampling(ModelConfig model, DType compute, int workers, int slots, long longest) {
        return 2 * model.parameterCount() * compute.bytes()
                + workers * KeyValueCache.bytes(model, slots, longest)
                + RUNTIME;
    }

    /** Log-probabilities alone: the weights. */
    public static long ofScoring(ModelConfig model, DType compute) {
        return model.parameterCount() * compute.bytes() + RUNTIME;
    }

    /** Tokens of a prompt and its response, as a rule at most. */
    public static long longest(Recipe recipe) {
        return (long) Math.min(recipe.prompts().maxTokens(), USUAL_PROMPT)
                + recipe.sampling().maxNewTokens();
    }

    /**
     * Weights, and of those that are trained master weights, optimizer and a sum of gradients per lane; activations of one
     * block per worker, which are kept from the lowest trained layer on.
     */
    private static long ofUpdates(
            ComputeSettings settings, ModelSection modelSection, ModelConfig model, DType compute, long tokens) {
        ParameterSelection selection = modelSection.trained(model);
        long trained = selection.count();
        long frozen = model.parameterCount() - trained;
        long lanes = settings.lanes();
        long workers = Math.min(lanes, settings.threads());
        long ofTrained = (long) DType.F32.bytes() + (compute == DType.F32 ? 0 : compute.bytes());
        long ofFrozen = model.storedDType() == compute ? compute.bytes() : ofTrained;
        long weights = trained * ofTrained + frozen * ofFrozen;
        long gradients = lanes * trained * DType.F32.bytes() + workers * trained * compute.bytes();
        int lowest = selection.lowestLayer();
        long ofLayer = 12L * model.hiddenSize() * compute.bytes()
                + 4L * model.intermediateSize() * compute.bytes()
                + 8L * (model.heads() + 2L * model.keyValueHeads()) * model.headDim() * DType.F32.bytes();
        // Below the lowest trained layer only results are kept, and one layer's memory at a time.
        long perToken =
                Math.max(1, model.layers() - lowest) * ofLayer + (long) lowest * model.hiddenSize() * compute.bytes();
        long activations = workers * (tokens * perToken + LanguageHead.bytes(model, compute, tokens));
        return weights + AdamW.stateBytes(trained) + gradients + activations;
    }
}
