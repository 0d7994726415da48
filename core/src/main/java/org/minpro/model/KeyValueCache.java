package org.minpro.model;

import java.util.List;
import org.minpro.tensor.DType;
import org.minpro.tensor.Tensor;

/**
 * Keys and values of the tokens so far, for a fixed number of slots of a fixed capacity; made by {@link Transformer#cache}.
 *
 * <p>What a slot computes depends neither on how many others are in use nor on how long they are.
 */
public interface KeyValueCache extends AutoCloseable {
    /** Bytes that a cache of this shape takes. */
    static long bytes(ModelConfig config, int slots, long capacity) {
        return 2L * config.layers() * slots * capacity * config.keyValueHeads() * config.headDim() * DType.F32.bytes();
    }

    int slots();

    /** Most tokens of a slot. */
    int capacity();

    /** Gives a slot the tokens of a prompt, fewer than its capacity. */
    void fill(int slot, Prefix prefix);

    /** Leaves a slot idle. */
    void release(int slot);

    /**
     * Lets every slot see the entry that its next token is written to.
     *
     * @param positions one for each slot; those after them are of rows that have no slot and see nothing
     */
    Step admit(long[] positions);

    /** One token's way through the layers, for all slots. */
    @FunctionalInterface
    interface Step {
        /**
         * Writes the token's key and value of every slot, and attends.
         *
         * @param queryKeyValue {@code [rows, heads or keyValueHeads, headDim]} each, rotated
         * @return {@code [rows, heads * headDim]}, 0 in rows without a slot
         */
        Tensor attend(int layer, Tensor[] queryKeyValue);
    }

    @Override
    void close();

    /**
     * A prompt after the model: its keys and values by layer, {@code [tokens, keyValueHeads, headDim]}, and the last
     * token's hidden state {@code [1, hiddenSize]}; owned until closed.
     */
    record Prefix(int length, List<Tensor> keys, List<Tensor> values, Tensor lastHidden) implements AutoCloseable {
        @Override
        public void close() {
            keys.forEach(Tensor::close);
            values.forEach(Tensor::close);
            lastHidden.close();
        }
    }
}
