package org.minpro.kernels;

import static org.minpro.kernels.Vectors.exp;
import static org.minpro.kernels.Vectors.get;
import static org.minpro.kernels.Vectors.set;

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

    /** @param max the largest of the logits; exponentials are {@code exp((z - max) inverse)} */
    static void apply(long row, int n, float max, float inverse, int topK, double topP, double minP) {
        if (topK > 0 && topK < n) {
            keepFrom(row, n, least(row, n, max, inverse, topK, false));
        }
        if (topP < 1) {
            double mass = 0;
            for (int i = 0; i < n; i++) {
                mass += exp((get(row + 4L * i) - max) * inverse);
            }
            keepFrom(row, n, least(row, n, max, inverse, topP * mass, true));
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
    private static int least(long row, int n, float max, float inverse, double wanted, boolean byMass) {
        double[] sums = new double[1 << DIGIT];
        int prefix = 0;
        double above = 0;
        for (int digit = 0; digit < DIGITS; digit++) {
            int shift = 32 - DIGIT * (digit + 1);
            java.util.Arrays.fill(sums, 0);
            for (int i = 0; i < n; i++) {
                float number = get(row + 4L * i);
                int bits = ordered(number);
                boolean candidate = digit == 0 || bits >>> (shift + DIGIT) == prefix;
                if (candidate) {
                    sums[(bits >>> shift) & ((1 << DIGIT) - 1)] += byMass ? exp((number - max) * inverse) : 1;
                }
            }
            int chosen = (1 << DIGIT) - 1;
            int last = -1;
            while (chosen >= 0) {
                if (sums[chosen] > 0) {
                    last = chosen;
                    if (above + sums[chosen] >= wanted) {
                        break;
                    }
                    above += sums[chosen];
                }
                chosen--;
            }
            if (chosen < 0) {
                // By rounding alone all of them do not reach it: the least with any mass is the last.
                chosen = Math.max(last, 0);
                above -= sums[chosen];
            }
            prefix = prefix << DIGIT | chosen;
        }
        return prefix;
    }
}
