package org.minpro.kernels;

/**
 * Products of float32 rows with weights that are packed once: {@code y = x W^T + b}. A row's bits are the same whatever the
 * number of rows is. Sums are over parts of at most 256 inputs, each a chain of fused multiply-adds, ascending; the parts are added
 * in their order, and then the bias. One chain over thousands of inputs would lose digits.
 *
 * <p>Packed weights are {@code [out / 16, in, 16]}, filled up with zeros.
 */
public final class PackedProduct {
    /** Blocks of weights that all rows use one after another: of a few hundred inputs, they stay in the second-level cache. */
    private static final int PANEL = 4;

    /** Inputs of a part of a sum, at most. */
    private static final int MOST_INPUTS = 256;

    /** Rows of which a part's sums are kept before they are added: they stay in the first-level cache. */
    private static final int ROWS_OF_PART = 48;

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
            columns(x, packed + first * block * in, blocks, y + first * block, 4L * out, rows, in);
        }
        int rest = out % BlockProduct.BLOCK;
        if (rest > 0) {
            long sums = RowScratch.floats((long) (rows + ROWS_OF_PART) * BlockProduct.BLOCK);
            columns(x, packed + whole * block * in, 1, sums, block, rows, in, sums + rows * block);
            for (int row = 0; row < rows; row++) {
                Vectors.copy(sums + row * block, y + 4L * out * row + whole * block, 4L * rest);
            }
        }
        if (bias != 0) {
            for (int row = 0; row < rows; row++) {
                FloatRows.add(bias, y + 4L * out * row, out);
            }
        }
    }

    /** Of whole blocks of columns. */
    private static void columns(long x, long packed, int blocks, long y, long stride, int rows, int in) {
        columns(x, packed, blocks, y, stride, rows, in, 0);
    }

    /** @param parts memory for the sums of a part of so many rows; 0 where the thread's can be taken */
    private static void columns(long x, long packed, int blocks, long y, long stride, int rows, int in, long parts) {
        int count = (in + MOST_INPUTS - 1) / MOST_INPUTS;
        int inputs = (in + count - 1) / count;
        BlockProduct.multiply(x, 4L * in, rows, packed, blocks, in, inputs, y, stride);
        if (count == 1) {
            return;
        }
        long width = 4L * BlockProduct.BLOCK * blocks;
        long sums = parts == 0 ? RowScratch.floats((long) ROWS_OF_PART * BlockProduct.BLOCK * PANEL) : parts;
        for (int from = inputs; from < in; from += inputs) {
            long weights = packed + 4L * BlockProduct.BLOCK * from;
            int some = Math.min(inputs, in - from);
            for (int first = 0; first < rows; first += ROWS_OF_PART) {
                int ofPart = Math.min(ROWS_OF_PART, rows - first);
                long rowsOf = x + 4L * in * first + 4L * from;
                BlockProduct.multiply(rowsOf, 4L * in, ofPart, weights, blocks, in, some, sums, width);
                for (int row = 0; row < ofPart; row++) {
                    FloatRows.add(sums + row * width, y + (first + row) * stride, BlockProduct.BLOCK * blocks);
                }
            }
        }
    }
}
