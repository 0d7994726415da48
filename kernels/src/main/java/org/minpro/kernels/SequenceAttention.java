package org.minpro.kernels;

/**
 * Causal attention with grouped queries over a prompt and its responses on a flat axis of tokens, and its way back, in float32:
 * {@code out = softmax(q k^T / sqrt(d)) v}.
 *
 * <p>A trunk's tokens stand at the positions from 0 on, those of each branch at the ones behind the trunk. A trunk's token sees
 * the trunk up to itself; a branch's sees all of the trunk and its branch up to itself. Query head h reads key head {@code h /
 * (heads / keyHeads)}.
 *
 * <p>A token's result has the bits of {@link DecodeAttention#attend}: scores and outputs are chains over the width and over the
 * keys, ascending, and a masked key adds 0. A few queries are computed at once, with all their keys; so memory grows with the
 * tokens, not with their square.
 */
public final class SequenceAttention {
    /** Rows of scores, a token and a head each, that are computed at once. */
    private static final int TILE_ROWS = 24;

    /** Tokens that are computed at once, a multiple of 6 rows: the later ones see keys that are masked for the earlier ones. */
    private static final int TILE_TOKENS = 18;

    /** Numbers between two rows of scores: no two rows begin in the same lines of a cache. */
    private static final int GAP = 16;

    private SequenceAttention() {}

    /** Tokens whose queries are computed at once. */
    private static int tileTokens(int headsPerKey) {
        return Math.clamp(TILE_ROWS / headsPerKey, 1, TILE_TOKENS);
    }

    /**
     * Bytes of scratch memory that {@link #forward} and {@link #backward} take.
     *
     * @param longest tokens of the trunk and its longest branch
     */
    public static long scratchBytes(int heads, int keyHeads, int headDim, int longest) {
        Shapes.heads(heads, keyHeads, headDim);
        Shapes.positive("longest", longest);
        return new Scratch(heads / keyHeads, headDim, longest, 0).end;
    }

    /**
     * Attention over one sequence.
     *
     * @param q {@code [tokens, heads, d]} float32
     * @param k {@code [tokens, keyHeads, d]} float32
     * @param v {@code [tokens, keyHeads, d]} float32
     * @param out {@code [tokens, heads, d]} float32, written at the sequence's tokens
     * @param trunkStart where the trunk begins on the axis of tokens
     * @param branchStarts where the branches begin
     * @param scratch {@link #scratchBytes} bytes
     */
    public static void forward(
            long q,
            long k,
            long v,
            long out,
            int heads,
            int keyHeads,
            int headDim,
            int trunkStart,
            int trunkLength,
            int[] branchStarts,
            int[] branchLengths,
            long scratch) {
        Shapes.present("q", q);
        Shapes.present("k", k);
        Shapes.present("v", v);
        Shapes.present("out", out);
        Shapes.present("scratch", scratch);
        int longest = longest(heads, keyHeads, headDim, trunkStart, trunkLength, branchStarts, branchLengths);
        Scratch parts = new Scratch(heads / keyHeads, headDim, longest, scratch);
        for (int head = 0; head < keyHeads; head++) {
            Head of = new Head(q, k, v, out, heads, keyHeads, headDim, head, parts);
            of.load(trunkStart, trunkLength, 0);
            of.attend(trunkStart, trunkLength, 0);
            for (int branch = 0; branch < branchStarts.length; branch++) {
                of.load(branchStarts[branch], branchLengths[branch], trunkLength);
                of.attend(branchStarts[branch], branchLengths[branch], trunkLength);
            }
        }
    }

    /**
     * The gradients with respect to queries, keys and values. The probabilities are computed again, to the same bits; a key's
     * sums are over the trunk's queries and then those of each branch.
     *
     * @param upstream {@code dL/dout}, {@code [tokens, heads, d]} float32
     * @param toQ {@code dL/dq}, {@code [tokens, heads, d]} float32, written at the sequence's tokens
     * @param toK {@code dL/dk}, {@code [tokens, keyHeads, d]} float32, written likewise
     * @param toV {@code dL/dv}, likewise
     */
    public static void backward(
            long q,
            long k,
            long v,
            long upstream,
            long toQ,
            long toK,
            long toV,
            int heads,
            int keyHeads,
            int headDim,
            int trunkStart,
            int trunkLength,
            int[] branchStarts,
            int[] branchLengths,
            long scratch) {
        Shapes.present("q", q);
        Shapes.present("k", k);
        Shapes.present("v", v);
        Shapes.present("upstream", upstream);
        Shapes.present("toQ", toQ);
        Shapes.present("toK", toK);
        Shapes.present("toV", toV);
        Shapes.present("scratch", scratch);
        int longest = longest(heads, keyHeads, headDim, trunkStart, trunkLength, branchStarts, branchLengths);
        Scratch parts = new Scratch(heads / keyHeads, headDim, longest, scratch);
        for (int head = 0; head < keyHeads; head++) {
            Head of = new Head(q, k, v, toQ, heads, keyHeads, headDim, head, parts);
            of.loadForGradient(trunkStart, trunkLength, 0);
            of.differentiate(trunkStart, trunkLength, 0, upstream);
            for (int branch = 0; branch < branchStarts.length; branch++) {
                of.loadForGradient(branchStarts[branch], branchLengths[branch], trunkLength);
                of.differentiate(branchStarts[branch], branchLengths[branch], trunkLength, upstream);
                of.store(branchStarts[branch], branchLengths[branch], trunkLength, toK, toV);
            }
            of.store(trunkStart, trunkLength, 0, toK, toV);
        }
    }

    private static int longest(
            int heads,
            int keyHeads,
            int headDim,
            int trunkStart,
            int trunkLength,
            int[] branchStarts,
            int[] branchLengths) {
        Shapes.heads(heads, keyHeads, headDim);
        Shapes.notNegative("trunk start", trunkStart);
        Shapes.positive("trunk length", trunkLength);
        if (branchStarts.length != branchLengths.length) {
            throw new IllegalArgumentException("branch lengths must be as many as branch starts (" + branchStarts.length
                    + "), got: " + branchLengths.length);
        }
        int longest = 0;
        for (int branch = 0; branch < branchStarts.length; branch++) {
            Shapes.notNegative("branch start", branchStarts[branch]);
            Shapes.positive("branch length", branchLengths[branch]);
            longest = Math.max(longest, branchLengths[branch]);
        }
        return Math.addExact(trunkLength, longest);
    }

    /** Where the parts of the scratch memory begin: what one head of keys needs. */
    private static final class Scratch {
        final int tileTokens;
        /** Bytes between two rows of scores. */
        final long scoreStride;

        final long keyBlocks;
        final long valueBlocks;
        final long keys;
        final long values;
        final long toKeys;
        final long toValues;
        final long queries;
        final long results;
        final long scores;
        final long gradients;
        final long end;

        Scratch(int headsPerKey, int headDim, int longest, long start) {
            tileTokens = tileTokens(headsPerKey);
            int full = ScoreRow.full(longest);
            scoreStride = 4L * (full + GAP);
            long ofKeys = 4L * full * headDim;
            int rows = tileTokens * headsPerKey;
            keyBlocks = start;
            valueBlocks = keyBlocks + ofKeys;
            keys = valueBlocks + ofKeys;
            values = keys + ofKeys;
            toKeys = values + ofKeys;
            toValues = toKeys + ofKeys;
            queries = toValues + ofKeys;
            results = queries + 4L * rows * headDim;
            scores = results + 4L * rows * headDim;
            gradients = scores + rows * scoreStride;
            end = gradients + rows * scoreStride;
        }
    }

    /** One head of keys with its heads of queries. */
    private record Head(
            long q, long k, long v, long out, int heads, int keyHeads, int headDim, int head, Scratch scratch) {
        private int perKey() {
            return heads / keyHeads;
        }

        private long rowBytes() {
            return 4L * headDim;
        }

        private float scale() {
            return (float) (1 / Math.sqrt(headDim));
        }

        /** The first of the token's rows, of queries or outputs. */
        private long ofToken(long base, long token) {
            return base + (token * heads + (long) head * perKey()) * rowBytes();
        }

        private long ofKey(long base, long token) {
            return base + (token * keyHeads + head) * rowBytes();
        }

        /** Puts a span's keys in blocks and its values in rows, behind so many others. */
        void load(int start, int length, int position) {
            for (int token = 0; token < length; token++) {
                long key = ofKey(k, start + token);
                KeyBlocks.put(key, headDim, scratch.keyBlocks, position + token);
                Vectors.copy(ofKey(v, start + token), scratch.values + (position + token) * rowBytes(), rowBytes());
            }
        }

        void attend(int start, int length, int position) {
            for (int first = 0; first < length; first += scratch.tileTokens) {
                int tokens = Math.min(scratch.tileTokens, length - first);
                int seen = position + first + tokens;
                long results = scratch.results;
                gather(q, start + first, tokens, scratch.queries);
                scores(scratch.queries, tokens, seen, scratch.keyBlocks, scratch.scores);
                softmaxAndSum(tokens, position + first, seen);
                scatter(results, start + first, tokens);
            }
        }

        /** The tokens' rows one behind the other. */
        private void gather(long base, int token, int tokens, long to) {
            long bytes = perKey() * rowBytes();
            for (int i = 0; i < tokens; i++) {
                Vectors.copy(ofToken(base, (long) token + i), to + i * bytes, bytes);
            }
        }

        private void scatter(long from, int token, int tokens) {
            long bytes = perKey() * rowBytes();
            for (int i = 0; i < tokens; i++) {
                Vectors.copy(from + i * bytes, ofToken(out, (long) token + i), bytes);
            }
        }

        private void scores(long rows, int tokens, int seen, long blocks, long to) {
            BlockProduct.multiply(
                    rows,
                    rowBytes(),
                    tokens * perKey(),
                    blocks,
                    ScoreRow.full(seen) / BlockProduct.BLOCK,
                    headDim,
                    to,
                    scratch.scoreStride);
        }

        private void softmaxAndSum(int tokens, int position, int seen) {
            int full = ScoreRow.full(seen);
            int rows = tokens * perKey();
            for (int row = 0; row < rows; row++) {
                long scores = scratch.scores + row * scratch.scoreStride;
                float largest = ScoreRow.mask(scores, position + row / perKey() + 1, full);
                float total = ScoreRow.exponentials(scores, full, largest, scale());
                // The first number behind a row is free.
                Vectors.set(scores + 4L * full, 1 / total);
            }
            Vectors.clear(scratch.results, rows * rowBytes());
            RowCombination.add(
                    scratch.scores,
                    scratch.scoreStride,
                    4,
                    rows,
                    scratch.values,
                    rowBytes(),
                    seen,
                    headDim,
                    scratch.results,
                    rowBytes());
            for (int row = 0; row < rows; row++) {
                float factor = Vectors.get(scratch.scores + row * scratch.scoreStride + 4L * full);
                ScoreRow.scale(scratch.results + row * rowBytes(), headDim, factor);
            }
        }

        /** As {@link #load}, with the values in blocks and the keys in rows too; their gradients begin at 0. */
        void loadForGradient(int start, int length, int position) {
            for (int token = 0; token < length; token++) {
                long key = ofKey(k, start + token);
                long value = ofKey(v, start + token);
                KeyBlocks.put(key, headDim, scratch.keyBlocks, position + token);
                KeyBlocks.put(value, headDim, scratch.valueBlocks, position + token);
                Vectors.copy(key, scratch.keys + (position + token) * rowBytes(), rowBytes());
            }
            Vectors.clear(scratch.toKeys + position * rowBytes(), length * rowBytes());
            Vectors.clear(scratch.toValues + position * rowBytes(), length * rowBytes());
        }

        void differentiate(int start, int length, int position, long upstream) {
            for (int first = 0; first < length; first += scratch.tileTokens) {
                int tokens = Math.min(scratch.tileTokens, length - first);
                int seen = position + first + tokens;
                int rows = tokens * perKey();
                gather(q, start + first, tokens, scratch.queries);
                scores(scratch.queries, tokens, seen, scratch.keyBlocks, scratch.scores);
                gather(upstream, start + first, tokens, scratch.results);
                scores(scratch.results, tokens, seen, scratch.valueBlocks, scratch.gradients);
                softmaxBackward(rows, position + first, seen);
                addToKeys(scratch.scores, scratch.results, rows, seen, scratch.toValues);
                addToKeys(scratch.gradients, scratch.queries, rows, seen, scratch.toKeys);
                Vectors.clear(scratch.results, rows * rowBytes());
                RowCombination.add(
                        scratch.gradients,
                        scratch.scoreStride,
                        4,
                        rows,
                        scratch.keys,
                        rowBytes(),
                        seen,
                        headDim,
                        scratch.results,
                        rowBytes());
                scatter(scratch.results, start + first, tokens);
            }
        }

        private void softmaxBackward(int rows, int position, int seen) {
            int full = ScoreRow.full(seen);
            for (int row = 0; row < rows; row++) {
                long scores = scratch.scores + row * scratch.scoreStride;
                long gradients = scratch.gradients + row * scratch.scoreStride;
                int ofRow = position + row / perKey() + 1;
                float largest = ScoreRow.mask(scores, ofRow, full);
                float total = ScoreRow.exponentials(scores, full, largest, scale());
                ScoreRow.scale(scores, full, 1 / total);
                ScoreRow.backward(scores, gradients, ofRow, full, scale());
            }
        }

        /** Adds to each key's row the tile's rows, weighted by its column of the tile. */
        private void addToKeys(long weights, long from, int rows, int seen, long to) {
            RowCombination.add(weights, 4, scratch.scoreStride, seen, from, rowBytes(), rows, headDim, to, rowBytes());
        }

        /** Writes a span's gradients of keys and values to the tokens' places. */
        void store(int start, int length, int position, long toK, long toV) {
            for (int token = 0; token < length; token++) {
                long row = (position + token) * rowBytes();
                Vectors.copy(scratch.toKeys + row, ofKey(toK, start + token), rowBytes());
                Vectors.copy(scratch.toValues + row, ofKey(toV, start + token), rowBytes());
            }
        }
    }
}
