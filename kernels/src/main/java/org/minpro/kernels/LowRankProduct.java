package org.minpro.kernels;

import java.util.List;

/**
 * What an adapter adds to a projection, {@code y += s (x A^T) B^T}, and its way back. A and B are float32, and so is all that is
 * computed; rows of bfloat16 are widened a few at a time, and what is added to one is rounded once.
 *
 * <p>A row's bits are the same whatever the number of rows is, those of y and of {@code dL/dx} among them.
 */
final class LowRankProduct {
    /** Rows that are computed at once: what is kept of them stays in the second-level cache, unless rows are very long. */
    private static final int CHUNK = 24;

    /** Rows whose gradients of A and B are added up before they are added to those of the others. */
    private static final int ROWS_OF_PART = 10 * CHUNK;

    /** Terms of a sum before it is added to the sum of the others: one chain over thousands would lose digits. */
    private static final int MOST_TERMS = 256;

    private LowRankProduct() {}

    /**
     * The matrices of an adapter beside one or more maps that lie side by side.
     *
     * @param in inputs of the maps
     * @param out outputs of all of them
     * @param rank of each
     * @param scale s
     * @param down A, {@code [parts * rank, in]}
     * @param packedDown the same, {@link PackedProduct#pack packed}
     */
    record Maps(int in, int out, int rank, float scale, long down, long packedDown, List<Part> parts) {
        Maps {
            Shapes.positive("in", in);
            Shapes.positive("out", out);
            Shapes.positive("rank", rank);
            Shapes.present("down", down);
            Shapes.present("packed down", packedDown);
            Shapes.length("parts", parts.size(), 1);
            for (Part part : parts) {
                if (part.start < 0 || part.length < 1 || part.start + part.length > out) {
                    throw new IllegalArgumentException("a part must lie within the outputs (" + out + "), got: "
                            + part.length + " from " + part.start);
                }
            }
        }

        private int narrow() {
            return parts.size() * rank;
        }
    }

    /**
     * One of the maps.
     *
     * @param up B, {@code [length, rank]}
     * @param packedUp the same, {@link PackedProduct#pack packed}
     * @param start of its outputs
     */
    record Part(long up, long packedUp, int start, int length) {
        Part {
            Shapes.present("up", up);
            Shapes.present("packed up", packedUp);
        }
    }

    /** Memory for what is kept of a few rows. */
    private static long scratch(Maps maps) {
        return RowScratch.outerFloats(CHUNK * (2L * maps.in + maps.out + ScoreRow.full(maps.out) + 3L * maps.narrow())
                + (long) maps.narrow() * maps.in
                + (long) maps.rank * maps.out);
    }

    /**
     * @param x {@code [rows, in]}
     * @param y {@code [rows, out]}, which is added to
     */
    static void add(boolean half, Maps maps, long x, long y, int rows) {
        check(x, rows);
        Shapes.present("y", y);
        long bytes = half ? 2 : 4;
        long narrowed = scratch(maps);
        long wide = narrowed + 4L * CHUNK * maps.narrow();
        long sums = wide + 4L * CHUNK * maps.in;
        for (int first = 0; first < rows; first += CHUNK) {
            int count = Math.min(CHUNK, rows - first);
            long from = float32(half, x + bytes * first * maps.in, wide, count * maps.in);
            narrow(maps, from, count, narrowed);
            for (int p = 0; p < maps.parts.size(); p++) {
                Part part = maps.parts.get(p);
                int blocks = (part.length + BlockProduct.BLOCK - 1) / BlockProduct.BLOCK;
                long stride = 4L * BlockProduct.BLOCK * blocks;
                BlockProduct.multiply(
                        narrowed + 4L * p * maps.rank,
                        4L * maps.narrow(),
                        count,
                        part.packedUp,
                        blocks,
                        maps.rank,
                        sums,
                        stride);
                for (int row = 0; row < count; row++) {
                    long to = y + bytes * ((long) (first + row) * maps.out + part.start);
                    addRow(half, sums + row * stride, to, part.length);
                }
            }
        }
    }

    /**
     * The way back.
     *
     * @param x {@code [rows, in]}
     * @param upstream {@code dL/dy [rows, out]}
     * @param toX {@code dL/dx [rows, in]}, which is added to
     * @param toDown {@code dL/dA [parts * rank, in]} float32, which is added to
     * @param toUps {@code dL/dB^T [rank, length]} float32 of each part, which are added to
     */
    static void back(boolean half, Maps maps, long x, long upstream, long toX, long toDown, long[] toUps, int rows) {
        check(x, rows);
        Shapes.present("upstream", upstream);
        Shapes.present("dL/dx", toX);
        Shapes.present("dL/dA", toDown);
        Shapes.length("dL/dB", toUps.length, maps.parts.size());
        int narrow = maps.narrow();
        int rank = maps.rank;
        long bytes = half ? 2 : 4;
        long narrowed = scratch(maps);
        long toNarrow = narrowed + 4L * CHUNK * narrow;
        long some = toNarrow + 4L * CHUNK * narrow;
        long wide = some + 4L * CHUNK * narrow;
        long wideUpstream = wide + 4L * CHUNK * maps.in;
        long sums = wideUpstream + 4L * CHUNK * maps.out;
        long partDown = sums + 4L * CHUNK * maps.in;
        long partUps = partDown + 4L * narrow * maps.in;
        for (int start = 0; start < rows; start += ROWS_OF_PART) {
            int end = Math.min(rows, start + ROWS_OF_PART);
            Vectors.clear(partDown, 4L * narrow * maps.in);
            Vectors.clear(partUps, 4L * rank * maps.out);
            for (int first = start; first < end; first += CHUNK) {
                int count = Math.min(CHUNK, end - first);
                long from = float32(half, x + bytes * first * maps.in, wide, count * maps.in);
                long u = float32(half, upstream + bytes * first * maps.out, wideUpstream, count * maps.out);
                narrow(maps, from, count, narrowed);
                Vectors.clear(toNarrow, 4L * count * narrow);
                for (int p = 0; p < maps.parts.size(); p++) {
                    Part part = maps.parts.get(p);
                    long ofPart = u + 4L * part.start;
                    RowCombination.add(
                            narrowed + 4L * p * rank,
                            4,
                            4L * narrow,
                            rank,
                            ofPart,
                            4L * maps.out,
                            count,
                            part.length,
                            partUps + 4L * rank * part.start,
                            4L * part.length);
                    toNarrow(ofPart, maps, p, count, some, toNarrow);
                }
                ScoreRow.scale(toNarrow, count * narrow, maps.scale);
                RowCombination.add(
                        toNarrow, 4, 4L * narrow, narrow, from, 4L * maps.in, count, maps.in, partDown, 4L * maps.in);
                Vectors.clear(sums, 4L * count * maps.in);
                RowCombination.add(
                        toNarrow, 4L * narrow, 4, count, maps.down, 4L * maps.in, narrow, maps.in, sums, 4L * maps.in);
                addRow(half, sums, toX + bytes * first * maps.in, count * maps.in);
            }
            FloatRows.add(partDown, toDown, narrow * maps.in);
            for (int p = 0; p < maps.parts.size(); p++) {
                Part part = maps.parts.get(p);
                FloatRows.add(partUps + 4L * rank * part.start, toUps[p], rank * part.length);
            }
        }
    }

    /** Adds {@code u B} of a part to its columns of {@code toNarrow [rows, parts * rank]}. */
    private static void toNarrow(long ofPart, Maps maps, int p, int rows, long some, long toNarrow) {
        Part part = maps.parts.get(p);
        int rank = maps.rank;
        for (int at = 0; at < part.length; at += MOST_TERMS) {
            Vectors.clear(some, 4L * rows * rank);
            RowCombination.add(
                    ofPart + 4L * at,
                    4L * maps.out,
                    4,
                    rows,
                    part.up + 4L * at * rank,
                    4L * rank,
                    Math.min(MOST_TERMS, part.length - at),
                    rank,
                    some,
                    4L * rank);
            for (int row = 0; row < rows; row++) {
                FloatRows.add(some + 4L * row * rank, toNarrow + 4L * (row * maps.narrow() + p * rank), rank);
            }
        }
    }

    private static void check(long x, int rows) {
        Shapes.present("x", x);
        Shapes.positive("rows", rows);
    }

    /** {@code s x A^T}, {@code [rows, parts * rank]}. */
    private static void narrow(Maps maps, long x, int rows, long narrowed) {
        PackedProduct.multiply(x, maps.packedDown, 0, narrowed, rows, maps.in, maps.narrow());
        ScoreRow.scale(narrowed, rows * maps.narrow(), maps.scale);
    }

    /** Where numbers are in float32: where they are, or where bfloat16 ones have been widened to. */
    private static long float32(boolean half, long numbers, long wide, int count) {
        if (!half) {
            return numbers;
        }
        HalfRows.widen(numbers, wide, count);
        return wide;
    }

    private static void addRow(boolean half, long what, long y, int count) {
        if (half) {
            HalfRows.add(what, y, count);
        } else {
            FloatRows.add(what, y, count);
        }
    }
}
