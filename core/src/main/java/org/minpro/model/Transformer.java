package org.minpro.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * A decoder-only transformer (Llama, Mistral, Qwen2, Qwen3, Qwen3-MoE, SmolLM3): RMSNorm, rotary grouped-query attention, SwiGLU.
 *
 * <p>Sampler and trainer run this same module: {@link #prefill} and {@link #decode} with a cache, {@link #hidden} over
 * whole rows. Matrix products run in the parameters' type; the rotation and the router run in float32 (float64 for float64
 * parameters), whatever that type is, and so does attention, but on a GPU, where it has the parameters' type.
 */
public final class Transformer implements AutoCloseable {
    /** Rows of a matrix product are padded to this many, so that the kernel chosen does not depend on the data. */
    static final int ROW_STEP = 16;

    private final ModelConfig config;
    private final Parameters parameters;
    private final List<DecoderLayer> layers = new ArrayList<>();
    private final RotaryTable rotary;
    private final DType attentionType;
    private final boolean ownsRotary;
    private final LinearMap map;
    private final Parameter norm;
    private final Projection outputHead;
    private final ModelSteps steps;

    private @Nullable Consumer<Routing> routingListener;

    public Transformer(ModelConfig config, Parameters parameters) {
        this(config, parameters, steps(config, parameters));
    }

    /** @param steps what it computes with between its products */
    public Transformer(ModelConfig config, Parameters parameters, ModelSteps steps) {
        this(config, parameters, steps, null, LinearMap.PLAIN);
    }

    private Transformer(
            ModelConfig config, Parameters parameters, ModelSteps steps, @Nullable RotaryTable rotary, LinearMap map) {
        this.config = config;
        this.parameters = parameters;
        this.steps = steps;
        this.map = map;
        this.attentionType = attentionType(parameters);
        this.ownsRotary = rotary == null;
        this.rotary = rotary != null ? rotary : new RotaryTable(config, device(), attentionType, 256);
        for (int i = 0; i < config.layers(); i++) {
            layers.add(new DecoderLayer(config, parameters, i, steps, map));
        }
        norm = parameters.parameter("model.norm.weight");
        outputHead =
                Projection.of(parameters, config.tieWordEmbeddings() ? "model.embed_tokens" : "lm_head", steps, map);
    }

    /** Libtorch's alone compute with several types in one model. */
    private static ModelSteps steps(ModelConfig config, Parameters parameters) {
        DType type = parameters.type();
        return parameters.areAll(type)
                ? Kernels.steps(config, parameters.device(), type)
                : Kernels.libtorch(config, parameters.device(), type);
    }

    private static DType attentionType(Parameters parameters) {
        return parameters.type() == DType.F64 ? DType.F64 : DType.F32;
    }

    /** The same model over other parameters of the same shapes, such as a block's aliases. */
    public Transformer over(Parameters other) {
        return new Transformer(config, other, steps, rotary, map);
    }

    /** The same model with its linear maps computed another way. */
    Transformer with(LinearMap other) {
        return new Transformer(config, parameters, steps, rotary, other);
    }

    /** What it computes with between its products. */
    public ModelSteps steps() {
        return steps;
    }

    public ModelConfig config() {
        return config;
    }

    public Parameters parameters() {
        return parameters;
    }

    /** Where the parameters are, and what is computed with them. */
    public Device device() {
        return parameters.device();
    }

    /** The embedding, {@code [vocabulary, hidden]}. */
    public Tensor embedding() {
        return parameters.stored("model.embed_tokens.weight");
    }

    /** The output head's weights, {@code [vocabulary, hidden]}: the embedding where the two are tied. */
    public Tensor head() {
        return outputHead.weight();
    }

    /** From hidden states to logits in the parameters' type, {@code [tokens, vocabulary]}. */
    Projection outputHead() {
        return outputHead;
    }

    /** Reports every sparse layer's routing in {@link #hidden} to {@code listener}; null stops it. */
    public void onRouting(@Nullable Consumer<Routing> listener) {
        routingListener = listener;
    }

    /**
     * What a sparse layer decided.
     *
     * @param layer the layer's index
     * @param probabilities of every expert for each token, {@code [tokens, experts]} float32; freed after the layer
     * @param chosen experts of each token, {@code [tokens, expertsPerToken]}
     */
    public record Routing(int layer, Tensor probabilities, Tensor chosen) {}

    /**
     * Final hidden states of the positions that predict the block's response tokens, row after row,
     * {@code [responseTokens, hidden]}; without gradients.
     */
    public Tensor hidden(TokenBlock block) {
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            TokenBlock.Placed placed = block.place(device());
            BlockAttention attention = steps.attention(placed.sequences());
            return scope.keep(hidden(placed, qkv -> attention.forward(qkv).output()));
        }
    }

    /**
     * {@link #hidden(TokenBlock)} with an attention of the caller's, which may be one that autograd differentiates.
     *
     * @param attention from rotated queries, keys and values, {@code [tokens, heads or keyValueHeads, headDim]}, to
     *     {@code [tokens, heads * headDim]}
     */
    Tensor hidden(TokenBlock.Placed placed, Function<Tensor[], Tensor> attention) {
        Tensor[] rotation = rotary.at(placed.positions(), placed.highestPosition());
        Residual residual = new Residual(Tensor.embedding(embedding(), placed.ids()), null);
        for (DecoderLayer layer : layers) {
            try (Scope scope = Scope.open()) {
                ModelSteps.Sum input = layer.input(residual);
                Tensor attended = attention.apply(layer.queryKeyValue(input.normed(), rotation));
                residual = layer.afterAttention(input.sum(), attended, routingListener)
                        .keptBy(scope);
            }
        }
        return readOut(placed, residual.sum()).hidden();
    }

    /**
     * {@link #hidden(TokenBlock)} with its way back; for a model over {@linkplain Parameters#alias leaves}. Everything it
     * needs lives in the current scope; layers below the lowest trained one need nothing.
     */
    public ForwardPass record(TokenBlock block) {
        TokenBlock.Placed placed = block.place(device());
        BlockAttention attention = steps.attention(placed.sequences());
        Tensor[] rotation = rotary.at(placed.positions(), placed.highestPosition());
        Residual residual = new Residual(Tensor.embedding(embedding().detach(), placed.ids()), null);
        List<DecoderLayer.Backward> backward = new ArrayList<>();
        int lowest = parameters.selection().lowestLayer();
        for (DecoderLayer layer : layers.subList(0, lowest)) {
            try (Scope scope = Scope.open()) {
                residual = layer.record(residual, rotation, attention, routingListener)
                        .result()
                        .keptBy(scope);
            }
        }
        for (DecoderLayer layer : layers.subList(lowest, layers.size())) {
            DecoderLayer.Recorded recorded = layer.record(residual, rotation, attention, routingListener);
            backward.add(recorded.backward());
            residual = recorded.result();
        }
        Tensor last;
        try (NoGradient off = NoGradient.open()) {
            last = residual.sum();
        }
        return new ForwardPass(
                parameters, placed.ids(), readOut(placed, last), backward, lowest, config.tieWordEmbeddings());
    }

    private ForwardPass.ReadOut readOut(TokenBlock.Placed placed, Tensor last) {
        return new ForwardPass.ReadOut(steps, norm, config.rmsNormEpsilon(), last, placed.predicting());
    }

    /**
     * Runs a prompt by itself; the result depends on nothing but the prompt and the weights.
     *
     * @return the prompt's keys and values, to be closed by the caller
     */
    public KeyValueCache.Prefix prefill(int[] prompt) {
        if (prompt.length == 0) {
            throw new IllegalArgumentException("a prompt must have at least one token, got: 0");
        }
        int padded = steps.padded(prompt.length);
        long[] ids = new long[padded];
        for (int i = 0; i < prompt.length; i++) {
            ids[i] = prompt[i];
        }
        try (NoGradient off = NoGradient.open();
                Scope scope = Scope.open()) {
            Tensor[] rotation = rotary.at(Tensor.range(device(), 0, padded), padded - 1);
            Residual residual = new Residual(Tensor.embedding(embedding(), Tensor.of(device(), ids)), null);
            Entries entries = new Entries(padded);
            Tensor sums = throughLayers(
                    residual,
                    rotation,
                    List.of(new TokenBlock.Sequence(new TokenBlock.Span(0, padded), List.of())),
                    entries);
            Tensor hidden = steps.norm(sums.narrow(0, prompt.length - 1, 1), norm, config.rmsNormEpsilon());
            return new KeyValueCache.Prefix(prompt.length, entries.of(0, padded), hidden.retain());
        }
    }

    /**
     * Runs several prompts at once, each by itself: what a GPU wants. Each has the result of {@link #prefill(int[])} up to
     * rounding.
     *
     * @param prompts none empty
     * @return their keys and values, each to be closed by the caller
     */
    public List<KeyValueCache.Prefix> prefill(List<int[]> prompts) {
        List<TokenBlock.Sequence> sequences = new ArrayList<>();
        long tokens = 0;
        int longest = 0;
        for (int[] prompt : prompts) {
            if (prompt.length == 0) {
                throw new IllegalArgumentException("a prompt must have at least one token, got: 0");
            }
            sequences.add(new TokenBlock.Sequence(new TokenBlock.Span(tokens, prompt.length), List.of()));
            tokens += prompt.length;
            longest = Math.max(longest, prompt.length);
        }
        long[] ids = new long[Math.toIntExact(tokens)];
        long[] positions = new long[ids.length];
        long[] last = new long[prompts.size()];
        int at = 0;
        for (int i = 0; i < last.length; i++) {
            for (int position = 0; position < prompts.get(i).length; position++) {
                ids[at] = prompts.get(i)[position];
                positions[at++] = position;
            }
            last[i] = at - 1L;
        }
        try (NoGradient off = NoGradient.open();
                Scope scope = Scope.open()) {
            Tensor[] rotation = rotary.at(Tensor.of(device(), positions), longest - 1L);
            Residual residual = new Residual(Tensor.embedding(embedding(), Tensor.of(device(), ids)), null);
            Entries entries = new Entries(tokens);
            Tensor sums = throughLayers(residual, rotation, sequences, entries);
            Tensor hidden = steps.norm(sums.indexSelect(0, Tensor.of(device(), last)), norm, config.rmsNormEpsilon());
            List<KeyValueCache.Prefix> prefixes = new ArrayList<>();
            for (int i = 0; i < last.length; i++) {
                TokenBlock.Span span = sequences.get(i).trunk();
                prefixes.add(new KeyValueCache.Prefix(
                        prompts.get(i).length,
                        // A view: the memory of all is one, and free when the last prefix is closed.
                        entries.of(span.start(), span.length()),
                        hidden.narrow(0, i, 1).retain()));
            }
            return prefixes;
        }
    }

    /** What the last layer gives for sequences of new tokens, {@code [tokens, hidden]}; to be called without gradients. */
    private Tensor throughLayers(
            Residual embedded, Tensor[] rotation, List<TokenBlock.Sequence> sequences, Entries entries) {
        Residual residual = embedded;
        BlockAttention attention = steps.attention(sequences);
        for (int i = 0; i < layers.size(); i++) {
            try (Scope ofLayer = Scope.open()) {
                DecoderLayer layer = layers.get(i);
                ModelSteps.Sum input = layer.input(residual);
                Tensor[] queryKeyValue = layer.queryKeyValue(input.normed(), rotation);
                entries.take(i, queryKeyValue, ofLayer);
                Tensor attended = attention.forward(queryKeyValue).output();
                residual = layer.afterAttention(input.sum(), attended, null).keptBy(ofLayer);
            }
        }
        return residual.sum();
    }

    /** Keys and values of tokens in all layers, as {@link KeyValueCache.Prefix} has them. */
    private final class Entries {
        private final long tokens;
        private @Nullable Tensor all;

        Entries(long tokens) {
            this.tokens = tokens;
        }

        void take(int layer, Tensor[] queryKeyValue, Scope ofLayer) {
            Tensor key = queryKeyValue[1];
            if (all == null) {
                all = ofLayer.keep(Tensor.empty(
                        key.device(), steps.waiting(key.type()), 2, layers.size(), tokens, key.size(1), key.size(2)));
            }
            for (int i = 0; i < 2; i++) {
                all.select(0, i).select(0, layer).copyInPlace(queryKeyValue[1 + i]);
            }
        }

        /** A view of some tokens' entries, the caller's. */
        Tensor of(long start, long length) {
            return Objects.requireNonNull(all).narrow(2, start, length).retain();
        }
    }

    /**
     * One token for slots of a cache; to be called without gradients.
     *
     * @param slots of the rows, as {@link KeyValueCache#admit} wants them
     * @param ids the tokens, {@code [rows]}
     * @param positions where they stand, each below the cache's capacity
     * @return final hidden states, {@code [rows, hidden]}
     */
    public Tensor decode(KeyValueCache cache, int[] slots, long[] ids, long[] positions) {
        if (ids.length != slots.length || positions.length != slots.length) {
            throw new IllegalArgumentException("ids and positions must be as many as slots (" + slots.length
                    + "), got: " + ids.length + " ids and " + positions.length + " positions");
        }
        KeyValueCache.Step step = cache.admit(slots, positions);
        Tensor[] rotation = rotary.at(
                Tensor.of(device(), positions), Arrays.stream(positions).max().orElseThrow());
        Residual residual = new Residual(Tensor.embedding(embedding(), Tensor.of(device(), ids)), null);
        for (int i = 0; i < layers.size(); i++) {
            // The next layer takes this one's memory, which the caches still hold.
            try (Scope ofLayer = Scope.open()) {
                DecoderLayer layer = layers.get(i);
                ModelSteps.Sum input = layer.input(residual);
                Tensor attended = step.attend(i, layer.queryKeyValue(input.normed(), rotation));
                residual = layer.afterAttention(input.sum(), attended, null).keptBy(ofLayer);
            }
        }
        return residual.normed(steps, norm, config.rmsNormEpsilon()).normed();
    }

    /** An empty cache for {@link #decode}, see {@link ModelSteps#cache}; owned until closed. */
    public KeyValueCache cache(int slots, int capacity, int newTokens) {
        return steps.cache(slots, capacity, newTokens);
    }

    /**
     * Logits of hidden states, {@code [tokens, vocabulary]}, float32 (float64 for float64 parameters); to be called without
     * gradients.
     */
    public Tensor logits(Tensor hidden) {
        return widened(outputHead.apply(hidden));
    }

    /** Float32 (float64 for float64 parameters). */
    Tensor widened(Tensor logits) {
        return logits.to(attentionType);
    }

    @Override
    public void close() {
        if (ownsRotary) {
            rotary.close();
        }
    }
}
