package org.minpro.kernels;

import static org.minpro.kernels.Vectors.BYTES;
import static org.minpro.kernels.Vectors.LANES;
import static org.minpro.kernels.Vectors.MEMORY;
import static org.minpro.kernels.Vectors.ORDER;
import static org.minpro.kernels.Vectors.TYPE;
import static org.minpro.kernels.Vectors.high;
import static org.minpro.kernels.Vectors.load;
import static org.minpro.kernels.Vectors.loadInts;
import static org.minpro.kernels.Vectors.low;
import static org.minpro.kernels.Vectors.spread;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;

/**
 * {@link RowCombination} of bfloat16 rows, to the bits of the same numbers in float32. Two neighbours are read as one int; so the
 * even columns of a result stand in the first half of its row, the odd ones in the second, and the number of columns is even.
 */
final class HalfRowCombination {
    private HalfRowCombination() {}

    /** As {@link RowCombination#add} with weights that follow each other; weights and out are float32. */
    static void add(
            long w, long rowStride, int rows, long x, long xStride, int count, int columns, long out, long outStride) {
        int pairs = columns / 2;
        long odd = 4L * pairs;
        int column = 0;
        for (; column <= pairs - 2 * LANES; column += 2 * LANES) {
            long from = x + 4L * column;
            long to = out + 4L * column;
            int row = 0;
            for (; row <= rows - 3; row += 3) {
                long weights = w + row * rowStride;
                threeRowsTwoVectors(weights, rowStride, from, xStride, count, to + row * outStride, outStride, odd);
            }
            for (; row < rows; row++) {
                twoVectors(w + row * rowStride, from, xStride, count, to + row * outStride, odd);
            }
        }
        for (; column < pairs; column += LANES) {
            long from = x + 4L * column;
            long to = out + 4L * column;
            for (int row = 0; row < rows; row++) {
                last(w + row * rowStride, from, xStride, count, to + row * outStride, odd, pairs - column);
            }
        }
    }

    /** From {@link #add}'s order of columns to the rows' own, times a factor. */
    static void interleave(long from, long to, int columns, float factor) {
        int pairs = columns / 2;
        for (int i = 0; i < pairs; i++) {
            Vectors.set(to + 8L * i, Vectors.get(from + 4L * i) * factor);
            Vectors.set(to + 8L * i + 4, Vectors.get(from + 4L * (pairs + i)) * factor);
        }
    }

    private static void threeRowsTwoVectors(
            long w, long rowStride, long x, long xStride, int count, long out, long outStride, long odd) {
        FloatVector e00 = load(out);
        FloatVector o00 = load(out + odd);
        FloatVector e01 = load(out + BYTES);
        FloatVector o01 = load(out + odd + BYTES);
        FloatVector e10 = load(out + outStride);
        FloatVector o10 = load(out + odd + outStride);
        FloatVector e11 = load(out + outStride + BYTES);
        FloatVector o11 = load(out + odd + outStride + BYTES);
        FloatVector e20 = load(out + 2 * outStride);
        FloatVector o20 = load(out + odd + 2 * outStride);
        FloatVector e21 = load(out + 2 * outStride + BYTES);
        FloatVector o21 = load(out + odd + 2 * outStride + BYTES);
        for (int j = 0; j < count; j++) {
            long from = x + j * xStride;
            long weight = w + 4L * j;
            IntVector i0 = loadInts(from);
            FloatVector x0 = low(i0);
            FloatVector y0 = high(i0);
            IntVector i1 = loadInts(from + BYTES);
            FloatVector x1 = low(i1);
            FloatVector y1 = high(i1);
            FloatVector q = spread(weight);
            e00 = q.fma(x0, e00);
            o00 = q.fma(y0, o00);
            e01 = q.fma(x1, e01);
            o01 = q.fma(y1, o01);
            q = spread(weight + rowStride);
            e10 = q.fma(x0, e10);
            o10 = q.fma(y0, o10);
            e11 = q.fma(x1, e11);
            o11 = q.fma(y1, o11);
            q = spread(weight + 2 * rowStride);
            e20 = q.fma(x0, e20);
            o20 = q.fma(y0, o20);
            e21 = q.fma(x1, e21);
            o21 = q.fma(y1, o21);
        }
        TYPE.cast(e00).intoMemorySegment(MEMORY, out, ORDER);
        TYPE.cast(o00).intoMemorySegment(MEMORY, out + odd, ORDER);
        TYPE.cast(e01).intoMemorySegment(MEMORY, out + BYTES, ORDER);
        TYPE.cast(o01).intoMemorySegment(MEMORY, out + odd + BYTES, ORDER);
        TYPE.cast(e10).intoMemorySegment(MEMORY, out + outStride, ORDER);
        TYPE.cast(o10).intoMemorySegment(MEMORY, out + odd + outStride, ORDER);
        TYPE.cast(e11).intoMemorySegment(MEMORY, out + outStride + BYTES, ORDER);
        TYPE.cast(o11).intoMemorySegment(MEMORY, out + odd + outStride + BYTES, ORDER);
        TYPE.cast(e20).intoMemorySegment(MEMORY, out + 2 * outStride, ORDER);
        TYPE.cast(o20).intoMemorySegment(MEMORY, out + odd + 2 * outStride, ORDER);
        TYPE.cast(e21).intoMemorySegment(MEMORY, out + 2 * outStride + BYTES, ORDER);
        TYPE.cast(o21).intoMemorySegment(MEMORY, out + odd + 2 * outStride + BYTES, ORDER);
    }

    private static void twoVectors(long w, long x, long xStride, int count, long out, long odd) {
        FloatVector e00 = load(out);
        FloatVector o00 = load(out + odd);
        FloatVector e01 = load(out + BYTES);
        FloatVector o01 = load(out + odd + BYTES);
        for (int j = 0; j < count; j++) {
            long from = x + j * xStride;
            long weight = w + 4L * j;
            IntVector i0 = loadInts(from);
            FloatVector x0 = low(i0);
            FloatVector y0 = high(i0);
            IntVector i1 = loadInts(from + BYTES);
            FloatVector x1 = low(i1);
            FloatVector y1 = high(i1);
            FloatVector q = spread(weight);
            e00 = q.fma(x0, e00);
            o00 = q.fma(y0, o00);
            e01 = q.fma(x1, e01);
            o01 = q.fma(y1, o01);
        }
        TYPE.cast(e00).intoMemorySegment(MEMORY, out, ORDER);
        TYPE.cast(o00).intoMemorySegment(MEMORY, out + odd, ORDER);
        TYPE.cast(e01).intoMemorySegment(MEMORY, out + BYTES, ORDER);
        TYPE.cast(o01).intoMemorySegment(MEMORY, out + odd + BYTES, ORDER);
    }

    private static void last(long w, long x, long xStride, int count, long out, long odd, int pairs) {
        VectorMask<Float> mask = Vectors.FLOATS.indexInRange(0, pairs);
        VectorMask<Integer> ofInts = Vectors.INTS.indexInRange(0, pairs);
        FloatVector e00 = load(out, mask);
        FloatVector o00 = load(out + odd, mask);
        for (int j = 0; j < count; j++) {
            long from = x + j * xStride;
            long weight = w + 4L * j;
            IntVector i0 = loadInts(from, ofInts);
            FloatVector x0 = low(i0);
            FloatVector y0 = high(i0);
            FloatVector q = spread(weight);
            e00 = q.fma(x0, e00);
            o00 = q.fma(y0, o00);
        }
        TYPE.cast(e00).intoMemorySegment(MEMORY, out, ORDER, mask);
        TYPE.cast(o00).intoMemorySegment(MEMORY, out + odd, ORDER, mask);
    }
}
