package com.example;

import org.minpro.data.Problem;
import org.minpro.environment.Answer;
import org.minpro.environment.Environment;
import org.minpro.environment.Episode;
import org.minpro.environment.Turn;
import org.minpro.recipe.Recipe;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;
import org.minpro.run.TrainingResult;
import org.minpro.run.TrainingSession;

/** Trains the model inside the jar with a second chance: where an answer is wrong, the problem is put again. */
public final class OwnEnvironment {
    private OwnEnvironment() {}

    public static void main(String[] args) {
        System.out.println(train(new Recipe().with("sampling.max-new-tokens", 200)));
    }

    static TrainingResult train(Recipe recipe) {
        try (TrainingSession session =
                TrainingSession.of(recipe).environment(new SecondChance(0.2)).start()) {
            return session.train();
        }
    }

    /** Puts a problem again, once; a second chance costs something. */
    public record SecondChance(double cost) implements Environment {
        @Override
        public Episode begin(Problem problem, long draw, int sample) {
            return new Episode() {
                private boolean right;

                @Override
                public Answer answer(Turn turn) {
                    right = turn.text().endsWith("#" + problem.answer());
                    return right || turn.ordinal() == 1
                            ? Answer.end()
                            : Answer.says(String.valueOf(problem.prompt())).withReward(-cost);
                }

                @Override
                public Score score(Rollout rollout) {
                    return Score.of(right ? 1 : 0);
                }
            };
        }
    }
}
