package org.minpro.kernels;

import static org.minpro.kernels.Vectors.LANES;
import static org.minpro.kernels.Vectors.TYPE;
import static org.minpro.kernels.Vectors.all;
import static org.minpro.kernels.Vectors.get;
import static org.minpro.kernels.Vectors.load;
import static org.minpro.kernels.Vectors.set;
import static org.minpro.kernels.Vectors.store;
import static org.minpro.kernels.Vectors.zero;

import jdk.incubator.vector.FloatVector;

/**
 * RMS norm (Zhang and Sennrich, arXiv 1910.07467) and its way back: {@code y_i = w_i s x_i} with {@code s = 1 / sqrt(mean(x^2) +
 * epsilon)}. Rows and weights are float32 or bfloat16, {@code [rows, n]} and {@code [n]}.
 */
public final class RmsNorm {
    private RmsNorm() {}

    /** {@code y = norm(x)}; y may be x. */
    public static void norm(boolean half, long x, long weight, long y, int rows, int n, float epsilon) {
        check(x, weight, rows, n, epsilon);
        Shapes.present("y", y);
        if (!half) {
            for (int row = 0; row < rows; row++) {
                long at = 4L * n * row;
                normRow(x + at, weight, y + at, n, epsilon);
            }
            return;
        }
        long bytes = 4L * n;
        long weights = RowScratch.floats(3L * n);
        long in = weights + bytes;
        long out = in + bytes;
        HalfRows.widen(weight, weights, n);
        for (int row = 0; row < rows; row++) {
            long at = 2L * n * row;
            HalfRows.widen(x + at, in, n);
            normRow(in, weights, out, n, epsilon);
            HalfRows.narrow(out, y + at, n);
        }
    }

    /** {@code sum = x + delta, y = norm(sum)}, of the sum as it is stored; sum may be x or delta. */
    public static void addNorm(
            boolean half, long x, long delta, long weight, long sum, long y, int rows, int n, float epsilon) {
        check(x, weight, rows, n, epsilon);
        Shapes.present("delta", delta);
        Shapes.present("sum", sum);
        Shapes.present("y", y);
        if (!half) {
            for (int row = 0; row < rows; row++) {
                long at = 4L * n * row;
                addRow(x + at, delta + at, sum + at, n);
                normRow(sum + at, weight, y + at, n, epsilon);
            }
            return;
        }
        long bytes = 4L * n;
        long weights = RowScratch.floats(3L * n);
        long in = weights + bytes;
        long other = in + bytes;
        HalfRows.widen(weight, weights, n);
        for (int row = 0; row < rows; row++) {
            long at = 2L * n * row;
            HalfRows.widen(x + at, in, n);
            HalfRows.widen(delta + at, other, n);
            addRow(in, other, in, n);
            HalfRows.narrow(in, sum + at, n);
            HalfRows.widen(sum + at, in, n);
            normRow(in, weights, other, n, epsilon);
            HalfRows.narrow(other, y + at, n);
        }
    }

    /**
     * The gradients: {@code dL/dx = s w u - x s^3 sum(u w x) / n}, and {@code dL/dw = sum over rows of u x s}, rows ascending.
     *
     * @param upstream {@code u = dL/dy}
     * @param passedOn what is added to {@code dL/dx}, such as the gradient of the sum that x is; 0 for nothing
     * @param toX {@code dL/dx}; may be passedOn
     * @param toWeight {@code [n]} float32, added to; 0 where it is not wanted
     */
    public static void normBack(
            boolean half,
            long x,
            long weight,
            long upstream,
            long passedOn,
            long toX,
            long toWeight,
            int rows,
            int n,
            float epsilon) {
        check(x, weight, rows, n, epsilon);
        Shapes.present("upstream", upstream);
        Shapes.present("toX", toX);
        long bytes = 4L * n;
        if (!half) {
            for (int row = 0; row < rows; row++) {
                long at = bytes * row;
                backRow(
                        x + at,
                        weight,
                        upstream + at,
                        toX + at,
                        passedOn == 0 ? 0 : passedOn + at,
                        toWeight,
                        n,
                        epsilon);
            }
            return;
        }
        long weights = RowScratch.floats(5L * n);
        long in = weights + bytes;
        long up = in + bytes;
        long passed = up + bytes;
        long out = passed + bytes;
        HalfRows.widen(weight, weights, n);
        for (int row = 0; row < rows; row++) {
            long at = 2L * n * row;
            HalfRows.widen(x + at, in, n);
            HalfRows.widen(upstream + at, up, n);
            if (passedOn != 0) {
                HalfRows.widen(passedOn + at, passed, n);
            }
            backRow(in, weights, up, out, passedOn == 0 ? 0 : passed, toWeight, n, epsilon);
            HalfRows.narrow(out, toX + at, n);
        }
    }

    private static void check(long x, long weight, int rows, int n, float epsilon) {
        Shapes.present("x", x);
        Shapes.present("weight", weight);
        Shapes.positive("rows", rows);
        Shapes.positive("n", n);
        if (!(epsilon >= 0)) {
            throw new IllegalArgumentException("epsilon must be >= 0, got: " + epsilon);
        }
    }

    static void normRow(long x, long weight, long y, int n, float epsilon) {
        scaleRow(x, weight, y, n, inverseRoot(x, n, epsilon));
    }

    private static void scaleRow(long x, long weight, long y, int n, float s) {
        FloatVector scale = all(s);
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            store(load(x + 4L * i).mul(scale).mul(load(weight + 4L * i)), y + 4L * i);
        }
        for (; i < n; i++) {
            set(y + 4L * i, get(x + 4L * i) * s * get(weight + 4L * i));
        }
    }

    private static void addRow(long x, long delta, long sum, int n) {
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            store(load(x + 4L * i).add(load(delta + 4L * i)), sum + 4L * i);
        }
        for (; i < n; i++) {
            set(sum + 4L * i, get(x + 4L * i) + get(delta + 4L * i));
        }
    }

    private static float inverseRoot(long x, int n, float epsilon) {
        return (float) (1 / Math.sqrt(squares(x, n) / n + epsilon));
    }

    private static double squares(long x, int n) {
        FloatVector a = zero();
        FloatVector b = zero();
        FloatVector c = zero();
        FloatVector d = zero();
        int i = 0;
        for (; i <= n - 4 * LANES; i += 4 * LANES) {
            long at = x + 4L * i;
            FloatVector v = load(at);
            a = v.fma(v, a);
            v = load(at + Vectors.BYTES);
            b = v.fma(v, b);
            v = load(at + 2 * Vectors.BYTES);
            c = v.fma(v, c);
            v = load(at + 3 * Vectors.BYTES);
            d = v.fma(v, d);
        }
        for (; i <= n - LANES; i += LANES) {
            FloatVector v = load(x + 4L * i);
            a = v.fma(v, a);
        }
        float sum = Vectors.sum(TYPE.cast(a).add(b).add(TYPE.cast(c).add(d)));
        for (; i < n; i++) {
            sum = Math.fma(get(x + 4L * i), get(x + 4L * i), sum);
        }
        return sum;
    }

    /** The way back of one row in float32; {@code passed} 0 for none. */
    static void backRow(
            long x, long weight, long upstream, long toX, long passed, long toWeight, int n, float epsilon) {
        float s = inverseRoot(x, n, epsilon);
        float factor = (float) (-weighted(x, weight, upstream, n) * s * s * s / n);
        if (toWeight != 0) {
            addToWeight(x, upstream, toWeight, n, s);
        }
        if (passed == 0) {
            differentiate(x, weight, upstream, toX, n, s, factor);
        } else {
            differentiateAndAdd(x, weight, upstream, passed, toX, n, s, factor);
        }
    }

    /** {@code sum(u w x)}. */
    private static double weighted(long x, long weight, long upstream, int n) {
        FloatVector a = zero();
        FloatVector b = zero();
        int i = 0;
        for (; i <= n - 2 * LANES; i += 2 * LANES) {
            long at = 4L * i;
            a = load(upstream + at).mul(load(x + at)).fma(load(weight + at), a);
            at += Vectors.BYTES;
            b = load(upstream + at).mul(load(x + at)).fma(load(weight + at), b);
        }
        for (; i <= n - LANES; i += LANES) {
            long at = 4L * i;
            a = load(upstream + at).mul(load(x + at)).fma(load(weight + at), a);
        }
        float sum = Vectors.sum(TYPE.cast(a).add(b));
        for (; i < n; i++) {
            sum = Math.fma(get(upstream + 4L * i) * get(x + 4L * i), get(weight + 4L * i), sum);
        }
        return sum;
    }

    private static void addToWeight(long x, long upstream, long toWeight, int n, float s) {
        FloatVector scale = all(s);
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            long at = 4L * i;
            store(load(upstream + at).mul(load(x + at)).fma(scale, load(toWeight + at)), toWeight + at);
        }
        for (; i < n; i++) {
            long at = 4L * i;
            set(toWeight + at, Math.fma(get(upstream + at) * get(x + at), s, get(toWeight + at)));
        }
    }

    private static void differentiate(long x, long weight, long upstream, long toX, int n, float s, float factor) {
        FloatVector scale = all(s);
        FloatVector factors = all(factor);
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            long at = 4L * i;
            FloatVector direct = load(upstream + at).mul(load(weight + at)).mul(scale);
            store(load(x + at).fma(factors, direct), toX + at);
        }
        for (; i < n; i++) {
            long at = 4L * i;
            set(toX + at, Math.fma(get(x + at), factor, get(upstream + at) * get(weight + at) * s));
        }
    }

    private static void differentiateAndAdd(
            long x, long weight, long upstream, long passed, long toX, int n, float s, float factor) {
        FloatVector scale = all(s);
        FloatVector factors = all(factor);
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            long at = 4L * i;
            FloatVector direct = load(upstream + at).mul(load(weight + at)).fma(scale, load(passed + at));
            store(load(x + at).fma(factors, direct), toX + at);
        }
        for (; i < n; i++) {
            long at = 4L * i;
            float direct = Math.fma(get(upstream + at) * get(weight + at), s, get(passed + at));
            set(toX + at, Math.fma(get(x + at), factor, direct));
        }
    }
}
