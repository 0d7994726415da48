package org.minpro.kernels;

import static org.minpro.kernels.Vectors.LANES;
import static org.minpro.kernels.Vectors.get;
import static org.minpro.kernels.Vectors.getHalf;
import static org.minpro.kernels.Vectors.halfBits;
import static org.minpro.kernels.Vectors.load;
import static org.minpro.kernels.Vectors.loadHalf;
import static org.minpro.kernels.Vectors.rounded;
import static org.minpro.kernels.Vectors.set;
import static org.minpro.kernels.Vectors.setHalf;
import static org.minpro.kernels.Vectors.store;
import static org.minpro.kernels.Vectors.storeHalf;

/** Rows of bfloat16, widened to float32 and rounded back to nearest even. */
final class HalfRows {
    private HalfRows() {}

    /** From bfloat16 to float32. */
    static void widen(long from, long to, int count) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            store(loadHalf(from + 2L * i), to + 4L * i);
        }
        for (; i < count; i++) {
            set(to + 4L * i, getHalf(from + 2L * i));
        }
    }

    /** Adds bfloat16 numbers to those of float32. */
    static void addWidened(long what, long to, int count) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            store(load(to + 4L * i).add(loadHalf(what + 2L * i)), to + 4L * i);
        }
        for (; i < count; i++) {
            set(to + 4L * i, get(to + 4L * i) + getHalf(what + 2L * i));
        }
    }

    /** Adds float32 numbers to those of bfloat16; each sum is rounded once. */
    static void add(long what, long to, int count) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            storeHalf(loadHalf(to + 2L * i).add(load(what + 4L * i)), to + 2L * i);
        }
        for (; i < count; i++) {
            setHalf(to + 2L * i, getHalf(to + 2L * i) + get(what + 4L * i));
        }
    }

    /** Rounds float32 numbers to those that bfloat16 has. */
    static void round(long row, int count) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            store(rounded(load(row + 4L * i)), row + 4L * i);
        }
        for (; i < count; i++) {
            set(row + 4L * i, Float.intBitsToFloat(halfBits(get(row + 4L * i)) << 16));
        }
    }

    /** From float32 to bfloat16. */
    static void narrow(long from, long to, int count) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            storeHalf(load(from + 4L * i), to + 2L * i);
        }
        for (; i < count; i++) {
            setHalf(to + 2L * i, get(from + 4L * i));
        }
    }
}
