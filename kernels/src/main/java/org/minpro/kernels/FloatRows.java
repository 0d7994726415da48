package org.minpro.kernels;

import static org.minpro.kernels.Vectors.LANES;
import static org.minpro.kernels.Vectors.get;
import static org.minpro.kernels.Vectors.load;
import static org.minpro.kernels.Vectors.set;
import static org.minpro.kernels.Vectors.store;

/** Rows of float32. */
final class FloatRows {
    private FloatRows() {}

    /** Adds the numbers at {@code what} to those at {@code to}. */
    static void add(long what, long to, int count) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            store(load(to + 4L * i).add(load(what + 4L * i)), to + 4L * i);
        }
        for (; i < count; i++) {
            set(to + 4L * i, get(to + 4L * i) + get(what + 4L * i));
        }
    }
}
