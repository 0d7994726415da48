package com.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.recipe.Recipe;
import org.minpro.run.TrainingResult;

/** Two updates of each program with an environment, tools or code, on the model inside the jar. */
class EnvironmentsTest {
    private static Recipe small(Recipe recipe, Path folder) {
        return recipe.with("updates-per-iteration", 1)
                .with("iterations", 3)
                .with("lag", 1)
                .with("groups-per-iteration", 2)
                .with("group-size", 4)
                .with("optimizer.warmup-updates", 0)
                .with("sampling.max-new-tokens", 100)
                .with("evaluation.problems", 4)
                .with("runs", folder.resolve("runs"));
    }

    private static void assertTrained(TrainingResult result) throws IOException {
        assertTrue(result.finished());
        Path run = result.model().orElseThrow().getParent();
        assertEquals(3, ReadRun.metrics(run).size());
    }

    @Test
    void aSecondChance(@TempDir Path folder) throws IOException {
        TrainingResult result = OwnEnvironment.train(small(new Recipe(), folder));
        assertTrained(result);
        Path run = result.model().orElseThrow().getParent();
        assertTrue(Files.readString(run.resolve("journal.jsonl")).contains("\"response_mask\""));
    }

    @Test
    void tools(@TempDir Path folder) throws IOException {
        assertTrained(OwnTools.train(small(new Recipe(), folder)));
    }

    @Test
    void code(@TempDir Path folder) throws IOException {
        List<String> lines = new ArrayList<>();
        for (int i = 10; i < 30; i++) {
            lines.add("{\"prompt\": \"" + i
                    + "+1=\", \"answer\": \"int f(int a) { return a + 1; }\", \"tests\": [\"assertEquals(" + (i + 1)
                    + ", f(" + i + "));\"]}");
        }
        Path problems = Files.write(folder.resolve("problems.jsonl"), lines);
        assertTrained(RewardForCode.train(small(Recipe.of(Path.of("builtin"), problems), folder)));
    }
}
