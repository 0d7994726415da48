package org.minpro.run;

import java.util.LinkedHashMap;
import java.util.Map;
import org.minpro.config.Binder;
import org.minpro.recipe.Recipe;
import org.minpro.train.LearningRateSchedule;

/** The recipe of small runs for tests: 4 groups of 4 responses of up to 12 tokens, 2 lanes, blocks of 96 tokens. */
final class TinyRecipe {
    private TinyRecipe() {}

    /** The recipe with some settings changed, by their names. */
    static Recipe with(Map<String, Object> changes) {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("updates-per-iteration", 1);
        settings.put("groups-per-iteration", 4);
        settings.put("group-size", 4);
        settings.put("sampling.max-new-tokens", 12);
        settings.put("optimizer.learning-rate", 3e-3);
        settings.put("optimizer.schedule", LearningRateSchedule.LINEAR);
        settings.put("compute.micro-batch-tokens", 96);
        settings.put("prompts.max-tokens", 64);
        settings.put("seed", 11L);
        settings.put("max-undecided", 1.0);
        settings.put("lag", 0);
        settings.putAll(changes);
        Recipe recipe = new Recipe();
        for (Map.Entry<String, Object> setting : settings.entrySet()) {
            recipe = Binder.with(recipe, setting.getKey(), setting.getValue());
        }
        return recipe;
    }
}
