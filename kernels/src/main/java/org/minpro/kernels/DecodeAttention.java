package org.minpro.kernels;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Attention of one new token in each row over a cache, with grouped queries: {@code out = softmax(q k^T / sqrt(d)) v} over the
 * entries that the row's slot sees. A token's result has the bits that {@link SequenceAttention#forward} gives it, from keys and
 * values as the cache has them.
 *
 * <p>One layer's cache has keys {@code [slots, keyHeads, capacity / 16, d, 16]} and values {@code [slots, keyHeads, capacity, d]}
 * in float32; as bfloat16 keys are {@code [slots, keyHeads, capacity / 16, d / 2, 16, 2]}, values as before. The capacity is a
 * multiple of 16. What stands in entries that a slot does not see is never used.
 *
 * <p>The first entries of a slot can be those of a prompt, see {@link Rows}: they are stored once for all slots of the prompt, and
 * read once for many of them.
 */
public final class DecodeAttention {
    private static final int LINE = 64;

    /** Numbers between two rows of scores: no two rows begin in the same lines of a cache. */
    private static final int GAP = 16;

    /** Rows of queries that read a prompt together: more would push each other's scores out of the caches. */
    private static final int MOST_TOGETHER = 48;

    private DecodeAttention() {}

    /**
     * What the new tokens' rows see.
     *
     * @param slots the slot of each row, each at most once
     * @param seen entries that each row sees, from the first on, those of its prompt among them; a row that sees none has outputs
     *     of 0, and its slot is never looked at
     * @param prompts where the entries of each row's prompt are: of each layer keys {@code [keyHeads, shared / 16, d, 16]} and
     *     behind them values {@code [keyHeads, shared, d]}, in the types and orders of the cache; not used where nothing is shared
     * @param shared entries of each row that are its prompt's, a multiple of 16; a slot's own begin behind them
     * @param order the rows, each once, those of a prompt next to each other
     */
    public record Rows(int[] slots, int[] seen, long[] prompts, int[] shared, int[] order) {
        public Rows {
            // Here and not in the kernels: rows are made once a step, and computed once a layer.
            if (!isOfEachOnce(order, slots.length)) {
                throw new IllegalArgumentException(
                        "order must be of each of " + slots.length + " rows once, got: " + Arrays.toString(order));
            }
        }

        private static boolean isOfEachOnce(int[] order, int count) {
            boolean[] found = new boolean[count];
            for (int row : order) {
                if (row < 0 || row >= count || found[row]) {
                    return false;
                }
                found[row] = true;
            }
            return order.length == count;
        }

        /** The rows in an order in which those of a prompt are neighbours. */
        public static Rows of(int[] slots, int[] seen, long[] prompts, int[] shared) {
            int[] order = IntStream.range(0, slots.length)
                    .boxed()
                    .sorted(Comparator.comparingLong(row -> prompts[row]))
                    .mapToInt(Integer::intValue)
                    .toArray();
            return new Rows(slots, seen, prompts, shared, order);
        }

        /** Rows of slots that share nothing. */
        public static Rows apart(int[] slots, int[] seen) {
            return of(slots, seen, new long[slots.length], new int[slots.length]);
        }

        private int count() {
            return slots.length;
        }

        /** The end of the neighbours from {@code first} on, in the order of rows, that are computed together. */
        private int together(int first, int most) {
            int row = order[first];
            int end = first + 1;
            while (end < order.length
                    && end - first < most
                    && shared[row] > 0
                    && seen[row] > 0
                    && seen[order[end]] > 0
                    && prompts[order[end]] == prompts[row]
                    && shared[order[end]] == shared[row]) {
                end++;
            }
            return end;
        }

        private void check(int capacity) {
            Shapes.positive("rows", count());
            Shapes.length("seen", seen.length, count());
            Shapes.length("prompts of rows", prompts.length, count());
            Shapes.length("shared entries of rows", shared.length, count());
            for (int row = 0; row < count(); row++) {
                Shapes.notNegative("seen", seen[row]);
                if (seen[row] == 0) {
                    continue;
                }
                Shapes.notNegative("slot", slots[row]);
                if (shared[row] < 0 || shared[row] % BlockProduct.BLOCK != 0) {
                    throw new IllegalArgumentException(
                            "shared entries must be a multiple of " + BlockProduct.BLOCK + ", got: " + shared[row]);
                }
                if (shared[row] > 0) {
                    Shapes.present("prompt of a row", prompts[row]);
                }
                if (seen[row] < shared[row]) {
                    throw new IllegalArgumentException("a row must see all entries that it shares (" + shared[row]
                            + ") or none, got: " + seen[row]);
                }
                inside(seen[row] - shared[row] - 1, capacity);
            }
        }
    }

    /** Bytes of a prompt's entries in one layer, keys or values. */
    public static long promptBytes(boolean half, int keyHeads, int headDim, int shared) {
        return (half ? 2L : 4L) * keyHeads * shared * headDim;
    }

    /**
     * Writes the first entries of a slot, or of a prompt, which is the one slot of a cache.
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

    /**
     * Writes the last entry that each row sees.
     *
     * @param half whether the cache is bfloat16
     * @param k {@code [rows, keyHeads, d]} float32
     * @param v {@code [rows, keyHeads, d]} float32
     */
    public static void append(
            boolean half, long keys, long values, Rows rows, int keyHeads, int headDim, int capacity, long k, long v) {
        Cache cache = new Cache(half, keys, values, keyHeads, headDim, capacity);
        Shapes.present("k", k);
        Shapes.present("v", v);
        rows.check(capacity);
        for (int row = 0; row < rows.count(); row++) {
            if (rows.seen[row] > 0 && rows.seen[row] == rows.shared[row]) {
                throw new IllegalArgumentException("an entry must be written behind those that are shared ("
                        + rows.shared[row] + "), got: " + rows.seen[row] + " seen");
            }
        }
        for (int row = 0; row < rows.count(); row++) {
            if (rows.seen[row] > 0) {
                cache.put(rows.slots[row], rows.seen[row] - rows.shared[row] - 1, k, v, row);
            }
        }
    }

    /**
     * Bytes of scratch memory that {@link #attend} takes.
     *
     * @param entries that a row sees at most
     */
    public static long scratchBytes(int heads, int keyHeads, int headDim, int entries) {
        Shapes.heads(heads, keyHeads, headDim);
        Shapes.positive("entries", entries);
        return (long) together(heads / keyHeads) * (heads / keyHeads) * (stride(entries) + 8L * headDim);
    }

    /** Rows of a prompt that are computed together at most. */
    private static int together(int perKey) {
        return Math.max(1, MOST_TOGETHER / perKey);
    }

    private static long stride(int entries) {
        return 4L * (ScoreRow.full(entries) + GAP);
    }

    /**
     * Attention of the rows' tokens, whose own entries are in the cache.
     *
     * @param half whether the cache is bfloat16
     * @param q {@code [rows, heads, d]} float32
     * @param layer of the prompts' entries
     * @param out {@code [rows, heads, d]} float32
     * @param scratch {@link #scratchBytes} bytes
     */
    public static void attend(
            boolean half,
            long q,
            long keys,
            long values,
            Rows rows,
            int layer,
            long out,
            int heads,
            int keyHeads,
            int headDim,
            int capacity,
            long scratch) {
        Shapes.heads(heads, keyHeads, headDim);
        Cache cache = new Cache(half, keys, values, keyHeads, headDim, capacity);
        Shapes.present("q", q);
        Shapes.present("out", out);
        Shapes.present("scratch", scratch);
        Shapes.notNegative("layer", layer);
        rows.check(capacity);
        int longest = 1;
        for (int seen : rows.seen) {
            longest = Math.max(longest, seen);
        }
        Step step = new Step(cache, rows, layer, q, out, heads, scratch, stride(longest));
        int most = together(heads / keyHeads);
        for (int first = 0; first < rows.count(); ) {
            int end = rows.together(first, most);
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

    /** One token of all rows. */
    private record Step(Cache own, Rows of, int layer, long q, long out, int heads, long scratch, long stride) {
        /** The rows from first to end in their order, which share a prompt, or are one. */
        void attend(int first, int end) {
            int perKey = heads / own.keyHeads;
            long rowBytes = 4L * own.headDim;
            long bytes = perKey * rowBytes;
            int queries = (end - first) * perKey;
            long sums = scratch + queries * rowBytes;
            long scores = sums + queries * rowBytes;
            int shared = of.seen[of.order[first]] == 0 ? 0 : of.shared[of.order[first]];
            Cache prompt = prompt(of.order[first], shared);
            for (int head = 0; head < own.keyHeads; head++) {
                float touched = shared > 0 ? prompt.touch(0, head, shared) : 0;
                for (int i = first; i < end; i++) {
                    int row = of.order[i];
                    touched += touch(row, head, shared);
                    Vectors.copy(row(q, row, head, bytes), scratch + (i - first) * bytes, bytes);
                }
                // A use of what was touched: the memory is overwritten at once.
                Vectors.set(scores, touched);
                Vectors.clear(sums, queries * rowBytes);
                if (shared > 0) {
                    prompt.scores(scratch, queries, 0, head, shared, scores, stride);
                }
                for (int i = first; i < end; i++) {
                    int at = (i - first) * perKey;
                    weigh(of.order[i], head, shared, scratch + at * rowBytes, scores + at * stride);
                }
                if (shared > 0) {
                    prompt.addValues(scores, stride, queries, 0, head, shared, sums);
                }
                for (int i = first; i < end; i++) {
                    int at = (i - first) * perKey;
                    finish(of.order[i], head, shared, scores + at * stride, sums + at * rowBytes);
                }
            }
        }

        /** The entries of a row's prompt in this layer; any cache where it shares nothing. */
        private Cache prompt(int row, int shared) {
            if (shared == 0) {
                return own;
            }
            long bytes = promptBytes(own.half, own.keyHeads, own.headDim, shared);
            long keys = of.prompts[row] + 2L * layer * bytes;
            return new Cache(own.half, keys, keys + bytes, own.keyHeads, own.headDim, shared);
        }

        private float touch(int row, int head, int shared) {
            return of.seen[row] > shared ? own.touch(of.slots[row], head, of.seen[row] - shared) : 0;
        }

        private long row(long base, int row, int head, long bytes) {
            return base + ((long) row * own.keyHeads + head) * bytes;
        }

        /** The scores of a row's own entries, and the exponentials of all; one over their sum stands behind them. */
        private void weigh(int row, int head, int shared, long queries, long scores) {
            int perKey = heads / own.keyHeads;
            int seen = of.seen[row];
            if (seen == 0) {
                return;
            }
            if (seen > shared) {
                own.scores(queries, perKey, of.slots[row], head, seen - shared, scores + 4L * shared, stride);
            }
            int full = ScoreRow.full(seen);
            float scale = (float) (1 / Math.sqrt(own.headDim));
            for (int i = 0; i < perKey; i++) {
                long ofRow = scores + i * stride;
                float largest = ScoreRow.mask(ofRow, seen, full);
                float total = ScoreRow.exponentials(ofRow, full, largest, scale);
                Vectors.set(ofRow + 4L * full, 1 / total);
            }
        }

        private void finish(int row, int head, int shared, long scores, long sums) {
            int perKey = heads / own.keyHeads;
            long rowBytes = 4L * own.headDim;
            long to = row(out, row, head, perKey * rowBytes);
            int seen = of.seen[row];
            if (seen == 0) {
                Vectors.clear(to, perKey * rowBytes);
                return;
            }
            if (seen > shared) {
                own.addValues(scores + 4L * shared, stride, perKey, of.slots[row], head, seen - shared, sums);
            }
            long inverse = 4L * ScoreRow.full(seen);
            for (int i = 0; i < perKey; i++) {
                float factor = Vectors.get(scores + i * stride + inverse);
                own.finish(sums + i * rowBytes, to + i * rowBytes, factor);
            }
        }
    }
}
