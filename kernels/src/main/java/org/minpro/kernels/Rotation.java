package org.minpro.kernels;

import static org.minpro.kernels.Vectors.LANES;
import static org.minpro.kernels.Vectors.get;
import static org.minpro.kernels.Vectors.load;
import static org.minpro.kernels.Vectors.set;
import static org.minpro.kernels.Vectors.store;

import jdk.incubator.vector.FloatVector;

/**
 * From a layer's projected rows to attention's queries, keys and values in float32, and the way back: each head's RMS norm where
 * the model has one, then the rotary embedding of halves (Su et al., arXiv 2104.09864), {@code x cos + (x2, x1) sin} with x1 and
 * x2 the halves of a head.
 *
 * <p>Cosines and sines are tables {@code [tokens, d]} float32, one row for each token, the second half of the cosines equal to
 * the first and the first half of the sines negated; so every kind of rotary embedding is one. Address 0 means a layer without
 * rotation. A projected row holds queries, keys and values, {@code [tokens, (heads + 2 keyHeads) d]}, float32 or bfloat16; so do
 * the weights of the norms, {@code [d]}, where 0 means none. Rotated keys of a bfloat16 model are rounded to bfloat16, as a cache
 * has them; on the way back that rounding is passed over.
 */
public final class Rotation {
    private Rotation() {}

    /**
     * @param q {@code [tokens, heads, d]} float32
     * @param k {@code [tokens, keyHeads, d]} float32
     * @param v {@code [tokens, keyHeads, d]} float32
     */
    public static void rotate(
            boolean half,
            long projected,
            long cosines,
            long sines,
            long queryNorm,
            long keyNorm,
            float epsilon,
            long q,
            long k,
            long v,
            int tokens,
            int heads,
            int keyHeads,
            int headDim) {
        check(projected, cosines, sines, tokens, heads, keyHeads, headDim);
        Shapes.present("q", q);
        Shapes.present("k", k);
        Shapes.present("v", v);
        int width = (heads + 2 * keyHeads) * headDim;
        long head = 4L * headDim;
        long scratch = RowScratch.floats(width + 3L * headDim);
        long normed = scratch + 4L * width;
        long queryWeight = weight(half, queryNorm, normed + head, headDim);
        long keyWeight = weight(half, keyNorm, normed + 2 * head, headDim);
        for (int token = 0; token < tokens; token++) {
            long row = row(half, projected, token, width, scratch);
            long cosine = cosines + head * token;
            long sine = sines == 0 ? 0 : sines + head * token;
            long to = q + (long) token * heads * head;
            for (int i = 0; i < heads; i++) {
                long x = normed(row + i * head, queryWeight, normed, headDim, epsilon);
                forward(x, cosine, sine, to + i * head, headDim);
            }
            row += heads * head;
            to = k + (long) token * keyHeads * head;
            for (int i = 0; i < keyHeads; i++) {
                long x = normed(row + i * head, keyWeight, normed, headDim, epsilon);
                forward(x, cosine, sine, to + i * head, headDim);
            }
            if (half) {
                HalfRows.round(to, keyHeads * headDim);
            }
            Vectors.copy(row + keyHeads * head, v + (long) token * keyHeads * head, keyHeads * head);
        }
    }

    /**
     * @param toQ {@code dL/dq}, {@code [tokens, heads, d]} float32
     * @param toK {@code dL/dk}, {@code [tokens, keyHeads, d]} float32
     * @param toV {@code dL/dv}, likewise
     * @param toProjected {@code dL/dprojected}, of its shape and type
     * @param toQueryNorm {@code [d]} float32, added to, tokens and then heads ascending; 0 where it is not wanted
     * @param toKeyNorm likewise
     */
    public static void rotateBack(
            boolean half,
            long projected,
            long cosines,
            long sines,
            long queryNorm,
            long keyNorm,
            float epsilon,
            long toQ,
            long toK,
            long toV,
            long toProjected,
            long toQueryNorm,
            long toKeyNorm,
            int tokens,
            int heads,
            int keyHeads,
            int headDim) {
        check(projected, cosines, sines, tokens, heads, keyHeads, headDim);
        Shapes.present("toQ", toQ);
        Shapes.present("toK", toK);
        Shapes.present("toV", toV);
        Shapes.present("toProjected", toProjected);
        int width = (heads + 2 * keyHeads) * headDim;
        long head = 4L * headDim;
        long scratch = RowScratch.floats(2L * width + 3L * headDim);
        long gradients = scratch + 4L * width;
        long turned = gradients + 4L * width;
        long queryWeight = weight(half, queryNorm, turned + head, headDim);
        long keyWeight = weight(half, keyNorm, turned + 2 * head, headDim);
        for (int token = 0; token < tokens; token++) {
            long row = row(half, projected, token, width, scratch);
            long out = half ? gradients : toProjected + 4L * width * token;
            long cosine = cosines + head * token;
            long sine = sines == 0 ? 0 : sines + head * token;
            long from = toQ + (long) token * heads * head;
            for (int i = 0; i < heads; i++) {
                long to = out + i * head;
                back(
                        from + i * head,
                        cosine,
                        sine,
                        row + i * head,
                        queryWeight,
                        toQueryNorm,
                        turned,
                        to,
                        headDim,
                        epsilon);
            }
            long at = heads * head;
            from = toK + (long) token * keyHeads * head;
            for (int i = 0; i < keyHeads; i++) {
                long to = out + at + i * head;
                back(
                        from + i * head,
                        cosine,
                        sine,
                        row + at + i * head,
                        keyWeight,
                        toKeyNorm,
                        turned,
                        to,
                        headDim,
                        epsilon);
            }
            at += keyHeads * head;
            Vectors.copy(toV + (long) token * keyHeads * head, out + at, keyHeads * head);
            if (half) {
                HalfRows.narrow(gradients, toProjected + 2L * width * token, width);
            }
        }
    }

    private static void check(
            long projected, long cosines, long sines, int tokens, int heads, int keyHeads, int headDim) {
        Shapes.heads(heads, keyHeads, headDim);
        Shapes.positive("tokens", tokens);
        Shapes.present("projected", projected);
        if ((cosines == 0) != (sines == 0)) {
            throw new IllegalArgumentException("cosines and sines must both be addresses or both be 0, got: "
                    + (cosines == 0 ? "no cosines" : "no sines"));
        }
    }

    /** A projected row in float32. */
    private static long row(boolean half, long projected, int token, int width, long scratch) {
        if (!half) {
            return projected + 4L * width * token;
        }
        HalfRows.widen(projected + 2L * width * token, scratch, width);
        return scratch;
    }

    /** A norm's weights in float32; 0 for none. */
    private static long weight(boolean half, long weight, long scratch, int headDim) {
        if (weight == 0 || !half) {
            return weight;
        }
        HalfRows.widen(weight, scratch, headDim);
        return scratch;
    }

    private static long normed(long x, long weight, long scratch, int headDim, float epsilon) {
        if (weight == 0) {
            return x;
        }
        RmsNorm.normRow(x, weight, scratch, headDim, epsilon);
        return scratch;
    }

    private static void forward(long x, long cosine, long sine, long to, int headDim) {
        if (sine == 0) {
            Vectors.copy(x, to, 4L * headDim);
        } else {
            turn(x, cosine, sine, to, headDim / 2);
        }
    }

    private static void back(
            long upstream,
            long cosine,
            long sine,
            long x,
            long weight,
            long toWeight,
            long scratch,
            long to,
            int headDim,
            float epsilon) {
        long turned = weight == 0 ? to : scratch;
        if (sine == 0) {
            Vectors.copy(upstream, turned, 4L * headDim);
        } else {
            turnBack(upstream, cosine, sine, turned, headDim / 2);
        }
        if (weight != 0) {
            RmsNorm.backRow(x, weight, turned, to, 0, toWeight, headDim, epsilon);
        }
    }

    private static void turn(long x, long cosine, long sine, long to, int m) {
        long other = 4L * m;
        int i = 0;
        for (; i <= m - LANES; i += LANES) {
            long at = 4L * i;
            FloatVector a = load(x + at);
            FloatVector b = load(x + other + at);
            store(b.fma(load(sine + at), a.mul(load(cosine + at))), to + at);
            store(a.fma(load(sine + other + at), b.mul(load(cosine + other + at))), to + other + at);
        }
        for (; i < m; i++) {
            long at = 4L * i;
            float a = get(x + at);
            float b = get(x + other + at);
            set(to + at, Math.fma(b, get(sine + at), a * get(cosine + at)));
            set(to + other + at, Math.fma(a, get(sine + other + at), b * get(cosine + other + at)));
        }
    }

    /** The transposed map. */
    private static void turnBack(long u, long cosine, long sine, long to, int m) {
        long other = 4L * m;
        int i = 0;
        for (; i <= m - LANES; i += LANES) {
            long at = 4L * i;
            FloatVector a = load(u + at);
            FloatVector b = load(u + other + at);
            store(b.fma(load(sine + other + at), a.mul(load(cosine + at))), to + at);
            store(a.fma(load(sine + at), b.mul(load(cosine + other + at))), to + other + at);
        }
        for (; i < m; i++) {
            long at = 4L * i;
            float a = get(u + at);
            float b = get(u + other + at);
            set(to + at, Math.fma(b, get(sine + other + at), a * get(cosine + at)));
            set(to + other + at, Math.fma(a, get(sine + at), b * get(cosine + other + at)));
        }
    }
}
