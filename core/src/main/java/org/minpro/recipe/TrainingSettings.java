package org.minpro.recipe;

import org.minpro.model.KeyValueCache;
import org.minpro.model.LanguageHead;
import org.minpro.model.ModelConfig;
import org.minpro.objective.Aggregation;
import org.minpro.rollout.LocalRolloutEngine;
import org.minpro.tensor.DType;
import org.minpro.train.AdamW;
import org.minpro.train.Trainer;

/** From a recipe to what the trainer takes. */
public final class TrainingSettings {
    private TrainingSettings() {}

    /** Responses that a worker decodes at once: a function of the recipe, whatever the machine. */
    public static int decodeSlots(Recipe recipe) {
        return LocalRolloutEngine.slots(
                (long) recipe.groupsPerIteration() * recipe.groupSize(),
                recipe.compute().lanes());
    }

    public static Trainer.Settings of(Recipe recipe, ModelConfig model) {
        return new Trainer.Settings(
                recipe.groupsPerIteration(),
                recipe.groupSize(),
                recipe.iterations(),
                recipe.lag(),
                recipe.updatesPerIteration(),
                recipe.prompts().maxTokens(),
                recipe.resampleLimit(),
                recipe.sampling().params(model.eosIds()),
                recipe.objective(),
                recipe.advantage(),
                recipe.aggregation() == null ? null : new Aggregation(recipe.aggregation(), recipe.aggregationLength()),
                recipe.anchor(),
                recipe.optimizer().adamW(),
                recipe.optimizer().learningRateSchedule(),
                recipe.optimizer().gradientClipNorm(),
                recipe.compute().lanes(),
                recipe.compute().microBatchTokens(),
                recipe.seed());
    }

    /**
     * Bytes that a run takes at most, roughly: weights, optimizer, a sum of gradients per lane, activations of one block
     * per worker, the sampler's caches, and the runtime itself.
     */
    public static long memoryBytes(Recipe recipe, ModelConfig model, DType compute) {
        long parameters = model.parameterShapes().values().stream()
                .mapToLong(shape -> {
                    long elements = 1;
                    for (long size : shape) {
                        elements *= size;
                    }
                    return elements;
                })
                .sum();
        long lanes = recipe.compute().lanes();
        long workers = Math.min(lanes, recipe.compute().threads());
        long weights = parameters * DType.F32.bytes() + (compute == DType.F32 ? 0 : parameters * compute.bytes());
        long gradients = lanes * parameters * DType.F32.bytes() + workers * parameters * compute.bytes();
        long perToken = model.layers()
                * (12L * model.hiddenSize() * compute.bytes()
                        + 4L * model.intermediateSize() * compute.bytes()
                        + 8L * (model.heads() + 2L * model.keyValueHeads()) * model.headDim() * DType.F32.bytes());
        long tokens =
                Math.max(recipe.compute().microBatchTokens(), recipe.sampling().maxNewTokens());
        long activations = workers * (tokens * perToken + LanguageHead.bytes(model, compute, tokens));
        int longest =
                Math.min(recipe.prompts().maxTokens(), 512) + recipe.sampling().maxNewTokens();
        long caches = recipe.compute().threads() * KeyValueCache.bytes(model, decodeSlots(recipe), longest);
        long runtime = 500L << 20;
        return weights + AdamW.stateBytes(parameters) + gradients + activations + caches + runtime;
    }
}
