package org.minpro.kernels;

import static org.minpro.kernels.Vectors.LANES;
import static org.minpro.kernels.Vectors.all;
import static org.minpro.kernels.Vectors.exp;
import static org.minpro.kernels.Vectors.get;
import static org.minpro.kernels.Vectors.load;
import static org.minpro.kernels.Vectors.set;
import static org.minpro.kernels.Vectors.store;

import jdk.incubator.vector.FloatVector;

/**
 * The gated unit (Shazeer, arXiv 2002.05202) and its way back: {@code y = silu(g) u} with {@code silu(g) = g sigmoid(g)}, over
 * rows that hold the gates and then the values, {@code [rows, 2 n]}, float32 or bfloat16.
 */
public final class SwiGlu {
    /** Numbers of a bfloat16 row that are computed at once, in the first-level cache. */
    private static final int PIECE = 512;

    private SwiGlu() {}

    /**
     * @param gateUp gates and values, {@code [rows, 2 n]}
     * @param y {@code [rows, n]}
     */
    public static void gate(boolean half, long gateUp, long y, int rows, int n) {
        check(gateUp, rows, n);
        Shapes.present("y", y);
        if (!half) {
            for (int row = 0; row < rows; row++) {
                long from = gateUp + 8L * n * row;
                gateRow(from, from + 4L * n, y + 4L * n * row, n);
            }
            return;
        }
        long gates = RowScratch.floats(2L * PIECE);
        long values = gates + 4L * PIECE;
        for (int row = 0; row < rows; row++) {
            long from = gateUp + 4L * n * row;
            for (int i = 0; i < n; i += PIECE) {
                int count = Math.min(PIECE, n - i);
                HalfRows.widen(from + 2L * i, gates, count);
                HalfRows.widen(from + 2L * (n + i), values, count);
                gateRow(gates, values, gates, count);
                HalfRows.narrow(gates, y + 2L * (n * (long) row + i), count);
            }
        }
    }

    /**
     * @param gateUp as in {@link #gate}
     * @param upstream {@code dL/dy}, {@code [rows, n]}
     * @param toGateUp {@code [rows, 2 n]}; may be gateUp
     */
    public static void gateBack(boolean half, long gateUp, long upstream, long toGateUp, int rows, int n) {
        check(gateUp, rows, n);
        Shapes.present("upstream", upstream);
        Shapes.present("toGateUp", toGateUp);
        if (!half) {
            for (int row = 0; row < rows; row++) {
                long at = 8L * n * row;
                long from = gateUp + at;
                long to = toGateUp + at;
                backRow(from, from + 4L * n, upstream + 4L * n * row, to, to + 4L * n, n);
            }
            return;
        }
        long gates = RowScratch.floats(3L * PIECE);
        long values = gates + 4L * PIECE;
        long up = values + 4L * PIECE;
        for (int row = 0; row < rows; row++) {
            long from = gateUp + 4L * n * row;
            long to = toGateUp + 4L * n * row;
            for (int i = 0; i < n; i += PIECE) {
                int count = Math.min(PIECE, n - i);
                HalfRows.widen(from + 2L * i, gates, count);
                HalfRows.widen(from + 2L * (n + i), values, count);
                HalfRows.widen(upstream + 2L * (n * (long) row + i), up, count);
                backRow(gates, values, up, gates, values, count);
                HalfRows.narrow(gates, to + 2L * i, count);
                HalfRows.narrow(values, to + 2L * (n + i), count);
            }
        }
    }

    private static void check(long gateUp, int rows, int n) {
        Shapes.present("gateUp", gateUp);
        Shapes.positive("rows", rows);
        Shapes.positive("n", n);
    }

    private static void gateRow(long gates, long values, long y, int n) {
        FloatVector one = all(1);
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            FloatVector g = load(gates + 4L * i);
            FloatVector sigmoid = one.div(exp(g.neg()).add(1f));
            store(g.mul(sigmoid).mul(load(values + 4L * i)), y + 4L * i);
        }
        for (; i < n; i++) {
            float g = get(gates + 4L * i);
            set(y + 4L * i, g * (1 / (exp(-g) + 1)) * get(values + 4L * i));
        }
    }

    /** Reads a place before it is written, so results may take the arguments' places. */
    private static void backRow(long gates, long values, long upstream, long toGates, long toValues, int n) {
        FloatVector one = all(1);
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            FloatVector g = load(gates + 4L * i);
            FloatVector u = load(upstream + 4L * i);
            FloatVector toSilu = load(values + 4L * i).mul(u);
            FloatVector sigmoid = one.div(exp(g.neg()).add(1f));
            FloatVector silu = g.mul(sigmoid);
            store(u.mul(silu), toValues + 4L * i);
            // d silu / d g = sigmoid + silu (1 - sigmoid)
            store(toSilu.mul(silu.fma(one.sub(sigmoid), sigmoid)), toGates + 4L * i);
        }
        for (; i < n; i++) {
            float g = get(gates + 4L * i);
            float u = get(upstream + 4L * i);
            float toSilu = get(values + 4L * i) * u;
            float sigmoid = 1 / (exp(-g) + 1);
            float silu = g * sigmoid;
            set(toValues + 4L * i, u * silu);
            set(toGates + 4L * i, toSilu * Math.fma(silu, 1 - sigmoid, sigmoid));
        }
    }
}
