package com.example;

import java.nio.file.Path;
import org.minpro.data.Problem;
import org.minpro.recipe.Recipe;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;
import org.minpro.run.TrainingResult;
import org.minpro.run.TrainingSession;

/** Trains a model on a JSONL file, {@code {"prompt": "…", "answer": "…"}} a line, with a reward of this program's own. */
public final class OwnDataAndReward {
    private OwnDataAndReward() {}

    public static void main(String[] args) {
        Recipe recipe = Recipe.of(Path.of(args[0]), Path.of(args[1])).with("iterations", 50);
        System.out.println(train(recipe));
    }

    static TrainingResult train(Recipe recipe) {
        try (TrainingSession session =
                TrainingSession.of(recipe).reward(OwnDataAndReward::score).start()) {
            return session.train(); // accuracy before, training, the model saved, accuracy after
        }
    }

    /** Called from several threads at once. */
    static Score score(Problem problem, Rollout rollout) {
        if (rollout.finish() == Rollout.Finish.LENGTH) {
            return Score.of(0, "cut off");
        }
        String text = rollout.text();
        String said = text.substring(text.lastIndexOf('#') + 1).strip();
        return Score.of(said.equals(problem.answer()) ? 1 : 0, "said " + said);
    }
}
