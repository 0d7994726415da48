package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.config.Settings;
import org.minpro.model.HuggingFaceWriter;
import org.minpro.model.ModelConfig;
import org.minpro.model.SafetensorsFile;
import org.minpro.recipe.ModelSection;
import org.minpro.recipe.Recipe;
import org.minpro.recipe.SftRecipe;
import org.minpro.tensor.DType;
import org.minpro.tensor.Scope;
import org.minpro.train.Policy;

/** Runs that train a part of a model. */
class TrainablePartTest {
    private static final String LAYER = "model.layers.1.*";

    @TempDir
    Path runs;

    private SftRecipe sft(String... assignments) {
        Settings settings = new Settings();
        settings.set("runs=" + runs).set("updates=3").set("batch-rows=4").set("optimizer.warmup-updates=0");
        for (String assignment : assignments) {
            settings.set(assignment);
        }
        return SftRecipe.binder().bind(SftRecipe.class, settings);
    }

    private static Recipe recipe(String trainable) {
        return Recipe.binder(TrainablePartTest.class.getClassLoader())
                .bind(Recipe.class, new Settings().set("model.trainable=" + trainable));
    }

    /** A recipe whose updates take more memory than its sampling. */
    private static Recipe withFewResponses(String trainable) {
        return recipe(trainable)
                .with("sampling.max-new-tokens", 240)
                .with("prompts.max-tokens", 16)
                .with("updates-per-iteration", 1)
                .with("groups-per-iteration", 2)
                .with("evaluation.problems", 0);
    }

    private static Map<String, byte[]> weights(Path folder) {
        Map<String, byte[]> bytes = new TreeMap<>();
        try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("model.safetensors"));
                Scope scope = Scope.open()) {
            file.header()
                    .tensors()
                    .keySet()
                    .forEach(name -> bytes.put(name, file.read(name).bytes()));
        }
        return bytes;
    }

    @Test
    void theSavedModelIsWholeAndWhatIsFrozenKeepsItsBytes() {
        Path builtin = ModelFiles.open(ModelSection.BUILTIN).path();
        Map<String, byte[]> before = weights(builtin);
        Path saved;
        try (SftSession session = SftSession.start(sft("model.trainable=" + LAYER), line -> {})) {
            assertThat(session.run((report, seconds) -> {})).isTrue();
            saved = session.saveModel();
        }
        Map<String, byte[]> after = weights(saved);
        assertThat(after.keySet()).isEqualTo(before.keySet());
        before.forEach((name, bytes) -> {
            if (name.startsWith("model.layers.1.")) {
                assertThat(after.get(name)).as(name).isNotEqualTo(bytes);
            } else {
                assertThat(after.get(name)).as(name).isEqualTo(bytes);
            }
        });
        assertThat(saved.resolve("tokenizer.json")).exists();
        assertThat(ModelFiles.open(saved.toString()).config().parameterCount())
                .isEqualTo(ModelFiles.open(builtin.toString()).config().parameterCount());
    }

    @Test
    void whatIsFrozenHasNoFloat32CopyWhereTheFolderHasTheComputeType() throws Exception {
        Path folder = runs.resolve("bf16");
        ModelFiles builtin = ModelFiles.open(ModelSection.BUILTIN);
        try (Policy policy = builtin.policy(DType.F32, new ModelSection().trained(builtin.config()))) {
            builtin.save(folder, policy.master());
            ModelConfig config = builtin.config().withStoredDType(DType.BF16);
            try (Scope scope = Scope.open()) {
                HuggingFaceWriter.write(folder, config, policy.master().named());
            }
        }
        Map<String, byte[]> before = weights(folder);
        ModelFiles files = ModelFiles.open(folder.toString());
        try (Policy policy = files.policy(DType.BF16, recipe(LAYER).model().trained(files.config()))) {
            policy.master().stored().forEach((name, tensor) -> {
                boolean trained = name.startsWith("model.layers.1.");
                assertThat(tensor.type()).as(name).isEqualTo(trained ? DType.F32 : DType.BF16);
                assertThat(tensor.address()
                                == policy.model().parameters().stored(name).address())
                        .as(name)
                        .isEqualTo(!trained);
            });
            policy.publish(1);
            files.save(runs.resolve("again"), policy.master());
        }
        weights(runs.resolve("again"))
                .forEach((name, bytes) -> assertThat(bytes).as(name).isEqualTo(before.get(name)));
        assertThat(Files.exists(runs.resolve("again/config.json"))).isTrue();
        try (Policy policy = ModelFiles.open(ModelSection.BUILTIN)
                .policy(DType.BF16, recipe(LAYER).model().trained(files.config()))) {
            assertThat(policy.master().stored().values())
                    .as("the folder's float32 would be lost")
                    .allMatch(tensor -> tensor.type() == DType.F32);
        }
    }

    @Test
    void lessThatIsTrainedTakesLessMemory() {
        ModelConfig config = ModelFiles.open(ModelSection.BUILTIN).config();
        for (DType compute : new DType[] {DType.F32, DType.BF16}) {
            long whole = MemoryEstimate.ofTraining(withFewResponses("*"), config, compute);
            long part = MemoryEstimate.ofTraining(withFewResponses(LAYER), config, compute);
            long trained = recipe(LAYER).model().trained(config).count();
            long gradients = 2L * DType.F32.bytes();
            assertThat(whole - part)
                    .isGreaterThanOrEqualTo((config.parameterCount() - trained) * (gradients + 2L * DType.F32.bytes()));
        }
    }

    @Test
    void aRunGoesOnWithTheFrozenWeightsThatItBeganWithOrNotAtAll() {
        Path folder = runs.resolve("model");
        ModelFiles builtin = ModelFiles.open(ModelSection.BUILTIN);
        try (Policy policy = builtin.policy(DType.F32, new ModelSection().trained(builtin.config()))) {
            builtin.save(folder, policy.master());
            Path run;
            try (SftSession session =
                    SftSession.start(sft("model.trainable=" + LAYER, "model.path=" + folder), line -> {})) {
                session.run((report, seconds) -> session.stop());
                run = session.folder().path();
            }
            try (SftSession session = SftSession.resume(run, line -> {})) {
                assertThat(session.done()).isEqualTo(1);
            }
            policy.master().stored("model.layers.1.mlp.down_proj.weight").fillInPlace(0.5);
            builtin.save(folder, policy.master());
            SftSession.resume(run, line -> {}).close();
            policy.master().stored("model.norm.weight").fillInPlace(0.5);
            builtin.save(folder, policy.master());
            assertThatThrownBy(() -> SftSession.resume(run, line -> {}))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageStartingWith("frozen weights must be those that the run began with, got: others;"
                            + " restore the folder that model.path names");
        }
    }

    @Test
    void patternsCanBeGivenOnACommandLineAndInAFile() {
        assertThat(recipe("*.self_attn.*,model.norm.weight").model().trainable())
                .containsExactly("*.self_attn.*", "model.norm.weight");
        Recipe recipe = recipe("[\"*.mlp.*\", model.layers.1.*]");
        assertThat(recipe.model().trainable()).containsExactly("*.mlp.*", "model.layers.1.*");
        assertThat(Recipe.binder(TrainablePartTest.class.getClassLoader()).write(recipe, true))
                .contains("trainable: [\"*.mlp.*\", \"model.layers.1.*\"]");
    }

    @Test
    void aPatternThatMatchesNothingStopsTheRunBeforeAnyWork() {
        assertThatThrownBy(() -> SftSession.start(sft("model.trainable=model.layer.1.*"), line -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("the nearest name is model.layers.1.");
        assertThatThrownBy(() -> sft("model.trainable=[]"))
                .hasMessageContaining("trainable must be at least one pattern");
    }
}
