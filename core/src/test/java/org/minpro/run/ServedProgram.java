package org.minpro.run;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.minpro.config.Settings;
import org.minpro.data.Problem;
import org.minpro.recipe.Recipe;
import org.minpro.reward.Score;

/** A small run whose responses come from a server; also a program of its own, to be killed. */
final class ServedProgram {
    static final int ITERATIONS = 8;
    static final int GROUPS = 4;
    static final int SAMPLES = 4;

    private ServedProgram() {}

    /** Continues the run in a folder of runs, or begins it there. */
    static TrainingSession open(Path runs, String url, String staleness, RunListener listener) {
        Path run = runs.resolve("0001");
        return Files.isDirectory(run)
                ? given(TrainingSession.stored(), listener).resume(run)
                : given(TrainingSession.of(recipe(runs, url, staleness)), listener)
                        .start();
    }

    private static TrainingSession.Start given(TrainingSession.Start start, RunListener listener) {
        return start.problems(draw -> Problem.of("p" + draw, draw % 10 + "+1=", ""))
                // Never the same for all of a group: no update is skipped.
                .reward((problem, rollout) -> Score.of(rollout.sample() / 10.0))
                .listener(listener);
    }

    private static Recipe recipe(Path runs, String url, String staleness) {
        Map<String, Object> changes = new LinkedHashMap<>();
        changes.put("iterations", ITERATIONS);
        changes.put("groups-per-iteration", GROUPS);
        changes.put("group-size", SAMPLES);
        changes.put("sampling.max-new-tokens", 10);
        changes.put("sampling.ignore-eos", true);
        changes.put("evaluation.problems", 0);
        changes.put("checkpoints.every", 1);
        changes.put("record.rows", 1000);
        changes.put("runs", runs);
        return Recipe.binder(ServedProgram.class.getClassLoader())
                .bind(
                        TinyRecipe.with(changes),
                        new Settings()
                                .set("staleness=" + staleness)
                                .map(
                                        "this program",
                                        Map.of(
                                                "rollout",
                                                Map.of("engine", "served", "urls", List.of(url), "concurrency", 8))));
    }

    /** @param arguments the folder of runs, the server's address and the staleness */
    public static void main(String[] arguments) {
        try (TrainingSession session = open(Path.of(arguments[0]), arguments[1], arguments[2], new RunListener() {})) {
            session.run();
        }
    }
}
