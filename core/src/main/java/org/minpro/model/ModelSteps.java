package org.minpro.model;

import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.DType;
import org.minpro.tensor.Tensor;

/**
 * The steps of a model's passes between its matrix products, each with its way back. A model has one set of them and mixes
 * it with no other ({@link Kernels} chooses): sampler and trainer then compute with the very same.
 *
 * <p>Shapes: {@code x [tokens, n]} in the model's type; attention and rotation are in float32 (float64 for a float64 model).
 * A token's result depends on that token alone, and in attention on those that it sees, whatever is computed beside it.
 * Steps of no way back are called without gradients.
 */
public interface ModelSteps {
    /** {@code x / sqrt(mean(x^2) + epsilon) * weight} of each token. */
    Tensor norm(Tensor x, Parameter weight, double epsilon);

    /**
     * Two tensors of one shape.
     *
     * @param sum of the two that were added
     * @param normed {@link #norm} of the sum
     */
    record Sum(Tensor sum, Tensor normed) {}

    /**
     * {@code x + delta} and its norm.
     *
     * @param delta is used up: its memory may hold the sum afterwards
     */
    Sum addNorm(Tensor x, Tensor delta, Parameter weight, double epsilon);

    /**
     * {@code dL/dx} of {@link #norm}; adds the weight's gradient where it is trained.
     *
     * @param upstream {@code dL/dnorm}
     * @param passedOn the gradient that reaches {@code x} by another way, to be added; or null
     */
    Tensor normBackward(
            Tensor x,
            Parameter weight,
            double epsilon,
            Tensor upstream,
            @Nullable Tensor passedOn,
            WeightGradients gradients);

    /** {@code silu(gate) * up} of the two side by side, {@code [tokens, 2 n]} to {@code [tokens, n]}. */
    Tensor gate(Tensor gateUp);

    /** {@code dL/dgateUp} of {@link #gate}. */
    Tensor gateBackward(Tensor gateUp, Tensor upstream);

    /**
     * Queries and keys, normed and rotated as the layer does, and values: {@code [tokens, heads or keyValueHeads, headDim]}
     * in the rotation's type.
     *
     * @param projected {@code [tokens, (heads + 2 keyValueHeads) * headDim]}: queries, keys, values
     * @param rotation cosines and sines of the tokens' positions, {@code [tokens, 1, headDim]} ({@link RotaryTable})
     */
    Tensor[] rotate(Tensor projected, AttentionHeads heads, Tensor[] rotation);

    /**
     * {@code dL/dprojected} of {@link #rotate}; adds the gradients of the heads' norms where they are trained.
     *
     * @param upstream from the rotated queries, keys and values to their gradients; asked once
     */
    Tensor rotateBackward(
            Tensor projected, AttentionHeads heads, Tensor[] rotation, Upstream upstream, WeightGradients gradients);

    /** Gradients of queries, keys and values from themselves. */
    @FunctionalInterface
    interface Upstream {
        /** Three for three. */
        Tensor[] of(Tensor[] queryKeyValue);
    }

    /**
     * A router's choice of experts, without gradients.
     *
     * @param logits {@code [tokens, experts]} in the model's type
     */
    ExpertChoice choose(Tensor logits, ModelConfig.Moe moe);

    /** Attention over a block's sequences, which lie on one axis of tokens. */
    BlockAttention attention(List<TokenBlock.Sequence> sequences);

    /**
     * An empty cache for decoding; owned until closed.
     *
     * @param capacity most tokens of a slot
     * @param newTokens most of them behind its prompt
     */
    KeyValueCache cache(int slots, int capacity, int newTokens);

    /** The type in which a prompt's keys and values wait for a cache, of those computed in another. */
    default DType waiting(DType computed) {
        return computed;
    }

    /**
     * Log-probabilities of tokens: {@code log_softmax(z / temperature)[id]}, without gradients.
     *
     * @param logits {@code z [tokens, vocabulary]}
     * @param ids {@code [tokens]}
     */
    LanguageHead.Result logProbs(Tensor logits, double temperature, Tensor ids, LanguageHead.Wanted wanted);

    /**
     * Puts {@code dL/dz_v = (u (1[v = id] - p_v) - e p_v (log p_v + H)) / temperature} in the place of the logits, with
     * {@code H = -sum_v p_v log p_v}.
     *
     * @param upstream {@code u = dL/dlog pi}, {@code [tokens]}
     * @param entropyUpstream {@code e = dL/dH}, {@code [tokens]}; null where it is zero
     */
    void logProbsBackward(
            Tensor logits, double temperature, Tensor ids, Tensor upstream, @Nullable Tensor entropyUpstream);

    /**
     * Tokens drawn.
     *
     * @param ids {@code [rows]}
     * @param logProbs of the whole distribution, those of {@link #logProbs}, {@code [rows]}, nats
     * @param logKeptMass log of what truncation kept, {@code [rows]}, nats
     */
    record Drawn(int[] ids, float[] logProbs, float[] logKeptMass) {}

    /**
     * Draws a token for each row: the first whose cumulative probability exceeds the row's uniform number.
     *
     * @param logits {@code [rows, vocabulary]} float32
     * @param topK how many of the most probable tokens stay; 0 keeps all
     * @param topP the smallest set of most probable tokens with at least this mass stays; 1 keeps all
     * @param minP tokens less probable than this many times the most probable one go; 0 keeps all
     * @param uniforms in [0, 1)
     * @return null where these steps have no drawing of their own
     */
    @Nullable Drawn draw(Tensor logits, double temperature, int topK, double topP, double minP, double[] uniforms);

    /**
     * Adds a gradient to a sum of gradients, each number rounded once; without gradients.
     *
     * @param sum float32 (float64 for a float64 model)
     * @param gradient of the sum's shape, in the model's type
     */
    void addGradient(Tensor sum, Tensor gradient);

    /**
     * A weight packed for products {@code x weight^T}; owned until closed.
     *
     * @param weight {@code [out, in]}
     * @param rows that most products will have
     * @return null where products are computed from the weight as it is
     */
    @Nullable PackedMatrix pack(Tensor weight, int rows);

    /**
     * Whether a training's forward pass multiplies by packed weights too, as generating always does. Then no row depends on
     * how many there are, and none are added to fill up a number of rows.
     */
    boolean trainsPacked();

    /**
     * Whether a token's bits depend neither on the rows beside its row nor on its place among them, on this machine. Then rows
     * are decoded that are wanted, and no others.
     */
    boolean rowsAlone();

    /**
     * The matrices of an adapter beside a projection, whose maps lie side by side: {@code y += s (x A^T) B^T}.
     *
     * @param rank of each map
     * @param scale s
     * @param down A, {@code [parts * rank, in]}
     * @param packedDown the same
     */
    record LowRank(int rank, double scale, Tensor down, PackedMatrix packedDown, List<Part> parts) {
        /**
         * One of the maps.
         *
         * @param up B, {@code [length, rank]}
         * @param packedUp the same
         * @param start of its outputs
         */
        public record Part(Tensor up, PackedMatrix packedUp, long start, long length) {}
    }

    /**
     * Adds to a projection's outputs what its adapter adds; without gradients.
     *
     * @param x {@code [tokens, in]}
     * @param y {@code [tokens, out]}
     * @return whether it was added; false where these steps leave it to products, and nothing is changed
     */
    default boolean addLowRank(LowRank maps, Tensor x, Tensor y) {
        return false;
    }

    /**
     * Gradients of an adapter's matrices.
     *
     * @param down {@code dL/dA}, of A's shape
     * @param ups {@code dL/dB} of each part, of its B's shape
     */
    record LowRankGradients(Tensor down, List<Tensor> ups) {}

    /**
     * The way back of {@link #addLowRank}.
     *
     * @param upstream {@code dL/dy}
     * @param toX {@code dL/dx}, to which the adapter's part is added
     * @return null where these steps leave it to products, and nothing is changed
     */
    default @Nullable LowRankGradients lowRankBackward(LowRank maps, Tensor x, Tensor upstream, Tensor toX) {
        return null;
    }

    /** The slots whose tokens a step of decoding computes, ascending: the busy ones where rows may come alone, else all. */
    default int[] decoded(int slots, IntPredicate busy) {
        return IntStream.range(0, slots)
                .filter(slot -> !rowsAlone() || busy.test(slot))
                .toArray();
    }

    /** So many rows, or as many more as make their number a multiple of what the kernels want. */
    default int padded(int rows) {
        return trainsPacked() ? rows : (rows + Transformer.ROW_STEP - 1) / Transformer.ROW_STEP * Transformer.ROW_STEP;
    }
}
