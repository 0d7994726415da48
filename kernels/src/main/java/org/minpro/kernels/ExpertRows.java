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
 * What a mixture of experts does around its products: the router's choice, rows for the experts, their weighted sums, and the way
 * back of all three. Rows are float32 or bfloat16; probabilities and weights are float32.
 *
 * <p>A token's outputs are added up by expert, ascending, in float32, and rounded once. So they depend neither on the other
 * tokens nor on the order in which the router ranks equals.
 */
public final class ExpertRows {
    private ExpertRows() {}

    /**
     * The router's choice: the experts of the largest probabilities, of equal ones the first.
     *
     * @param logits {@code [tokens, experts]}
     * @param normalised whether the weights of a token are divided by their sum
     * @param probabilities softmax of the logits, {@code [tokens, experts]} float32
     * @param chosen experts of each token, the most probable first, {@code [tokens, perToken]} int64
     * @param weights of the chosen, {@code [tokens, perToken]} float32
     */
    public static void route(
            boolean half,
            long logits,
            int tokens,
            int experts,
            int perToken,
            boolean normalised,
            long probabilities,
            long chosen,
            long weights) {
        choices(tokens, experts, perToken);
        Shapes.present("logits", logits);
        Shapes.present("probabilities", probabilities);
        Shapes.present("chosen", chosen);
        Shapes.present("weights", weights);
        int full = ScoreRow.full(experts);
        long scratch = RowScratch.floats(full);
        for (int token = 0; token < tokens; token++) {
            if (half) {
                HalfRows.widen(logits + 2L * experts * token, scratch, experts);
            } else {
                Vectors.copy(logits + 4L * experts * token, scratch, 4L * experts);
            }
            float largest = ScoreRow.mask(scratch, experts, full);
            ScoreRow.scale(scratch, full, 1 / ScoreRow.exponentials(scratch, full, largest, 1));
            Vectors.copy(scratch, probabilities + 4L * experts * token, 4L * experts);
            choose(
                    scratch,
                    experts,
                    perToken,
                    normalised,
                    chosen + 8L * perToken * token,
                    weights + 4L * perToken * token);
        }
    }

    /** Takes what it has chosen out of the row. */
    private static void choose(
            long probabilities, int experts, int perToken, boolean normalised, long chosen, long weights) {
        float sum = 0;
        for (int choice = 0; choice < perToken; choice++) {
            int best = 0;
            float most = Float.NEGATIVE_INFINITY;
            for (int expert = 0; expert < experts; expert++) {
                float probability = get(probabilities + 4L * expert);
                // NaN too is chosen once, so that it reaches the outputs.
                if (probability > most || Float.isNaN(probability)) {
                    best = expert;
                    most = probability;
                }
            }
            Vectors.setLong(chosen + 8L * choice, best);
            set(weights + 4L * choice, most);
            set(probabilities + 4L * best, Float.NEGATIVE_INFINITY);
            sum += most;
        }
        if (normalised) {
            for (int choice = 0; choice < perToken; choice++) {
                set(weights + 4L * choice, get(weights + 4L * choice) / sum);
            }
        }
    }

    /**
     * From {@code dL/dweights} to {@code dL/dlogits}.
     *
     * @param toWeights {@code [tokens, perToken]} float32
     * @param toLogits {@code [tokens, experts]}
     */
    public static void routeBack(
            boolean half,
            long probabilities,
            long chosen,
            long weights,
            long toWeights,
            int tokens,
            int experts,
            int perToken,
            boolean normalised,
            long toLogits) {
        choices(tokens, experts, perToken);
        Shapes.present("probabilities", probabilities);
        Shapes.present("chosen", chosen);
        Shapes.present("weights", weights);
        Shapes.present("toWeights", toWeights);
        Shapes.present("toLogits", toLogits);
        long scratch = RowScratch.floats(experts);
        for (int token = 0; token < tokens; token++) {
            long p = probabilities + 4L * experts * token;
            long ofToken = 4L * perToken * token;
            long choice = chosen + 2 * ofToken;
            // The mean of the gradients: of the normalised weights, and then of the probabilities.
            float weighted = 0;
            float sum = 0;
            for (int i = 0; i < perToken; i++) {
                weighted = Math.fma(get(toWeights + ofToken + 4L * i), get(weights + ofToken + 4L * i), weighted);
                sum += get(p + 4 * Vectors.getLong(choice + 8L * i));
            }
            float mean = 0;
            Vectors.clear(scratch, 4L * experts);
            for (int i = 0; i < perToken; i++) {
                long expert = Vectors.getLong(choice + 8L * i);
                float gradient = get(toWeights + ofToken + 4L * i);
                float toProbability = normalised ? (gradient - weighted) / sum : gradient;
                set(scratch + 4 * expert, toProbability);
                mean = Math.fma(get(p + 4 * expert), toProbability, mean);
            }
            for (int expert = 0; expert < experts; expert++) {
                float toLogit = get(p + 4L * expert) * (get(scratch + 4L * expert) - mean);
                set(scratch + 4L * expert, toLogit);
            }
            if (half) {
                HalfRows.narrow(scratch, toLogits + 2L * experts * token, experts);
            } else {
                Vectors.copy(scratch, toLogits + 4L * experts * token, 4L * experts);
            }
        }
    }

    /**
     * The rows of an expert: its tokens' rows of x.
     *
     * @param x {@code [tokens, n]}
     * @param y {@code [rows, n]}
     */
    public static void gather(boolean half, long x, ExpertGroups groups, int expert, long y, int n) {
        check(groups, expert, n);
        Shapes.present("x", x);
        Shapes.present("y", y);
        long bytes = (half ? 2L : 4L) * n;
        int first = groups.offsets()[expert];
        for (int row = 0; row < groups.count(expert); row++) {
            Vectors.copy(x + bytes * groups.tokens()[first + row], y + bytes * row, bytes);
        }
    }

    /**
     * Adds an expert's rows, times their weights, to the sums of their tokens.
     *
     * @param y the expert's outputs, {@code [rows, n]}
     * @param weights {@code [tokens, perToken]} float32; 0 for weights of 1, as the gradients of gathered rows are added up
     * @param sums {@code [tokens, n]} float32
     */
    public static void add(boolean half, long y, long weights, ExpertGroups groups, int expert, long sums, int n) {
        check(groups, expert, n);
        Shapes.present("y", y);
        Shapes.present("sums", sums);
        long wide = RowScratch.floats(n);
        int first = groups.offsets()[expert];
        for (int row = 0; row < groups.count(expert); row++) {
            float weight = weights == 0 ? 1 : get(weights + 4L * groups.places()[first + row]);
            addScaled(row(half, y, row, n, wide), weight, sums + 4L * n * groups.tokens()[first + row], n);
        }
    }

    /**
     * The way back of {@link #add}: to each row {@code w u} of its token, and to each weight {@code u y}.
     *
     * @param upstream {@code u = dL/dsums}, {@code [tokens, n]}
     * @param y the expert's outputs, {@code [rows, n]}
     * @param weights {@code [tokens, perToken]} float32
     * @param toY {@code [rows, n]}
     * @param toWeights {@code [tokens, perToken]} float32, of which the expert's are written
     */
    public static void addBack(
            boolean half,
            long upstream,
            long y,
            long weights,
            ExpertGroups groups,
            int expert,
            long toY,
            long toWeights,
            int n) {
        check(groups, expert, n);
        Shapes.present("upstream", upstream);
        Shapes.present("y", y);
        Shapes.present("weights", weights);
        Shapes.present("toY", toY);
        Shapes.present("toWeights", toWeights);
        long scratch = RowScratch.floats(2L * n);
        long wide = scratch + 4L * n;
        int first = groups.offsets()[expert];
        for (int row = 0; row < groups.count(expert); row++) {
            long up = row(half, upstream, groups.tokens()[first + row], n, scratch);
            int place = groups.places()[first + row];
            set(toWeights + 4L * place, dot(up, row(half, y, row, n, wide), n));
            long to = half ? wide : toY + 4L * n * row;
            Vectors.clear(to, 4L * n);
            addScaled(up, get(weights + 4L * place), to, n);
            if (half) {
                HalfRows.narrow(to, toY + 2L * n * row, n);
            }
        }
    }

    private static void check(ExpertGroups groups, int expert, int n) {
        Shapes.positive("n", n);
        if (expert < 0 || expert >= groups.offsets().length - 1) {
            throw new IllegalArgumentException(
                    "expert must be in [0, " + (groups.offsets().length - 1) + "), got: " + expert);
        }
    }

    private static void choices(int tokens, int experts, int perToken) {
        Shapes.positive("tokens", tokens);
        Shapes.positive("experts", experts);
        Shapes.positive("perToken", perToken);
        if (perToken > experts) {
            throw new IllegalArgumentException(
                    "perToken must be at most the experts (" + experts + "), got: " + perToken);
        }
    }

    /** A row in float32: in its place, or widened. */
    private static long row(boolean half, long rows, int row, int n, long scratch) {
        if (!half) {
            return rows + 4L * n * row;
        }
        HalfRows.widen(rows + 2L * n * row, scratch, n);
        return scratch;
    }

    private static void addScaled(long x, float weight, long sum, int n) {
        FloatVector factor = all(weight);
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            store(load(x + 4L * i).fma(factor, load(sum + 4L * i)), sum + 4L * i);
        }
        for (; i < n; i++) {
            set(sum + 4L * i, Math.fma(get(x + 4L * i), weight, get(sum + 4L * i)));
        }
    }

    private static float dot(long one, long other, int n) {
        FloatVector a = zero();
        FloatVector b = zero();
        int i = 0;
        for (; i <= n - 2 * LANES; i += 2 * LANES) {
            a = load(one + 4L * i).fma(load(other + 4L * i), a);
            b = load(one + 4L * i + Vectors.BYTES).fma(load(other + 4L * i + Vectors.BYTES), b);
        }
        for (; i <= n - LANES; i += LANES) {
            a = load(one + 4L * i).fma(load(other + 4L * i), a);
        }
        float sum = Vectors.sum(TYPE.cast(a).add(b));
        for (; i < n; i++) {
            sum = Math.fma(get(one + 4L * i), get(other + 4L * i), sum);
        }
        return sum;
    }
}
