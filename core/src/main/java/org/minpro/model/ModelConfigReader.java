package org.minpro.model;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.minpro.model.ModelConfig.Architecture;
import org.minpro.model.ModelConfig.Moe;
import org.minpro.model.ModelConfig.RopeScaling;
import org.minpro.tensor.DType;

/**
 * Reads {@code config.json} and {@code generation_config.json}.
 *
 * <p>The defaults are those of the configuration classes of transformers 5.23; 4.x has the same for every key read here.
 */
final class ModelConfigReader {
    /** @param dtypeGiven whether the file says how the weights are stored */
    record Result(ModelConfig config, boolean dtypeGiven) {}

    /** What transformers assumes where a key is absent. */
    private record Defaults(
            int vocabulary,
            int hidden,
            int intermediate,
            int layers,
            int heads,
            @Nullable Integer keyValueHeads,
            @Nullable Integer headDim,
            int positions,
            double theta,
            boolean tied,
            @Nullable Integer bos,
            List<Integer> eos,
            @Nullable Integer pad) {
        static Defaults of(Architecture architecture) {
            return switch (architecture) {
                case LLAMA ->
                    new Defaults(32000, 4096, 11008, 32, 32, null, null, 2048, 1e4, false, 1, List.of(2), null);
                case MISTRAL ->
                    new Defaults(32000, 4096, 14336, 32, 32, 8, null, 131072, 1e4, false, 1, List.of(2), null);
                case QWEN2 ->
                    new Defaults(151936, 4096, 22016, 32, 32, 32, null, 32768, 1e4, false, null, List.of(), null);
                case QWEN3 ->
                    new Defaults(151936, 4096, 22016, 32, 32, 32, 128, 32768, 1e4, false, null, List.of(), null);
                case QWEN3_MOE ->
                    new Defaults(151936, 2048, 6144, 24, 32, 4, null, 32768, 1e4, false, null, List.of(), null);
                case SMOLLM3 ->
                    new Defaults(
                            128256, 2048, 11008, 36, 16, 4, null, 32768, 2e6, true, 128000, List.of(128001), 128004);
            };
        }
    }

    /** Read by every architecture. */
    private static final Set<String> SUPPORTED = Set.of(
            "model_type",
            "architectures",
            "vocab_size",
            "hidden_size",
            "intermediate_size",
            "num_hidden_layers",
            "num_attention_heads",
            "num_key_value_heads",
            "head_dim",
            "hidden_act",
            "rms_norm_eps",
            "rope_theta",
            "rope_scaling",
            "rope_parameters",
            "max_position_embeddings",
            "tie_word_embeddings",
            "torch_dtype",
            "dtype",
            "bos_token_id",
            "eos_token_id",
            "pad_token_id",
            "layer_types",
            "use_sliding_window",
            "partial_rotary_factor");

    private static final Map<Architecture, Set<String>> SUPPORTED_BY_ARCHITECTURE = Map.of(
            Architecture.LLAMA,
            Set.of("attention_bias", "mlp_bias"),
            Architecture.MISTRAL,
            Set.of("sliding_window"),
            Architecture.SMOLLM3,
            Set.of(
                    "attention_bias",
                    "mlp_bias",
                    "no_rope_layers",
                    "no_rope_layer_interval",
                    "sliding_window",
                    "max_window_layers"),
            // transformers does not read attention_bias of qwen2: the biases are always there.
            Architecture.QWEN2,
            Set.of("attention_bias", "sliding_window", "max_window_layers"),
            Architecture.QWEN3,
            Set.of("attention_bias", "sliding_window", "max_window_layers", "use_qk_norm"),
            Architecture.QWEN3_MOE,
            Set.of(
                    "attention_bias",
                    "use_qk_norm",
                    "sliding_window",
                    "max_window_layers",
                    "num_experts",
                    "num_local_experts",
                    "num_experts_per_tok",
                    "moe_intermediate_size",
                    "norm_topk_prob",
                    "decoder_sparse_step",
                    "mlp_only_layers",
                    "output_router_logits",
                    "router_aux_loss_coef"));

    /** Keys that stand in real checkpoints and change no log-probability, whatever their value. */
    private static final Set<String> HARMLESS = Set.of(
            // Where the file comes from, and how other programs are to treat it.
            "name_or_path",
            "transformers_version",
            "transformers.js_config",
            "auto_map",
            "tokenizer_class",
            "task_specific_params",
            "finetuning_task",
            "attn_implementation",
            "experts_implementation",
            "use_cache",
            "torchscript",
            "use_bfloat16",
            "tf_legacy_loss",
            "return_dict",
            "output_hidden_states",
            "output_attentions",
            "tie_last_hidden_states",
            "chunk_size_feed_forward",
            "is_decoder",
            "is_llama_config",
            "pruned_heads",
            "prefix",
            "id2label",
            "label2id",
            "num_labels",
            "problem_type",
            "model_max_length",
            "max_sequence_length",
            "tokenizer_model_max_length",
            "tokenizer_padding_side",
            "bos_token",
            "eos_token",
            "pad_token",
            "unk_token",
            "unk_token_id",
            "cls_token_id",
            "mask_token_id",
            "sep_token_id",
            "decoder_start_token_id",
            // Slices of a matrix product, mathematically the product; read by transformers 4 only.
            "pretraining_tp",
            // Training only.
            "initializer_range",
            "attention_dropout",
            "neftune_noise_alpha",
            "gradient_checkpointing",
            // Generation, which has a file of its own.
            "max_length",
            "max_new_tokens",
            "min_length",
            "min_new_tokens",
            "do_sample",
            "early_stopping",
            "num_beams",
            "num_beam_groups",
            "diversity_penalty",
            "temperature",
            "top_k",
            "top_p",
            "min_p",
            "typical_p",
            "epsilon_cutoff",
            "eta_cutoff",
            "repetition_penalty",
            "length_penalty",
            "no_repeat_ngram_size",
            "encoder_no_repeat_ngram_size",
            "bad_words_ids",
            "num_return_sequences",
            "output_scores",
            "return_dict_in_generate",
            "forced_bos_token_id",
            "forced_eos_token_id",
            "remove_invalid_values",
            "exponential_decay_length_penalty",
            "suppress_tokens",
            "begin_suppress_tokens");

    /** Factors of other architectures whose neutral value is 1. */
    private static final Set<String> FACTORS = Set.of(
            "attention_multiplier",
            "embedding_multiplier",
            "residual_multiplier",
            "mlp_multiplier",
            "logits_scaling",
            "logit_scale",
            "scale_emb",
            "attention_factor",
            "mscale");

    private ModelConfigReader() {}

    static Result read(Path folder) {
        Path generation = folder.resolve("generation_config.json");
        return parse(
                JsonObjectFile.read(folder.resolve("config.json")),
                Files.exists(generation) ? JsonObjectFile.read(generation) : null);
    }

    static Result parse(JsonObjectFile file, @Nullable JsonObjectFile generation) {
        Architecture architecture = architecture(file);
        refuseUnsupported(file, architecture);
        Defaults defaults = Defaults.of(architecture);
        int hidden = file.integer("hidden_size", defaults.hidden());
        int heads = file.integer("num_attention_heads", defaults.heads());
        int keyValueHeads =
                file.integer("num_key_value_heads", Objects.requireNonNullElse(defaults.keyValueHeads(), heads));
        // An explicit null means "as many as the query heads", for every type.
        if (file.keys().contains("num_key_value_heads") && !file.isGiven("num_key_value_heads")) {
            keyValueHeads = heads;
        }
        int layers = file.integer("num_hidden_layers", defaults.layers());
        int positions = file.integer("max_position_embeddings", defaults.positions());
        checkLayerTypes(file, layers);
        Rope rope = rope(file, positions, defaults.theta());
        DType dtype = dtype(file);
        List<Integer> eos = generation == null ? null : ids("eos_token_id", generation);
        if (eos == null) {
            eos = file.keys().contains("eos_token_id") ? ids("eos_token_id", file) : defaults.eos();
        }
        try {
            ModelConfig config = new ModelConfig(
                    architecture,
                    file.integer("vocab_size", defaults.vocabulary()),
                    hidden,
                    layers,
                    heads,
                    keyValueHeads,
                    headDim(file, defaults, hidden, heads),
                    file.integer("intermediate_size", defaults.intermediate()),
                    file.number("rms_norm_eps", 1e-6),
                    rope.theta(),
                    rope.scaling(),
                    architecture == Architecture.SMOLLM3 ? layersWithoutRotation(file, layers) : List.of(),
                    architecture == Architecture.MISTRAL ? slidingWindow(file, positions) : null,
                    positions,
                    file.flag("tie_word_embeddings", defaults.tied()),
                    architecture == Architecture.QWEN2 || file.flag("attention_bias", false),
                    file.flag("mlp_bias", false),
                    architecture == Architecture.QWEN3_MOE ? moe(file, layers) : null,
                    dtype == null ? DType.F32 : dtype,
                    id("bos_token_id", file, generation, defaults.bos()),
                    eos == null ? List.of() : eos,
                    id("pad_token_id", file, generation, defaults.pad()));
            return new Result(config, dtype != null);
        } catch (IllegalArgumentException e) {
            throw new ModelFormatException(file.file(), String.valueOf(e.getMessage()), e);
        }
    }

    private static Architecture architecture(JsonObjectFile file) {
        String type = file.text("model_type");
        for (Architecture architecture : Architecture.values()) {
            if (architecture.modelType().equals(type)) {
                List<String> classes = file.texts("architectures");
                if (classes != null
                        && !classes.isEmpty()
                        && classes.stream().noneMatch(architecture.className()::equalsIgnoreCase)) {
                    throw file.refusal("architectures", "[\"" + architecture.className() + "\"]");
                }
                return architecture;
            }
        }
        String supported = String.join(
                ", ",
                Arrays.stream(Architecture.values())
                        .map(Architecture::modelType)
                        .toList());
        throw file.refusal("model_type", "one of " + supported);
    }

    private static void refuseUnsupported(JsonObjectFile file, Architecture architecture) {
        String act = file.text("hidden_act");
        if (act != null && !act.equals("silu") && !act.equals("swish")) {
            throw file.refusal("hidden_act", "silu", "; other activations are not supported");
        }
        if (file.flag("use_sliding_window", false)) {
            throw file.refusal("use_sliding_window", "false", "; sliding-window attention is not supported");
        }
        // Stands in Qwen3-Coder's files; transformers does not read it, the norms are always there.
        boolean normed = architecture == Architecture.QWEN3 || architecture == Architecture.QWEN3_MOE;
        if (normed && !file.flag("use_qk_norm", true)) {
            throw file.refusal("use_qk_norm", "true or absent for " + architecture.modelType());
        }
        if (file.isGiven("quantization_config") || file.isGiven("compression_config")) {
            String key = file.isGiven("quantization_config") ? "quantization_config" : "compression_config";
            throw file.refusal(
                    key, "absent", "; quantised weights are not supported, use the model's f32, f16 or bf16 weights");
        }
        refusePartialRotation(file);
        Set<String> known = new HashSet<>(SUPPORTED);
        known.addAll(Objects.requireNonNull(SUPPORTED_BY_ARCHITECTURE.get(architecture)));
        for (String key : file.keys()) {
            boolean harmless = known.contains(key)
                    || HARMLESS.contains(key)
                    || key.startsWith("_")
                    || key.startsWith("unsloth_")
                    || isNeutral(file, key);
            if (!harmless) {
                throw file.refusal(
                        key,
                        FACTORS.contains(key) ? "1 or absent" : "absent",
                        "; it is not supported and might change the result (if it is a note only, remove it)");
            }
        }
    }

    private static boolean isNeutral(JsonObjectFile file, String key) {
        return FACTORS.contains(key) ? !file.isGiven(key) || isOne(file, key) : file.isNeutral(key);
    }

    private static boolean isOne(JsonObjectFile file, String key) {
        return file.number(key, 1) == 1;
    }

    private static void refusePartialRotation(JsonObjectFile file) {
        if (!isOne(file, "partial_rotary_factor")) {
            throw file.refusal("partial_rotary_factor", "1", "; partial rotation is not supported");
        }
    }

    private static void checkLayerTypes(JsonObjectFile file, int layers) {
        List<String> types = file.texts("layer_types");
        if (types == null) {
            return;
        }
        if (types.size() != layers) {
            throw file.refusal("layer_types", "a list of num_hidden_layers (" + layers + ") names");
        }
        for (String type : types) {
            if (!type.equals("full_attention") && !type.equals("attention")) {
                throw file.refusal("layer_types", "full_attention everywhere", "; other attention is not supported");
            }
        }
    }

    private static int headDim(JsonObjectFile file, Defaults defaults, int hidden, int heads) {
        Integer given = file.integer("head_dim");
        if (given != null) {
            return given;
        }
        if (defaults.headDim() != null && !file.keys().contains("head_dim")) {
            return defaults.headDim();
        }
        if (heads < 1 || hidden % heads != 0) {
            throw file.refusal(
                    "hidden_size", "a multiple of num_attention_heads (" + heads + ") where head_dim is not given");
        }
        return hidden / heads;
    }

    /** Where {@code no_rope_layers} is 0; without it, every {@code no_rope_layer_interval}-th layer, 4 by default. */
    private static List<Integer> layersWithoutRotation(JsonObjectFile file, int layers) {
        List<Integer> given = file.integers("no_rope_layers");
        if (given == null) {
            int interval = file.integer("no_rope_layer_interval", 4);
            if (interval < 1) {
                throw file.refusal("no_rope_layer_interval", "positive");
            }
            return IntStream.range(0, layers)
                    .filter(layer -> (layer + 1) % interval == 0)
                    .boxed()
                    .toList();
        }
        if (given.size() < layers || given.stream().anyMatch(flag -> flag != 0 && flag != 1)) {
            throw file.refusal(
                    "no_rope_layers",
                    "a list of num_hidden_layers (" + layers + ") numbers, 1 with rotation, 0 without");
        }
        return IntStream.range(0, layers)
                .filter(layer -> given.get(layer) == 0)
                .boxed()
                .toList();
    }

    /** Null for none. A file that does not name it means 4,096, as transformers has it. */
    private static @Nullable Integer slidingWindow(JsonObjectFile file, int positions) {
        Integer window =
                file.keys().contains("sliding_window") ? file.integer("sliding_window") : Integer.valueOf(4096);
        if (window != null && window < positions) {
            throw file.refusal(
                    "sliding_window",
                    "null or at least max_position_embeddings (" + positions + ")",
                    (file.isGiven("sliding_window") ? "" : ", which means 4096")
                            + "; sliding-window attention is not supported");
        }
        return window;
    }

    private record Rope(double theta, RopeScaling scaling) {}

    private static Rope rope(JsonObjectFile file, int positions, double absent) {
        // transformers: rope_scaling wins where it says something; a base inside wins over the one outside.
        JsonObjectFile scaling = file.object("rope_scaling");
        if (scaling == null || scaling.keys().isEmpty()) {
            scaling = file.object("rope_parameters");
        }
        Double outside = file.number("rope_theta");
        if (scaling == null) {
            return new Rope(outside == null ? absent : outside, new RopeScaling.None());
        }
        Double inside = scaling.number("rope_theta");
        if (inside != null && outside != null && !inside.equals(outside)) {
            throw scaling.refusal("rope_theta", "the same as rope_theta outside (" + outside + ")");
        }
        refusePartialRotation(scaling);
        String key = scaling.isGiven("rope_type") || !scaling.isGiven("type") ? "rope_type" : "type";
        String type = Objects.requireNonNullElse(scaling.text(key), "default");
        Set<String> known = switch (type) {
            case "default" -> Set.of("original_max_position_embeddings");
            case "linear" -> Set.of("factor", "original_max_position_embeddings");
            case "llama3" ->
                Set.of("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings");
            case "yarn" ->
                Set.of(
                        "factor",
                        "original_max_position_embeddings",
                        "beta_fast",
                        "beta_slow",
                        "attention_factor",
                        "mscale",
                        "mscale_all_dim",
                        "truncate",
                        // A note of the first models with it.
                        "finetuned");
            default ->
                throw scaling.refusal(
                        key, "default, linear, llama3 or yarn", "; other rotary scalings are not supported");
        };
        for (String other : scaling.keys()) {
            if (!known.contains(other)
                    && !Set.of("rope_theta", "rope_type", "type", "partial_rotary_factor")
                            .contains(other)
                    && !(other.equals("factor") ? isOne(scaling, other) : isNeutral(scaling, other))) {
                throw scaling.refusal(other, "absent for rope_type " + type);
            }
        }
        double theta = inside != null ? inside : outside != null ? outside : absent;
        try {
            return new Rope(
                    theta,
                    switch (type) {
                        case "linear" -> new RopeScaling.Linear(required(scaling, "factor"));
                        case "llama3" ->
                            new RopeScaling.Llama3(
                                    required(scaling, "factor"),
                                    required(scaling, "low_freq_factor"),
                                    required(scaling, "high_freq_factor"),
                                    scaling.integer("original_max_position_embeddings", positions));
                        case "yarn" -> yarn(scaling, positions);
                        default -> new RopeScaling.None();
                    });
        } catch (IllegalArgumentException e) {
            throw new ModelFormatException(file.file(), "rope scaling: " + e.getMessage(), e);
        }
    }

    private static RopeScaling.Yarn yarn(JsonObjectFile scaling, int positions) {
        int original = scaling.integer("original_max_position_embeddings", positions);
        Double given = scaling.number("factor");
        double factor = given != null ? given : (double) positions / original;
        Double attention = scaling.number("attention_factor");
        if (attention == null) {
            double scale = scaling.number("mscale", 0);
            double allDimensions = scaling.number("mscale_all_dim", 0);
            attention = scale == 0 || allDimensions == 0
                    ? RopeScaling.Yarn.attentionFactor(factor)
                    : RopeScaling.Yarn.attentionFactor(factor, scale)
                            / RopeScaling.Yarn.attentionFactor(factor, allDimensions);
        }
        // As transformers has it, 0 stands for the default.
        double fast = scaling.number("beta_fast", 0);
        double slow = scaling.number("beta_slow", 0);
        return new RopeScaling.Yarn(
                factor,
                original,
                fast == 0 ? 32 : fast,
                slow == 0 ? 1 : slow,
                attention,
                scaling.flag("truncate", true));
    }

    private static double required(JsonObjectFile object, String key) {
        Double value = object.number(key);
        if (value == null) {
            throw object.refusal(key, "a number");
        }
        return value;
    }

    private static Moe moe(JsonObjectFile file, int layers) {
        Integer experts = file.integer("num_experts");
        Integer localExperts = file.integer("num_local_experts");
        if (experts != null && localExperts != null && !experts.equals(localExperts)) {
            throw file.refusal("num_local_experts", "the same as num_experts (" + experts + ")");
        }
        List<Integer> dense = Objects.requireNonNullElse(file.integers("mlp_only_layers"), List.of());
        for (int layer : dense) {
            if (layer < 0 || layer >= layers) {
                throw file.refusal("mlp_only_layers", "a list of layers below num_hidden_layers (" + layers + ")");
            }
        }
        return new Moe(
                experts != null ? experts : localExperts != null ? localExperts : 128,
                file.integer("num_experts_per_tok", 8),
                file.integer("moe_intermediate_size", 768),
                file.flag("norm_topk_prob", false),
                file.integer("decoder_sparse_step", 1),
                dense);
    }

    private static @Nullable DType dtype(JsonObjectFile file) {
        // transformers: dtype wins over torch_dtype.
        String key = file.isGiven("dtype") ? "dtype" : "torch_dtype";
        String name = file.text(key);
        if (name == null) {
            return null;
        }
        String plain = name.startsWith("torch.") ? name.substring("torch.".length()) : name;
        return switch (plain) {
            case "float32", "float" -> DType.F32;
            case "float16", "half" -> DType.F16;
            case "bfloat16" -> DType.BF16;
            case "float64", "double" -> DType.F64;
            default -> throw file.refusal(key, "float32, float16 or bfloat16");
        };
    }

    static String dtypeName(DType dtype) {
        return switch (dtype) {
            case F64 -> "float64";
            case F32 -> "float32";
            case F16 -> "float16";
            case BF16 -> "bfloat16";
            default ->
                throw new IllegalArgumentException(
                        "dtype must be floating, got: " + dtype.name().toLowerCase(Locale.ROOT));
        };
    }

    private static @Nullable Integer id(
            String key, JsonObjectFile file, @Nullable JsonObjectFile generation, @Nullable Integer absent) {
        Integer id = generation == null ? null : generation.integer(key);
        if (id == null) {
            id = file.keys().contains(key) ? file.integer(key) : absent;
        }
        // Old checkpoints write -1 for none.
        return id == null || id < 0 ? null : id;
    }

    /** Ids or null where the key is absent; as in {@link #id}, -1 stands for none. */
    private static @Nullable List<Integer> ids(String key, JsonObjectFile file) {
        List<Integer> ids = file.integers(key);
        if (ids == null) {
            return null;
        }
        for (int id : ids) {
            if (id < -1) {
                throw file.refusal(key, "an id or a list of ids");
            }
        }
        return ids.stream().filter(id -> id >= 0).toList();
    }
}
