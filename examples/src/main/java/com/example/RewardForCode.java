package com.example;

import java.nio.file.Path;
import java.util.Map;
import org.minpro.recipe.Recipe;
import org.minpro.reward.JavaReward;
import org.minpro.reward.LengthPenalty;
import org.minpro.reward.WeightedReward;
import org.minpro.run.TrainingResult;
import org.minpro.run.TrainingSession;

/** Trains on problems whose answers are Java programs: each is compiled and run against the tests of its problem. */
public final class RewardForCode {
    private RewardForCode() {}

    public static void main(String[] args) {
        System.out.println(train(Recipe.of(Path.of(args[0]), Path.of(args[1]))));
    }

    static TrainingResult train(Recipe recipe) {
        WeightedReward reward = new WeightedReward(Map.of(
                "passes", new WeightedReward.Part(new JavaReward(), 1),
                "short", new WeightedReward.Part(new LengthPenalty(200, 1), 0.1)));
        try (TrainingSession session =
                TrainingSession.of(recipe.with("reward", reward)).start()) {
            return session.train();
        }
    }
}
