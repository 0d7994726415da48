package org.minpro.kernels;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.minpro.model.KeyValueCache;
import org.minpro.model.ModelConfig;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * A cache in the layout of {@link DecodeAttention}, in the model's type. The whole blocks of a prompt are stored once for all slots
 * that are filled with it, and freed when the last of them is released; a slot has the rest of its prompt and its new tokens.
 */
final class BlockCache implements KeyValueCache {
    private final int heads;
    private final int keyHeads;
    private final int headDim;
    private final int layers;
    private final boolean half;
    private final DType type;
    private final int capacity;
    /** Entries of a slot that are its own, in whole blocks. */
    private final int entries;

    private final Device device;
    private final List<Tensor> keys = new ArrayList<>();
    private final List<Tensor> values = new ArrayList<>();
    /** What each slot was filled with; null for an idle one. */
    private final @Nullable Prompt[] filled;

    private final Map<Prefix, Prompt> prompts = new IdentityHashMap<>();

    /** The whole blocks of a prompt; closed with its last slot. */
    private static final class Prompt {
        final Prefix prefix;
        final int shared;
        final @Nullable Tensor memory;
        int slots;

        Prompt(Prefix prefix, int shared, @Nullable Tensor memory) {
            this.prefix = prefix;
            this.shared = shared;
            this.memory = memory;
        }

        long address() {
            return memory == null ? 0 : memory.address();
        }
    }

    /** @param newTokens most entries of a slot behind its prompt */
    BlockCache(ModelConfig config, Device device, DType type, int slots, int capacity, int newTokens) {
        heads = config.heads();
        keyHeads = config.keyValueHeads();
        headDim = config.headDim();
        layers = config.layers();
        half = type == DType.BF16;
        this.type = type;
        this.device = device;
        this.capacity = capacity;
        entries = ScoreRow.full((int) Math.min(capacity, newTokens + (BlockProduct.BLOCK - 1L)));
        filled = new Prompt[slots];
        try (Scope scope = Scope.open()) {
            for (int layer = 0; layer < layers; layer++) {
                keys.add(Tensor.zeros(device, type, slots, keyHeads, entries, headDim)
                        .retain());
                values.add(Tensor.zeros(device, type, slots, keyHeads, entries, headDim)
                        .retain());
            }
        }
    }

    @Override
    public int slots() {
        return filled.length;
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
        require(prefix);
        release(slot);
        Prompt prompt = prompts.computeIfAbsent(prefix, this::store);
        prompt.slots++;
        filled[slot] = prompt;
        int own = prefix.length() - prompt.shared;
        for (int layer = 0; own > 0 && layer < layers; layer++) {
            fill(
                    keys.get(layer).address(),
                    values.get(layer).address(),
                    slot,
                    entries,
                    prefix,
                    layer,
                    prompt.shared,
                    own);
        }
    }

    /** Entries are read by address: those of all tokens must be there. */
    private void require(Prefix prefix) {
        Tensor given = prefix.entries();
        long tokens = given.dimensions() == 5 ? Math.max(given.size(2), prefix.length()) : prefix.length();
        long[] shape = {2, layers, tokens, keyHeads, headDim};
        if (given.type() != DType.F32 || !Arrays.equals(given.shape(), shape)) {
            throw new IllegalArgumentException("entries of a prompt of " + prefix.length() + " tokens must be "
                    + DType.F32 + " " + Arrays.toString(shape) + ", got: " + given);
        }
    }

    /** What slots share of a prompt, {@code [layers, 2, keyHeads, shared, headDim]}: keys and values. */
    Optional<Tensor> stored(Prefix prefix) {
        return Optional.ofNullable(prompts.get(prefix)).map(prompt -> prompt.memory);
    }

    private Prompt store(Prefix prefix) {
        int shared = prefix.length() / BlockProduct.BLOCK * BlockProduct.BLOCK;
        if (shared == 0) {
            return new Prompt(prefix, 0, null);
        }
        Tensor memory;
        try (Scope scope = Scope.open()) {
            memory = Tensor.empty(device, type, layers, 2, keyHeads, shared, headDim)
                    .retain();
        }
        long bytes = DecodeAttention.promptBytes(half, keyHeads, headDim, shared);
        for (int layer = 0; layer < layers; layer++) {
            long at = memory.address() + 2L * layer * bytes;
            fill(at, at + bytes, 0, shared, prefix, layer, 0, shared);
        }
        return new Prompt(prefix, shared, memory);
    }

    /** Puts so many of the prompt's tokens at the beginning of a slot of a layer. */
    private void fill(long toKeys, long toValues, int slot, int room, Prefix prefix, int layer, int first, int tokens) {
        try (Scope scope = Scope.open()) {
            long before = 4L * first * keyHeads * headDim;
            DecodeAttention.fill(
                    half,
                    toKeys,
                    toValues,
                    slot,
                    keyHeads,
                    headDim,
                    room,
                    dense("keys", prefix.keys(layer), prefix.entries().size(2), keyHeads) + before,
                    dense("values", prefix.values(layer), prefix.entries().size(2), keyHeads) + before,
                    tokens);
        }
    }

    private long dense(String name, Tensor x, long rows, int count) {
        return TensorMemory.dense(name, x, DType.F32, rows, count, headDim).address();
    }

    @Override
    public void release(int slot) {
        Prompt prompt = filled[slot];
        filled[slot] = null;
        if (prompt != null && --prompt.slots == 0) {
            prompts.remove(prompt.prefix);
            if (prompt.memory != null) {
                prompt.memory.close();
            }
        }
    }

    /**
     * A copy of a slot.
     *
     * @param prefix that it was filled with, to be known again
     * @param shared entries of the prompt that slots share
     * @param memory a copy of them; null where there are none
     * @param own copies of its own entries, by layer: keys, then values
     */
    private record Copied(
            Prefix prefix, int shared, @Nullable Tensor memory, List<Tensor> own) implements Parked {
        @Override
        public void close() {
            own.forEach(Tensor::close);
            if (memory != null) {
                memory.close();
            }
        }
    }

    /** Another cache may be asked to resume it, so it has its prompt with it. */
    @Override
    public Parked park(int slot, int length) {
        Prompt prompt = Objects.requireNonNull(filled[slot], "a slot that is parked must have been filled");
        int whole = Math.clamp(ScoreRow.full(length - prompt.shared), BlockProduct.BLOCK, entries);
        List<Tensor> own = new ArrayList<>();
        Tensor memory;
        try (Scope scope = Scope.open()) {
            for (Tensor tensor : tensors()) {
                own.add(tensor.select(0, slot).narrow(1, 0, whole).copy().retain());
            }
            memory = prompt.memory == null ? null : prompt.memory.copy().retain();
        }
        Parked parked = new Copied(prompt.prefix, prompt.shared, memory, own);
        release(slot);
        return parked;
    }

    @Override
    public void resume(int slot, Parked parked) {
        Copied copied = (Copied) parked;
        release(slot);
        Prompt prompt = prompts.computeIfAbsent(copied.prefix, prefix -> restored(copied));
        prompt.slots++;
        filled[slot] = prompt;
        try (Scope scope = Scope.open()) {
            List<Tensor> tensors = tensors();
            for (int i = 0; i < tensors.size(); i++) {
                Tensor own = copied.own.get(i);
                tensors.get(i).select(0, slot).narrow(1, 0, own.size(1)).copyInPlace(own);
            }
        }
    }

    private static Prompt restored(Copied copied) {
        Tensor memory = copied.memory;
        if (memory == null) {
            return new Prompt(copied.prefix, copied.shared, null);
        }
        try (Scope scope = Scope.open()) {
            return new Prompt(copied.prefix, copied.shared, memory.copy().retain());
        }
    }

    /** Keys and values of all layers; each has the slots as its first dimension. */
    List<Tensor> tensors() {
        return Stream.concat(keys.stream(), values.stream()).toList();
    }

    @Override
    public Step admit(int[] slots, long[] positions) {
        int count = slots.length;
        int[] seen = new int[count];
        int[] shared = new int[count];
        long[] addresses = new long[count];
        int longest = 1;
        for (int row = 0; row < count; row++) {
            if (positions[row] < 0 || positions[row] >= capacity) {
                throw new IllegalArgumentException("positions must be in [0, " + capacity + "), got: " + positions[row]
                        + " of slot " + slots[row]);
            }
            Prompt prompt = slots[row] < filled.length ? filled[slots[row]] : null;
            if (prompt != null) {
                seen[row] = (int) positions[row] + 1;
                shared[row] = prompt.shared;
                addresses[row] = prompt.address();
                longest = Math.max(longest, seen[row]);
            }
        }
        DecodeAttention.Rows rows = DecodeAttention.Rows.of(slots, seen, addresses, shared);
        long scratch = TensorMemory.bytes(device, DecodeAttention.scratchBytes(heads, keyHeads, headDim, longest));
        return (layer, queryKeyValue) -> attend(layer, queryKeyValue, rows, scratch);
    }

    private Tensor attend(int layer, Tensor[] queryKeyValue, DecodeAttention.Rows rows, long scratch) {
        int count = rows.slots().length;
        long query = dense("queries", queryKeyValue[0], count, heads);
        long key = dense("keys", queryKeyValue[1], count, keyHeads);
        long value = dense("values", queryKeyValue[2], count, keyHeads);
        Tensor output = Tensor.empty(device, DType.F32, count, (long) heads * headDim);
        long keysOf = keys.get(layer).address();
        long valuesOf = values.get(layer).address();
        DecodeAttention.append(half, keysOf, valuesOf, rows, keyHeads, headDim, entries, key, value);
        DecodeAttention.attend(
                half,
                query,
                keysOf,
                valuesOf,
                rows,
                layer,
                output.address(),
                heads,
                keyHeads,
                headDim,
                entries,
                scratch);
        return output;
    }

    @Override
    public void close() {
        keys.forEach(Tensor::close);
        values.forEach(Tensor::close);
        prompts.values().forEach(prompt -> {
            if (prompt.memory != null) {
                prompt.memory.close();
            }
        });
    }
}
