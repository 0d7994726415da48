package org.minpro.eval;

import java.util.List;
import java.util.Locale;

/**
 * Mean reward over problems with a 95 % interval.
 *
 * <p>A problem's value is the mean over its decided responses (avg@k); the problems are the independent units, so the
 * interval is clustered by problem. Where every value is 0 or 1 (k = 1, rewards 0 and 1) it is Wilson's score interval,
 * which stays honest near 0 and 1; else the normal interval of the mean.
 *
 * @param mean over problems
 * @param low end of the interval
 * @param high end of the interval
 * @param problems with at least one decided response
 * @param samples responses per problem
 * @param undecided share of the responses without a decision
 * @param truncated share of the responses cut off at the limit
 */
public record Accuracy(
        double mean, double low, double high, int problems, int samples, double undecided, double truncated) {
    private static final double Z = 1.959963984540054;

    /** @param values a number per problem */
    public static Accuracy of(List<Double> values, int samples, double undecided, double truncated) {
        int n = values.size();
        if (n == 0) {
            return new Accuracy(Double.NaN, Double.NaN, Double.NaN, 0, samples, undecided, truncated);
        }
        double mean = values.stream().mapToDouble(Double::doubleValue).sum() / n;
        boolean binary = values.stream().allMatch(value -> value == 0 || value == 1);
        double center = mean;
        double half;
        if (binary) {
            double z2 = Z * Z;
            center = (mean + z2 / (2 * n)) / (1 + z2 / n);
            half = Z / (1 + z2 / n) * Math.sqrt(mean * (1 - mean) / n + z2 / (4.0 * n * n));
        } else {
            double squares = 0;
            for (double value : values) {
                squares += (value - mean) * (value - mean);
            }
            half = n < 2 ? Double.POSITIVE_INFINITY : Z * Math.sqrt(squares / (n - 1.0) / n);
        }
        return new Accuracy(mean, center - half, center + half, n, samples, undecided, truncated);
    }

    /** Such as {@code 34.2 % [31.3, 37.2] of 1000 problems}. */
    @Override
    public String toString() {
        return String.format(
                Locale.ROOT, "%.1f %% [%.1f, %.1f] of %d problems", 100 * mean, 100 * low, 100 * high, problems);
    }
}
