package org.minpro.kernels;

import static org.minpro.kernels.Vectors.BYTES;
import static org.minpro.kernels.Vectors.LANES;
import static org.minpro.kernels.Vectors.MEMORY;
import static org.minpro.kernels.Vectors.ORDER;
import static org.minpro.kernels.Vectors.TYPE;
import static org.minpro.kernels.Vectors.high;
import static org.minpro.kernels.Vectors.loadInts;
import static org.minpro.kernels.Vectors.low;
import static org.minpro.kernels.Vectors.spread;
import static org.minpro.kernels.Vectors.zero;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * {@link BlockProduct} with a bfloat16 matrix, to the bits of the same numbers in float32. A block is {@code [depth / 2][16]}
 * pairs, an even k in the low and the next in the high half of an int; the depth is even.
 */
final class HalfBlockProduct {
    private HalfBlockProduct() {}

    /** As {@link BlockProduct#multiply}; a and out are float32. */
    static void multiply(long a, long aStride, int rows, long b, int blocks, int depth, long out, long outStride) {
        int vectors = blocks * (BlockProduct.BLOCK / LANES);
        int row = 0;
        for (; row <= rows - 3; row += 3) {
            long from = a + row * aStride;
            long to = out + row * outStride;
            int vector = 0;
            for (; vector <= vectors - 2; vector += 2) {
                threeRowsTwoVectors(from, aStride, b, vector, depth / 2, to, outStride);
            }
            for (; vector < vectors; vector++) {
                threeRows(from, aStride, b, vector, depth / 2, to, outStride);
            }
        }
        for (; row < rows; row++) {
            long from = a + row * aStride;
            long to = out + row * outStride;
            int vector = 0;
            for (; vector <= vectors - 4; vector += 4) {
                fourVectors(from, b, vector, depth / 2, to);
            }
            for (; vector < vectors; vector++) {
                oneVector(from, b, vector, depth / 2, to);
            }
        }
    }

    private static void threeRowsTwoVectors(
            long a, long aStride, long b, int vector, int pairs, long out, long outStride) {
        long b0 = BlockProduct.column(b, vector, pairs);
        long b1 = BlockProduct.column(b, vector + 1, pairs);
        FloatVector s00 = zero();
        FloatVector s01 = zero();
        FloatVector s10 = zero();
        FloatVector s11 = zero();
        FloatVector s20 = zero();
        FloatVector s21 = zero();
        for (int k = 0; k < pairs; k++) {
            long at = 4L * BlockProduct.BLOCK * k;
            long of = a + 8L * k;
            IntVector i0 = loadInts(b0 + at);
            IntVector i1 = loadInts(b1 + at);
            FloatVector x0 = low(i0);
            FloatVector x1 = low(i1);
            FloatVector q = spread(of);
            s00 = q.fma(x0, s00);
            s01 = q.fma(x1, s01);
            q = spread(of + aStride);
            s10 = q.fma(x0, s10);
            s11 = q.fma(x1, s11);
            q = spread(of + 2 * aStride);
            s20 = q.fma(x0, s20);
            s21 = q.fma(x1, s21);
            x0 = high(i0);
            x1 = high(i1);
            q = spread(of + 4);
            s00 = q.fma(x0, s00);
            s01 = q.fma(x1, s01);
            q = spread(of + aStride + 4);
            s10 = q.fma(x0, s10);
            s11 = q.fma(x1, s11);
            q = spread(of + 2 * aStride + 4);
            s20 = q.fma(x0, s20);
            s21 = q.fma(x1, s21);
        }
        long to = out + vector * BYTES;
        TYPE.cast(s00).intoMemorySegment(MEMORY, to, ORDER);
        TYPE.cast(s01).intoMemorySegment(MEMORY, to + BYTES, ORDER);
        to += outStride;
        TYPE.cast(s10).intoMemorySegment(MEMORY, to, ORDER);
        TYPE.cast(s11).intoMemorySegment(MEMORY, to + BYTES, ORDER);
        to += outStride;
        TYPE.cast(s20).intoMemorySegment(MEMORY, to, ORDER);
        TYPE.cast(s21).intoMemorySegment(MEMORY, to + BYTES, ORDER);
    }

    private static void threeRows(long a, long aStride, long b, int vector, int pairs, long out, long outStride) {
        long b0 = BlockProduct.column(b, vector, pairs);
        FloatVector s00 = zero();
        FloatVector s10 = zero();
        FloatVector s20 = zero();
        for (int k = 0; k < pairs; k++) {
            long at = 4L * BlockProduct.BLOCK * k;
            long of = a + 8L * k;
            IntVector i0 = loadInts(b0 + at);
            FloatVector x0 = low(i0);
            FloatVector q = spread(of);
            s00 = q.fma(x0, s00);
            q = spread(of + aStride);
            s10 = q.fma(x0, s10);
            q = spread(of + 2 * aStride);
            s20 = q.fma(x0, s20);
            x0 = high(i0);
            q = spread(of + 4);
            s00 = q.fma(x0, s00);
            q = spread(of + aStride + 4);
            s10 = q.fma(x0, s10);
            q = spread(of + 2 * aStride + 4);
            s20 = q.fma(x0, s20);
        }
        long to = out + vector * BYTES;
        TYPE.cast(s00).intoMemorySegment(MEMORY, to, ORDER);
        to += outStride;
        TYPE.cast(s10).intoMemorySegment(MEMORY, to, ORDER);
        to += outStride;
        TYPE.cast(s20).intoMemorySegment(MEMORY, to, ORDER);
    }

    private static void fourVectors(long a, long b, int vector, int pairs, long out) {
        long b0 = BlockProduct.column(b, vector, pairs);
        long b1 = BlockProduct.column(b, vector + 1, pairs);
        long b2 = BlockProduct.column(b, vector + 2, pairs);
        long b3 = BlockProduct.column(b, vector + 3, pairs);
        FloatVector s00 = zero();
        FloatVector s01 = zero();
        FloatVector s02 = zero();
        FloatVector s03 = zero();
        for (int k = 0; k < pairs; k++) {
            long at = 4L * BlockProduct.BLOCK * k;
            long of = a + 8L * k;
            IntVector i0 = loadInts(b0 + at);
            IntVector i1 = loadInts(b1 + at);
            IntVector i2 = loadInts(b2 + at);
            IntVector i3 = loadInts(b3 + at);
            FloatVector x0 = low(i0);
            FloatVector x1 = low(i1);
            FloatVector x2 = low(i2);
            FloatVector x3 = low(i3);
            FloatVector q = spread(of);
            s00 = q.fma(x0, s00);
            s01 = q.fma(x1, s01);
            s02 = q.fma(x2, s02);
            s03 = q.fma(x3, s03);
            x0 = high(i0);
            x1 = high(i1);
            x2 = high(i2);
            x3 = high(i3);
            q = spread(of + 4);
            s00 = q.fma(x0, s00);
            s01 = q.fma(x1, s01);
            s02 = q.fma(x2, s02);
            s03 = q.fma(x3, s03);
        }
        long to = out + vector * BYTES;
        TYPE.cast(s00).intoMemorySegment(MEMORY, to, ORDER);
        TYPE.cast(s01).intoMemorySegment(MEMORY, to + BYTES, ORDER);
        TYPE.cast(s02).intoMemorySegment(MEMORY, to + 2 * BYTES, ORDER);
        TYPE.cast(s03).intoMemorySegment(MEMORY, to + 3 * BYTES, ORDER);
    }

    private static void oneVector(long a, long b, int vector, int pairs, long out) {
        long b0 = BlockProduct.column(b, vector, pairs);
        FloatVector s00 = zero();
        for (int k = 0; k < pairs; k++) {
            long at = 4L * BlockProduct.BLOCK * k;
            long of = a + 8L * k;
            IntVector i0 = loadInts(b0 + at);
            FloatVector x0 = low(i0);
            FloatVector q = spread(of);
            s00 = q.fma(x0, s00);
            x0 = high(i0);
            q = spread(of + 4);
            s00 = q.fma(x0, s00);
        }
        long to = out + vector * BYTES;
        TYPE.cast(s00).intoMemorySegment(MEMORY, to, ORDER);
    }
}
