package org.minpro.kernels;

import static org.minpro.kernels.Vectors.LANES;
import static org.minpro.kernels.Vectors.TYPE;
import static org.minpro.kernels.Vectors.all;
import static org.minpro.kernels.Vectors.exp;
import static org.minpro.kernels.Vectors.get;
import static org.minpro.kernels.Vectors.load;
import static org.minpro.kernels.Vectors.set;
import static org.minpro.kernels.Vectors.store;
import static org.minpro.kernels.Vectors.zero;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * A query's scores against the keys before it, in the keys' order from position 0, in whole blocks: {@code full} numbers, a
 * multiple of 16.
 *
 * <p>A sum over keys adds key j to lane {@code j mod} the lanes, j ascending, and then the lanes. Keys that are masked add 0, so
 * how many of them there are changes no bit.
 */
final class ScoreRow {
    private ScoreRow() {}

    /** The first whole number of blocks that has so many keys, in keys. */
    static int full(int keys) {
        return (keys + BlockProduct.BLOCK - 1) / BlockProduct.BLOCK * BlockProduct.BLOCK;
    }

    /** Masks all but the first keys, whatever stands there, and returns the largest score. */
    static float mask(long scores, int seen, int full) {
        for (int j = seen; j < full; j++) {
            set(scores + 4L * j, Float.NEGATIVE_INFINITY);
        }
        FloatVector largest = load(scores);
        for (int j = LANES; j < full; j += LANES) {
            largest = load(scores + 4L * j).max(largest);
        }
        // Exact, so its order does not matter.
        return TYPE.cast(largest).reduceLanes(VectorOperators.MAX);
    }

    /** Puts {@code e_j = exp((s_j - largest) scale)} in the place of the scores and returns their sum. */
    static float exponentials(long scores, int full, float largest, float scale) {
        FloatVector shift = all(largest);
        FloatVector factor = all(scale);
        FloatVector total = zero();
        for (int j = 0; j < full; j += LANES) {
            FloatVector e = exp(load(scores + 4L * j).sub(shift).mul(factor));
            store(e, scores + 4L * j);
            total = e.add(total);
        }
        return Vectors.sum(total);
    }

    /** Multiplies a row of any length. */
    static void scale(long row, int count, float factor) {
        FloatVector factors = all(factor);
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            store(load(row + 4L * i).mul(factors), row + 4L * i);
        }
        for (; i < count; i++) {
            set(row + 4L * i, get(row + 4L * i) * factor);
        }
    }

    /**
     * From probabilities p and the gradients g with respect to them to those with respect to the unscaled scores, in the
     * gradients' place: {@code p (g - sum_j p_j g_j) scale}. Masked keys get 0 whatever stands there.
     */
    static void backward(long probabilities, long gradients, int seen, int full, float scale) {
        for (int j = seen; j < full; j++) {
            set(gradients + 4L * j, 0);
        }
        FloatVector products = zero();
        for (int j = 0; j < full; j += LANES) {
            products = load(probabilities + 4L * j).fma(load(gradients + 4L * j), products);
        }
        differentiate(probabilities, gradients, full, Vectors.sum(products), scale);
    }

    private static void differentiate(long probabilities, long gradients, int full, float mean, float scale) {
        FloatVector means = all(mean);
        FloatVector factor = all(scale);
        for (int j = 0; j < full; j += LANES) {
            FloatVector p = load(probabilities + 4L * j).mul(factor);
            store(load(gradients + 4L * j).sub(means).mul(p), gradients + 4L * j);
        }
    }
}
