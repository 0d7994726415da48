package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.minpro.config.Settings;
import org.minpro.experience.Delayed;
import org.minpro.recipe.Recipe;
import org.minpro.run.ModelFiles;
import org.minpro.study.Study;
import org.minpro.study.StudyRecipe;
import org.minpro.tensor.Cuda;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code minpro plan}, on the built-in run and on the recipes of models that no machine here holds. */
final class PlanCommandTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final Path PAPER = Path.of("..", "recipes", "paper");

    private static final Map<String, Long> PARAMETERS = new LinkedHashMap<>(Map.of(
            "qwen3-8b-base", 8_190_735_360L,
            "qwen3-14b-base", 14_768_307_200L,
            "qwen3-30b-a3b-base", 30_532_122_624L));

    private static JsonNode json(CommandLineRun run) {
        return JSON.readTree(run.lines().getFirst());
    }

    @Test
    void theBuiltInRunsPlanIsThatOfTrainAndItsTimeThatOfTheFormula() {
        CommandLineRun run = CommandLineRun.withMemory(() -> 2_000_000_000L, "plan", "--json");
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(run.errors())
                .contains(
                        "plan: llama model builtin, 589,440 parameters, f32",
                        "  rollouts   40 iterations of 32 problems x 8 responses of up to 120 tokens: at most 1,228,800 tokens"
                                + " sampled")
                .anyMatch(line -> line.startsWith("  updates    152 of 64 rows with minpro; 2 lanes on "));
        JsonNode plan = json(run);
        // 40 x 256 responses and two evaluations of 1,000 problems, 60 tokens each.
        assertThat(plan.path("tokens").path("sampled_expected").longValue()).isEqualTo(60 * (40 * 256 + 2000));
        assertThat(plan.path("tokens").path("trained_expected").longValue()).isEqualTo(60 * 38 * 256);
        assertThat(plan.path("time").path("seconds").doubleValue())
                .isEqualTo(
                        2 * 589_440.0 * 60 * (40 * 256 + 2000) / 46e9 + 6 * 589_440.0 * 60 * 38 * 256 / 130e9,
                        within(1e-6));
        assertThat(plan.path("memory").path(0).path("free").longValue()).isEqualTo(2_000_000_000L);
        assertThat(plan.path("memory_suffices").booleanValue()).isTrue();
    }

    @Test
    void memoryThatDoesNotSufficeIsAFailure() {
        CommandLineRun run = CommandLineRun.withMemory(() -> 300_000_000L, "plan", "--json");
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.errors())
                .last()
                .asString()
                .startsWith("minpro: this run needs about ")
                .contains("300 MB free");
        assertThat(json(run).path("memory_suffices").booleanValue()).isFalse();
        assertThat(CommandLineRun.withMemory(() -> 300_000_000L, "plan", "--memory", "2")
                        .code())
                .isZero();
        assertThat(CommandLineRun.of("plan", "--memory", "0").code()).isEqualTo(2);
    }

    @Test
    void aDeviceThatIsNotHereNeedsItsMemory() {
        assumeTrue(Cuda.found().devices() == 0, "a CUDA device is there");
        CommandLineRun run = CommandLineRun.of("plan", "--set", "compute.device=cuda");
        assertThat(run.code()).isEqualTo(2);
        assertThat(run.errors())
                .last()
                .asString()
                .startsWith(
                        "minpro: --memory must be given for a device that is not here, got: none; to compute on cuda:0,");
        CommandLineRun told = CommandLineRun.of("plan", "--set", "compute.device=cuda", "--memory", "80", "--json");
        assertThat(told.code()).as(told.err()).isZero();
        assertThat(json(told).path("memory").path(0).path("device").stringValue())
                .isEqualTo("cuda");
    }

    private static long bytes(String... options) {
        CommandLineRun run = CommandLineRun.withMemory(
                () -> 24_000_000_000L,
                Stream.concat(Stream.of("plan", "--json"), Stream.of(options)).toArray(String[]::new));
        return json(run).path("memory").path(0).path("bytes").longValue();
    }

    @Test
    void aDeviceIsPlannedForAsItIsThereAndNotAsTheOneHere() {
        assumeTrue(Cuda.found().devices() == 0, "a CUDA device is there");
        // With equal cuts a GPU differs most in one thing: it multiplies by the weights as they are, and by no packed
        // copy
        // of them.
        String[] cut = {
            "--model", PAPER.resolve("qwen3-8b-base").toString(), "--dtype", "bf16", "--memory", "1000",
            "--set", "compute.workers=1", "--set", "compute.lanes=8", "--set", "compute.micro-batch-tokens=768",
            "--set", "groups-per-iteration=1", "--set", "evaluation.problems=0"
        };
        long packed = 2 * PARAMETERS.getOrDefault("qwen3-8b-base", 0L);
        long here = bytes(cut);
        long there = bytes(Stream.concat(Stream.of(cut), Stream.of("--set", "compute.device=cuda"))
                .toArray(String[]::new));
        assertThat((double) (here - there)).isBetween(0.8 * packed, 1.1 * packed);
    }

    @Test
    void processesOfThisMachineShareItsMemoryAndOthersHaveTheirOwn() {
        String[] two = {"plan", "--json", "--processes", "2"};
        JsonNode plan = json(CommandLineRun.withMemory(() -> 24_000_000_000L, two));
        long each = plan.path("memory").path(0).path("bytes").longValue();
        assertThat(plan.path("memory").size()).isEqualTo(2);
        assertThat(plan.path("memory").path(1).path("free").longValue()).isEqualTo(12_000_000_000L);
        CommandLineRun shared = CommandLineRun.withMemory(() -> each * 3 / 2, two);
        assertThat(shared.code()).as(shared.err()).isEqualTo(1);
        assertThat(shared.errors()).anyMatch(line -> line.endsWith("on 1 device (cpu) of 2 ranks, which share it"));
        assertThat(json(shared).path("memory_suffices").booleanValue()).isFalse();
        CommandLineRun own = CommandLineRun.withMemory(
                () -> 1, "plan", "--processes", "2", "--memory", String.valueOf(each * 1.5 / 1e9));
        assertThat(own.code()).as(own.err()).isZero();
        assertThat(own.errors()).anyMatch(line -> line.endsWith("on 1 device (cpu) of each of 2 ranks"));
    }

    @Test
    void aReferenceModelsConfigurationSufficesToo() {
        String folder = PAPER.resolve("qwen3-8b-base").toString();
        String[] model = {"--model", folder, "--dtype", "bf16", "--set", "compute.workers=1"};
        long without = bytes(model);
        long with = bytes(Stream.concat(
                        Stream.of(model), Stream.of("--set", "kl.coefficient=0.1", "--set", "kl.reference=" + folder))
                .toArray(String[]::new));
        assertThat(with - without).isEqualTo(2 * PARAMETERS.getOrDefault("qwen3-8b-base", 0L));
    }

    @Test
    void takesTheShortFormsOfTrain() {
        CommandLineRun run = CommandLineRun.withMemory(
                () -> 2_000_000_000L,
                "plan",
                "--lag",
                "4",
                "--iterations",
                "9",
                "--set",
                "kl.coefficient=0.1",
                "--processes",
                "2");
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(run.errors())
                .anyMatch(line -> line.startsWith("  rollouts   9 iterations "))
                .anyMatch(line -> line.startsWith("  staleness  lag 4, "))
                .anyMatch(line -> line.startsWith("  reference  "))
                .anyMatch(line -> line.startsWith("  processes  2, 2 of them on this machine; 1 lanes each"));
    }

    @Test
    void responsesThatDoNotFitTheModelAreRefusedAsTrainDoes() {
        CommandLineRun run = CommandLineRun.of("plan", "--set", "sampling.max-new-tokens=100000");
        assertThat(run.code()).isEqualTo(2);
        assertThat(run.errors()).last().asString().contains("must fit the model's positions, max_position_embeddings");
    }

    static Stream<String> models() {
        return PARAMETERS.keySet().stream().sorted();
    }

    @ParameterizedTest
    @MethodSource("models")
    void thePapersModelsArePlannedFromTheirConfigurationAlone(String name) {
        Path folder = PAPER.resolve(name);
        assertThat(folder.toFile().list()).containsExactly("config.json");
        String[] plan = {
            // A worker for each core would count more on a larger machine.
            "plan",
            "--config",
            PAPER.resolve(name + ".yaml").toString(),
            "--model",
            folder.toString(),
            "--json",
            "--set",
            "compute.workers=2"
        };
        CommandLineRun here = CommandLineRun.withMemory(() -> 24_000_000_000L, plan);
        assertThat(here.code()).as(here.err()).isEqualTo(1);
        JsonNode json = json(here);
        assertThat(json.path("model").path("parameters").longValue()).isEqualTo(PARAMETERS.getOrDefault(name, 0L));
        // Float32 masters and AdamW's two moments alone are 12 bytes a parameter.
        assertThat(json.path("memory").path(0).path("bytes").longValue())
                .isGreaterThan(12 * PARAMETERS.getOrDefault(name, 0L));
        assertThat(json.path("tokens").path("sampled_at_most").longValue()).isEqualTo(100L * 256 * 16 * 8192);
        assertThat(json.path("updates").longValue()).isEqualTo(98 * 8);
        assertThat(json.path("rows_per_update").longValue()).isEqualTo(512);
        assertThat(here.err().lines().filter(line -> line.startsWith("warning")))
                .singleElement()
                .asString()
                .as("the paper's own lag and updates a batch")
                .contains("staleness stacks");
        String[] large =
                Stream.concat(Stream.of(plan), Stream.of("--memory", "1000")).toArray(String[]::new);
        assertThat(CommandLineRun.of(large).code()).isZero();
    }

    @Test
    void thePapersStudyHasEveryModelWithEveryObjectivesPublishedSettings() {
        // Its paths are of the project's folder; the tests run in one below.
        StudyRecipe recipe = StudyRecipe.binder()
                .bind(
                        StudyRecipe.class,
                        new Settings()
                                .file(PAPER.resolve("study.yaml"))
                                .map(
                                        "this test",
                                        Map.of(
                                                "base",
                                                PAPER.resolve("qwen3-8b-base.yaml")
                                                        .toString())));
        Study study = Study.of(recipe, "study.yaml", Path.of("x"), getClass().getClassLoader());
        assertThat(study.runs()).hasSize(18);
        for (Study.Run run : study.runs()) {
            ModelFiles model = ModelFiles.withoutWeights(
                    Path.of("..").resolve(run.recipe().model().path()).toString());
            RunPlan plan = new RunPlan(
                    run.recipe(),
                    model.config(),
                    model.computeType(run.recipe().model().dtype()),
                    1,
                    1);
            assertThat(PARAMETERS.values()).contains(plan.model().parameterCount());
            assertThat(run.recipe().warnings()).singleElement().asString().contains("staleness stacks");
            assertThat(run.recipe().staleness()).isEqualTo(new Delayed(2));
        }
    }

    @Test
    void theBenchmarksOfThePaperAreAskedForWith128Responses() throws IOException {
        Path file = PAPER.resolve("benchmarks.yaml");
        Recipe recipe = Recipe.read(file);
        assertThat(recipe.evaluation().samples()).isEqualTo(128);
        assertThat(recipe.sampling().truncates()).isFalse();
        for (String benchmark : List.of("aime24", "aime25", "amc23", "math500", "minerva", "olympiadbench", "gsm8k")) {
            assertThat(Files.readString(file)).contains(benchmark);
            assertThat(org.minpro.eval.Benchmark.of(benchmark).name()).isEqualTo(benchmark);
        }
    }
}
