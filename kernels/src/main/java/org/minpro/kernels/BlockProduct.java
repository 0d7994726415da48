package org.minpro.kernels;

import static org.minpro.kernels.Vectors.BYTES;
import static org.minpro.kernels.Vectors.LANES;
import static org.minpro.kernels.Vectors.MEMORY;
import static org.minpro.kernels.Vectors.ORDER;
import static org.minpro.kernels.Vectors.TYPE;
import static org.minpro.kernels.Vectors.load;
import static org.minpro.kernels.Vectors.spread;
import static org.minpro.kernels.Vectors.zero;

import jdk.incubator.vector.FloatVector;

/**
 * Products of rows with a matrix in blocks of 16 columns: {@code out[i][j] = sum_k a[i][k] b[k][j]}, where a block is {@code
 * [depth][16]} and blocks follow each other. Attention's scores and all products with packed weights are such.
 *
 * <p>Every sum is one chain of fused multiply-adds from 0, k ascending: how many rows or blocks there are changes no bit.
 */
final class BlockProduct {
    /** Columns of a block. */
    static final int BLOCK = 16;

    private BlockProduct() {}

    /**
     * @param a rows of {@code depth} numbers, {@code aStride} bytes apart
     * @param b blocks {@code [blocks][depth][16]}
     * @param out rows of {@code 16 blocks} numbers, {@code outStride} bytes apart
     */
    static void multiply(long a, long aStride, int rows, long b, int blocks, int depth, long out, long outStride) {
        multiply(a, aStride, rows, b, blocks, depth, depth, out, outStride);
    }

    /**
     * A part of such products: the sums over {@code depth} of a block's numbers from the first that {@code a} and {@code b} point at.
     *
     * @param whole depth of a block
     */
    static void multiply(
            long a, long aStride, int rows, long b, int blocks, int whole, int depth, long out, long outStride) {
        int vectors = blocks * (BLOCK / LANES);
        int inFours = vectors - vectors % 4;
        int row = 0;
        for (; row <= rows - 3; row += 3) {
            for (int vector = 0; vector < inFours; vector += 4) {
                threeRowsFourVectors(
                        a + row * aStride, aStride, b, vector, whole, depth, out + row * outStride, outStride);
            }
        }
        for (; row < rows; row++) {
            for (int vector = 0; vector < inFours; vector += 4) {
                fourVectors(a + row * aStride, b, vector, whole, depth, out + row * outStride);
            }
        }
        for (int vector = inFours; vector < vectors; vector++) {
            row = 0;
            for (; row <= rows - 8; row += 8) {
                eightRows(a + row * aStride, aStride, b, vector, whole, depth, out + row * outStride, outStride);
            }
            for (; row <= rows - 3; row += 3) {
                threeRows(a + row * aStride, aStride, b, vector, whole, depth, out + row * outStride, outStride);
            }
            for (; row < rows; row++) {
                oneVector(a + row * aStride, b, vector, whole, depth, out + row * outStride);
            }
        }
    }

    /** Where a vector of columns begins. */
    static long column(long b, int vector, int depth) {
        int inBlock = BLOCK / LANES;
        return b + (long) (vector / inBlock) * depth * (4 * BLOCK) + (vector % inBlock) * BYTES;
    }

    private static void threeRowsFourVectors(
            long a, long aStride, long b, int vector, int whole, int depth, long out, long outStride) {
        long b0 = column(b, vector, whole);
        long b1 = column(b, vector + 1, whole);
        long b2 = column(b, vector + 2, whole);
        long b3 = column(b, vector + 3, whole);
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
        for (int k = 0; k < depth; k++) {
            long at = 4L * BLOCK * k;
            FloatVector x0 = load(b0 + at);
            FloatVector x1 = load(b1 + at);
            FloatVector x2 = load(b2 + at);
            FloatVector x3 = load(b3 + at);
            FloatVector q = spread(a + 4L * k);
            s00 = q.fma(x0, s00);
            s01 = q.fma(x1, s01);
            s02 = q.fma(x2, s02);
            s03 = q.fma(x3, s03);
            q = spread(a + aStride + 4L * k);
            s10 = q.fma(x0, s10);
            s11 = q.fma(x1, s11);
            s12 = q.fma(x2, s12);
            s13 = q.fma(x3, s13);
            q = spread(a + 2 * aStride + 4L * k);
            s20 = q.fma(x0, s20);
            s21 = q.fma(x1, s21);
            s22 = q.fma(x2, s22);
            s23 = q.fma(x3, s23);
        }
        long to = out + vector * BYTES;
        TYPE.cast(s00).intoMemorySegment(MEMORY, to, ORDER);
        TYPE.cast(s01).intoMemorySegment(MEMORY, to + BYTES, ORDER);
        TYPE.cast(s02).intoMemorySegment(MEMORY, to + 2 * BYTES, ORDER);
        TYPE.cast(s03).intoMemorySegment(MEMORY, to + 3 * BYTES, ORDER);
        to += outStride;
        TYPE.cast(s10).intoMemorySegment(MEMORY, to, ORDER);
        TYPE.cast(s11).intoMemorySegment(MEMORY, to + BYTES, ORDER);
        TYPE.cast(s12).intoMemorySegment(MEMORY, to + 2 * BYTES, ORDER);
        TYPE.cast(s13).intoMemorySegment(MEMORY, to + 3 * BYTES, ORDER);
        to += outStride;
        TYPE.cast(s20).intoMemorySegment(MEMORY, to, ORDER);
        TYPE.cast(s21).intoMemorySegment(MEMORY, to + BYTES, ORDER);
        TYPE.cast(s22).intoMemorySegment(MEMORY, to + 2 * BYTES, ORDER);
        TYPE.cast(s23).intoMemorySegment(MEMORY, to + 3 * BYTES, ORDER);
    }

    private static void eightRows(
            long a, long aStride, long b, int vector, int whole, int depth, long out, long outStride) {
        long b0 = column(b, vector, whole);
        FloatVector s0 = zero();
        FloatVector s1 = zero();
        FloatVector s2 = zero();
        FloatVector s3 = zero();
        FloatVector s4 = zero();
        FloatVector s5 = zero();
        FloatVector s6 = zero();
        FloatVector s7 = zero();
        for (int k = 0; k < depth; k++) {
            FloatVector x0 = load(b0 + 4L * BLOCK * k);
            long at = a + 4L * k;
            FloatVector q = spread(at);
            s0 = q.fma(x0, s0);
            q = spread(at + aStride);
            s1 = q.fma(x0, s1);
            q = spread(at + 2 * aStride);
            s2 = q.fma(x0, s2);
            q = spread(at + 3 * aStride);
            s3 = q.fma(x0, s3);
            q = spread(at + 4 * aStride);
            s4 = q.fma(x0, s4);
            q = spread(at + 5 * aStride);
            s5 = q.fma(x0, s5);
            q = spread(at + 6 * aStride);
            s6 = q.fma(x0, s6);
            q = spread(at + 7 * aStride);
            s7 = q.fma(x0, s7);
        }
        long to = out + vector * BYTES;
        TYPE.cast(s0).intoMemorySegment(MEMORY, to, ORDER);
        TYPE.cast(s1).intoMemorySegment(MEMORY, to + outStride, ORDER);
        TYPE.cast(s2).intoMemorySegment(MEMORY, to + 2 * outStride, ORDER);
        TYPE.cast(s3).intoMemorySegment(MEMORY, to + 3 * outStride, ORDER);
        TYPE.cast(s4).intoMemorySegment(MEMORY, to + 4 * outStride, ORDER);
        TYPE.cast(s5).intoMemorySegment(MEMORY, to + 5 * outStride, ORDER);
        TYPE.cast(s6).intoMemorySegment(MEMORY, to + 6 * outStride, ORDER);
        TYPE.cast(s7).intoMemorySegment(MEMORY, to + 7 * outStride, ORDER);
    }

    private static void threeRows(
            long a, long aStride, long b, int vector, int whole, int depth, long out, long outStride) {
        long b0 = column(b, vector, whole);
        FloatVector s00 = zero();
        FloatVector s10 = zero();
        FloatVector s20 = zero();
        for (int k = 0; k < depth; k++) {
            long at = 4L * BLOCK * k;
            FloatVector x0 = load(b0 + at);
            FloatVector q = spread(a + 4L * k);
            s00 = q.fma(x0, s00);
            q = spread(a + aStride + 4L * k);
            s10 = q.fma(x0, s10);
            q = spread(a + 2 * aStride + 4L * k);
            s20 = q.fma(x0, s20);
        }
        long to = out + vector * BYTES;
        TYPE.cast(s00).intoMemorySegment(MEMORY, to, ORDER);
        to += outStride;
        TYPE.cast(s10).intoMemorySegment(MEMORY, to, ORDER);
        to += outStride;
        TYPE.cast(s20).intoMemorySegment(MEMORY, to, ORDER);
    }

    private static void fourVectors(long a, long b, int vector, int whole, int depth, long out) {
        long b0 = column(b, vector, whole);
        long b1 = column(b, vector + 1, whole);
        long b2 = column(b, vector + 2, whole);
        long b3 = column(b, vector + 3, whole);
        FloatVector s00 = zero();
        FloatVector s01 = zero();
        FloatVector s02 = zero();
        FloatVector s03 = zero();
        for (int k = 0; k < depth; k++) {
            long at = 4L * BLOCK * k;
            FloatVector x0 = load(b0 + at);
            FloatVector x1 = load(b1 + at);
            FloatVector x2 = load(b2 + at);
            FloatVector x3 = load(b3 + at);
            FloatVector q = spread(a + 4L * k);
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

    private static void oneVector(long a, long b, int vector, int whole, int depth, long out) {
        long b0 = column(b, vector, whole);
        FloatVector s00 = zero();
        for (int k = 0; k < depth; k++) {
            long at = 4L * BLOCK * k;
            FloatVector x0 = load(b0 + at);
            FloatVector q = spread(a + 4L * k);
            s00 = q.fma(x0, s00);
        }
        long to = out + vector * BYTES;
        TYPE.cast(s00).intoMemorySegment(MEMORY, to, ORDER);
    }
}
