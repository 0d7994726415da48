package org.minpro.model;

import java.util.ArrayList;
import java.util.List;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * Keys and values of the tokens so far, for a fixed number of slots of a fixed capacity.
 *
 * <p>Attention reads as many entries as the longest slot has, and no fewer than give the same bits as all of them
 * ({@link AttentionSpan}); those that no token has written are zero and masked. So what a slot computes depends neither on how
 * many others are in use nor on how long they are.
 */
public final class KeyValueCache implements AutoCloseable {
    /** Entries are read in steps of two of the widest vectors, in float32. */
    static final int STEP = 32;

    private final int slots;
    private final int capacity;
    private final List<Tensor> keys = new ArrayList<>();
    private final List<Tensor> values = new ArrayList<>();
    private final Tensor mask;

    /** Bytes that a cache of this shape takes. */
    public static long bytes(ModelConfig config, int slots, long capacity) {
        return 2L * config.layers() * slots * capacity * config.keyValueHeads() * config.headDim() * DType.F32.bytes();
    }

    /** @param capacity most tokens of a slot */
    public KeyValueCache(ModelConfig config, Device device, DType type, int slots, int capacity) {
        this.slots = slots;
        this.capacity = capacity;
        try (Scope scope = Scope.open()) {
            for (int layer = 0; layer < config.layers(); layer++) {
                keys.add(Tensor.zeros(device, type, slots, config.keyValueHeads(), capacity, config.headDim())
                        .retain());
                values.add(Tensor.zeros(device, type, slots, config.keyValueHeads(), capacity, config.headDim())
                        .retain());
            }
            mask = Tensor.full(device, type, Double.NEGATIVE_INFINITY, slots, 1, 1, capacity)
                    .retain();
            for (int slot = 0; slot < slots; slot++) {
                release(slot);
            }
        }
    }

    public int slots() {
        return slots;
    }

    public int capacity() {
        return capacity;
    }

    /** Gives a slot the tokens of a prompt. */
    public void fill(int slot, Prefix prefix) {
        if (prefix.length() >= capacity) {
            throw new IllegalArgumentException(
                    "a prompt must leave room in the cache of " + capacity + " tokens, got: " + prefix.length());
        }
        try (Scope scope = Scope.open()) {
            int length = prefix.length();
            for (int layer = 0; layer < keys.size(); layer++) {
                write(keys.get(layer).select(0, slot), prefix.keys().get(layer), length);
                write(values.get(layer).select(0, slot), prefix.values().get(layer), length);
            }
            Tensor row = mask.select(0, slot).view(capacity);
            row.fillInPlace(Double.NEGATIVE_INFINITY);
            row.narrow(0, 0, length).zeroInPlace();
        }
    }

    private void write(Tensor slot, Tensor prefix, int length) {
        slot.zeroInPlace();
        slot.narrow(1, 0, length).copyInPlace(prefix.narrow(0, 0, length).transpose(0, 1));
    }

    /** Leaves a slot idle: it sees its first entry only, so that its attention stays finite. */
    public void release(int slot) {
        try (Scope scope = Scope.open()) {
            Tensor row = mask.select(0, slot).view(capacity);
            row.fillInPlace(Double.NEGATIVE_INFINITY);
            row.narrow(0, 0, 1).zeroInPlace();
        }
    }

    /**
     * Lets every slot see the entry that its next token is written to.
     *
     * @param positions one for each slot; more are not looked at
     * @return where {@link #append} writes: the entries of every slot and head, {@code [slots * keyValueHeads]}
     */
    Tensor admit(long[] positions) {
        int heads = (int) keys.getFirst().size(1);
        long[] seen = new long[slots];
        long[] entries = new long[slots * heads];
        for (int slot = 0; slot < slots; slot++) {
            seen[slot] = (long) slot * capacity + positions[slot];
            for (int head = 0; head < heads; head++) {
                entries[slot * heads + head] = ((long) slot * heads + head) * capacity + positions[slot];
            }
        }
        mask.view((long) slots * capacity)
                .indexCopyInPlace(0, Tensor.of(mask.device(), seen), Tensor.zeros(mask.device(), mask.type(), slots));
        return Tensor.of(mask.device(), entries);
    }

    /**
     * Writes one token's key and value for every slot.
     *
     * @param entries of {@link #admit}
     * @param key {@code [slots, keyValueHeads, headDim]}
     */
    void append(int layer, Tensor entries, Tensor key, Tensor value) {
        write(keys.get(layer), entries, key);
        write(values.get(layer), entries, value);
    }

    private static void write(Tensor cache, Tensor entries, Tensor token) {
        long width = cache.size(3);
        cache.view(cache.elements() / width, width)
                .indexCopyInPlace(0, entries, token.reshape(token.size(0) * token.size(1), width));
    }

    /**
     * The entries that attention reads so that every slot sees its first {@code tokens}.
     *
     * @param least no fewer than these, see {@link AttentionSpan}
     */
    int entries(int tokens, int least) {
        return Math.min(capacity, Math.max(least, (tokens + STEP - 1) / STEP * STEP));
    }

    /** The first entries, {@code [slots, keyValueHeads, entries, headDim]}. */
    Tensor keys(int layer, int entries) {
        return keys.get(layer).narrow(2, 0, entries);
    }

    Tensor values(int layer, int entries) {
        return values.get(layer).narrow(2, 0, entries);
    }

    /** What is added to scores: 0 for an entry that its slot sees, minus infinity else; {@code [slots, 1, 1, entries]}. */
    Tensor mask(int entries) {
        return mask.narrow(3, 0, entries);
    }

    @Override
    public void close() {
        keys.forEach(Tensor::close);
        values.forEach(Tensor::close);
        mask.close();
    }

    /**
     * A prompt after the model: its keys and values by layer, {@code [tokens, keyValueHeads, headDim]}, and the last
     * token's hidden state {@code [1, hiddenSize]}; owned until closed.
     */
    public record Prefix(int length, List<Tensor> keys, List<Tensor> values, Tensor lastHidden)
            implements AutoCloseable {
        @Override
        public void close() {
            keys.forEach(Tensor::close);
            values.forEach(Tensor::close);
            lastHidden.close();
        }
    }
}
