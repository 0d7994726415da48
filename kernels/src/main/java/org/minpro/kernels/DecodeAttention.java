package org.minpro.kernels;

/**
 * Attention of one new token in each slot over that slot's cache, in float32, with grouped queries: {@code out = softmax(q k^T /
 * sqrt(d)) v} over the entries that the slot sees. A token's result has the bits that {@link SequenceAttention#forward} gives it.
 *
 * <p>One layer's cache has keys {@code [slots, keyHeads, capacity / 16, d, 16]} and values {@code [slots, keyHeads, capacity, d]};
 * the capacity is a multiple of 16. What stands in entries that a slot does not see is never used.
 */
public final class DecodeAttention {
    private DecodeAttention() {}

    /**
     * Writes the first entries of a slot.
     *
     * @param k {@code [tokens, keyHeads, d]} float32
     * @param v {@code [tokens, keyHeads, d]} float32
     */
    public static void fill(
            long keys, long values, int slot, int keyHeads, int headDim, int capacity, long k, long v, int tokens) {
        cache(keys, values, keyHeads, headDim, capacity);
        Shapes.present("k", k);
        Shapes.present("v", v);
        Shapes.notNegative("slot", slot);
        Shapes.positive("tokens", tokens);
        inside(tokens - 1, capacity);
        for (int token = 0; token < tokens; token++) {
            for (int head = 0; head < keyHeads; head++) {
                put(keys, values, slot, head, keyHeads, headDim, capacity, token, k, v, (long) token * keyHeads + head);
            }
        }
    }

    /**
     * Writes one entry of every slot.
     *
     * @param positions the entry of each slot
     * @param k {@code [slots, keyHeads, d]} float32
     * @param v {@code [slots, keyHeads, d]} float32
     */
    public static void append(
            long keys,
            long values,
            int slots,
            int keyHeads,
            int headDim,
            int capacity,
            int[] positions,
            long k,
            long v) {
        cache(keys, values, keyHeads, headDim, capacity);
        Shapes.present("k", k);
        Shapes.present("v", v);
        Shapes.positive("slots", slots);
        Shapes.length("positions", positions.length, slots);
        for (int slot = 0; slot < slots; slot++) {
            Shapes.notNegative("position", positions[slot]);
            inside(positions[slot], capacity);
        }
        for (int slot = 0; slot < slots; slot++) {
            for (int head = 0; head < keyHeads; head++) {
                int entry = positions[slot];
                put(keys, values, slot, head, keyHeads, headDim, capacity, entry, k, v, (long) slot * keyHeads + head);
            }
        }
    }

    private static void put(
            long keys,
            long values,
            int slot,
            int head,
            int keyHeads,
            int headDim,
            int capacity,
            int entry,
            long k,
            long v,
            long row) {
        long start = 4 * ((long) slot * keyHeads + head) * capacity * headDim;
        long bytes = 4L * headDim;
        KeyBlocks.put(k + row * bytes, headDim, keys + start, entry);
        Vectors.copy(v + row * bytes, values + start + entry * bytes, bytes);
    }

    /** Bytes of scratch memory that {@link #attend} takes. */
    public static long scratchBytes(int heads, int keyHeads, int headDim, int capacity) {
        Shapes.heads(heads, keyHeads, headDim);
        blocks(capacity);
        return heads / keyHeads * stride(capacity);
    }

    private static long stride(int capacity) {
        return 4L * (capacity + BlockProduct.BLOCK);
    }

    /**
     * @param q {@code [slots, heads, d]} float32
     * @param out {@code [slots, heads, d]} float32
     * @param seen entries that each slot sees, from its first on; the outputs of a slot that sees none are 0
     * @param scratch {@link #scratchBytes} bytes
     */
    public static void attend(
            long q,
            long keys,
            long values,
            long out,
            int slots,
            int heads,
            int keyHeads,
            int headDim,
            int capacity,
            int[] seen,
            long scratch) {
        Shapes.heads(heads, keyHeads, headDim);
        cache(keys, values, keyHeads, headDim, capacity);
        Shapes.present("q", q);
        Shapes.present("out", out);
        Shapes.present("scratch", scratch);
        Shapes.positive("slots", slots);
        Shapes.length("seen", seen.length, slots);
        for (int slot = 0; slot < slots; slot++) {
            Shapes.notNegative("seen", seen[slot]);
            inside(seen[slot] - 1, capacity);
        }
        int perKey = heads / keyHeads;
        long rowBytes = 4L * headDim;
        for (int slot = 0; slot < slots; slot++) {
            for (int head = 0; head < keyHeads; head++) {
                long rows = ((long) slot * heads + (long) head * perKey) * rowBytes;
                long start = ((long) slot * keyHeads + head) * capacity * rowBytes;
                if (seen[slot] == 0) {
                    Vectors.clear(out + rows, perKey * rowBytes);
                } else {
                    attend(
                            q + rows,
                            keys + start,
                            values + start,
                            out + rows,
                            perKey,
                            headDim,
                            seen[slot],
                            scratch,
                            stride(capacity));
                }
            }
        }
    }

    /** The heads of one key head, in one slot. */
    private static void attend(
            long q, long keys, long values, long out, int rows, int headDim, int seen, long scratch, long stride) {
        int full = ScoreRow.full(seen);
        long rowBytes = 4L * headDim;
        float scale = (float) (1 / Math.sqrt(headDim));
        BlockProduct.multiply(q, rowBytes, rows, keys, full / BlockProduct.BLOCK, headDim, scratch, stride);
        for (int row = 0; row < rows; row++) {
            long scores = scratch + row * stride;
            float largest = ScoreRow.mask(scores, seen, full);
            float total = ScoreRow.exponentials(scores, full, largest, scale);
            Vectors.set(scores + 4L * full, 1 / total);
        }
        Vectors.clear(out, rows * rowBytes);
        RowCombination.add(scratch, stride, 4, rows, values, rowBytes, seen, headDim, out, rowBytes);
        for (int row = 0; row < rows; row++) {
            ScoreRow.scale(out + row * rowBytes, headDim, Vectors.get(scratch + row * stride + 4L * full));
        }
    }

    private static void cache(long keys, long values, int keyHeads, int headDim, int capacity) {
        Shapes.present("keys", keys);
        Shapes.present("values", values);
        Shapes.heads(keyHeads, keyHeads, headDim);
        blocks(capacity);
    }

    private static void blocks(int capacity) {
        Shapes.positive("capacity", capacity);
        if (capacity % BlockProduct.BLOCK != 0) {
            throw new IllegalArgumentException(
                    "capacity must be a multiple of " + BlockProduct.BLOCK + ", got: " + capacity);
        }
    }

    private static void inside(int entry, int capacity) {
        if (entry >= capacity) {
            throw new IllegalArgumentException(
                    "entries must be below the capacity (" + capacity + "), got: entry " + entry);
        }
    }
}
