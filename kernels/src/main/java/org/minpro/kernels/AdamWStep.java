package org.minpro.kernels;

import static org.minpro.kernels.Vectors.LANES;
import static org.minpro.kernels.Vectors.all;
import static org.minpro.kernels.Vectors.get;
import static org.minpro.kernels.Vectors.load;
import static org.minpro.kernels.Vectors.set;
import static org.minpro.kernels.Vectors.store;

import jdk.incubator.vector.FloatVector;

/**
 * One step of AdamW (Loshchilov and Hutter, arXiv 1711.05101) in one pass over its four arrays:
 *
 * <pre>
 * g' = scale g,  m = beta1 m + (1 - beta1) g',  v = beta2 v + (1 - beta2) g'^2
 * p = decay p - step m / (sqrt(v) / rootCorrection + epsilon)
 * </pre>
 */
public final class AdamWStep {
    /** Numbers whose moments are still in the first-level cache when their parameters are moved. */
    private static final int PIECE = 2048;

    private AdamWStep() {}

    /**
     * The numbers that a step multiplies with.
     *
     * @param scale of the gradient, as clipping asks
     * @param decay {@code 1 - rate weightDecay}, or 1
     * @param step {@code rate / (1 - beta1^t)}
     * @param rootCorrection {@code sqrt(1 - beta2^t)}
     */
    public record Factors(
            double scale,
            double decay,
            double beta1,
            double beta2,
            double step,
            double rootCorrection,
            double epsilon) {}

    /**
     * Steps n parameters.
     *
     * @param parameter {@code [n]} float32
     * @param mean of the gradients, {@code [n]} float32
     * @param square mean of their squares, {@code [n]} float32
     * @param gradient {@code [n]} float32
     */
    public static void adamw(long parameter, long mean, long square, long gradient, long n, Factors factors) {
        Shapes.present("parameter", parameter);
        Shapes.present("mean", mean);
        Shapes.present("square", square);
        Shapes.present("gradient", gradient);
        Shapes.positive("n", n);
        Shapes.positive("rootCorrection", factors.rootCorrection);
        for (long first = 0; first < n; first += PIECE) {
            int count = (int) Math.min(PIECE, n - first);
            long at = 4 * first;
            moments(
                    mean + at,
                    square + at,
                    gradient + at,
                    count,
                    (float) factors.scale,
                    (float) factors.beta1,
                    (float) (1 - factors.beta1),
                    (float) factors.beta2,
                    (float) (1 - factors.beta2));
            move(
                    parameter + at,
                    mean + at,
                    square + at,
                    count,
                    (float) factors.decay,
                    (float) -factors.step,
                    (float) factors.rootCorrection,
                    (float) factors.epsilon);
        }
    }

    private static void moments(
            long mean,
            long square,
            long gradient,
            int n,
            float scale,
            float beta1,
            float rest1,
            float beta2,
            float rest2) {
        FloatVector scales = all(scale);
        FloatVector b1 = all(beta1);
        FloatVector r1 = all(rest1);
        FloatVector b2 = all(beta2);
        FloatVector r2 = all(rest2);
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            long at = 4L * i;
            FloatVector g = load(gradient + at).mul(scales);
            store(g.fma(r1, load(mean + at).mul(b1)), mean + at);
            store(r2.mul(g).fma(g, load(square + at).mul(b2)), square + at);
        }
        for (; i < n; i++) {
            long at = 4L * i;
            float g = get(gradient + at) * scale;
            set(mean + at, Math.fma(g, rest1, get(mean + at) * beta1));
            set(square + at, Math.fma(rest2 * g, g, get(square + at) * beta2));
        }
    }

    private static void move(
            long parameter,
            long mean,
            long square,
            int n,
            float decay,
            float step,
            float rootCorrection,
            float epsilon) {
        FloatVector decays = all(decay);
        FloatVector steps = all(step);
        FloatVector correction = all(rootCorrection);
        FloatVector least = all(epsilon);
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            long at = 4L * i;
            FloatVector denominator = load(square + at).sqrt().div(correction).add(least);
            FloatVector moved = steps.mul(load(mean + at)).div(denominator);
            store(load(parameter + at).mul(decays).add(moved), parameter + at);
        }
        for (; i < n; i++) {
            long at = 4L * i;
            float denominator = (float) Math.sqrt(get(square + at)) / rootCorrection + epsilon;
            set(parameter + at, get(parameter + at) * decay + step * get(mean + at) / denominator);
        }
    }
}
