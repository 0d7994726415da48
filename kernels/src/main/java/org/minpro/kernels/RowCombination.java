package org.minpro.kernels;

import static org.minpro.kernels.Vectors.BYTES;
import static org.minpro.kernels.Vectors.LANES;
import static org.minpro.kernels.Vectors.load;
import static org.minpro.kernels.Vectors.spread;
import static org.minpro.kernels.Vectors.store;
import static org.minpro.kernels.Vectors.zero;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Weighted sums of rows: {@code out[i][c] = sum_j w[i][j] x[j][c]}, or added to what {@code out} has. Attention's outputs and
 * the gradients of its queries, keys and values are such.
 *
 * <p>Every sum is one chain of fused multiply-adds, j ascending, from 0 or from what {@code out} has: a sum in several calls
 * has the bits of one call, and how many rows there are changes no bit.
 */
final class RowCombination {
    private RowCombination() {}

    /**
     * @param w weights, those of a row {@code rowStride} bytes after those of the one before, {@code w[i][j + 1]} {@code
     *     sumStride} bytes after {@code w[i][j]}
     * @param x {@code count} rows of {@code columns} numbers, {@code xStride} bytes apart
     * @param out {@code rows} rows, {@code outStride} bytes apart
     * @param add whether the sums begin with what {@code out} has
     */
    static void combine(
            long w,
            long rowStride,
            long sumStride,
            int rows,
            long x,
            long xStride,
            int count,
            int columns,
            long out,
            long outStride,
            boolean add) {
        int column = 0;
        for (; column <= columns - 4 * LANES; column += 4 * LANES) {
            long from = x + 4L * column;
            long to = out + 4L * column;
            int row = 0;
            for (; row <= rows - 3; row += 3) {
                long weights = w + row * rowStride;
                threeRowsFourVectors(
                        weights, rowStride, sumStride, from, xStride, count, to + row * outStride, outStride, add);
            }
            for (; row < rows; row++) {
                fourVectors(w + row * rowStride, sumStride, from, xStride, count, to + row * outStride, add);
            }
        }
        for (; column <= columns - 2 * LANES; column += 2 * LANES) {
            long from = x + 4L * column;
            long to = out + 4L * column;
            int row = 0;
            for (; row <= rows - 6; row += 6) {
                long weights = w + row * rowStride;
                sixRowsTwoVectors(
                        weights, rowStride, sumStride, from, xStride, count, to + row * outStride, outStride, add);
            }
            for (; row < rows; row++) {
                twoVectors(w + row * rowStride, sumStride, from, xStride, count, to + row * outStride, add);
            }
        }
        for (; column < columns; column += LANES) {
            VectorMask<Float> mask = Vectors.FLOATS.indexInRange(column, columns);
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
                        add,
                        mask);
            }
            for (; row < rows; row++) {
                last(w + row * rowStride, sumStride, from, xStride, count, to + row * outStride, add, mask);
            }
        }
    }

    private static void threeRowsFourVectors(
            long w,
            long rowStride,
            long sumStride,
            long x,
            long xStride,
            int count,
            long out,
            long outStride,
            boolean add) {
        FloatVector s00 = zero();
        FloatVector s01 = zero();
        FloatVector s02 = zero();
        FloatVector s03 = zero();
        FloatVector s10 = zero();
        FloatVector s11 = zero();
        FloatVector s12 = zero();
        FloatVector s13 = zero();
        FloatVector s20 = zero();
        FloatVector s21 = zero();
        FloatVector s22 = zero();
        FloatVector s23 = zero();
        if (add) {
            s00 = load(out);
            s01 = load(out + BYTES);
            s02 = load(out + 2 * BYTES);
            s03 = load(out + 3 * BYTES);
            s10 = load(out + outStride);
            s11 = load(out + outStride + BYTES);
            s12 = load(out + outStride + 2 * BYTES);
            s13 = load(out + outStride + 3 * BYTES);
            s20 = load(out + 2 * outStride);
            s21 = load(out + 2 * outStride + BYTES);
            s22 = load(out + 2 * outStride + 2 * BYTES);
            s23 = load(out + 2 * outStride + 3 * BYTES);
        }
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
        store(s00, out);
        store(s01, out + BYTES);
        store(s02, out + 2 * BYTES);
        store(s03, out + 3 * BYTES);
        store(s10, out + outStride);
        store(s11, out + outStride + BYTES);
        store(s12, out + outStride + 2 * BYTES);
        store(s13, out + outStride + 3 * BYTES);
        store(s20, out + 2 * outStride);
        store(s21, out + 2 * outStride + BYTES);
        store(s22, out + 2 * outStride + 2 * BYTES);
        store(s23, out + 2 * outStride + 3 * BYTES);
    }

    private static void fourVectors(long w, long sumStride, long x, long xStride, int count, long out, boolean add) {
        FloatVector s00 = zero();
        FloatVector s01 = zero();
        FloatVector s02 = zero();
        FloatVector s03 = zero();
        if (add) {
            s00 = load(out);
            s01 = load(out + BYTES);
            s02 = load(out + 2 * BYTES);
            s03 = load(out + 3 * BYTES);
        }
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
        store(s00, out);
        store(s01, out + BYTES);
        store(s02, out + 2 * BYTES);
        store(s03, out + 3 * BYTES);
    }

    private static void sixRowsTwoVectors(
            long w,
            long rowStride,
            long sumStride,
            long x,
            long xStride,
            int count,
            long out,
            long outStride,
            boolean add) {
        FloatVector s00 = zero();
        FloatVector s01 = zero();
        FloatVector s10 = zero();
        FloatVector s11 = zero();
        FloatVector s20 = zero();
        FloatVector s21 = zero();
        FloatVector s30 = zero();
        FloatVector s31 = zero();
        FloatVector s40 = zero();
        FloatVector s41 = zero();
        FloatVector s50 = zero();
        FloatVector s51 = zero();
        if (add) {
            s00 = load(out);
            s01 = load(out + BYTES);
            s10 = load(out + outStride);
            s11 = load(out + outStride + BYTES);
            s20 = load(out + 2 * outStride);
            s21 = load(out + 2 * outStride + BYTES);
            s30 = load(out + 3 * outStride);
            s31 = load(out + 3 * outStride + BYTES);
            s40 = load(out + 4 * outStride);
            s41 = load(out + 4 * outStride + BYTES);
            s50 = load(out + 5 * outStride);
            s51 = load(out + 5 * outStride + BYTES);
        }
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
        store(s00, out);
        store(s01, out + BYTES);
        store(s10, out + outStride);
        store(s11, out + outStride + BYTES);
        store(s20, out + 2 * outStride);
        store(s21, out + 2 * outStride + BYTES);
        store(s30, out + 3 * outStride);
        store(s31, out + 3 * outStride + BYTES);
        store(s40, out + 4 * outStride);
        store(s41, out + 4 * outStride + BYTES);
        store(s50, out + 5 * outStride);
        store(s51, out + 5 * outStride + BYTES);
    }

    private static void twoVectors(long w, long sumStride, long x, long xStride, int count, long out, boolean add) {
        FloatVector s00 = zero();
        FloatVector s01 = zero();
        if (add) {
            s00 = load(out);
            s01 = load(out + BYTES);
        }
        for (int j = 0; j < count; j++) {
            long from = x + j * xStride;
            long weight = w + j * sumStride;
            FloatVector x0 = load(from);
            FloatVector x1 = load(from + BYTES);
            FloatVector q = spread(weight);
            s00 = q.fma(x0, s00);
            s01 = q.fma(x1, s01);
        }
        store(s00, out);
        store(s01, out + BYTES);
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
            boolean add,
            VectorMask<Float> mask) {
        FloatVector s00 = zero();
        FloatVector s10 = zero();
        FloatVector s20 = zero();
        FloatVector s30 = zero();
        if (add) {
            s00 = load(out, mask);
            s10 = load(out + outStride, mask);
            s20 = load(out + 2 * outStride, mask);
            s30 = load(out + 3 * outStride, mask);
        }
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
        store(s00, out, mask);
        store(s10, out + outStride, mask);
        store(s20, out + 2 * outStride, mask);
        store(s30, out + 3 * outStride, mask);
    }

    private static void last(
            long w, long sumStride, long x, long xStride, int count, long out, boolean add, VectorMask<Float> mask) {
        FloatVector s00 = zero();
        if (add) {
            s00 = load(out, mask);
        }
        for (int j = 0; j < count; j++) {
            long from = x + j * xStride;
            long weight = w + j * sumStride;
            FloatVector x0 = load(from, mask);
            FloatVector q = spread(weight);
            s00 = q.fma(x0, s00);
        }
        store(s00, out, mask);
    }
}
