package org.minpro.model;

import java.util.ArrayList;
import java.util.List;
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
    private final List<Layer> layers = new ArrayList<>();
    private final RotaryTable rotary;
    private final DType attentionType;
    private final boolean ownsRotary;
    private @Nullable Consumer<Routing> routingListener;

    public Transformer(ModelConfig config, Parameters parameters) {
        this(config, parameters, null);
    }

    private Transformer(ModelConfig config, Parameters parameters, @Nullable RotaryTable rotary) {
        this.config = config;
        this.parameters = parameters;
        this.attentionType = parameters.type() == DType.F64 ? DType.F64 : DType.F32;
        this.ownsRotary = rotary == null;
        this.rotary = rotary != null ? rotary : new RotaryTable(config, attentionType, 256);
        for (int i = 0; i < config.layers(); i++) {
            layers.add(new Layer(config, parameters, i));
        }
    }

    /** The same model over other parameters of the same shapes, such as a lane's aliases. */
    public Transformer over(Parameters other) {
        return new Transformer(config, other, rotary);
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

    /** The output head, {@code [vocabulary, hidden]}: the embedding where the two are tied. */
    public Tensor head() {
        return config.tieWordEmbeddings() ? embedding() : parameters.stored("lm_head.weight");
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
        return hidden(block, null);
    }

    /** As {@link #hidden(TokenBlock)}, with the embedded tokens reported to a listener before the first layer. */
    public Tensor hidden(TokenBlock block, @Nullable EmbeddingListener listener) {
        TokenBlock.Placed placed = block.place(config.heads() / config.keyValueHeads(), attentionType);
        Tensor[] rotation = rotary.at(placed.positions(), placed.highestPosition());
        Tensor x = Tensor.embedding(embedding(), placed.ids());
        if (listener != null) {
            x = listener.embedded(placed.ids(), x);
        }
        Consumer<Routing> routing = routingListener == null ? null : withoutPadding(routingListener, block);
        for (Layer layer : layers) {
            Tensor[] qkv = layer.queryKeyValue(x, rotation);
            x = layer.afterAttention(x, attend(placed, qkv[0], qkv[1], qkv[2]), routing);
        }
        return x.indexSelect(0, placed.predicting()).rmsNorm(norm(), config.rmsNormEpsilon());
    }

    private static Consumer<Routing> withoutPadding(Consumer<Routing> listener, TokenBlock block) {
        Tensor tokens = Tensor.of(block.places());
        return routing -> listener.accept(routing.only(tokens));
    }

    /** Sees the embedded tokens and may put a leaf in their place, so that the gradient stops there. */
    @FunctionalInterface
    public interface EmbeddingListener {
        /**
         * @param ids {@code [tokens]}
         * @param embedded {@code [tokens, hidden]}
         */
        Tensor embedded(Tensor ids, Tensor embedded);
    }

    private Tensor norm() {
        return parameters.stored("model.norm.weight");
    }

    /** Attention of prompts over themselves and of responses over their prompt and themselves, {@code [tokens, heads * headDim]}. */
    private Tensor attend(TokenBlock.Placed placed, Tensor query, Tensor key, Tensor value) {
        int prefix = placed.prefixTokens();
        int groups = placed.groups();
        int rows = placed.rows();
        int width = placed.width();
        Tensor prefixKey = heads(key.narrow(0, 0, prefix), groups, placed.promptWidth());
        Tensor prefixValue = heads(value.narrow(0, 0, prefix), groups, placed.promptWidth());
        Tensor ofPrefix = unfold(
                Tensor.attention(
                        fold(query.narrow(0, 0, prefix), groups, placed.promptWidth()),
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
        Tensor suffixKey = heads(key.narrow(0, prefix, (long) rows * width), rows, width);
        Tensor suffixValue = heads(value.narrow(0, prefix, (long) rows * width), rows, width);
        Tensor keys = Tensor.concatenate(List.of(prefixKey.indexSelect(0, placed.groupOf()), suffixKey), 2);
        Tensor values = Tensor.concatenate(List.of(prefixValue.indexSelect(0, placed.groupOf()), suffixValue), 2);
        Tensor ofSuffix = unfold(
                Tensor.attention(
                        fold(query.narrow(0, prefix, (long) rows * width), rows, width), keys, values, mask, false),
                rows,
                width);
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
            for (Layer layer : layers) {
                Tensor[] qkv = layer.queryKeyValue(x, rotation);
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
        long[] entries = new long[slots];
        long highest = 0;
        for (int slot = 0; slot < slots; slot++) {
            entries[slot] = (long) slot * cache.capacity() + positions[slot];
            highest = Math.max(highest, positions[slot]);
        }
        Tensor at = Tensor.of(entries);
        cache.admit(at, Tensor.zeros(attentionType, slots));
        Tensor[] rotation = rotary.at(Tensor.of(positions), highest);
        long keyHeads = config.keyValueHeads();
        long headsPerKey = config.heads() / keyHeads;
        Tensor x = Tensor.embedding(embedding(), Tensor.of(ids));
        for (int i = 0; i < layers.size(); i++) {
            Layer layer = layers.get(i);
            Tensor[] qkv = layer.queryKeyValue(x, rotation);
            cache.append(i, at, qkv[1], qkv[2]);
            Tensor y = Tensor.attention(
                            qkv[0].reshape(slots, keyHeads, headsPerKey, config.headDim()),
                            cache.keys(i),
                            cache.values(i),
                            cache.mask(),
                            false)
                    .reshape(slots, (long) config.heads() * config.headDim());
            x = layer.afterAttention(x, y, null);
        }
        return x.rmsNorm(norm(), config.rmsNormEpsilon());
    }

    /** Logits of hidden states, {@code [tokens, vocabulary]}, float32 (float64 for float64 parameters). */
    public Tensor logits(Tensor hidden) {
        return hidden.linear(head().detach()).to(attentionType);
    }

    /** One decoder layer over its parameters. */
    private static final class Layer {
        private final ModelConfig config;
        private final int index;
        private final Tensor inputNorm;
        private final Tensor outputNorm;
        private final Tensor queryKeyValue;
        private final @Nullable Tensor queryKeyValueBias;
        private final @Nullable Tensor queryNorm;
        private final @Nullable Tensor keyNorm;
        private final Tensor output;
        private final @Nullable Tensor outputBias;
        private final FeedForward feedForward;

        Layer(ModelConfig config, Parameters parameters, int index) {
            this.config = config;
            this.index = index;
            String prefix = "model.layers." + index + ".";
            inputNorm = parameters.stored(prefix + "input_layernorm.weight");
            outputNorm = parameters.stored(prefix + "post_attention_layernorm.weight");
            queryKeyValue = parameters.stored(prefix + "self_attn.qkv_proj.weight");
            queryKeyValueBias = parameters.stored().get(prefix + "self_attn.qkv_proj.bias");
            queryNorm = parameters.stored().get(prefix + "self_attn.q_norm.weight");
            keyNorm = parameters.stored().get(prefix + "self_attn.k_norm.weight");
            output = parameters.stored(prefix + "self_attn.o_proj.weight");
            outputBias = parameters.stored().get(prefix + "self_attn.o_proj.bias");
            feedForward = config.isSparse(index)
                    ? new Experts(config, parameters, index)
                    : new Dense(parameters, prefix + "mlp.");
        }

        /** Rotated queries and keys, and values: {@code [tokens, heads or keyValueHeads, headDim]} in the attention's type. */
        Tensor[] queryKeyValue(Tensor x, Tensor[] rotation) {
            long tokens = x.size(0);
            long heads = config.heads();
            long keyHeads = config.keyValueHeads();
            Tensor h = linear(x.rmsNorm(inputNorm, config.rmsNormEpsilon()), queryKeyValue, queryKeyValueBias);
            Tensor all = h.view(tokens, heads + 2 * keyHeads, config.headDim()).to(rotation[0].type());
            Tensor value = all.narrow(1, heads + keyHeads, keyHeads);
            Tensor query;
            Tensor key;
            if (queryNorm != null && keyNorm != null) {
                query = rotate(normed(all.narrow(1, 0, heads), queryNorm), rotation);
                key = rotate(normed(all.narrow(1, heads, keyHeads), keyNorm), rotation);
            } else {
                Tensor both = rotate(all.narrow(1, 0, heads + keyHeads), rotation);
                query = both.narrow(1, 0, heads);
                key = both.narrow(1, heads, keyHeads);
            }
            return new Tensor[] {query, key, value};
        }

        private Tensor normed(Tensor x, Tensor weight) {
            return x.rmsNorm(weight.to(x.type()), config.rmsNormEpsilon());
        }

        /** {@code x cos + (-x2, x1) sin}, x1 and x2 the halves of a head. */
        private Tensor rotate(Tensor x, Tensor[] rotation) {
            long half = config.headDim() / 2;
            Tensor turned = Tensor.concatenate(List.of(x.narrow(2, half, half).negate(), x.narrow(2, 0, half)), 2);
            return x.multiply(rotation[0]).add(turned.multiply(rotation[1]));
        }

        Tensor afterAttention(Tensor x, Tensor attended, @Nullable Consumer<Routing> listener) {
            Tensor h = x.add(linear(attended.to(x.type()), output, outputBias));
            return h.add(feedForward.apply(h.rmsNorm(outputNorm, config.rmsNormEpsilon()), index, listener));
        }
    }

    private static Tensor linear(Tensor x, Tensor weight, @Nullable Tensor bias) {
        return bias == null ? x.linear(weight) : x.linear(weight, bias);
    }

    private interface FeedForward {
        Tensor apply(Tensor x, int layer, @Nullable Consumer<Routing> listener);
    }

    /** {@code down(silu(gate x) * up x)}. */
    private static final class Dense implements FeedForward {
        private final Tensor gateUp;
        private final @Nullable Tensor gateUpBias;
        private final Tensor down;
        private final @Nullable Tensor downBias;

        Dense(Parameters parameters, String prefix) {
            gateUp = parameters.stored(prefix + "gate_up_proj.weight");
            gateUpBias = parameters.stored().get(prefix + "gate_up_proj.bias");
            down = parameters.stored(prefix + "down_proj.weight");
            downBias = parameters.stored().get(prefix + "down_proj.bias");
        }

        @Override
        public Tensor apply(Tensor x, int layer, @Nullable Consumer<Routing> listener) {
            return linear(gated(linear(x, gateUp, gateUpBias)), down, downBias);
        }
    }

    private static Tensor gated(Tensor gateUp) {
        long inner = gateUp.size(1) / 2;
        return gateUp.narrow(1, 0, inner).silu().multiply(gateUp.narrow(1, inner, inner));
    }

    /**
     * Mixture of experts: softmax router in float32, the {@code k} most probable experts of each token, their
     * probabilities divided by their sum where {@code norm_topk_prob} says so.
     */
    private static final class Experts implements FeedForward {
        private final ModelConfig.Moe moe;
        private final Tensor router;
        private final Tensor gateUp;
        private final Tensor down;

        Experts(ModelConfig config, Parameters parameters, int layer) {
            moe = java.util.Objects.requireNonNull(config.moe());
            String prefix = "model.layers." + layer + ".mlp.";
            router = parameters.stored(prefix + "gate.weight");
            gateUp = parameters.stored(prefix + "experts.gate_up_proj.weight");
            down = parameters.stored(prefix + "experts.down_proj.weight");
        }

        @Override
        public Tensor apply(Tensor x, int layer, @Nullable Consumer<Routing> listener) {
            Tensor logits = x.linear(router);
            Tensor probabilities = logits.to(logits.type() == DType.F64 ? DType.F64 : DType.F32)
                    .softmax(1);
            Tensor.Ranked top = probabilities.largest(moe.expertsPerToken(), 1);
            Tensor weights =
                    moe.normTopKProb() ? top.values().divide(top.values().sum(1, true)) : top.values();
            if (listener != null) {
                listener.accept(new Routing(layer, probabilities.detach(), top.indices()));
            }
            long[] chosen = top.indices().longs();
            Tensor flatWeights = weights.reshape(chosen.length);
            Tensor sum = Tensor.zeros(x.type(), x.shape());
            for (int expert = 0; expert < moe.experts(); expert++) {
                Tensor[] places = places(chosen, expert);
                if (places.length == 0) {
                    continue;
                }
                Tensor rows = x.indexSelect(0, places[0]);
                Tensor y = gated(rows.linear(gateUp.select(0, expert))).linear(down.select(0, expert));
                Tensor weight = flatWeights.indexSelect(0, places[1]).multiply(places[2].to(flatWeights.type()));
                sum = sum.indexAdd(0, places[0], y.multiply(weight.unsqueeze(1).to(y.type())));
            }
            return sum;
        }

        /**
         * Tokens that chose an expert, places of the choice, and 1; filled up to a multiple of {@link #ROW_STEP} with
         * token 0 and weight 0, so that the kernel does not depend on how many chose it.
         */
        private Tensor[] places(long[] chosen, int expert) {
            int count = 0;
            for (long choice : chosen) {
                count += choice == expert ? 1 : 0;
            }
            if (count == 0) {
                return new Tensor[0];
            }
            int padded = (count + ROW_STEP - 1) / ROW_STEP * ROW_STEP;
            long[] tokens = new long[padded];
            long[] places = new long[padded];
            float[] real = new float[padded];
            int at = 0;
            for (int i = 0; i < chosen.length; i++) {
                if (chosen[i] == expert) {
                    tokens[at] = i / moe.expertsPerToken();
                    places[at] = i;
                    real[at++] = 1;
                }
            }
            return new Tensor[] {Tensor.of(tokens), Tensor.of(places), Tensor.of(real)};
        }
    }

    @Override
    public void close() {
        if (ownsRotary) {
            rotary.close();
        }
    }
}
