package org.minpro.kernels;

import static org.minpro.kernels.Vectors.get;
import static org.minpro.kernels.Vectors.set;

/** Keys in blocks of 16 entries, {@code [d][16]} each, so that a vector holds one dimension of neighbouring entries. */
final class KeyBlocks {
    private KeyBlocks() {}

    /** Puts a key of {@code width} numbers at its place in the blocks of a head. */
    static void put(long key, int width, long blocks, long entry) {
        long block = entry / BlockProduct.BLOCK;
        long lane = entry % BlockProduct.BLOCK;
        long to = blocks + 4 * (block * BlockProduct.BLOCK * width + lane);
        for (int i = 0; i < width; i++) {
            set(to + 4L * BlockProduct.BLOCK * i, get(key + 4L * i));
        }
    }

    /** Rounds to bfloat16 and puts pairs of numbers, as {@link HalfBlockProduct} reads them; the width is even. */
    static void putHalf(long key, int width, long blocks, long entry) {
        long block = entry / BlockProduct.BLOCK;
        long lane = entry % BlockProduct.BLOCK;
        long to = blocks + 2 * block * BlockProduct.BLOCK * width + 4 * lane;
        for (int i = 0; i < width / 2; i++) {
            int low = Vectors.halfBits(get(key + 8L * i)) & 0xffff;
            int high = Vectors.halfBits(get(key + 8L * i + 4)) << 16;
            Vectors.setInt(to + 4L * BlockProduct.BLOCK * i, low | high);
        }
    }
}
