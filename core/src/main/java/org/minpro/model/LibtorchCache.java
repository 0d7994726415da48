package org.minpro.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * A cache in libtorch's layout: {@code [slots, keyValueHeads, capacity, headDim]} of each layer, all in one tensor, so that a slot
 * is filled by one copy.
 *
 * <p>Attention reads as many entries as the longest slot has, and no fewer than give the same bits as all of them
 * ({@link AttentionSpan}); those that no token has written are zero and masked. It computes in the type of the entries, and its
 * results have that of the queries.
 */
final class LibtorchCache implements KeyValueCache {
    /** Entries are read in steps of two of the widest vectors, in float32. */
    static final int STEP = 32;

    private final ModelConfig config;
    private final int slots;
    private final int capacity;
    private final int least;
    /** Keys, then values, {@code [2, layers, slots, keyValueHeads, capacity, headDim]}. */
    private final Tensor entries;
    /** Views of a layer's, {@code [slots, keyValueHeads, capacity, headDim]}. */
    private final List<Tensor> keys = new ArrayList<>();

    private final List<Tensor> values = new ArrayList<>();
    private final Tensor mask;

    /**
     * @param type of the entries
     * @param least entries that attention reads at least, see {@link AttentionSpan}
     */
    LibtorchCache(ModelConfig config, Device device, DType type, int slots, int capacity, int least) {
        this.config = config;
        this.least = least;
        this.slots = slots;
        this.capacity = capacity;
        try (Scope scope = Scope.open()) {
            entries = Tensor.zeros(
                            device, type, 2, config.layers(), slots, config.keyValueHeads(), capacity, config.headDim())
                    .retain();
            for (int layer = 0; layer < config.layers(); layer++) {
                keys.add(entries.select(0, 0).select(0, layer).retain());
                values.add(entries.select(0, 1).select(0, layer).retain());
            }
            mask = Tensor.full(device, type, Double.NEGATIVE_INFINITY, slots, 1, 1, capacity)
                    .retain();
            for (int slot = 0; slot < slots; slot++) {
                release(slot);
            }
        }
    }

    @Override
    public int slots() {
        return slots;
    }

    @Override
    public int capacity() {
        return capacity;
    }

    @Override
    public void fill(int slot, Prefix prefix) {
        if (prefix.length() >= capacity) {
            throw new IllegalArgumentException(
                    "a prompt must leave room in the cache of " + capacity + " tokens, got: " + prefix.length());
        }
        try (Scope scope = Scope.open()) {
            write(slot, prefix.entries().narrow(2, 0, prefix.length()).transpose(2, 3));
        }
    }

    /** Of a slot, {@code [2, layers, keyValueHeads, capacity, headDim]}. */
    private Tensor of(int slot) {
        return entries.select(2, slot);
    }

    /** Gives a slot its first entries and lets it see those alone. */
    private void write(int slot, Tensor first) {
        int length = Math.toIntExact(first.size(3));
        of(slot).zeroInPlace().narrow(3, 0, length).copyInPlace(first);
        see(slot, length);
    }

    /** Lets a slot see its first entries alone. */
    private void see(int slot, int length) {
        Tensor row = mask.select(0, slot).view(capacity);
        row.fillInPlace(Double.NEGATIVE_INFINITY);
        row.narrow(0, 0, length).zeroInPlace();
    }

    /** It sees its first entry only, so that its attention stays finite. */
    @Override
    public void release(int slot) {
        try (Scope scope = Scope.open()) {
            see(slot, 1);
        }
    }

    /**
     * A copy of a slot.
     *
     * @param entries {@code [2, layers, keyValueHeads, length, headDim]}
     */
    private record Copied(Tensor entries) implements Parked {
        @Override
        public void close() {
            entries.close();
        }
    }

    @Override
    public Parked park(int slot, int length) {
        try (Scope scope = Scope.open()) {
            Copied copied = new Copied(of(slot).narrow(3, 0, length).copy().retain());
            release(slot);
            return copied;
        }
    }

    @Override
    public void resume(int slot, Parked parked) {
        try (Scope scope = Scope.open()) {
            write(slot, ((Copied) parked).entries);
        }
    }

    @Override
    public Step admit(int[] rows, long[] positions) {
        for (int row = 0; row < Math.max(slots, rows.length); row++) {
            if (row >= rows.length || rows[row] != row) {
                throw new IllegalArgumentException("rows must be of all " + slots
                        + " slots of the cache in their order, got: " + Arrays.toString(rows));
            }
        }
        int heads = config.keyValueHeads();
        int highest = Math.toIntExact(Arrays.stream(positions).max().orElseThrow());
        int read = entries(highest + 1);
        int idle = positions.length - slots;
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
        Tensor written = Tensor.of(mask.device(), entries);
        Tensor ofIdle = Tensor.zeros(mask.device(), mask.type(), idle, (long) config.heads() * config.headDim());
        return (layer, queryKeyValue) -> {
            write(keys.get(layer), written, queryKeyValue[1].narrow(0, 0, slots));
            write(values.get(layer), written, queryKeyValue[2].narrow(0, 0, slots));
            Tensor attended = attend(layer, queryKeyValue[0].narrow(0, 0, slots), read);
            return idle == 0 ? attended : Tensor.concatenate(List.of(attended, ofIdle), 0);
        };
    }

    private static void write(Tensor cache, Tensor entries, Tensor token) {
        long width = cache.size(3);
        cache.view(cache.elements() / width, width)
                .indexCopyInPlace(
                        0,
                        entries,
                        token.reshape(token.size(0) * token.size(1), width).to(cache.type()));
    }

    private Tensor attend(int layer, Tensor query, int read) {
        long keyHeads = config.keyValueHeads();
        return Tensor.attention(
                        query.reshape(slots, keyHeads, config.heads() / keyHeads, config.headDim())
                                .to(mask.type()),
                        keys.get(layer).narrow(2, 0, read),
                        values.get(layer).narrow(2, 0, read),
                        mask.narrow(3, 0, read), // 0 for an entry that its slot sees, minus infinity else
                        false)
                .reshape(slots, (long) config.heads() * config.headDim())
                .to(query.type());
    }

    /** The entries that attention reads so that every slot sees its first {@code tokens}. */
    int entries(int tokens) {
        return Math.min(capacity, Math.max(least, (tokens + STEP - 1) / STEP * STEP));
    }

    @Override
    public void close() {
        keys.forEach(Tensor::close);
        values.forEach(Tensor::close);
        entries.close();
        mask.close();
    }
}
