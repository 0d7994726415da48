package org.minpro.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.minpro.model.Kernels;
import org.minpro.recipe.ModelSection;
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

    @Tag("slow")
    @Test
    void mismatchIsZeroInEveryIteration() throws IOException {
        mismatchIsZero(DType.F32, Recipe.of());
    }

    @Tag("slow")
    @ParameterizedTest
    @EnumSource(ModelSection.Dtype.class)
    void soItIsWithAnAdapter(ModelSection.Dtype type) throws IOException {
        mismatchIsZero(
                type == ModelSection.Dtype.F32 ? DType.F32 : DType.BF16,
                Recipe.of()
                        .with("model.dtype", type)
                        .with("adapter.rank", 4)
                        .with("optimizer.learning-rate", 1e-3)
                        .with("kl.coefficient", 0.01));
    }

    private void mismatchIsZero(DType type, Recipe of) throws IOException {
        assumeTrue(Kernels.vectors(), Kernels.reason());
        assumeTrue(Kernels.exact(type), "products of " + type + " depend on the rows beside them");
        Recipe recipe = of.with("iterations", 4)
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
