package org.minpro.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.DType;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * A decoder-only transformer (Llama, Qwen2, Qwen3, Qwen3-MoE): RMSNorm, rotary grouped-query attention, SwiGLU.
 *
 * <p>Sampler and trainer run this same module: {@link #prefill} and {@link #decode} with a cache, {@link #hidden} over
 * whole rows. Matrix products run in the parameters' type; attention, the rotation and the router run in float32 (float64
 * for float64 parameters), whatever that type is.
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
    private final Projection outputHead;
    /** By the capacity of a cache. */
    private final Map<Integer, Integer> leastEntries;

    private @Nullable Consumer<Routing> routingListener;

    public Transformer(ModelConfig config, Parameters parameters) {
        this(config, parameters, null, LinearMap.PLAIN, new ConcurrentHashMap<>());
    }

    private Transformer(
            ModelConfig config,
            Parameters parameters,
            @Nullable RotaryTable rotary,
            LinearMap map,
            Map<Integer, Integer> leastEntries) {
        this.config = config;
        this.parameters = parameters;
        this.map = map;
        this.leastEntries = leastEntries;
        this.attentionType = parameters.type() == DType.F64 ? DType.F64 : DType.F32;
        this.ownsRotary = rotary == null;
        this.rotary = rotary != null ? rotary : new RotaryTable(config, attentionType, 256);
        for (int i = 0; i < config.layers(); i++) {
            layers.add(new DecoderLayer(config, parameters, i, map));
        }
        outputHead = Projection.of(parameters, config.tieWordEmbeddings() ? "model.embed_tokens" : "lm_head", map);
    }

    /** The same model over other parameters of the same shapes, such as a lane's aliases. */
    public Transformer over(Parameters other) {
        return new Transformer(config, other, rotary, map, leastEntries);
    }

    /** The same model with its linear maps computed another way. */
    Transformer with(LinearMap other) {
        return new Transformer(config, parameters, rotary, other, leastEntries);
    }

    public ModelConfig config() {
        return config;
    }

    public Parameters parameters() {
        return parameters;
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
     * @param probabilities of every expert for each token that is no padding, {@code [tokens, experts]} float32, in the scope
     *     of the forward pass
     * @param chosen experts of each token, {@code [tokens, expertsPerToken]}
     */
    public record Routing(int layer, Tensor probabilities, Tensor chosen) {
        private Routing only(Tensor tokens) {
            return new Routing(layer, probabilities.indexSelect(0, tokens), chosen.indexSelect(0, tokens));
        }
    }

    /**
     * Final hidden states of the positions that predict the block's response tokens, row after row,
     * {@code [responseTokens, hidden]}.
     */
    public Tensor hidden(TokenBlock block) {
        TokenBlock.Placed placed = block.place(config.heads() / config.keyValueHeads(), attentionType);
        Tensor[] rotation = rotary.at(placed.positions(), placed.highestPosition());
        Tensor x = Tensor.embedding(embedding(), placed.ids());
        Consumer<Routing> routing = routingListener == null ? null : withoutPadding(routingListener, block);
        for (DecoderLayer layer : layers) {
            Tensor[] qkv = layer.rotated(layer.project(x), rotation);
            x = layer.afterAttention(x, attend(placed, qkv), routing);
        }
        return readOut(placed, x);
    }

    /**
     * {@link #hidden} with its way back; for a model over {@linkplain Parameters#alias leaves}. Everything it needs lives in
     * the current scope; layers below the lowest trained one need nothing.
     */
    public ForwardPass record(TokenBlock block) {
        TokenBlock.Placed placed = block.place(config.heads() / config.keyValueHeads(), attentionType);
        Tensor[] rotation = rotary.at(placed.positions(), placed.highestPosition());
        Tensor x = Tensor.embedding(embedding().detach(), placed.ids());
        Consumer<Routing> routing = routingListener == null ? null : withoutPadding(routingListener, block);
        List<DecoderLayer.Backward> backward = new ArrayList<>();
        int lowest = parameters.selection().lowestLayer();
        for (DecoderLayer layer : layers.subList(0, lowest)) {
            try (Scope scope = Scope.open()) {
                x = scope.keep(layer.record(x, rotation, qkv -> attend(placed, qkv), routing)
                        .result());
            }
        }
        for (DecoderLayer layer : layers.subList(lowest, layers.size())) {
            DecoderLayer.Recorded recorded = layer.record(x, rotation, qkv -> attend(placed, qkv), routing);
            backward.add(recorded.backward());
            x = recorded.result();
        }
        return new ForwardPass(parameters, placed.ids(), x, last -> readOut(placed, last), backward);
    }

    private Tensor readOut(TokenBlock.Placed placed, Tensor x) {
        return x.indexSelect(0, placed.predicting()).rmsNorm(norm(), config.rmsNormEpsilon());
    }

    private static Consumer<Routing> withoutPadding(Consumer<Routing> listener, TokenBlock block) {
        Tensor tokens = Tensor.of(block.places());
        return routing -> listener.accept(routing.only(tokens));
    }

    private Tensor norm() {
        return parameters.stored("model.norm.weight");
    }

    /** Attention of prompts over themselves and of responses over their prompt and themselves, {@code [tokens, heads * headDim]}. */
    private Tensor attend(TokenBlock.Placed placed, Tensor[] queryKeyValue) {
        int groups = placed.groups();
        int rows = placed.rows();
        int width = placed.width();
        long[] parts = {placed.prefixTokens(), (long) rows * width};
        Tensor[] queries = queryKeyValue[0].split(0, parts);
        Tensor[] keys = queryKeyValue[1].split(0, parts);
        Tensor[] values = queryKeyValue[2].split(0, parts);
        Tensor prefixKey = heads(keys[0], groups, placed.promptWidth());
        Tensor prefixValue = heads(values[0], groups, placed.promptWidth());
        Tensor ofPrefix = unfold(
                Tensor.attention(
                        fold(queries[0], groups, placed.promptWidth()),
                        prefixKey,
                        prefixValue,
                        placed.prefixMask(),
                        false),
                groups,
                placed.promptWidth());
        Tensor mask = placed.suffixMask();
        if (mask == null) {
            return ofPrefix;
        }
        Tensor allKeys =
                Tensor.concatenate(List.of(prefixKey.indexSelect(0, placed.groupOf()), heads(keys[1], rows, width)), 2);
        Tensor allValues = Tensor.concatenate(
                List.of(prefixValue.indexSelect(0, placed.groupOf()), heads(values[1], rows, width)), 2);
        Tensor ofSuffix =
                unfold(Tensor.attention(fold(queries[1], rows, width), allKeys, allValues, mask, false), rows, width);
        return Tensor.concatenate(List.of(ofPrefix, ofSuffix), 0);
    }

    /** {@code [rows * width, keyValueHeads, headDim]} to {@code [rows, keyValueHeads, width, headDim]}. */
    private Tensor heads(Tensor x, long rows, long width) {
        return x.view(rows, width, config.keyValueHeads(), config.headDim()).transpose(1, 2);
    }

    /**
     * Queries of the heads that share a key become queries of that key's head: {@code [rows * width, heads, headDim]} to
     * {@code [rows, keyValueHeads, headsPerKey * width, headDim]}.
     */
    private Tensor fold(Tensor query, long rows, long width) {
        long keyHeads = config.keyValueHeads();
        long headsPerKey = config.heads() / keyHeads;
        return query.view(rows, width, keyHeads, headsPerKey, config.headDim())
                .permute(0, 2, 3, 1, 4)
                .reshape(rows, keyHeads, headsPerKey * width, config.headDim());
    }

    private Tensor unfold(Tensor y, long rows, long width) {
        long keyHeads = config.keyValueHeads();
        long headsPerKey = config.heads() / keyHeads;
        return y.view(rows, keyHeads, headsPerKey, width, config.headDim())
                .permute(0, 3, 1, 2, 4)
                .reshape(rows * width, (long) config.heads() * config.headDim());
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
        int padded = (prompt.length + ROW_STEP - 1) / ROW_STEP * ROW_STEP;
        long[] ids = new long[padded];
        for (int i = 0; i < prompt.length; i++) {
            ids[i] = prompt[i];
        }
        List<Tensor> keys = new ArrayList<>();
        List<Tensor> values = new ArrayList<>();
        try (NoGradient off = NoGradient.open();
                Scope scope = Scope.open()) {
            Tensor[] rotation = rotary.at(Tensor.range(0, padded), padded - 1);
            Tensor x = Tensor.embedding(embedding(), Tensor.of(ids));
            long headsPerKey = config.heads() / config.keyValueHeads();
            Tensor mask = TokenBlock.of(new int[padded], new int[1])
                    .place((int) headsPerKey, attentionType)
                    .prefixMask();
            for (DecoderLayer layer : layers) {
                Tensor[] qkv = layer.rotated(layer.project(x), rotation);
                keys.add(qkv[1].contiguous().retain());
                values.add(qkv[2].contiguous().retain());
                Tensor y = unfold(
                        Tensor.attention(
                                fold(qkv[0], 1, padded),
                                heads(qkv[1], 1, padded),
                                heads(qkv[2], 1, padded),
                                mask,
                                false),
                        1,
                        padded);
                x = layer.afterAttention(x, y, null);
            }
            Tensor last = x.narrow(0, prompt.length - 1, 1)
                    .rmsNorm(norm(), config.rmsNormEpsilon())
                    .retain();
            return new KeyValueCache.Prefix(prompt.length, keys, values, last);
        }
    }

    /**
     * One token for every slot of a cache; to be called without gradients.
     *
     * @param ids the tokens, {@code [slots]}
     * @param positions where they stand, each below the cache's capacity
     * @return final hidden states, {@code [slots, hidden]}
     */
    public Tensor decode(KeyValueCache cache, long[] ids, long[] positions) {
        int slots = cache.slots();
        long highest = Arrays.stream(positions).max().orElseThrow();
        int least = leastEntries.computeIfAbsent(
                cache.capacity(), capacity -> AttentionSpan.least(config, attentionType, capacity, KeyValueCache.STEP));
        int seen = cache.entries(Math.toIntExact(highest) + 1, least);
        Tensor entries = cache.admit(positions);
        Tensor[] rotation = rotary.at(Tensor.of(positions), highest);
        long keyHeads = config.keyValueHeads();
        long headsPerKey = config.heads() / keyHeads;
        Tensor mask = cache.mask(seen);
        Tensor x = Tensor.embedding(embedding(), Tensor.of(ids));
        for (int i = 0; i < layers.size(); i++) {
            DecoderLayer layer = layers.get(i);
            Tensor[] qkv = layer.rotated(layer.project(x), rotation);
            cache.append(i, entries, qkv[1], qkv[2]);
            Tensor y = Tensor.attention(
                            qkv[0].reshape(slots, keyHeads, headsPerKey, config.headDim()),
                            cache.keys(i, seen),
                            cache.values(i, seen),
                            mask,
                            false)
                    .reshape(slots, (long) config.heads() * config.headDim());
            x = layer.afterAttention(x, y, null);
        }
        return x.rmsNorm(norm(), config.rmsNormEpsilon());
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
