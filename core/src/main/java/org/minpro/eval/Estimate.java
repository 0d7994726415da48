package org.minpro.eval;

import java.util.List;
import java.util.Locale;

/**
 * A mean over problems with its 95 % interval.
 *
 * <p>The problems are the independent units, so the interval is clustered by problem: {@code mean ± 1.96 s / sqrt(n)} with
 * the standard deviation s of the n problems' values (arXiv 2411.00640), cut to [0, 1] where all values are shares. Where every value is 0 or 1 and a share is asked
 * for, it is Wilson's score interval, which stays honest near 0 and 1.
 *
 * @param mean over problems; NaN of none
 * @param low end of the interval; minus infinity where one problem says nothing of the spread
 * @param high end of the interval
 * @param problems how many values there are
 */
public record Estimate(double mean, double low, double high, int problems) {
    private static final double Z = 1.959963984540054;

    /** The mean of shares, one for each problem, in [0, 1] or of whatever range a reward has. */
    public static Estimate ofShares(List<Double> values) {
        boolean shares = !values.isEmpty() && values.stream().allMatch(value -> value >= 0 && value <= 1);
        boolean binary = !values.isEmpty() && values.stream().allMatch(value -> value == 0 || value == 1);
        if (!binary) {
            Estimate estimate = ofValues(values);
            return shares ? estimate.within01() : estimate;
        }
        int n = values.size();
        double mean = mean(values);
        double z2 = Z * Z;
        double center = (mean + z2 / (2 * n)) / (1 + z2 / n);
        double half = Z / (1 + z2 / n) * Math.sqrt(mean * (1 - mean) / n + z2 / (4.0 * n * n));
        return new Estimate(mean, center - half, center + half, n).within01();
    }

    /** No share is outside of [0, 1], whatever a symmetric interval or rounding says. */
    private Estimate within01() {
        return new Estimate(mean, Math.max(0, low), Math.min(1, high), problems);
    }

    /** The mean of any values, such as differences, one for each problem. */
    public static Estimate ofValues(List<Double> values) {
        int n = values.size();
        if (n == 0) {
            return new Estimate(Double.NaN, Double.NaN, Double.NaN, 0);
        }
        double mean = mean(values);
        double squares = 0;
        for (double value : values) {
            squares += (value - mean) * (value - mean);
        }
        double half = n < 2 ? Double.POSITIVE_INFINITY : Z * Math.sqrt(squares / (n - 1.0) / n);
        return new Estimate(mean, mean - half, mean + half, n);
    }

    private static double mean(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).sum() / values.size();
    }

    /** In percent, such as {@code 34.2 [31.3, 37.2]}. */
    @Override
    public String toString() {
        return problems == 0 ? "-" : String.format(Locale.ROOT, "%.1f [%.1f, %.1f]", 100 * mean, 100 * low, 100 * high);
    }
}
