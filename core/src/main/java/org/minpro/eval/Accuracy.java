package org.minpro.eval;

import java.util.List;
import java.util.Locale;

/**
 * Mean reward over problems with a 95 % interval.
 *
 * <p>A problem's value is the mean over its decided responses (avg@k); the interval is that of {@link Estimate#ofShares}.
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
    /** @param values a number per problem */
    public static Accuracy of(List<Double> values, int samples, double undecided, double truncated) {
        Estimate estimate = Estimate.ofShares(values);
        return new Accuracy(
                estimate.mean(), estimate.low(), estimate.high(), estimate.problems(), samples, undecided, truncated);
    }

    /** Such as {@code accuracy 34.2 % [31.3, 37.2] of 1000 problems}; of rewards that are no shares {@code mean reward 75.33 [...]}. */
    public String described() {
        boolean shares = low >= 0 && high <= 1;
        return problems == 0 || shares
                ? "accuracy " + this
                : String.format(Locale.ROOT, "mean reward %.2f [%.2f, %.2f] of %d problems", mean, low, high, problems);
    }

    /** Such as {@code 34.2 % [31.3, 37.2] of 1000 problems}. */
    @Override
    public String toString() {
        if (problems == 0) {
            return "unknown: no response could be judged";
        }
        return String.format(
                Locale.ROOT, "%.1f %% [%.1f, %.1f] of %d problems", 100 * mean, 100 * low, 100 * high, problems);
    }
}
