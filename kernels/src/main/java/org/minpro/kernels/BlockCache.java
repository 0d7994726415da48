package org.minpro.kernels;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.minpro.model.KeyValueCache;
import org.minpro.model.ModelConfig;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/** A cache in the layout of {@link DecodeAttention}, in float32. */
final class BlockCache implements KeyValueCache {
    private final int heads;
    private final int keyHeads;
    private final int headDim;
    private final int slots;
    private final int capacity;
    /** The capacity in whole blocks. */
    private final int entries;

    private final boolean[] filled;
    private final Device device;
    private final List<Tensor> keys = new ArrayList<>();
    private final List<Tensor> values = new ArrayList<>();

    BlockCache(ModelConfig config, Device device, int slots, int capacity) {
        heads = config.heads();
        keyHeads = config.keyValueHeads();
        headDim = config.headDim();
        this.device = device;
        this.slots = slots;
        this.capacity = capacity;
        entries = ScoreRow.full(capacity);
        filled = new boolean[slots];
        try (Scope scope = Scope.open()) {
            for (int layer = 0; layer < config.layers(); layer++) {
                keys.add(Tensor.zeros(device, DType.F32, slots, keyHeads, entries, headDim)
                        .retain());
                values.add(Tensor.zeros(device, DType.F32, slots, keyHeads, entries, headDim)
                        .retain());
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
        filled[slot] = true;
        try (Scope scope = Scope.open()) {
            for (int layer = 0; layer < keys.size(); layer++) {
                Tensor key = prefix.keys().get(layer);
                Tensor value = prefix.values().get(layer);
                long tokens = key.size(0);
                DecodeAttention.fill(
                        keys.get(layer).address(),
                        values.get(layer).address(),
                        slot,
                        keyHeads,
                        headDim,
                        entries,
                        TensorMemory.dense("keys", key, DType.F32, tokens, keyHeads, headDim)
                                .address(),
                        TensorMemory.dense("values", value, DType.F32, tokens, keyHeads, headDim)
                                .address(),
                        prefix.length());
            }
        }
    }

    @Override
    public void release(int slot) {
        filled[slot] = false;
    }

    @Override
    public Parked park(int slot, int length) {
        Parked parked = Parked.of(tensors(), slot, length, ScoreRow.full(length));
        release(slot);
        return parked;
    }

    @Override
    public void resume(int slot, Parked parked) {
        parked.writeTo(tensors(), slot);
        filled[slot] = true;
    }

    /** Each has the slots as its first dimension. */
    private List<Tensor> tensors() {
        return Stream.concat(keys.stream(), values.stream()).toList();
    }

    @Override
    public Step admit(long[] positions) {
        int rows = positions.length;
        int[] written = new int[slots];
        int[] seen = new int[slots];
        for (int slot = 0; slot < slots; slot++) {
            if (positions[slot] < 0 || positions[slot] >= capacity) {
                throw new IllegalArgumentException(
                        "positions must be in [0, " + capacity + "), got: " + positions[slot] + " of slot " + slot);
            }
            written[slot] = (int) positions[slot];
            seen[slot] = filled[slot] ? written[slot] + 1 : 0;
        }
        long scratch = TensorMemory.bytes(device, DecodeAttention.scratchBytes(heads, keyHeads, headDim, entries));
        return (layer, queryKeyValue) -> attend(layer, queryKeyValue, rows, written, seen, scratch);
    }

    private Tensor attend(int layer, Tensor[] queryKeyValue, long rows, int[] written, int[] seen, long scratch) {
        long key = TensorMemory.dense("keys", queryKeyValue[1], DType.F32, rows, keyHeads, headDim)
                .address();
        long value = TensorMemory.dense("values", queryKeyValue[2], DType.F32, rows, keyHeads, headDim)
                .address();
        long query = TensorMemory.dense("queries", queryKeyValue[0], DType.F32, rows, heads, headDim)
                .address();
        Tensor output = rows == slots
                ? Tensor.empty(device, DType.F32, rows, (long) heads * headDim)
                : Tensor.zeros(device, DType.F32, rows, (long) heads * headDim);
        long keysOf = keys.get(layer).address();
        long valuesOf = values.get(layer).address();
        DecodeAttention.append(keysOf, valuesOf, slots, keyHeads, headDim, entries, written, key, value);
        DecodeAttention.attend(
                query, keysOf, valuesOf, output.address(), slots, heads, keyHeads, headDim, entries, seen, scratch);
        return output;
    }

    @Override
    public void close() {
        keys.forEach(Tensor::close);
        values.forEach(Tensor::close);
    }
}
