package org.minpro.kernels;

import static org.minpro.kernels.Vectors.LANES;
import static org.minpro.kernels.Vectors.get;
import static org.minpro.kernels.Vectors.load;
import static org.minpro.kernels.Vectors.set;
import static org.minpro.kernels.Vectors.store;

/**
 * Products of float32 rows with weights that are packed once: {@code y = x W^T + b}. A row's bits are the same whatever the
 * number of rows is: every sum is a chain of fused multiply-adds over the inputs, ascending, to which the bias is added.
 *
 * <p>Packed weights are {@code [out / 16, in, 16]}, filled up with zeros.
 */
public final class PackedProduct {
    /** Blocks of weights that all rows use one after another: of a few hundred inputs, they stay in the second-level cache. */
    private static final int PANEL = 4;

    private PackedProduct() {}

    /** Bytes of packed weights. */
    public static long packedBytes(int out, int in) {
        Shapes.positive("out", out);
        Shapes.positive("in", in);
        return 4L * ScoreRow.full(out) * in;
    }

    /**
     * @param weight {@code [out, in]} float32
     * @param packed {@link #packedBytes} bytes
     */
    public static void pack(long weight, long packed, int out, int in) {
        Shapes.present("weight", weight);
        Shapes.present("packed", packed);
        long bytes = packedBytes(out, in);
        if (out % BlockProduct.BLOCK != 0) {
            long lastBlock = 4L * BlockProduct.BLOCK * in;
            Vectors.clear(packed + bytes - lastBlock, lastBlock);
        }
        for (int row = 0; row < out; row++) {
            KeyBlocks.put(weight + 4L * in * row, in, packed, row);
        }
    }

    /**
     * @param x {@code [rows, in]} float32
     * @param packed {@link #pack packed} weights
     * @param bias {@code [out]} float32; 0 for none
     * @param y {@code [rows, out]} float32
     */
    public static void multiply(long x, long packed, long bias, long y, int rows, int in, int out) {
        Shapes.present("x", x);
        Shapes.present("packed", packed);
        Shapes.present("y", y);
        Shapes.positive("rows", rows);
        Shapes.positive("in", in);
        Shapes.positive("out", out);
        int whole = out / BlockProduct.BLOCK;
        long block = 4L * BlockProduct.BLOCK;
        for (int first = 0; first < whole; first += PANEL) {
            int blocks = Math.min(PANEL, whole - first);
            BlockProduct.multiply(
                    x, 4L * in, rows, packed + first * block * in, blocks, in, y + first * block, 4L * out);
        }
        int rest = out % BlockProduct.BLOCK;
        if (rest > 0) {
            long columns = RowScratch.floats((long) rows * BlockProduct.BLOCK);
            BlockProduct.multiply(x, 4L * in, rows, packed + whole * block * in, 1, in, columns, block);
            for (int row = 0; row < rows; row++) {
                Vectors.copy(columns + row * block, y + 4L * out * row + whole * block, 4L * rest);
            }
        }
        if (bias != 0) {
            for (int row = 0; row < rows; row++) {
                add(bias, y + 4L * out * row, out);
            }
        }
    }

    private static void add(long bias, long y, int n) {
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            store(load(y + 4L * i).add(load(bias + 4L * i)), y + 4L * i);
        }
        for (; i < n; i++) {
            set(y + 4L * i, get(y + 4L * i) + get(bias + 4L * i));
        }
    }
}
