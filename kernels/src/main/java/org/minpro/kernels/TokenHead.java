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
import org.minpro.model.NonFiniteModelException;

/**
 * What sampler and trainer take from rows of logits z, {@code [rows, n]} float32 or bfloat16: log-probabilities {@code log pi_v =
 * (z_v - max) / T - log sum_w exp((z_w - max) / T)}, entropies, drawn tokens, and the gradient.
 *
 * <p>One order of summation serves all of them: exponentials of float32, added up by lanes within pieces of 1,024, the pieces
 * in float64. So a token has the same log-probability to the bit where it is drawn and where it is scored.
 */
public final class TokenHead {
    /** Numbers whose exponentials are added up in float32. */
    private static final int PIECE = 1024;

    private TokenHead() {}

    /**
     * @param ids tokens, {@code [rows]} int64
     * @param logProbs of the tokens, {@code [rows]} float32, nats
     * @param entropies of the whole distributions, {@code [rows]} float32, nats; 0 where they are not wanted
     */
    public static void logProbs(
            boolean half, long z, int rows, int n, float temperature, long ids, long logProbs, long entropies) {
        check(z, rows, n, temperature);
        Shapes.present("logProbs", logProbs);
        checkIds(ids, rows, n);
        float inverse = 1 / temperature;
        long scratch = scratch(n);
        for (int row = 0; row < rows; row++) {
            long at = row(half, z, row, n);
            float max = max(half, at, n);
            double total = total(half, at, n, max, inverse, scratch);
            set(logProbs + 4L * row, logProb(half, at, Vectors.getLong(ids + 8L * row), max, inverse, total));
            if (entropies != 0) {
                double mean = weightedScores(half, at, n, max, inverse, scratch) / total;
                set(entropies + 4L * row, (float) (Math.log(total) - mean));
            }
        }
    }

    /**
     * Puts the gradient in the logits' place: {@code dL/dz_v = u (1[v = id] - p_v) / T}. That of the token itself is minus the sum
     * of all others: where p is almost 1, a difference from 1 would have lost its digits.
     *
     * @param ids tokens, {@code [rows]} int64
     * @param upstream {@code u = dL/dlog pi}, {@code [rows]} float32
     */
    public static void gradient(boolean half, long z, int rows, int n, float temperature, long ids, long upstream) {
        check(z, rows, n, temperature);
        Shapes.present("upstream", upstream);
        checkIds(ids, rows, n);
        float inverse = 1 / temperature;
        long scratch = scratch(n);
        for (int row = 0; row < rows; row++) {
            long at = row(half, z, row, n);
            float max = max(half, at, n);
            double total = total(half, at, n, max, inverse, scratch);
            float scaled = get(upstream + 4L * row) * inverse;
            long id = Vectors.getLong(ids + 8L * row);
            put(half, at, id, Float.NEGATIVE_INFINITY);
            double others = differentiate(half, at, n, max, inverse, (float) (-scaled / total), scratch);
            put(half, at, id, (float) -others);
        }
    }

    /**
     * Draws a token for each row: the first whose cumulative probability, its sums in float64, exceeds {@code u} times that of
     * all. A token of probability 0 is never drawn.
     *
     * @param uniforms a number in {@code [0, 1)} for each row
     * @param ids the tokens drawn
     * @param logProbs their log-probabilities, nats; the bits of {@link #logProbs}
     */
    public static void draw(
            boolean half, long z, int rows, int n, float temperature, double[] uniforms, int[] ids, float[] logProbs) {
        check(z, rows, n, temperature);
        checkDraw(rows, uniforms, ids, logProbs);
        float inverse = 1 / temperature;
        long scratch = scratch(n);
        for (int row = 0; row < rows; row++) {
            long at = row(half, z, row, n);
            float max = max(half, at, n);
            double total = total(half, at, n, max, inverse, scratch);
            ids[row] = pick(half, at, n, max, inverse, uniforms[row] * total, scratch);
            logProbs[row] = logProb(half, at, ids[row], max, inverse, total);
        }
    }

    /**
     * {@link #draw} from the tokens that truncation keeps, as transformers orders it: the {@code topK} largest logits (and
     * those equal to the least of them), of these the smallest set of the most probable with a mass of at least {@code topP}
     * (and those equal to the least of them), of these the ones at least {@code minP} times as probable as the most probable.
     *
     * @param topK 0 for all
     * @param topP in (0, 1]; 1 for all
     * @param minP in [0, 1]; 0 for all
     * @param logProbs of the tokens drawn, of the whole distribution
     * @param logKeptMass the logarithm of what truncation kept of it, nats
     */
    public static void drawTruncated(
            boolean half,
            long z,
            int rows,
            int n,
            float temperature,
            int topK,
            double topP,
            double minP,
            double[] uniforms,
            int[] ids,
            float[] logProbs,
            float[] logKeptMass) {
        check(z, rows, n, temperature);
        checkDraw(rows, uniforms, ids, logProbs);
        Shapes.length("logKeptMass", logKeptMass.length, rows);
        Shapes.notNegative("topK", topK);
        if (!(topP > 0 && topP <= 1)) {
            throw new IllegalArgumentException("topP must be in (0, 1], got: " + topP);
        }
        if (!(minP >= 0 && minP <= 1)) {
            throw new IllegalArgumentException("minP must be in [0, 1], got: " + minP);
        }
        float inverse = 1 / temperature;
        // Sums of pieces and a piece, what truncation needs, a row of logits.
        long scratch = RowScratch.floats(sumsAndPiece(n) + TokenTruncation.scratchFloats() + n);
        long ofTruncation = scratch + 4 * sumsAndPiece(n);
        long kept = ofTruncation + 4L * TokenTruncation.scratchFloats();
        for (int row = 0; row < rows; row++) {
            long at = row(half, z, row, n);
            float max = max(half, at, n);
            double total = total(half, at, n, max, inverse, scratch);
            widened(half, at, n, kept);
            TokenTruncation.apply(kept, n, max, inverse, topK, topP, minP, ofTruncation);
            double mass = total(false, kept, n, max, inverse, scratch);
            ids[row] = pick(false, kept, n, max, inverse, uniforms[row] * mass, scratch);
            logProbs[row] = logProb(half, at, ids[row], max, inverse, total);
            logKeptMass[row] = (float) Math.min(0, Math.log(mass / total));
        }
    }

    private static void check(long z, int rows, int n, float temperature) {
        Shapes.present("z", z);
        Shapes.positive("rows", rows);
        Shapes.positive("n", n);
        Shapes.positive("temperature", (double) temperature);
    }

    private static void checkIds(long ids, int rows, int n) {
        Shapes.present("ids", ids);
        for (int row = 0; row < rows; row++) {
            long id = Vectors.getLong(ids + 8L * row);
            if (id < 0 || id >= n) {
                throw new IllegalArgumentException("ids must be in [0, " + n + "), got: " + id + " in row " + row);
            }
        }
    }

    private static void checkDraw(int rows, double[] uniforms, int[] ids, float[] logProbs) {
        Shapes.length("uniforms", uniforms.length, rows);
        Shapes.length("ids", ids.length, rows);
        Shapes.length("logProbs", logProbs.length, rows);
        for (int row = 0; row < rows; row++) {
            if (!(uniforms[row] >= 0 && uniforms[row] < 1)) {
                throw new IllegalArgumentException("uniforms must be in [0, 1), got: " + uniforms[row]);
            }
        }
    }

    private static int pieces(int n) {
        return (n + PIECE - 1) / PIECE;
    }

    /** Floats of scratch memory: a float64 for each piece, and a piece in float32. */
    private static long sumsAndPiece(int n) {
        return 2L * pieces(n) + PIECE;
    }

    private static long scratch(int n) {
        return RowScratch.floats(sumsAndPiece(n));
    }

    private static long row(boolean half, long z, int row, int n) {
        return z + (half ? 2L : 4L) * n * row;
    }

    private static float number(boolean half, long row, long index) {
        return half ? Vectors.getHalf(row + 2 * index) : get(row + 4 * index);
    }

    private static void put(boolean half, long row, long index, float number) {
        if (half) {
            Vectors.setHalf(row + 2 * index, number);
        } else {
            set(row + 4 * index, number);
        }
    }

    private static void widened(boolean half, long row, int n, long to) {
        if (half) {
            HalfRows.widen(row, to, n);
        } else {
            Vectors.copy(row, to, 4L * n);
        }
    }

    /** Where a piece of a row is in float32: in its place, or copied. */
    private static long piece(boolean half, long row, int first, int count, int n, long scratch) {
        if (!half) {
            return row + 4L * first;
        }
        long to = scratch + 8L * pieces(n);
        HalfRows.widen(row + 2L * first, to, count);
        return to;
    }

    /** Exact; bfloat16 rows through the memory behind their pieces' sums. */
    private static float max(boolean half, long row, int n) {
        if (!half) {
            return largest(row, n);
        }
        long scratch = scratch(n);
        float max = Float.NEGATIVE_INFINITY;
        for (int first = 0; first < n; first += PIECE) {
            int count = Math.min(PIECE, n - first);
            max = Math.max(max, largest(piece(true, row, first, count, n, scratch), count));
        }
        return max;
    }

    private static float largest(long row, int n) {
        FloatVector a = all(Float.NEGATIVE_INFINITY);
        FloatVector b = a;
        int i = 0;
        for (; i <= n - 2 * LANES; i += 2 * LANES) {
            a = load(row + 4L * i).max(a);
            b = load(row + 4L * i + Vectors.BYTES).max(b);
        }
        for (; i <= n - LANES; i += LANES) {
            a = load(row + 4L * i).max(a);
        }
        // Exact, so its order does not matter.
        float max = TYPE.cast(a).max(b).reduceLanes(VectorOperators.MAX);
        for (; i < n; i++) {
            max = Math.max(max, get(row + 4L * i));
        }
        return max;
    }

    /** The sum of {@code exp((z - max) / T)}; those of the pieces stay in the scratch memory. */
    private static double total(boolean half, long row, int n, float max, float inverse, long scratch) {
        double total = 0;
        for (int first = 0; first < n; first += PIECE) {
            int count = Math.min(PIECE, n - first);
            double sum = exponentials(piece(half, row, first, count, n, scratch), count, max, inverse);
            Vectors.setDouble(scratch + 8L * (first / PIECE), sum);
            total += sum;
        }
        return total;
    }

    private static float exponentials(long row, int n, float max, float inverse) {
        FloatVector shift = all(max);
        FloatVector factor = all(inverse);
        FloatVector a = zero();
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            a = exp(load(row + 4L * i).sub(shift).mul(factor)).add(a);
        }
        float sum = Vectors.sum(a);
        for (; i < n; i++) {
            sum += exp((get(row + 4L * i) - max) * inverse);
        }
        return sum;
    }

    /** The sum of {@code t exp(t)} with {@code t = (z - max) / T}. */
    private static double weightedScores(boolean half, long row, int n, float max, float inverse, long scratch) {
        double sum = 0;
        for (int first = 0; first < n; first += PIECE) {
            int count = Math.min(PIECE, n - first);
            sum += weighted(piece(half, row, first, count, n, scratch), count, max, inverse);
        }
        return sum;
    }

    private static float weighted(long row, int n, float max, float inverse) {
        FloatVector shift = all(max);
        FloatVector factor = all(inverse);
        FloatVector a = zero();
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            FloatVector t = load(row + 4L * i).sub(shift).mul(factor);
            // Of minus infinity too the product is 0.
            a = exp(t).fma(t.max(Vectors.LEAST_EXPONENT), a);
        }
        float sum = Vectors.sum(a);
        for (; i < n; i++) {
            float t = (get(row + 4L * i) - max) * inverse;
            sum = Math.fma(exp(t), Math.max(t, Vectors.LEAST_EXPONENT), sum);
        }
        return sum;
    }

    private static float logProb(boolean half, long row, long id, float max, float inverse, double total) {
        return (float) ((number(half, row, id) - (double) max) * inverse - Math.log(total));
    }

    /** Puts exponentials times a factor in the logits' place; their sum. */
    private static double differentiate(
            boolean half, long row, int n, float max, float inverse, float factor, long scratch) {
        double sum = 0;
        for (int first = 0; first < n; first += PIECE) {
            int count = Math.min(PIECE, n - first);
            long piece = piece(half, row, first, count, n, scratch);
            sum += scaledExponentials(piece, count, max, inverse, factor);
            if (half) {
                HalfRows.narrow(piece, row + 2L * first, count);
            }
        }
        return sum;
    }

    private static float scaledExponentials(long row, int n, float max, float inverse, float scale) {
        FloatVector shift = all(max);
        FloatVector factor = all(inverse);
        FloatVector scales = all(scale);
        FloatVector a = zero();
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            FloatVector e = exp(load(row + 4L * i).sub(shift).mul(factor)).mul(scales);
            store(e, row + 4L * i);
            a = e.add(a);
        }
        float sum = Vectors.sum(a);
        for (; i < n; i++) {
            float e = exp((get(row + 4L * i) - max) * inverse) * scale;
            set(row + 4L * i, e);
            sum += e;
        }
        return sum;
    }

    /** The first token whose cumulative sum exceeds the target; after {@link #total}. */
    private static int pick(boolean half, long row, int n, float max, float inverse, double target, long scratch) {
        int pieces = pieces(n);
        double end = 0;
        double before = 0;
        int last = -1;
        for (int piece = 0; piece < pieces && end <= target; piece++) {
            double sum = Vectors.getDouble(scratch + 8L * piece);
            if (sum > 0) {
                last = piece;
                before = end;
                end += sum;
            }
        }
        if (last < 0) {
            throw NonFiniteModelException.ofProbabilities(n);
        }
        // Where rounding alone says that the target lies behind the piece, its last token with any mass is taken.
        int id = -1;
        double sum = before;
        for (int i = last * PIECE; i < Math.min(n, (last + 1) * PIECE); i++) {
            float e = exp((number(half, row, i) - max) * inverse);
            if (e > 0) {
                id = i;
                sum += e;
                if (sum > target) {
                    break;
                }
            }
        }
        return id;
    }
}
