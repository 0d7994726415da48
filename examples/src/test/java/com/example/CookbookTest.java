package com.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.eval.Accuracy;
import org.minpro.objective.Loss;
import org.minpro.objective.LossChecks;
import org.minpro.recipe.Recipe;
import org.minpro.run.LanguageModel;
import org.minpro.run.TrainingResult;

/** The pages of docs/cookbook.md, on the model inside the jar. */
class CookbookTest {
    private static Path problems(Path folder) throws IOException {
        List<String> lines = new ArrayList<>();
        for (int i = 10; i < 50; i++) {
            lines.add("{\"prompt\": \"" + i + "+" + (i + 7) + "=\", \"answer\": \"" + (2 * i + 7) + "\"}");
        }
        return Files.write(folder.resolve("problems.jsonl"), lines);
    }

    @Test
    void ownDataOwnRewardOwnObjectiveReadAndContinued(@TempDir Path folder) throws IOException {
        Recipe recipe = Recipe.of(Path.of("builtin"), problems(folder))
                .with("objective", new Fading(0.5))
                .with("iterations", 3)
                .with("lag", 1)
                .with("groups-per-iteration", 2)
                .with("group-size", 2)
                .with("runs", folder.resolve("runs"));
        TrainingResult result = OwnDataAndReward.train(recipe);
        assertTrue(result.finished());
        assertTrue(result.before().isPresent() && result.after().isPresent());
        Path run = result.model().orElseThrow().getParent();
        assertEquals(3, ReadRun.metrics(run).size());
        TrainingResult again = ResumeRun.resume(run);
        assertEquals(result.before(), again.before());
        assertEquals(result.after(), again.after());
    }

    @Test
    void generatesAndEvaluates(@TempDir Path folder) throws IOException {
        try (LanguageModel model = LanguageModel.load("builtin", new LanguageModel.Settings())) {
            assertEquals(2, GenerateTexts.batch(model).size());
            Accuracy accuracy = EvaluateModel.accuracy(model, problems(folder));
            assertEquals(40, accuracy.problems());
        }
    }

    @Test
    void theOwnObjectiveHoldsEveryCheck() {
        LossChecks checks = new LossChecks(Loss.of(new Fading()), 1e-12);
        for (LossChecks.Check check : LossChecks.Check.values()) {
            assertEquals("", checks.failure(check).orElse(""), check.description());
        }
    }

    /** What stands on the page stands in a file that this project compiles. */
    @Test
    void thePageShowsTheseFiles() throws IOException {
        StringBuilder sources = new StringBuilder();
        try (Stream<Path> files = Files.list(Path.of("src/main/java/com/example"))) {
            for (Path file : files.toList()) {
                sources.append(withoutLayout(Files.readString(file))).append('\n');
            }
        }
        Matcher blocks = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(Path.of("../docs/cookbook.md")));
        int count = 0;
        while (blocks.find()) {
            count++;
            assertTrue(sources.indexOf(withoutLayout(blocks.group(1))) >= 0, blocks.group(1));
        }
        assertTrue(count > 5, "blocks: " + count);
    }

    private static String withoutLayout(String text) {
        return text.replaceAll("\\s+", "");
    }
}
