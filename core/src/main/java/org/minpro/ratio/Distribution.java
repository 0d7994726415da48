package org.minpro.ratio;

import java.util.Arrays;
import java.util.Locale;
import java.util.Map;

/**
 * Some positive numbers, such as the ratios of an update, in a few.
 *
 * @param quantiles at the probabilities of {@link RatioStatistics#probabilities}, interpolated linearly
 */
record Distribution(double mean, double min, double max, double[] quantiles) {

    /** @param values at least one; they are sorted */
    static Distribution of(double[] values) {
        double sum = 0;
        for (double value : values) {
            sum += value;
        }
        Arrays.sort(values);
        return new Distribution(
                sum / values.length,
                values[0],
                values[values.length - 1],
                Arrays.stream(RatioStatistics.probabilities())
                        .map(probability -> quantile(values, probability))
                        .toArray());
    }

    /** @param sorted at least one number */
    static double quantile(double[] sorted, double probability) {
        double at = probability * (sorted.length - 1);
        int below = (int) at;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }

    /** The name of a quantile in the metrics, such as {@code p05}. */
    static String name(double probability) {
        return String.format(Locale.ROOT, "p%02d", Math.round(100 * probability));
    }

    /** Puts the numbers under names that begin alike. */
    void put(String name, Map<String, Double> metrics) {
        metrics.put(name + "/mean", mean);
        metrics.put(name + "/min", min);
        metrics.put(name + "/max", max);
        double[] probabilities = RatioStatistics.probabilities();
        for (int i = 0; i < probabilities.length; i++) {
            metrics.put(name + "/" + name(probabilities[i]), quantiles[i]);
        }
    }
}
