package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a command compares with free memory, against the peak of real runs that are large enough for the model to matter. */
@Tag("slow")
class MemoryEstimateTest {
    private static final double TOLERANCE = 0.25;

    /** Of {@code ./minpro}: freed blocks stay with the process. */
    private static final Map<String, String> ENVIRONMENT = Map.of(
            "OMP_NUM_THREADS", "1",
            "OPENBLAS_NUM_THREADS", "1",
            "MALLOC_ARENA_MAX", "1",
            "MALLOC_TRIM_THRESHOLD_", "1073741824",
            "MALLOC_MMAP_THRESHOLD_", "1073741824",
            "ONEDNN_PRIMITIVE_CACHE_CAPACITY", "96",
            "LRU_CACHE_CAPACITY", "32");

    /** A run of one kind: the model's configuration, what the recipe changes, and what is trained. */
    private record Kind(String command, String config, String recipe, String trainable) {
        String recipe(Path model, Path runs) {
            return recipe + "model: {path: " + model + ", trainable: [\"" + trainable + "\"]}\nruns: " + runs + "\n";
        }

        static Kind of(String name) {
            return switch (name) {
                case "dense f32" -> new Kind("train", llama(512, 1536, 8, 1024, "float32"), SHORT, "*");
                case "dense bf16" -> new Kind("train", llama(512, 1536, 8, 1024, "bfloat16"), SHORT, "*");
                case "experts" -> new Kind("train", experts(), SHORT, "*");
                case "long rows" -> new Kind("train", llama(512, 1536, 4, 1024, "float32"), LONG, "*");
                case "last layer" ->
                    new Kind("train", llama(512, 1536, 12, 1024, "float32"), SHORT, "model.layers.11.*");
                case "sft" -> new Kind("sft", llama(384, 1024, 6, 32_000, "float32"), """
                        updates: 2
                        batch-rows: 32
                        prompts: {max-tokens: 32}
                        max-completion-tokens: 128
                        compute: {workers: 2, lanes: 2, micro-batch-tokens: 768}
                        """, "*");
                default -> throw new IllegalArgumentException(name);
            };
        }
    }

    private static final String SHORT = """
            iterations: 1
            lag: 0
            updates-per-iteration: 1
            groups-per-iteration: 4
            group-size: 4
            max-undecided: 1
            prompts: {max-tokens: 32}
            sampling: {max-new-tokens: 48, ignore-eos: true}
            evaluation: {problems: 0}
            compute: {workers: 2, lanes: 2, micro-batch-tokens: 384}
            """;

    private static final String LONG = """
            iterations: 1
            lag: 0
            updates-per-iteration: 1
            groups-per-iteration: 1
            group-size: 2
            max-undecided: 1
            prompts: {max-tokens: 32}
            sampling: {max-new-tokens: 1024, ignore-eos: true}
            evaluation: {problems: 0}
            compute: {workers: 2, lanes: 2, micro-batch-tokens: 768}
            """;

    private static String llama(int hidden, int inner, int layers, int vocabulary, String dtype) {
        return """
                {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": %d, "hidden_size": %d,
                 "intermediate_size": %d, "num_hidden_layers": %d, "num_attention_heads": 8, "num_key_value_heads": 4,
                 "hidden_act": "silu", "max_position_embeddings": 4096, "rms_norm_eps": 1e-5,
                 "rope_theta": 10000.0, "tie_word_embeddings": true, "bos_token_id": null, "eos_token_id": 1,
                 "torch_dtype": "%s"}
                """.formatted(vocabulary, hidden, inner, layers, dtype);
    }

    private static String experts() {
        return """
                {"architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe", "vocab_size": 1024,
                 "hidden_size": 384, "intermediate_size": 768, "moe_intermediate_size": 384, "num_hidden_layers": 6,
                 "num_experts": 8, "num_experts_per_tok": 2, "norm_topk_prob": true, "decoder_sparse_step": 1,
                 "mlp_only_layers": [], "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 48,
                 "hidden_act": "silu", "max_position_embeddings": 4096, "rms_norm_eps": 1e-6,
                 "rope_theta": 10000.0, "tie_word_embeddings": false, "attention_bias": false,
                 "bos_token_id": null, "eos_token_id": 1, "torch_dtype": "float32"}
                """;
    }

    @TempDir
    Path temporary;

    @ParameterizedTest
    @ValueSource(strings = {"dense f32", "dense bf16", "experts", "long rows", "last layer", "sft"})
    void theEstimateIsNearThePeakOfARealRun(String name) throws IOException, InterruptedException {
        assumeTrue(Files.exists(Path.of("/proc/self/status")), "the system does not tell a process's peak of memory");
        Kind kind = Kind.of(name);
        Path model = MeasuredRun.writeModel(temporary, kind.config());
        String recipe = kind.recipe(model, temporary.resolve("runs"));
        Path output = temporary.resolve("output.txt");
        ProcessBuilder builder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:+UseSerialGC",
                        "-Duser.home=" + System.getProperty("user.home"),
                        "-cp",
                        System.getProperty("java.class.path"),
                        MeasuredRun.class.getName(),
                        kind.command(),
                        recipe)
                .redirectOutput(output.toFile())
                .redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().putAll(ENVIRONMENT);
        assertThat(builder.start().waitFor()).isZero();
        List<String> lines = Files.readAllLines(output);
        long estimate = Long.parseLong(lines.get(0));
        long peak = Long.parseLong(lines.get(1));
        System.getLogger("org.minpro")
                .log(
                        System.Logger.Level.INFO,
                        "{0}: estimate {1} MB, peak {2} MB",
                        name,
                        estimate / 1_000_000,
                        peak / 1_000_000);
        assertThat((double) estimate / peak).as("estimate over peak").isBetween(1 - TOLERANCE, 1 + TOLERANCE);
    }
}
