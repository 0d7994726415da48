package org.minpro.model;

import java.util.ArrayList;
import java.util.List;
import org.minpro.tensor.DType;
import org.minpro.tensor.Scope;
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
     * Copies what a slot holds out and leaves it idle, so that another sequence may have it while this one waits.
     *
     * @param length tokens of the slot
     * @return what the slot held, the caller's
     */
    Parked park(int slot, int length);

    /**
     * Gives a slot what was parked: the same bytes, as if it had stayed there.
     *
     * @param parked of a cache of the same model and capacity
     */
    void resume(int slot, Parked parked);

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
     * A copy of what a slot held, in the cache's own layout; owned until closed.
     *
     * @param length tokens
     * @param tensors {@code [keyValueHeads, entries, headDim]} each, with at least so many entries
     */
    record Parked(int length, List<Tensor> tensors) implements AutoCloseable {
        public Parked {
            tensors = List.copyOf(tensors);
        }

        /**
         * Copies of the first entries of a slot.
         *
         * @param caches {@code [slots, keyValueHeads, capacity, headDim]} each
         */
        public static Parked of(List<Tensor> caches, int slot, int length, int entries) {
            List<Tensor> copies = new ArrayList<>();
            try (Scope scope = Scope.open()) {
                caches.forEach(cache -> copies.add(
                        cache.select(0, slot).narrow(1, 0, entries).copy().retain()));
            }
            return new Parked(length, copies);
        }

        /** Writes the copies to a slot of tensors whose capacity is no less. */
        public void writeTo(List<Tensor> caches, int slot) {
            try (Scope scope = Scope.open()) {
                for (int i = 0; i < tensors.size(); i++) {
                    Tensor copy = tensors.get(i);
                    caches.get(i).select(0, slot).narrow(1, 0, copy.size(1)).copyInPlace(copy);
                }
            }
        }

        @Override
        public void close() {
            tensors.forEach(Tensor::close);
        }
    }

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
