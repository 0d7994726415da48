package org.minpro.run;

import org.minpro.model.ModelConfig;
import org.minpro.recipe.Recipe;
import org.minpro.rollout.LocalRolloutEngine;

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
                recipe.loss(),
                recipe.advantage(),
                recipe.optimizer().adamW(),
                recipe.optimizer().learningRateSchedule(),
                recipe.optimizer().gradientClipNorm(),
                recipe.compute().lanes(),
                recipe.compute().microBatchTokens(),
                recipe.seed());
    }
}
