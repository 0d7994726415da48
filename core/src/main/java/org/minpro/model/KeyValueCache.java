package org.minpro.model;

import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Tensor;

/**
 * Keys and values of the tokens so far, for a fixed number of slots of a fixed capacity; made by {@link Transformer#cache}.
 *
 * <p>What a slot computes depends neither on how many others are in use nor on how long they are.
 */
public interface KeyValueCache extends AutoCloseable {
    /** Bytes that a cache of this shape takes at most: prompts that slots share take less. */
    static long bytes(ModelConfig config, DType model, Device device, int slots, long capacity) {
        boolean half = Kernels.vectors() || Kernels.together(device);
        DType entries = model == DType.BF16 && half ? DType.BF16 : DType.F32;
        return 2L * config.layers() * slots * capacity * config.keyValueHeads() * config.headDim() * entries.bytes();
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
     * @param parked of this cache, or of another of the same model and capacity
     */
    void resume(int slot, Parked parked);

    /**
     * Lets slots see the entries that their next tokens are written to.
     *
     * @param slots of the rows, each once; a row of a slot that the cache does not have sees nothing. All slots from the first
     *     on in their order, unless {@link ModelSteps#rowsAlone rows may come alone}
     * @param positions of the rows
     */
    Step admit(int[] slots, long[] positions);

    /** One token's way through the layers, for all rows. */
    @FunctionalInterface
    interface Step {
        /**
         * Writes the token's key and value of every row's slot, and attends.
         *
         * @param queryKeyValue {@code [rows, heads or keyValueHeads, headDim]} each, rotated
         * @return {@code [rows, heads * headDim]}, 0 in rows without a slot
         */
        Tensor attend(int layer, Tensor[] queryKeyValue);
    }

    @Override
    void close();

    /** What a slot held, in the layout of the caches of one model and one capacity; owned until closed. */
    interface Parked extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * A prompt after the model; owned until closed.
     *
     * @param length tokens
     * @param entries keys, then values, {@code [2, layers, length or more, keyValueHeads, headDim]}
     * @param lastHidden the last token's hidden state, {@code [1, hiddenSize]}
     */
    record Prefix(int length, Tensor entries, Tensor lastHidden) implements AutoCloseable {
        /** A layer's keys, {@code [length or more, keyValueHeads, headDim]}. */
        public Tensor keys(int layer) {
            return entries.select(0, 0).select(0, layer);
        }

        /** A layer's values, as its keys. */
        public Tensor values(int layer) {
            return entries.select(0, 1).select(0, layer);
        }

        @Override
        public void close() {
            entries.close();
            lastHidden.close();
        }
    }
}
