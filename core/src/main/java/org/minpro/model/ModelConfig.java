package org.minpro.model;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.DType;
import tools.jackson.databind.json.JsonMapper;

/**
 * The shape of a decoder-only transformer, as {@code config.json} of a Hugging Face folder describes it.
 *
 * <p>Everything that changes a log-probability is a component or is fixed by {@link #architecture}; whatever else a file
 * asks for is refused when it is read, see {@link #read}.
 *
 * @param architecture which of the supported families
 * @param vocabSize rows of the embedding
 * @param hiddenSize width of the residual stream
 * @param layers number of decoder layers
 * @param heads query heads; a multiple of {@code keyValueHeads}
 * @param keyValueHeads key and value heads (grouped-query attention)
 * @param headDim width of a head, even; not necessarily {@code hiddenSize / heads}
 * @param intermediateSize inner width of a dense feed-forward block
 * @param rmsNormEpsilon added to the mean square
 * @param ropeTheta base of the rotary frequencies
 * @param ropeScaling change of those frequencies
 * @param layersWithoutRotation layers, counted from 0 and ascending, whose queries and keys are not rotated
 * @param slidingWindow tokens that a token can see, itself among them, or null for all before it; at least {@code
 *     maxPositions}, so that it hides nothing up to there. Longer sequences are not those of the model
 * @param maxPositions longest sequence the model was made for, in tokens; the computation does not depend on it
 * @param tieWordEmbeddings whether the head is the embedding
 * @param attentionBias whether the query, key and value projections have a bias
 * @param mlpBias whether the feed-forward projections have a bias
 * @param moe mixture-of-experts feed-forward blocks, or null where every layer is dense
 * @param storedDType dtype of the weights in the folder: F32, F16 or BF16 (F64 for tests)
 * @param bosId first token of a text, or null
 * @param eosIds tokens that end a response, the model's own first; may be empty
 * @param padId padding token, or null
 */
public record ModelConfig(
        Architecture architecture,
        int vocabSize,
        int hiddenSize,
        int layers,
        int heads,
        int keyValueHeads,
        int headDim,
        int intermediateSize,
        double rmsNormEpsilon,
        double ropeTheta,
        RopeScaling ropeScaling,
        List<Integer> layersWithoutRotation,
        @Nullable Integer slidingWindow,
        int maxPositions,
        boolean tieWordEmbeddings,
        boolean attentionBias,
        boolean mlpBias,
        @Nullable Moe moe,
        DType storedDType,
        @Nullable Integer bosId,
        List<Integer> eosIds,
        @Nullable Integer padId) {

    // Far above any model that exists, far below what overflows an index or a product of two of them.
    static final int MAX_VOCABULARY = 1 << 24;
    static final int MAX_WIDTH = 1 << 20;
    static final int MAX_LAYERS = 1 << 12;
    static final int MAX_HEADS = 1 << 14;
    static final int MAX_HEAD_DIM = 1 << 14;
    static final int MAX_EXPERTS = 1 << 14;
    static final int MAX_EXPERT_TENSORS = 1 << 20;

    /** The families of decoder-only transformers that can be read; each is one {@code model_type} of transformers. */
    public enum Architecture {
        LLAMA("llama", "LlamaForCausalLM"),
        MISTRAL("mistral", "MistralForCausalLM"),
        QWEN2("qwen2", "Qwen2ForCausalLM"),
        QWEN3("qwen3", "Qwen3ForCausalLM"),
        QWEN3_MOE("qwen3_moe", "Qwen3MoeForCausalLM"),
        SMOLLM3("smollm3", "SmolLM3ForCausalLM");

        private final String modelType;
        private final String className;

        Architecture(String modelType, String className) {
            this.modelType = modelType;
            this.className = className;
        }

        /** The value of {@code model_type} in {@code config.json}. */
        public String modelType() {
            return modelType;
        }

        /** The value of {@code architectures} in {@code config.json}. */
        public String className() {
            return className;
        }
    }

    /** How the rotary frequencies {@code f_i = theta^(-2i/headDim)} are changed to reach longer texts. */
    public sealed interface RopeScaling {
        /** The frequencies as they are. */
        record None() implements RopeScaling {}

        /** Position interpolation, {@code f_i / factor}. */
        record Linear(double factor) implements RopeScaling {
            public Linear {
                positive("factor", factor);
            }
        }

        /**
         * Llama 3.1: with wavelength {@code w = 2 pi / f} and context {@code c = originalMaxPositions}, {@code f} stays
         * where {@code w < c / highFrequencyFactor}, is divided by {@code factor} where {@code w > c / lowFrequencyFactor}
         * and is interpolated between: {@code (1 - s) f / factor + s f} with {@code s = (c / w - lowFrequencyFactor) /
         * (highFrequencyFactor - lowFrequencyFactor)}.
         */
        record Llama3(double factor, double lowFrequencyFactor, double highFrequencyFactor, int originalMaxPositions)
                implements RopeScaling {
            public Llama3 {
                positive("factor", factor);
                positive("low_freq_factor", lowFrequencyFactor);
                positive("high_freq_factor", highFrequencyFactor);
                check(
                        highFrequencyFactor > lowFrequencyFactor,
                        "high_freq_factor",
                        "greater than low_freq_factor (" + lowFrequencyFactor + ")",
                        highFrequencyFactor);
                check(originalMaxPositions > 0, "original_max_position_embeddings", "positive", originalMaxPositions);
            }
        }

        /**
         * YaRN (arXiv 2309.00071). A pair that turns {@code r} times over {@code originalMaxPositions} stands at {@code
         * d(r) = headDim log(originalMaxPositions / (2 pi r)) / (2 log theta)}. Pair {@code i} has the frequency {@code
         * (1 - s) f + s f / factor} with {@code s = (i - d(betaFast)) / (d(betaSlow) - d(betaFast))}, cut off at 0 and 1.
         * Cosines and sines are multiplied by {@code attentionFactor}.
         *
         * @param truncate whether {@code d(betaFast)} is rounded down and {@code d(betaSlow)} up
         */
        record Yarn(
                double factor,
                int originalMaxPositions,
                double betaFast,
                double betaSlow,
                double attentionFactor,
                boolean truncate)
                implements RopeScaling {
            public Yarn {
                positive("factor", factor);
                check(originalMaxPositions > 0, "original_max_position_embeddings", "positive", originalMaxPositions);
                positive("beta_fast", betaFast);
                positive("beta_slow", betaSlow);
                check(betaFast >= betaSlow, "beta_fast", "at least beta_slow (" + betaSlow + ")", betaFast);
                positive("attention_factor", attentionFactor);
            }

            /** The attention factor where nothing is said of it: {@code 0.1 log(factor) + 1}, 1 for factors up to 1. */
            public static double attentionFactor(double factor) {
                return attentionFactor(factor, 1);
            }

            static double attentionFactor(double factor, double scale) {
                return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
            }
        }
    }

    /**
     * Mixture-of-experts feed-forward blocks.
     *
     * @param experts experts of a sparse layer
     * @param expertsPerToken experts that each token goes through
     * @param expertIntermediateSize inner width of an expert
     * @param normTopKProb whether the chosen experts' probabilities are divided by their sum
     * @param decoderSparseStep layer i can be sparse where {@code (i + 1) % decoderSparseStep == 0}
     * @param mlpOnlyLayers layers that are dense nevertheless
     */
    public record Moe(
            int experts,
            int expertsPerToken,
            int expertIntermediateSize,
            boolean normTopKProb,
            int decoderSparseStep,
            List<Integer> mlpOnlyLayers) {
        public Moe {
            mlpOnlyLayers = List.copyOf(mlpOnlyLayers);
            range("num_experts", experts, MAX_EXPERTS);
            range("num_experts_per_tok", expertsPerToken, MAX_EXPERTS);
            check(
                    expertsPerToken <= experts,
                    "num_experts_per_tok",
                    "at most num_experts (" + experts + ")",
                    expertsPerToken);
            range("moe_intermediate_size", expertIntermediateSize, MAX_WIDTH);
            range("decoder_sparse_step", decoderSparseStep, Integer.MAX_VALUE);
        }

        /** Whether a layer, counted from 0, has experts. */
        public boolean isSparse(int layer) {
            return (layer + 1) % decoderSparseStep == 0 && !mlpOnlyLayers.contains(layer);
        }
    }

    public ModelConfig {
        eosIds = List.copyOf(eosIds);
        layersWithoutRotation = List.copyOf(layersWithoutRotation);
        range("vocab_size", vocabSize, MAX_VOCABULARY);
        range("hidden_size", hiddenSize, MAX_WIDTH);
        range("num_hidden_layers", layers, MAX_LAYERS);
        range("num_attention_heads", heads, MAX_HEADS);
        range("num_key_value_heads", keyValueHeads, MAX_HEADS);
        check(
                heads % keyValueHeads == 0,
                "num_key_value_heads",
                "a divisor of num_attention_heads (" + heads + ")",
                keyValueHeads);
        range("head_dim", headDim, MAX_HEAD_DIM);
        check(headDim % 2 == 0, "head_dim", "even", headDim);
        range("num_attention_heads * head_dim", (long) heads * headDim, MAX_WIDTH);
        range("intermediate_size", intermediateSize, MAX_WIDTH);
        positive("rms_norm_eps", rmsNormEpsilon);
        positive("rope_theta", ropeTheta);
        check(maxPositions > 0, "max_position_embeddings", "positive", maxPositions);
        check(
                (architecture == Architecture.QWEN3_MOE) == (moe != null),
                "moe",
                "given for qwen3_moe and for nothing else",
                moe);
        check(attentionBias || architecture != Architecture.QWEN2, "attention_bias", "true for qwen2", false);
        check(!attentionBias || architecture != Architecture.MISTRAL, "attention_bias", "false for mistral", true);
        check(!mlpBias || mayHaveMlpBias(architecture), "mlp_bias", "false but for llama and smollm3", mlpBias);
        int count = layers;
        check(
                layersWithoutRotation.isEmpty()
                        || architecture == Architecture.SMOLLM3
                                && layersWithoutRotation.stream().allMatch(layer -> layer >= 0 && layer < count)
                                && layersWithoutRotation.equals(layersWithoutRotation.stream()
                                        .sorted()
                                        .distinct()
                                        .toList()),
                "layers without rotation",
                "ascending, below num_hidden_layers (" + layers + "), and of smollm3 alone",
                layersWithoutRotation);
        check(
                slidingWindow == null || architecture == Architecture.MISTRAL && slidingWindow >= maxPositions,
                "sliding_window",
                "null, or for mistral at least max_position_embeddings (" + maxPositions + ")",
                slidingWindow);
        check(storedDType.isFloating(), "dtype", "a floating-point type", storedDType);
        if (moe != null) {
            range("num_hidden_layers * num_experts", (long) layers * moe.experts(), MAX_EXPERT_TENSORS);
        }
    }

    /**
     * Reads {@code config.json} and, where there is one, {@code generation_config.json} of a folder.
     *
     * <p>Absent keys take transformers' default of that {@code model_type}; both generations of names are read
     * ({@code rope_theta} and {@code rope_scaling}, {@code rope_parameters}; {@code torch_dtype}, {@code dtype};
     * {@code num_experts}, {@code num_local_experts}). A key that asks for something unsupported is refused. So is a key
     * that is neither supported nor on the list of keys that change no log-probability, unless its value is null, false,
     * 0 or empty: a model whose file says more than is understood would give wrong numbers silently.
     *
     * @throws ModelFormatException naming file, key and value
     */
    public static ModelConfig read(Path folder) {
        return ModelConfigReader.read(folder).config();
    }

    /** Whether queries and keys are RMS-normalised per head before the rotation, with weights of their own. */
    public boolean queryKeyNorm() {
        return architecture == Architecture.QWEN3 || architecture == Architecture.QWEN3_MOE;
    }

    private static boolean mayHaveMlpBias(Architecture architecture) {
        return architecture == Architecture.LLAMA || architecture == Architecture.SMOLLM3;
    }

    /** Whether queries and keys of a layer, counted from 0, are rotated. */
    public boolean isRotated(int layer) {
        return !layersWithoutRotation.contains(layer);
    }

    /** Whether the attention's output projection has a bias. */
    public boolean attentionOutputBias() {
        return attentionBias && architecture != Architecture.QWEN2;
    }

    /** Whether a layer, counted from 0, has experts. */
    public boolean isSparse(int layer) {
        return moe != null && moe.isSparse(layer);
    }

    public ModelConfig withStoredDType(DType dtype) {
        return new ModelConfig(
                architecture,
                vocabSize,
                hiddenSize,
                layers,
                heads,
                keyValueHeads,
                headDim,
                intermediateSize,
                rmsNormEpsilon,
                ropeTheta,
                ropeScaling,
                layersWithoutRotation,
                slidingWindow,
                maxPositions,
                tieWordEmbeddings,
                attentionBias,
                mlpBias,
                moe,
                dtype,
                bosId,
                eosIds,
                padId);
    }

    /** Numbers that the parameters are. */
    public long parameterCount() {
        return parameterShapes().values().stream()
                .mapToLong(shape -> Arrays.stream(shape).reduce(1, (a, b) -> a * b))
                .sum();
    }

    /**
     * Names and shapes of the parameters in their canonical order: as in a Hugging Face checkpoint, but for experts, which
     * are stacked: {@code model.layers.I.mlp.experts.gate_proj.weight [experts, expertIntermediateSize, hiddenSize]}, and
     * {@code up_proj} alike, {@code down_proj [experts, hiddenSize, expertIntermediateSize]}. A tied head is no parameter.
     */
    public SequencedMap<String, long[]> parameterShapes() {
        SequencedMap<String, long[]> shapes = new LinkedHashMap<>();
        shapes.put("model.embed_tokens.weight", new long[] {vocabSize, hiddenSize});
        for (int layer = 0; layer < layers; layer++) {
            layerShapes(layer, shapes);
        }
        shapes.put("model.norm.weight", new long[] {hiddenSize});
        if (!tieWordEmbeddings) {
            shapes.put("lm_head.weight", new long[] {vocabSize, hiddenSize});
        }
        return shapes;
    }

    private void layerShapes(int layer, Map<String, long[]> shapes) {
        String prefix = "model.layers." + layer + ".";
        shapes.put(prefix + "input_layernorm.weight", new long[] {hiddenSize});
        long queries = (long) heads * headDim;
        long keys = (long) keyValueHeads * headDim;
        projection(prefix + "self_attn.q_proj", queries, hiddenSize, attentionBias, shapes);
        projection(prefix + "self_attn.k_proj", keys, hiddenSize, attentionBias, shapes);
        projection(prefix + "self_attn.v_proj", keys, hiddenSize, attentionBias, shapes);
        projection(prefix + "self_attn.o_proj", hiddenSize, queries, attentionOutputBias(), shapes);
        if (queryKeyNorm()) {
            shapes.put(prefix + "self_attn.q_norm.weight", new long[] {headDim});
            shapes.put(prefix + "self_attn.k_norm.weight", new long[] {headDim});
        }
        shapes.put(prefix + "post_attention_layernorm.weight", new long[] {hiddenSize});
        if (moe != null && moe.isSparse(layer)) {
            long experts = moe.experts();
            long inner = moe.expertIntermediateSize();
            shapes.put(prefix + "mlp.gate.weight", new long[] {experts, hiddenSize});
            shapes.put(prefix + "mlp.experts.gate_proj.weight", new long[] {experts, inner, hiddenSize});
            shapes.put(prefix + "mlp.experts.up_proj.weight", new long[] {experts, inner, hiddenSize});
            shapes.put(prefix + "mlp.experts.down_proj.weight", new long[] {experts, hiddenSize, inner});
        } else {
            projection(prefix + "mlp.gate_proj", intermediateSize, hiddenSize, mlpBias, shapes);
            projection(prefix + "mlp.up_proj", intermediateSize, hiddenSize, mlpBias, shapes);
            projection(prefix + "mlp.down_proj", hiddenSize, intermediateSize, mlpBias, shapes);
        }
    }

    private static void projection(String name, long rows, long columns, boolean bias, Map<String, long[]> shapes) {
        shapes.put(name + ".weight", new long[] {rows, columns});
        if (bias) {
            shapes.put(name + ".bias", new long[] {rows});
        }
    }

    /** The number of parameters, a tied head not counted twice. */
    public long parameters() {
        return count(moe == null ? 0 : moe.experts());
    }

    /** The number of parameters that one token goes through: {@link #parameters} but for the experts not chosen. */
    public long activeParameters() {
        return count(moe == null ? 0 : moe.expertsPerToken());
    }

    private long count(long experts) {
        long total = (tieWordEmbeddings ? 1L : 2L) * vocabSize * hiddenSize + hiddenSize;
        long queries = (long) heads * headDim;
        long keys = (long) keyValueHeads * headDim;
        long attention = 2L * hiddenSize + 2 * (queries + keys) * hiddenSize;
        attention += attentionBias ? queries + 2 * keys : 0;
        attention += attentionOutputBias() ? hiddenSize : 0;
        attention += queryKeyNorm() ? 2L * headDim : 0;
        long dense = 3L * intermediateSize * hiddenSize + (mlpBias ? 2L * intermediateSize + hiddenSize : 0);
        for (int layer = 0; layer < layers; layer++) {
            total += attention;
            total += moe != null && moe.isSparse(layer)
                    ? (long) moe.experts() * hiddenSize + 3 * experts * moe.expertIntermediateSize() * hiddenSize
                    : dense;
        }
        return total;
    }

    /** Bytes of the weights in a dtype. */
    public long weightBytes(DType dtype) {
        return Math.multiplyExact(parameters(), (long) dtype.bytes());
    }

    /** Bytes that one token of one sequence takes in a key-value cache of a dtype. */
    public long cacheBytesPerToken(DType dtype) {
        return 2L * layers * keyValueHeads * headDim * dtype.bytes();
    }

    /**
     * This configuration as {@code config.json}: with the key names that both generations of transformers read, and the
     * same configuration again when it is read back.
     */
    public String json() {
        Map<String, @Nullable Object> keys = new LinkedHashMap<>();
        keys.put("architectures", List.of(architecture.className()));
        if (architecture != Architecture.QWEN2 && architecture != Architecture.MISTRAL) {
            keys.put("attention_bias", attentionBias);
        }
        keys.put("attention_dropout", 0.0);
        keys.put("bos_token_id", bosId);
        if (moe != null) {
            keys.put("decoder_sparse_step", moe.decoderSparseStep());
        }
        keys.put("eos_token_id", eosIds.isEmpty() ? null : eosIds.size() == 1 ? eosIds.getFirst() : eosIds);
        keys.put("head_dim", headDim);
        keys.put("hidden_act", "silu");
        keys.put("hidden_size", hiddenSize);
        keys.put("initializer_range", 0.02);
        keys.put("intermediate_size", intermediateSize);
        keys.put("max_position_embeddings", maxPositions);
        if (mayHaveMlpBias(architecture)) {
            keys.put("mlp_bias", mlpBias);
        }
        if (moe != null) {
            keys.put("mlp_only_layers", moe.mlpOnlyLayers());
        }
        keys.put("model_type", architecture.modelType());
        if (moe != null) {
            keys.put("moe_intermediate_size", moe.expertIntermediateSize());
            keys.put("norm_topk_prob", moe.normTopKProb());
        }
        if (architecture == Architecture.SMOLLM3) {
            // 1 for a layer with rotation, whatever the name says.
            keys.put(
                    "no_rope_layers",
                    IntStream.range(0, layers)
                            .map(layer -> isRotated(layer) ? 1 : 0)
                            .boxed()
                            .toList());
        }
        keys.put("num_attention_heads", heads);
        if (moe != null) {
            keys.put("num_experts", moe.experts());
            keys.put("num_experts_per_tok", moe.expertsPerToken());
        }
        keys.put("num_hidden_layers", layers);
        keys.put("num_key_value_heads", keyValueHeads);
        keys.put("pad_token_id", padId);
        keys.put("rms_norm_eps", rmsNormEpsilon);
        keys.put("rope_scaling", scalingKeys());
        keys.put("rope_theta", ropeTheta);
        if (architecture == Architecture.MISTRAL) {
            // Absent it would be 4,096.
            keys.put("sliding_window", slidingWindow);
        }
        keys.put("tie_word_embeddings", tieWordEmbeddings);
        keys.put("torch_dtype", ModelConfigReader.dtypeName(storedDType));
        keys.put("use_cache", true);
        if (architecture != Architecture.LLAMA && architecture != Architecture.MISTRAL) {
            keys.put("use_sliding_window", false);
        }
        keys.put("vocab_size", vocabSize);
        return JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(keys) + "\n";
    }

    private @Nullable Map<String, Object> scalingKeys() {
        return switch (ropeScaling) {
            case RopeScaling.None none -> null;
            case RopeScaling.Linear linear -> {
                Map<String, Object> keys = new LinkedHashMap<>();
                keys.put("rope_type", "linear");
                // Read by transformers before 4.43 only.
                keys.put("type", "linear");
                keys.put("factor", linear.factor());
                yield keys;
            }
            case RopeScaling.Llama3 llama3 -> {
                Map<String, Object> keys = new LinkedHashMap<>();
                keys.put("rope_type", "llama3");
                keys.put("factor", llama3.factor());
                keys.put("low_freq_factor", llama3.lowFrequencyFactor());
                keys.put("high_freq_factor", llama3.highFrequencyFactor());
                keys.put("original_max_position_embeddings", llama3.originalMaxPositions());
                yield keys;
            }
            case RopeScaling.Yarn yarn -> {
                Map<String, Object> keys = new LinkedHashMap<>();
                keys.put("rope_type", "yarn");
                keys.put("factor", yarn.factor());
                keys.put("original_max_position_embeddings", yarn.originalMaxPositions());
                keys.put("beta_fast", yarn.betaFast());
                keys.put("beta_slow", yarn.betaSlow());
                keys.put("attention_factor", yarn.attentionFactor());
                keys.put("truncate", yarn.truncate());
                yield keys;
            }
        };
    }

    private static void range(String name, long value, long maximum) {
        check(value >= 1 && value <= maximum, name, "from 1 to " + maximum, value);
    }

    private static void positive(String name, double value) {
        check(value > 0 && Double.isFinite(value), name, "positive and finite", value);
    }

    private static void check(boolean holds, String name, String rule, @Nullable Object value) {
        if (!holds) {
            throw new IllegalArgumentException(name + " must be " + rule + ", got: " + value);
        }
    }
}
