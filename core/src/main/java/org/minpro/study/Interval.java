package org.minpro.study;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import org.apache.commons.statistics.distribution.TDistribution;
import org.minpro.tensor.Philox;

/**
 * A mean over seeds with a 95 % interval.
 *
 * @param mean NaN of no seed
 * @param low end of the interval; NaN of fewer than three seeds, which say too little of the spread
 * @param high end of the interval
 * @param seeds how many values there are
 */
public record Interval(double mean, double low, double high, int seeds) {
    private static final double TAIL = 0.025;

    /** Of two values the resamples' interval is nearly that between them, whatever the spread. */
    static final int FEWEST = 3;

    /** Up to so many values every resample is enumerated: {@code 6^6 = 46,656}. */
    private static final int ENUMERATED = 6;

    private static final int RESAMPLES = 10_000;

    /**
     * The percentile interval of the bootstrap (Efron and Tibshirani, 1993, chapter 13): of all {@code n^n} resamples with
     * replacement up to six values, of 10,000 drawn by Philox beyond. It is too short for few seeds; {@link #student} is
     * not.
     */
    public static Interval bootstrap(List<Double> values) {
        int n = values.size();
        if (n < FEWEST) {
            return new Interval(mean(values), Double.NaN, Double.NaN, n);
        }
        double[] means = new double[n <= ENUMERATED ? (int) Math.pow(n, n) : RESAMPLES];
        for (int resample = 0; resample < means.length; resample++) {
            double sum = 0;
            int code = resample;
            for (int place = 0; place < n; place++) {
                int chosen = n <= ENUMERATED ? code % n : Philox.below(n, 0, Philox.Purpose.TRIAL, resample, 0, place);
                code /= n;
                sum += values.get(chosen);
            }
            means[resample] = sum / n;
        }
        Arrays.sort(means);
        return new Interval(mean(values), quantile(means, TAIL), quantile(means, 1 - TAIL), n);
    }

    /** Student's interval {@code mean ± t(0.975, n - 1) s / sqrt(n)}, right for few seeds whose values are near normal. */
    public static Interval student(List<Double> values) {
        int n = values.size();
        if (n < 2) {
            return new Interval(mean(values), Double.NaN, Double.NaN, n);
        }
        double half = TDistribution.of(n - 1.0).inverseSurvivalProbability(TAIL) * deviation(values) / Math.sqrt(n);
        return new Interval(mean(values), mean(values) - half, mean(values) + half, n);
    }

    /** The standard deviation with {@code n - 1} below; NaN of fewer than two values. */
    public static double deviation(List<Double> values) {
        double mean = mean(values);
        double squares = values.stream()
                .mapToDouble(value -> (value - mean) * (value - mean))
                .sum();
        return values.size() < 2 ? Double.NaN : Math.sqrt(squares / (values.size() - 1));
    }

    static double mean(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).average().orElse(Double.NaN);
    }

    /** Interpolated linearly between sorted values. */
    static double quantile(double[] sorted, double probability) {
        double at = probability * (sorted.length - 1);
        int below = (int) at;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }

    /** Whether it lies on one side of 0. */
    public boolean excludesZero() {
        return low > 0 || high < 0;
    }

    /** Of shares, in per cent: {@code 72.2 [70.1, 74.0]}. */
    public String percent() {
        return Double.isNaN(mean)
                ? "–"
                : Double.isNaN(low)
                        ? String.format(Locale.ROOT, "%.1f", 100 * mean)
                        : String.format(Locale.ROOT, "%.1f [%.1f, %.1f]", 100 * mean, 100 * low, 100 * high);
    }

    /** The interval of those values that there are. */
    static Interval ofPresent(List<OptionalDouble> values) {
        List<Double> present = new ArrayList<>();
        values.forEach(value -> value.ifPresent(present::add));
        return bootstrap(present);
    }
}
