package org.minpro.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.model.Kernels;
import org.minpro.recipe.Recipe;
import org.minpro.run.RunListener;
import org.minpro.run.TrainingSession;
import org.minpro.tensor.DType;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The built-in run, with fewer and smaller iterations: sampler and trainer differ in no iteration. */
class BuiltinMismatchTest {
    @TempDir
    Path runs;

    @Test
    void mismatchIsZeroInEveryIteration() throws IOException {
        assumeTrue(Kernels.vectors(), Kernels.reason());
        assumeTrue(Kernels.exact(DType.F32), "products of float32 depend on the rows beside them");
        Recipe recipe = Recipe.of()
                .with("iterations", 4)
                .with("groups-per-iteration", 4)
                .with("lag", 1)
                .with("evaluation.problems", 4)
                .with("runs", runs);
        try (TrainingSession session =
                TrainingSession.of(recipe).listener(new RunListener() {}).start()) {
            session.run();
        }
        Path metrics;
        try (Stream<Path> files = Files.walk(runs)) {
            metrics = files.filter(file -> file.endsWith("metrics.jsonl"))
                    .findFirst()
                    .orElseThrow();
        }
        List<JsonNode> lines = Files.readAllLines(metrics).stream()
                .map(JsonMapper.builder().build()::readTree)
                .toList();
        assertThat(lines).hasSize(4);
        assertThat(lines).allSatisfy(line -> {
            assertThat(line.get("mismatch/max").doubleValue()).isZero();
            assertThat(line.get("mismatch/mean").doubleValue()).isZero();
        });
    }
}
