package org.minpro.kernels;

import static org.minpro.kernels.Vectors.BYTES;
import static org.minpro.kernels.Vectors.LANES;
import static org.minpro.kernels.Vectors.MEMORY;
import static org.minpro.kernels.Vectors.ORDER;
import static org.minpro.kernels.Vectors.TYPE;
import static org.minpro.kernels.Vectors.load;
import static org.minpro.kernels.Vectors.spread;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Weighted sums of rows, added to what is there: {@code out[i][c] += sum_j w[i][j] x[j][c]}. Attention's outputs and the
 * gradients of its queries, keys and values are such.
 *
 * <p>Every sum is one chain of fused multiply-adds, j ascending, from what {@code out} has: a sum in several calls has the bits
 * of one call, and how many rows there are changes no bit.
 */
final class RowCombination {
    private RowCombination() {}

    /**
     * @param w weights, those of a row {@code rowStride} bytes after those of the one before, {@code w[i][j + 1]} {@code
     *     sumStride} bytes after {@code w[i][j]}
     * @param x {@code count} rows of {@code columns} numbers, {@code xStride} bytes apart
     * @param out {@code rows} rows, {@code outStride} bytes apart
     */
    static void add(
            long w,
            long rowStride,
            long sumStride,
            int rows,
            long x,
            long xStride,
            int count,
            int columns,
            long out,
            long outStride) {
        int column = 0;
        for (; column <= columns - 4 * LANES; column += 4 * LANES) {
            long from = x + 4L * column;
            long to = out + 4L * column;
            int row = 0;
            for (; row <= rows - 3; row += 3) {
                long weights = w + row * rowStride;
                threeRowsFourVectors(
                        weights, rowStride, sumStride, from, xStride, count, to + row * outStride, outStride);
            }
            for (; row < rows; row++) {
                fourVectors(w + row * rowStride, sumStride, from, xStride, count, to + row * outStride);
            }
        }
        for (; column <= columns - 2 * LANES; column += 2 * LANES) {
            long from = x + 4L * column;
            long to = out + 4L * column;
            int row = 0;
            for (; row <= rows - 6; row += 6) {
                long weights = w + row * rowStride;
                sixRowsTwoVectors(weights, rowStride, sumStride, from, xStride, count, to + row * outStride, outStride);
            }
            for (; row < rows; row++) {
                twoVectors(w + row * rowStride, sumStride, from, xStride, count, to + row * outStride);
            }
        }
        for (; column < columns; column += LANES) {
            long from = x + 4L * column;
            long to = out + 4L * column;
            int row = 0;
            for (; row <= rows - 4; row += 4) {
                long weights = w + row * rowStride;
                fourRowsLast(
                        weights,
                        rowStride,
                        sumStride,
                        from,
                        xStride,
                        count,
                        to + row * outStride,
                        outStride,
                        columns - column);
            }
            for (; row < rows; row++) {
                last(w + row * rowStride, sumStride, from, xStride, count, to + row * outStride, columns - column);
            }
        }
    }

    private static void threeRowsFourVectors(
            long w, long rowStride, long sumStride, long x, long xStride, int count, long out, long outStride) {
        FloatVector s00 = load(out);
        FloatVector s01 = load(out + BYTES);
        FloatVector s02 = load(out + 2 * BYTES);
        FloatVector s03 = load(out + 3 * BYTES);
        FloatVector s10 = load(out + outStride);
        FloatVector s11 = load(out + outStride + BYTES);
        FloatVector s12 = load(out + outStride + 2 * BYTES);
        FloatVector s13 = load(out + outStride + 3 * BYTES);
        FloatVector s20 = load(out + 2 * outStride);
        FloatVector s21 = load(out + 2 * outStride + BYTES);
        FloatVector s22 = load(out + 2 * outStride + 2 * BYTES);
        FloatVector s23 = load(out + 2 * outStride + 3 * BYTES);
        for (int j = 0; j < count; j++) {
            long from = x + j * xStride;
            long weight = w + j * sumStride;
            FloatVector x0 = load(from);
            FloatVector x1 = load(from + BYTES);
            FloatVector x2 = load(from + 2 * BYTES);
            FloatVector x3 = load(from + 3 * BYTES);
            FloatVector q = spread(weight);
            s00 = q.fma(x0, s00);
            s01 = q.fma(x1, s01);
            s02 = q.fma(x2, s02);
            s03 = q.fma(x3, s03);
            q = spread(weight + rowStride);
            s10 = q.fma(x0, s10);
            s11 = q.fma(x1, s11);
            s12 = q.fma(x2, s12);
            s13 = q.fma(x3, s13);
            q = spread(weight + 2 * rowStride);
            s20 = q.fma(x0, s20);
            s21 = q.fma(x1, s21);
            s22 = q.fma(x2, s22);
            s23 = q.fma(x3, s23);
        }
        TYPE.cast(s00).intoMemorySegment(MEMORY, out, ORDER);
        TYPE.cast(s01).intoMemorySegment(MEMORY, out + BYTES, ORDER);
        TYPE.cast(s02).intoMemorySegment(MEMORY, out + 2 * BYTES, ORDER);
        TYPE.cast(s03).intoMemorySegment(MEMORY, out + 3 * BYTES, ORDER);
        TYPE.cast(s10).intoMemorySegment(MEMORY, out + outStride, ORDER);
        TYPE.cast(s11).intoMemorySegment(MEMORY, out + outStride + BYTES, ORDER);
        TYPE.cast(s12).intoMemorySegment(MEMORY, out + outStride + 2 * BYTES, ORDER);
        TYPE.cast(s13).intoMemorySegment(MEMORY, out + outStride + 3 * BYTES, ORDER);
        TYPE.cast(s20).intoMemorySegment(MEMORY, out + 2 * outStride, ORDER);
        TYPE.cast(s21).intoMemorySegment(MEMORY, out + 2 * outStride + BYTES, ORDER);
        TYPE.cast(s22).intoMemorySegment(MEMORY, out + 2 * outStride + 2 * BYTES, ORDER);
        TYPE.cast(s23).intoMemorySegment(MEMORY, out + 2 * outStride + 3 * BYTES, ORDER);
    }

    private static void fourVectors(long w, long sumStride, long x, long xStride, int count, long out) {
        FloatVector s00 = load(out);
        FloatVector s01 = load(out + BYTES);
        FloatVector s02 = load(out + 2 * BYTES);
        FloatVector s03 = load(out + 3 * BYTES);
        for (int j = 0; j < count; j++) {
            long from = x + j * xStride;
            long weight = w + j * sumStride;
            FloatVector x0 = load(from);
            FloatVector x1 = load(from + BYTES);
            FloatVector x2 = load(from + 2 * BYTES);
            FloatVector x3 = load(from + 3 * BYTES);
            FloatVector q = spread(weight);
            s00 = q.fma(x0, s00);
            s01 = q.fma(x1, s01);
            s02 = q.fma(x2, s02);
            s03 = q.fma(x3, s03);
        }
        TYPE.cast(s00).intoMemorySegment(MEMORY, out, ORDER);
        TYPE.cast(s01).intoMemorySegment(MEMORY, out + BYTES, ORDER);
        TYPE.cast(s02).intoMemorySegment(MEMORY, out + 2 * BYTES, ORDER);
        TYPE.cast(s03).intoMemorySegment(MEMORY, out + 3 * BYTES, ORDER);
    }

    private static void sixRowsTwoVectors(
            long w, long rowStride, long sumStride, long x, long xStride, int count, long out, long outStride) {
        FloatVector s00 = load(out);
        FloatVector s01 = load(out + BYTES);
        FloatVector s10 = load(out + outStride);
        FloatVector s11 = load(out + outStride + BYTES);
        FloatVector s20 = load(out + 2 * outStride);
        FloatVector s21 = load(out + 2 * outStride + BYTES);
        FloatVector s30 = load(out + 3 * outStride);
        FloatVector s31 = load(out + 3 * outStride + BYTES);
        FloatVector s40 = load(out + 4 * outStride);
        FloatVector s41 = load(out + 4 * outStride + BYTES);
        FloatVector s50 = load(out + 5 * outStride);
        FloatVector s51 = load(out + 5 * outStride + BYTES);
        for (int j = 0; j < count; j++) {
            long from = x + j * xStride;
            long weight = w + j * sumStride;
            FloatVector x0 = load(from);
            FloatVector x1 = load(from + BYTES);
            FloatVector q = spread(weight);
            s00 = q.fma(x0, s00);
            s01 = q.fma(x1, s01);
            q = spread(weight + rowStride);
            s10 = q.fma(x0, s10);
            s11 = q.fma(x1, s11);
            q = spread(weight + 2 * rowStride);
            s20 = q.fma(x0, s20);
            s21 = q.fma(x1, s21);
            q = spread(weight + 3 * rowStride);
            s30 = q.fma(x0, s30);
            s31 = q.fma(x1, s31);
            q = spread(weight + 4 * rowStride);
            s40 = q.fma(x0, s40);
            s41 = q.fma(x1, s41);
            q = spread(weight + 5 * rowStride);
            s50 = q.fma(x0, s50);
            s51 = q.fma(x1, s51);
        }
        TYPE.cast(s00).intoMemorySegment(MEMORY, out, ORDER);
        TYPE.cast(s01).intoMemorySegment(MEMORY, out + BYTES, ORDER);
        TYPE.cast(s10).intoMemorySegment(MEMORY, out + outStride, ORDER);
        TYPE.cast(s11).intoMemorySegment(MEMORY, out + outStride + BYTES, ORDER);
        TYPE.cast(s20).intoMemorySegment(MEMORY, out + 2 * outStride, ORDER);
        TYPE.cast(s21).intoMemorySegment(MEMORY, out + 2 * outStride + BYTES, ORDER);
        TYPE.cast(s30).intoMemorySegment(MEMORY, out + 3 * outStride, ORDER);
        TYPE.cast(s31).intoMemorySegment(MEMORY, out + 3 * outStride + BYTES, ORDER);
        TYPE.cast(s40).intoMemorySegment(MEMORY, out + 4 * outStride, ORDER);
        TYPE.cast(s41).intoMemorySegment(MEMORY, out + 4 * outStride + BYTES, ORDER);
        TYPE.cast(s50).intoMemorySegment(MEMORY, out + 5 * outStride, ORDER);
        TYPE.cast(s51).intoMemorySegment(MEMORY, out + 5 * outStride + BYTES, ORDER);
    }

    private static void twoVectors(long w, long sumStride, long x, long xStride, int count, long out) {
        FloatVector s00 = load(out);
        FloatVector s01 = load(out + BYTES);
        for (int j = 0; j < count; j++) {
            long from = x + j * xStride;
            long weight = w + j * sumStride;
            FloatVector x0 = load(from);
            FloatVector x1 = load(from + BYTES);
            FloatVector q = spread(weight);
            s00 = q.fma(x0, s00);
            s01 = q.fma(x1, s01);
        }
        TYPE.cast(s00).intoMemorySegment(MEMORY, out, ORDER);
        TYPE.cast(s01).intoMemorySegment(MEMORY, out + BYTES, ORDER);
    }

    private static void fourRowsLast(
            long w,
            long rowStride,
            long sumStride,
            long x,
            long xStride,
            int count,
            long out,
            long outStride,
            int columns) {
        VectorMask<Float> mask = Vectors.FLOATS.indexInRange(0, columns);
        FloatVector s00 = load(out, mask);
        FloatVector s10 = load(out + outStride, mask);
        FloatVector s20 = load(out + 2 * outStride, mask);
        FloatVector s30 = load(out + 3 * outStride, mask);
        for (int j = 0; j < count; j++) {
            long from = x + j * xStride;
            long weight = w + j * sumStride;
            FloatVector x0 = load(from, mask);
            FloatVector q = spread(weight);
            s00 = q.fma(x0, s00);
            q = spread(weight + rowStride);
            s10 = q.fma(x0, s10);
            q = spread(weight + 2 * rowStride);
            s20 = q.fma(x0, s20);
            q = spread(weight + 3 * rowStride);
            s30 = q.fma(x0, s30);
        }
        TYPE.cast(s00).intoMemorySegment(MEMORY, out, ORDER, mask);
        TYPE.cast(s10).intoMemorySegment(MEMORY, out + outStride, ORDER, mask);
        TYPE.cast(s20).intoMemorySegment(MEMORY, out + 2 * outStride, ORDER, mask);
        TYPE.cast(s30).intoMemorySegment(MEMORY, out + 3 * outStride, ORDER, mask);
    }

    private static void last(long w, long sumStride, long x, long xStride, int count, long out, int columns) {
        VectorMask<Float> mask = Vectors.FLOATS.indexInRange(0, columns);
        FloatVector s00 = load(out, mask);
        for (int j = 0; j < count; j++) {
            long from = x + j * xStride;
            long weight = w + j * sumStride;
            FloatVector x0 = load(from, mask);
            FloatVector q = spread(weight);
            s00 = q.fma(x0, s00);
        }
        TYPE.cast(s00).intoMemorySegment(MEMORY, out, ORDER, mask);
    }
}
