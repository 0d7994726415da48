package org.minpro.kernels;

/**
 * Attention of one new token in each slot over a cache, with grouped queries: {@code out = softmax(q k^T / sqrt(d)) v} over the
 * entries that the slot sees. A token's result has the bits that {@link SequenceAttention#forward} gives it, from keys and values
 * as the cache has them.
 *
 * <p>One layer's cache has keys {@code [slots, keyHeads, capacity / 16, d, 16]} and values {@code [slots, keyHeads, capacity, d]}
 * in float32; as bfloat16 keys are {@code [slots, keyHeads, capacity / 16, d / 2, 16, 2]}, values as before. The capacity is a
 * multiple of 16. What stands in entries that a slot does not see is never used.
 *
 * <p>Slots can share the entries of a prompt, see {@link Prompts}: these are stored and read once for all of them.
 */
public final class DecodeAttention {
    private static final int LINE = 64;

    /** Numbers between two rows of scores: no two rows begin in the same lines of a cache. */
    private static final int GAP = 16;

    private DecodeAttention() {}

    /**
     * Entries that slots share: their first ones. A slot's own cache then begins with the entry behind them.
     *
     * @param keys one layer's, as the cache's, {@code [prompts, keyHeads, capacity / 16, d, 16]}
     * @param values {@code [prompts, keyHeads, capacity, d]}
     * @param capacity of each prompt's entries, a multiple of 16; 0 where nothing is shared
     * @param of the prompt of each slot; neighbours with the same one are computed together
     * @param shared entries of each slot that are the prompt's, a multiple of 16
     */
    public record Prompts(long keys, long values, int capacity, int[] of, int[] shared) {
        /** Nothing is shared. */
        public static final Prompts NONE = new Prompts(0, 0, 0, new int[0], new int[0]);

        private int sharedOf(int slot) {
            return capacity == 0 ? 0 : shared[slot];
        }

        /** Whether a slot is computed together with the one before it. */
        private boolean together(int slot) {
            return capacity > 0 && of[slot] == of[slot - 1] && shared[slot] == shared[slot - 1] && shared[slot] > 0;
        }

        private void check(int slots) {
            Shapes.notNegative("capacity of prompts", capacity);
            if (capacity == 0) {
                return;
            }
            Shapes.present("keys of prompts", keys);
            Shapes.present("values of prompts", values);
            blocks(capacity);
            Shapes.length("prompts of slots", of.length, slots);
            Shapes.length("shared entries of slots", shared.length, slots);
            for (int slot = 0; slot < slots; slot++) {
                Shapes.notNegative("prompt of a slot", of[slot]);
                if (shared[slot] < 0 || shared[slot] > capacity || shared[slot] % BlockProduct.BLOCK != 0) {
                    throw new IllegalArgumentException("shared entries must be a multiple of " + BlockProduct.BLOCK
                            + " in [0, " + capacity + "], got: " + shared[slot]);
                }
            }
        }
    }

    /** {@link #fill(boolean, long, long, int, int, int, int, long, long, int)} of a float32 cache. */
    public static void fill(
            long keys, long values, int slot, int keyHeads, int headDim, int capacity, long k, long v, int tokens) {
        fill(false, keys, values, slot, keyHeads, headDim, capacity, k, v, tokens);
    }

    /**
     * Writes the first entries of a slot, or of a prompt.
     *
     * @param half whether the cache is bfloat16
     * @param k {@code [tokens, keyHeads, d]} float32
     * @param v {@code [tokens, keyHeads, d]} float32
     */
    public static void fill(
            boolean half,
            long keys,
            long values,
            int slot,
            int keyHeads,
            int headDim,
            int capacity,
            long k,
            long v,
            int tokens) {
        Cache cache = new Cache(half, keys, values, keyHeads, headDim, capacity);
        Shapes.present("k", k);
        Shapes.present("v", v);
        Shapes.notNegative("slot", slot);
        Shapes.positive("tokens", tokens);
        inside(tokens - 1, capacity);
        for (int token = 0; token < tokens; token++) {
            cache.put(slot, token, k, v, token);
        }
    }

    /** {@link #append(boolean, long, long, int, int, int, int, int[], long, long)} of a float32 cache. */
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
        append(false, keys, values, slots, keyHeads, headDim, capacity, positions, k, v);
    }

    /**
     * Writes one entry of every slot.
     *
     * @param half whether the cache is bfloat16
     * @param entries the entry of each slot, of its own
     * @param k {@code [slots, keyHeads, d]} float32
     * @param v {@code [slots, keyHeads, d]} float32
     */
    public static void append(
            boolean half,
            long keys,
            long values,
            int slots,
            int keyHeads,
            int headDim,
            int capacity,
            int[] entries,
            long k,
            long v) {
        Cache cache = new Cache(half, keys, values, keyHeads, headDim, capacity);
        Shapes.present("k", k);
        Shapes.present("v", v);
        Shapes.positive("slots", slots);
        Shapes.length("positions", entries.length, slots);
        for (int slot = 0; slot < slots; slot++) {
            Shapes.notNegative("position", entries[slot]);
            inside(entries[slot], capacity);
        }
        for (int slot = 0; slot < slots; slot++) {
            cache.put(slot, entries[slot], k, v, slot);
        }
    }

    /** Bytes of scratch memory that {@link #attend} takes where nothing is shared. */
    public static long scratchBytes(int heads, int keyHeads, int headDim, int capacity) {
        return scratchBytes(heads, keyHeads, headDim, capacity, 1);
    }

    /**
     * Bytes of scratch memory that {@link #attend} takes.
     *
     * @param entries those of a slot and of its prompt, the capacities together
     * @param together most neighbouring slots that share a prompt
     */
    public static long scratchBytes(int heads, int keyHeads, int headDim, int entries, int together) {
        Shapes.heads(heads, keyHeads, headDim);
        blocks(entries);
        Shapes.positive("together", together);
        return (long) together * (heads / keyHeads) * (stride(entries) + 8L * headDim);
    }

    private static long stride(int entries) {
        return 4L * (entries + GAP);
    }

    /** {@link #attend(boolean, long, long, long, Prompts, long, int, int, int, int, int, int[], long)} of a float32 cache. */
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
        attend(false, q, keys, values, Prompts.NONE, out, slots, heads, keyHeads, headDim, capacity, seen, scratch);
    }

    /**
     * @param half whether the cache is bfloat16
     * @param q {@code [slots, heads, d]} float32
     * @param out {@code [slots, heads, d]} float32
     * @param seen entries that each slot sees, from its first on, shared ones among them; the outputs of a slot that sees none
     *     are 0
     * @param scratch {@link #scratchBytes} bytes
     */
    public static void attend(
            boolean half,
            long q,
            long keys,
            long values,
            Prompts prompts,
            long out,
            int slots,
            int heads,
            int keyHeads,
            int headDim,
            int capacity,
            int[] seen,
            long scratch) {
        Shapes.heads(heads, keyHeads, headDim);
        Cache cache = new Cache(half, keys, values, keyHeads, headDim, capacity);
        Shapes.present("q", q);
        Shapes.present("out", out);
        Shapes.present("scratch", scratch);
        Shapes.positive("slots", slots);
        Shapes.length("seen", seen.length, slots);
        prompts.check(slots);
        for (int slot = 0; slot < slots; slot++) {
            Shapes.notNegative("seen", seen[slot]);
            inside(seen[slot] - prompts.sharedOf(slot) - 1, capacity);
            if (seen[slot] > 0 && seen[slot] < prompts.sharedOf(slot)) {
                throw new IllegalArgumentException("a slot must see all entries that it shares ("
                        + prompts.sharedOf(slot) + ") or none, got: " + seen[slot]);
            }
        }
        Cache shared = prompts.capacity == 0
                ? cache
                : new Cache(half, prompts.keys, prompts.values, keyHeads, headDim, prompts.capacity);
        Step step = new Step(cache, shared, prompts, q, out, heads, seen, scratch, stride(capacity + prompts.capacity));
        for (int first = 0; first < slots; ) {
            int end = first + 1;
            while (end < slots && prompts.together(end)) {
                end++;
            }
            step.attend(first, end);
            first = end;
        }
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

    /** Keys and values of a layer. */
    private record Cache(boolean half, long keys, long values, int keyHeads, int headDim, int capacity) {
        Cache {
            Shapes.present("keys", keys);
            Shapes.present("values", values);
            Shapes.heads(keyHeads, keyHeads, headDim);
            blocks(capacity);
        }

        private long entryBytes() {
            return (half ? 2L : 4L) * headDim;
        }

        /** Where the entries of a slot's head begin, in keys or values. */
        long start(long base, int slot, int head) {
            return base + ((long) slot * keyHeads + head) * capacity * entryBytes();
        }

        /** Puts a row of k and v, {@code [rows, keyHeads, d]}, at an entry of a slot. */
        void put(int slot, int entry, long k, long v, long row) {
            for (int head = 0; head < keyHeads; head++) {
                long from = 4 * (row * keyHeads + head) * headDim;
                long toKey = start(keys, slot, head);
                long toValue = start(values, slot, head) + entry * entryBytes();
                if (half) {
                    KeyBlocks.putHalf(k + from, headDim, toKey, entry);
                    HalfRows.narrow(v + from, toValue, headDim);
                } else {
                    KeyBlocks.put(k + from, headDim, toKey, entry);
                    Vectors.copy(v + from, toValue, 4L * headDim);
                }
            }
        }

        void scores(long queries, int rows, int slot, int head, int entries, long to, long stride) {
            int blocks = ScoreRow.full(entries) / BlockProduct.BLOCK;
            long from = start(keys, slot, head);
            if (half) {
                HalfBlockProduct.multiply(queries, 4L * headDim, rows, from, blocks, headDim, to, stride);
            } else {
                BlockProduct.multiply(queries, 4L * headDim, rows, from, blocks, headDim, to, stride);
            }
        }

        void addValues(long weights, long stride, int rows, int slot, int head, int entries, long to) {
            long from = start(values, slot, head);
            long row = 4L * headDim;
            if (half) {
                HalfRowCombination.add(weights, stride, rows, from, entryBytes(), entries, headDim, to, row);
            } else {
                RowCombination.add(weights, stride, 4, rows, from, entryBytes(), entries, headDim, to, row);
            }
        }

        /** From the sums of values to outputs, which may take their place where the cache is float32. */
        void finish(long sums, long to, float factor) {
            if (half) {
                HalfRowCombination.interleave(sums, to, headDim, factor);
            } else {
                ScoreRow.scale(sums, headDim, factor);
                Vectors.copy(sums, to, 4L * headDim);
            }
        }

        /** Reads a number of each line of a head's entries: Java has no prefetch, and several slots' lines come at once. */
        float touch(int slot, int head, int entries) {
            long bytes = ScoreRow.full(entries) * entryBytes();
            return lines(start(keys, slot, head), bytes) + lines(start(values, slot, head), entries * entryBytes());
        }

        private static float lines(long from, long bytes) {
            float a = 0;
            float b = 0;
            for (long at = 0; at < bytes; at += 2 * LINE) {
                a += Vectors.get(from + at);
                b += Vectors.get(from + Math.min(at + LINE, bytes - Float.BYTES));
            }
            return a + b;
        }
    }

    /** One token of all slots. */
    private record Step(
            Cache own, Cache prompts, Prompts of, long q, long out, int heads, int[] seen, long scratch, long stride) {
        /** The slots from first to end, which share a prompt, or are one. */
        void attend(int first, int end) {
            int perKey = heads / own.keyHeads;
            long rowBytes = 4L * own.headDim;
            long bytes = perKey * rowBytes;
            int rows = (end - first) * perKey;
            long sums = scratch + rows * rowBytes;
            long scores = sums + rows * rowBytes;
            int shared = of.sharedOf(first);
            for (int head = 0; head < own.keyHeads; head++) {
                float touched = 0;
                for (int slot = first; slot < end; slot++) {
                    touched += own.touch(slot, head, Math.max(0, seen[slot] - shared));
                    Vectors.copy(row(q, slot, head, bytes), scratch + (slot - first) * bytes, bytes);
                }
                // A use of what was touched: the memory is overwritten at once.
                Vectors.set(scores, touched);
                Vectors.clear(sums, rows * rowBytes);
                if (shared > 0) {
                    prompts.scores(scratch, rows, of.of[first], head, shared, scores, stride);
                }
                for (int slot = first; slot < end; slot++) {
                    int row = (slot - first) * perKey;
                    weigh(slot, head, shared, scratch + row * rowBytes, scores + row * stride);
                }
                if (shared > 0) {
                    prompts.addValues(scores, stride, rows, of.of[first], head, shared, sums);
                }
                for (int slot = first; slot < end; slot++) {
                    int row = (slot - first) * perKey;
                    finish(slot, head, shared, scores + row * stride, sums + row * rowBytes);
                }
            }
        }

        private long row(long base, int slot, int head, long bytes) {
            return base + ((long) slot * own.keyHeads + head) * bytes;
        }

        /** The scores of a slot's own entries, and the exponentials of all; one over their sum stands behind them. */
        private void weigh(int slot, int head, int shared, long queries, long scores) {
            int perKey = heads / own.keyHeads;
            if (seen[slot] == 0) {
                return;
            }
            if (seen[slot] > shared) {
                own.scores(queries, perKey, slot, head, seen[slot] - shared, scores + 4L * shared, stride);
            }
            int full = ScoreRow.full(seen[slot]);
            float scale = (float) (1 / Math.sqrt(own.headDim));
            for (int row = 0; row < perKey; row++) {
                long ofRow = scores + row * stride;
                float largest = ScoreRow.mask(ofRow, seen[slot], full);
                float total = ScoreRow.exponentials(ofRow, full, largest, scale);
                Vectors.set(ofRow + 4L * full, 1 / total);
            }
        }

        private void finish(int slot, int head, int shared, long scores, long sums) {
            int perKey = heads / own.keyHeads;
            long rowBytes = 4L * own.headDim;
            long to = row(out, slot, head, perKey * rowBytes);
            if (seen[slot] == 0) {
                Vectors.clear(to, perKey * rowBytes);
                return;
            }
            if (seen[slot] > shared) {
                own.addValues(scores + 4L * shared, stride, perKey, slot, head, seen[slot] - shared, sums);
            }
            long inverse = 4L * ScoreRow.full(seen[slot]);
            for (int row = 0; row < perKey; row++) {
                float factor = Vectors.get(scores + row * stride + inverse);
                own.finish(sums + row * rowBytes, to + row * rowBytes, factor);
            }
        }
    }
}
