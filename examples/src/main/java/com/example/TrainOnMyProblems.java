package com.example;

import java.nio.file.Path;
import java.util.Random;
import org.minpro.data.Problem;
import org.minpro.recipe.Recipe;
import org.minpro.reward.Score;
import org.minpro.run.IterationReport;
import org.minpro.run.RunListener;
import org.minpro.run.TrainingSession;

/** Trains the built-in model with MinPRO on problems and a reward of this program's own. */
public final class TrainOnMyProblems {
    private TrainOnMyProblems() {}

    public static void main(String[] args) {
        System.out.println("model: " + train(Path.of("runs"), 22));
    }

    /** Any setting of a recipe can be changed; {@code Recipe.of(folder)} has the defaults for a model of one's own. */
    static Path train(Path runs, int iterations) {
        Recipe recipe = new Recipe()
                .with("iterations", iterations)
                .with("updates-per-iteration", 1)
                .with("groups-per-iteration", 8)
                .with("lag", 1)
                .with("runs", runs);
        try (TrainingSession session = TrainingSession.of(recipe)
                .problems(TrainOnMyProblems::sumOfFive)
                .reward((problem, rollout) -> Score.of(rollout.text().endsWith("#" + problem.answer()) ? 1 : 0))
                .listener(new RunListener() {
                    @Override
                    public void iterationFinished(IterationReport report) {
                        System.out.println("iteration " + report.iteration() + ": "
                                + report.metrics().rollouts().reward().orElse(Double.NaN));
                    }
                })
                .start()) {
            session.run();
            return session.saveModel();
        }
    }

    /** The problem of a draw must be a function of the draw, so that a run can be continued. */
    private static Problem sumOfFive(long draw) {
        Random random = new Random(draw);
        int sum = 0;
        StringBuilder prompt = new StringBuilder();
        for (int i = 0; i < 5; i++) {
            int number = 10 + random.nextInt(90);
            sum += number;
            prompt.append(i == 0 ? "" : "+").append(number);
        }
        return Problem.of("sum-" + draw, prompt.append('=').toString(), String.valueOf(sum));
    }
}
