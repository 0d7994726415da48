package org.minpro.kernels;

import static org.minpro.kernels.Vectors.exp;
import static org.minpro.kernels.Vectors.get;
import static org.minpro.kernels.Vectors.getDouble;
import static org.minpro.kernels.Vectors.set;
import static org.minpro.kernels.Vectors.setDouble;

/**
 * Takes tokens out of a row of float32 logits, by setting them to minus infinity.
 *
 * <p>Every rule keeps the logits from some least one on. The least is found digit by digit, from the highest bits of the numbers
 * down, with one pass over the row for each digit: no sorting. Sums are of float64, in the tokens' order.
 */
final class TokenTruncation {
    /** Bits of a digit. */
    private static final int DIGIT = 8;

    private static final int DIGITS = 32 / DIGIT;

    private TokenTruncation() {}

    /** Floats of scratch memory: a float64 for each value of a digit. */
    static int scratchFloats() {
        return 2 << DIGIT;
    }

    /**
     * @param max the largest of the logits; exponentials are {@code exp((z - max) inverse)}
     * @param scratch {@link #scratchFloats} floats
     */
    static void apply(long row, int n, float max, float inverse, int topK, double topP, double minP, long scratch) {
        if (topK > 0 && topK < n) {
            keepFrom(row, n, least(row, n, max, inverse, topK, false, scratch));
        }
        if (topP < 1) {
            double mass = 0;
            for (int i = 0; i < n; i++) {
                mass += exp((get(row + 4L * i) - max) * inverse);
            }
            keepFrom(row, n, least(row, n, max, inverse, topP * mass, true, scratch));
        }
        if (minP > 0) {
            for (int i = 0; i < n; i++) {
                if (exp((get(row + 4L * i) - max) * inverse) < minP) {
                    set(row + 4L * i, Float.NEGATIVE_INFINITY);
                }
            }
        }
    }

    private static void keepFrom(long row, int n, int least) {
        for (int i = 0; i < n; i++) {
            if (Integer.compareUnsigned(ordered(get(row + 4L * i)), least) < 0) {
                set(row + 4L * i, Float.NEGATIVE_INFINITY);
            }
        }
    }

    /** Bits whose unsigned order is that of the numbers. */
    private static int ordered(float number) {
        int bits = Float.floatToRawIntBits(number);
        return bits < 0 ? ~bits : bits | Integer.MIN_VALUE;
    }

    /** The largest number, as ordered bits, such that those not below it reach a count, or a mass of exponentials. */
    private static int least(long row, int n, float max, float inverse, double wanted, boolean byMass, long scratch) {
        int prefix = 0;
        double above = 0;
        for (int digit = 0; digit < DIGITS; digit++) {
            int shift = 32 - DIGIT * (digit + 1);
            Vectors.clear(scratch, 4L * scratchFloats());
            for (int i = 0; i < n; i++) {
                float number = get(row + 4L * i);
                int bits = ordered(number);
                boolean candidate = digit == 0 || bits >>> (shift + DIGIT) == prefix;
                if (candidate) {
                    long sum = scratch + 8L * ((bits >>> shift) & ((1 << DIGIT) - 1));
                    setDouble(sum, getDouble(sum) + (byMass ? exp((number - max) * inverse) : 1));
                }
            }
            int chosen = (1 << DIGIT) - 1;
            int last = -1;
            while (chosen >= 0) {
                double sum = getDouble(scratch + 8L * chosen);
                if (sum > 0) {
                    last = chosen;
                    if (above + sum >= wanted) {
                        break;
                    }
                    above += sum;
                }
                chosen--;
            }
            if (chosen < 0) {
                // By rounding alone all of them do not reach it: the least with any mass is the last.
                chosen = Math.max(last, 0);
                above -= getDouble(scratch + 8L * chosen);
            }
            prefix = prefix << DIGIT | chosen;
        }
        return prefix;
    }
}
