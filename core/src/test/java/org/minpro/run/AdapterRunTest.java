package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.minpro.config.Settings;
import org.minpro.eval.SequenceScorer;
import org.minpro.model.ModelConfig;
import org.minpro.model.ParameterSelection;
import org.minpro.model.Parameters;
import org.minpro.model.PolicyVersion;
import org.minpro.model.SafetensorsFile;
import org.minpro.model.Transformer;
import org.minpro.recipe.ModelSection;
import org.minpro.recipe.Recipe;
import org.minpro.recipe.SftRecipe;
import org.minpro.tensor.DType;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;
import org.minpro.train.Policy;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Runs that train an adapter. */
class AdapterRunTest {
    @TempDir
    Path folder;

    private SftRecipe sft(String... assignments) {
        Settings settings = new Settings();
        settings.set("runs=" + folder)
                .set("updates=4")
                .set("batch-rows=4")
                .set("optimizer.warmup-updates=0")
                .set("optimizer.learning-rate=1e-3")
                .set("adapter.rank=4");
        for (String assignment : assignments) {
            settings.set(assignment);
        }
        return SftRecipe.binder().bind(SftRecipe.class, settings);
    }

    private Recipe recipe(String runs) {
        return new Recipe()
                .with("runs", folder.resolve(runs))
                .with("adapter.rank", 4)
                .with("adapter.variant", org.minpro.model.LowRankAdapter.Variant.RSLORA)
                .with("kl.coefficient", 0.01)
                .with("optimizer.learning-rate", 1e-3)
                .with("optimizer.warmup-updates", 0)
                .with("iterations", 4)
                .with("lag", 1)
                .with("groups-per-iteration", 4)
                .with("group-size", 4)
                .with("evaluation.problems", 0)
                .with("sampling.max-new-tokens", 24)
                .with("checkpoints.every", 1);
    }

    private static Map<String, byte[]> tensors(Path file) {
        Map<String, byte[]> bytes = new TreeMap<>();
        try (SafetensorsFile stored = SafetensorsFile.open(file);
                Scope scope = Scope.open()) {
            stored.header()
                    .tensors()
                    .keySet()
                    .forEach(name -> bytes.put(name, stored.read(name).bytes()));
        }
        return bytes;
    }

    private static Path checkpoint(RunFolder run) throws IOException {
        try (Stream<Path> entries = Files.list(run.checkpoints())) {
            return entries.max(java.util.Comparator.naturalOrder()).orElseThrow();
        }
    }

    /** The numbers of each line but those that depend on the clock. */
    private static List<JsonNode> metrics(Path file) throws IOException {
        return Files.readAllLines(file).stream()
                .map(line -> {
                    ObjectNode node = (ObjectNode) JsonMapper.builder().build().readTree(line);
                    node.remove("time");
                    return (JsonNode) node;
                })
                .toList();
    }

    @Test
    void supervisedTrainingLearnsWithItAndStoresItAlone() throws IOException {
        Path saved;
        Path checkpoint;
        double first;
        double last;
        try (SftSession session = SftSession.start(sft(), line -> {})) {
            double[] losses = new double[4];
            assertThat(session.run((report, seconds) -> losses[(int) report.update()] = report.loss()))
                    .isTrue();
            first = losses[0];
            last = losses[3];
            saved = session.saveModel();
            checkpoint = checkpoint(session.folder());
            assertThat(session.folder().model()).doesNotExist();
        }
        assertThat(last).isNotEqualTo(first);
        Map<String, byte[]> adapter = tensors(saved.resolve("adapter_model.safetensors"));
        Map<String, byte[]> weights = tensors(checkpoint.resolve("weights.safetensors"));
        assertThat(saved).hasFileName("adapter");
        assertThat(weights.keySet()).allMatch(name -> name.contains(".lora_")).hasSameSizeAs(adapter.keySet());
        weights.forEach((name, bytes) ->
                assertThat(adapter.get("base_model.model." + name)).as(name).isEqualTo(bytes));
        assertThat(weights.get("model.layers.0.self_attn.q_proj.lora_B.weight")).satisfies(bytes -> {
            boolean moved = false;
            for (byte one : bytes) {
                moved |= one != 0;
            }
            assertThat(moved).isTrue();
        });
        assertThat(tensors(checkpoint.resolve("optimizer.safetensors")).keySet())
                .allMatch(name -> name.contains(".lora_"));
        JsonNode config = JsonMapper.builder().build().readTree(Files.readString(saved.resolve("adapter_config.json")));
        assertThat(config.get("r").intValue()).isEqualTo(4);
        assertThat(config.get("lora_alpha").intValue()).isEqualTo(32);
        assertThat(config.get("target_modules").values().stream()
                        .map(JsonNode::stringValue)
                        .toList())
                .containsExactly("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj");
    }

    @Test
    void supervisedTrainingGoesOnWithTheSameBytes() throws IOException {
        Path whole;
        try (SftSession session = SftSession.start(sft(), line -> {})) {
            session.run((report, seconds) -> {});
            whole = session.folder().path();
            session.saveModel();
        }
        Path cut;
        try (SftSession session = SftSession.start(sft(), line -> {})) {
            session.run((report, seconds) -> {
                if (report.update() == 1) {
                    session.stop();
                }
            });
            cut = session.folder().path();
        }
        try (SftSession session = SftSession.resume(cut, line -> {})) {
            assertThat(session.done()).isEqualTo(2);
            assertThat(session.run((report, seconds) -> {})).isTrue();
            session.saveModel();
        }
        assertThat(cut).isNotEqualTo(whole);
        assertThat(metrics(cut.resolve("metrics.jsonl"))).isEqualTo(metrics(whole.resolve("metrics.jsonl")));
        String file = "adapter/adapter_model.safetensors";
        assertThat(cut.resolve(file)).hasSameBinaryContentAs(whole.resolve(file));
    }

    private static final class Stopping implements RunListener {
        private @Nullable TrainingSession session;
        private final long after;

        Stopping(long after) {
            this.after = after;
        }

        @Override
        public void iterationFinished(IterationReport report) {
            if (report.iteration() == after) {
                Objects.requireNonNull(session).stop();
            }
        }
    }

    private static Path run(Recipe recipe, long stopAfter) {
        Stopping listener = new Stopping(stopAfter);
        try (TrainingSession session =
                TrainingSession.of(recipe).listener(listener).start()) {
            listener.session = session;
            session.run();
            session.saveModel();
            return session.folder().path();
        }
    }

    @Tag("slow")
    @Test
    void reinforcementLearningGoesOnWithTheSameBytes() throws IOException {
        Path whole = run(recipe("whole"), -1);
        Path cut = run(recipe("cut"), 1);
        try (TrainingSession session =
                TrainingSession.stored().listener(new RunListener() {}).resume(cut)) {
            assertThat(session.iteration()).isEqualTo(2);
            session.run();
            session.saveModel();
        }
        assertThat(metrics(cut.resolve("metrics.jsonl")))
                .isEqualTo(metrics(whole.resolve("metrics.jsonl")))
                .hasSize(4);
        for (String file : List.of("adapter/adapter_model.safetensors", "reference.jsonl", "journal.jsonl")) {
            assertThat(cut.resolve(file)).as(file).hasSameBinaryContentAs(whole.resolve(file));
        }
        assertThat(metrics(whole.resolve("metrics.jsonl"))
                        .getLast()
                        .get("grad_norm")
                        .doubleValue())
                .isPositive();
    }

    /** The reference shares the memory of the policy, and says what the model said before training. */
    @Test
    void theReferenceIsTheModelWithoutTheAdapter() {
        ModelFiles files = ModelFiles.open(ModelSection.BUILTIN);
        ModelConfig config = files.config();
        Recipe recipe = recipe("none");
        ParameterSelection trained = recipe.trained(config);
        try (Policy policy = files.policy(DType.F32, trained, recipe.adapterBeginning());
                ReferenceModel reference = ReferenceModel.beside(policy.withoutAdapter(), "")) {
            Map<String, Tensor> base = reference.model().parameters().stored();
            assertThat(base.keySet()).isEqualTo(policy.master().named().isEmpty() ? Set.of() : storedNames(config));
            base.forEach((name, tensor) -> assertThat(tensor.address())
                    .as(name)
                    .isEqualTo(policy.master().stored(name).address()));
            try (Scope scope = Scope.open()) {
                policy.beginUpdate().trainable().values().forEach(tensor -> tensor.fillInPlace(0.1));
            }
            policy.publish(1);
            assertThat(reference.model().parameters().stored().keySet()).noneMatch(name -> name.contains("lora"));
        }
    }

    @Test
    void aMeanOfItSharesTheModel() {
        ModelFiles files = ModelFiles.open(ModelSection.BUILTIN);
        Recipe recipe = recipe("none");
        String up = "model.layers.0.self_attn.o_proj.lora_B.weight";
        try (Policy policy = files.policy(DType.F32, recipe.trained(files.config()), recipe.adapterBeginning());
                ReferenceModel reference = ReferenceModel.average(policy.fork(), 0.75)) {
            policy.beginUpdate().stored(up).fillInPlace(1);
            policy.publish(1);
            reference.follow(policy);
            Map<String, Tensor> mean = reference.model().parameters().stored();
            mean.forEach((name, tensor) -> assertThat(
                            tensor.address() == policy.master().stored(name).address())
                    .as(name)
                    .isEqualTo(!name.contains("lora")));
            assertThat(Objects.requireNonNull(mean.get(up)).doubles()).containsOnly(0.25);
        }
    }

    /** What {@code kl.reference: start} says of a rollout is what the model says that nobody has trained. */
    @Tag("slow")
    @Test
    void theReferenceSaysWhatTheModelSaidBeforeTraining() throws IOException {
        Path run = run(
                recipe("reference")
                        .with("iterations", 3)
                        .with("lag", 0)
                        .with("updates-per-iteration", 2)
                        .with("optimizer.learning-rate", 0.02)
                        .with("sampling.max-new-tokens", 12),
                -1);
        Map<String, JsonNode> references = new TreeMap<>();
        for (JsonNode line : lines(run.resolve("reference.jsonl"))) {
            references.put(line.path("draw") + "." + line.path("sample"), line.path("reference_log_probs"));
        }
        double moved = 0;
        try (Workers workers = new Workers(1);
                Transformer model = ModelFiles.open(ModelSection.BUILTIN).transformer(DType.F32);
                Parameters owned = model.parameters()) {
            assertThat(owned.adapter()).isEmpty();
            for (JsonNode line : lines(run.resolve("journal.jsonl"))) {
                List<Integer> ids = new ArrayList<>();
                line.path("prompt_ids").forEach(id -> ids.add(id.intValue()));
                int prompt = ids.size();
                line.path("response_ids").forEach(id -> ids.add(id.intValue()));
                double[] expected = new SequenceScorer(model, workers)
                        .score(List.of(ids.stream().mapToInt(Integer::intValue).toArray()))
                        .getFirst();
                JsonNode reference =
                        Objects.requireNonNull(references.get(line.path("draw") + "." + line.path("sample")));
                assertThat(reference.size()).isEqualTo(ids.size() - prompt);
                for (int t = 0; t < reference.size(); t++) {
                    assertThat(reference.get(t).doubleValue()).isCloseTo(expected[prompt - 1 + t], within(1e-4));
                    double policy = line.path("behavior_log_probs").get(t).doubleValue();
                    moved = Math.max(moved, Math.abs(policy - expected[prompt - 1 + t]));
                }
            }
        }
        assertThat(references).hasSize(3 * 16);
        assertThat(moved).as("the adapter has moved the policy").isGreaterThan(0.05);
    }

    private static List<JsonNode> lines(Path file) throws IOException {
        return Files.readAllLines(file).stream()
                .map(JsonMapper.shared()::readTree)
                .toList();
    }

    /** Two bytes a parameter of the model, whatever the adapter does, and the same bytes for every version. */
    @Test
    void aModelInBfloat16HasNoMasterCopy() {
        ModelFiles files = ModelFiles.open(ModelSection.BUILTIN);
        Recipe recipe = recipe("none");
        try (Policy policy = files.policy(DType.BF16, recipe.trained(files.config()), recipe.adapterBeginning())) {
            Map<String, Long> places = new TreeMap<>();
            policy.master().stored().forEach((name, tensor) -> {
                assertThat(tensor.type()).as(name).isEqualTo(name.contains(".lora_") ? DType.F32 : DType.BF16);
                assertThat(policy.model().parameters().stored(name).address())
                        .as(name)
                        .isEqualTo(tensor.address());
                places.put(name, tensor.address());
            });
            try (PolicyVersion held = policy.holdVersion()) {
                try (Scope scope = Scope.open()) {
                    policy.beginUpdate().trainable().values().forEach(tensor -> tensor.addInPlace(0.1));
                }
                policy.publish(1);
                places.forEach((name, place) -> {
                    assertThat(held.model().parameters().stored(name).address())
                            .as(name)
                            .isEqualTo(place);
                    assertThat(policy.model().parameters().stored(name).address() == place)
                            .as(name)
                            .isEqualTo(!name.contains(".lora_"));
                });
            }
        }
    }

    /** Versions that are held, a reference, gradients, steps and checkpoints. */
    @Tag("slow")
    @ParameterizedTest
    @EnumSource(
            value = ModelSection.Dtype.class,
            names = {"F32", "BF16"})
    void trainingLeavesNoNativeObject(ModelSection.Dtype type) {
        Recipe recipe = recipe("leak")
                .with("model.dtype", type)
                .with("iterations", 6)
                .with("updates-per-iteration", 2)
                .with("sampling.max-new-tokens", 6)
                .with("checkpoints.every", 3);
        List<Long> during = new ArrayList<>();
        leakless(recipe, during);
        long before = Scope.nativeObjects();
        during.clear();
        leakless(recipe, during);
        assertThat(Scope.nativeObjects()).isEqualTo(before);
        assertThat(during.subList(2, 6)).containsOnly(during.get(2));
    }

    private static void leakless(Recipe recipe, List<Long> during) {
        RunListener counting = new RunListener() {
            @Override
            public void iterationFinished(IterationReport report) {
                during.add(Scope.nativeObjects());
            }
        };
        try (TrainingSession session =
                TrainingSession.of(recipe).listener(counting).start()) {
            session.run();
            session.saveModel();
        }
    }

    @Test
    void supervisedTrainingLeavesNoNativeObject() throws IOException {
        List<Long> during = new ArrayList<>();
        SftRecipe recipe = sft("adapter.variant=rslora", "updates=6");
        long before = 0;
        for (int round = 0; round < 2; round++) {
            before = Scope.nativeObjects();
            during.clear();
            try (SftSession session = SftSession.start(recipe, line -> {})) {
                session.run((report, seconds) -> during.add(Scope.nativeObjects()));
                session.saveModel();
            }
        }
        assertThat(Scope.nativeObjects()).isEqualTo(before);
        assertThat(during.subList(2, 6)).containsOnly(during.get(2));
    }

    private static Set<String> storedNames(ModelConfig config) {
        try (var parameters = org.minpro.model.Parameters.zeros(config, org.minpro.tensor.Engine.device(), DType.F32)) {
            return Set.copyOf(parameters.stored().keySet());
        }
    }

    @Test
    void itTakesLessMemoryThanTheWholeModel() {
        ModelConfig config = ModelFiles.open(ModelSection.BUILTIN).config();
        // So many lanes that an update takes more than sampling does, and short rows, of which little is kept.
        Recipe adapted = recipe("none")
                .with("updates-per-iteration", 1)
                .with("groups-per-iteration", 1)
                .with("group-size", 2)
                .with("compute.lanes", 8)
                .with("sampling.max-new-tokens", 4)
                .with("prompts.max-tokens", 16);
        Recipe whole = adapted.with("adapter.rank", 0);
        long trained = adapted.trained(config).count();
        for (DType compute : new DType[] {DType.F32, DType.BF16}) {
            // Gradients of eight lanes, and what AdamW remembers of them: 40 bytes a parameter, less the sampling
            // beside an adapter.
            assertThat(MemoryEstimate.ofTraining(whole, config, compute)
                            - MemoryEstimate.ofTraining(adapted, config, compute))
                    .isGreaterThan(28 * (config.parameterCount() - trained));
        }
    }

    @Test
    void settingsThatDoNotGoTogetherAreRefused() {
        assertThatThrownBy(() -> sft("model.trainable=model.layers.1.*"))
                .hasMessageContaining("adapter must be without model.trainable");
        assertThatThrownBy(() -> sft("adapter.dropout=0.1")).hasMessageContaining("dropout must be 0");
        assertThatThrownBy(() -> sft("initialise=true")).hasMessageContaining("initialise must be false");
        assertThatThrownBy(() -> sft("adapter.variant=dora")).hasMessageContaining("lora, rslora");
        assertThatThrownBy(() -> SftSession.start(sft("adapter.targets=[k_prj]"), line -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("the nearest name is k_proj");
    }
}
