package org.minpro.ratio;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * How far the policy has moved away from the one that sampled an update's rollouts: statistics of the raw ratios {@code
 * r = pi_theta / mu} before any clip, and of the prefixes.
 *
 * <p>Computed from the whole update's arrays, in float64, row by row in order, so that the numbers do not depend on
 * micro-batches. Each token's log ratio is clamped to [-20, 20] as in {@link Ratios}; sums over a row are not, except
 * before they are exponentiated.
 *
 * @param tokens valid tokens, n
 * @param mean mean of r
 * @param min smallest r
 * @param max largest r
 * @param quantiles r at the probabilities {@link #probabilities()}, interpolated linearly
 * @param ess effective sample size {@code (sum r)^2 / (n sum r^2)} of the tokens, in (0, 1]
 * @param sequenceEss the same of the rows with the product of a row's ratios in place of r
 * @param chi2Token {@code mean r^2 - 1}
 * @param chi2Sequence {@code mean exp(2 sum log r) - 1} over the rows
 * @param k1 {@code mean(-log r)}, nats: estimates KL(mu || pi_theta), may be negative
 * @param k2 {@code mean((log r)^2) / 2}, nats
 * @param k3 {@code mean(r - 1 - log r)}, nats
 * @param absoluteLogRatioMean mean of {@code |log r|}, nats
 * @param absoluteLogRatioMax largest {@code |log r|}, nats
 * @param prefixMinimum mean of the minimum ratio of the preceding prefix
 * @param prefixMinimumByTenth the same for the tokens of each tenth of their response, by the position among its valid
 *     tokens at which they end (the last token is always in the last tenth); not a number where a tenth has no token
 * @param absoluteLogProductMax largest {@code |sum log r|} of a row, nats
 * @param surrogateGapMean mean of {@code |log(m_t r_t) - log(r_1 ... r_t)|}, nats
 * @param surrogateGapMax its largest value
 */
public record RatioStatistics(
        long tokens,
        double mean,
        double min,
        double max,
        double[] quantiles,
        double ess,
        double sequenceEss,
        double chi2Token,
        double chi2Sequence,
        double k1,
        double k2,
        double k3,
        double absoluteLogRatioMean,
        double absoluteLogRatioMax,
        double prefixMinimum,
        double[] prefixMinimumByTenth,
        double absoluteLogProductMax,
        double surrogateGapMean,
        double surrogateGapMax) {

    private static final double[] AT = {0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99};

    /** The probabilities of {@link #quantiles}. */
    public static double[] probabilities() {
        return AT.clone();
    }

    /**
     * The statistics of an update; rows may have different lengths.
     *
     * @param logProbs log pi_theta(y_t) before the update, one array per row, nats
     * @param behaviorLogProbs log mu(y_t), nats
     * @param mask true where the policy wrote the token
     */
    public static RatioStatistics of(float[][] logProbs, float[][] behaviorLogProbs, boolean[][] mask) {
        Sums sums = new Sums(mask);
        for (int i = 0; i < mask.length; i++) {
            sums.addRow(logProbs[i], behaviorLogProbs[i], mask[i]);
        }
        return sums.statistics();
    }

    /** The numbers by name for the metrics: verl's names where it has one; those of an empty update are left out. */
    public Map<String, Double> metrics() {
        Map<String, Double> metrics = new LinkedHashMap<>();
        if (tokens == 0) {
            return metrics;
        }
        metrics.put("rollout_corr/rollout_is_mean", mean);
        metrics.put("rollout_corr/rollout_is_min", min);
        metrics.put("rollout_corr/rollout_is_max", max);
        for (int i = 0; i < AT.length; i++) {
            metrics.put("ratio/" + Distribution.name(AT[i]), quantiles[i]);
        }
        metrics.put("rollout_corr/rollout_is_eff_sample_size", ess);
        metrics.put("ratio/sequence_ess", sequenceEss);
        metrics.put("rollout_corr/chi2_token", chi2Token);
        metrics.put("rollout_corr/chi2_seq", chi2Sequence);
        metrics.put("rollout_corr/kl", k1);
        metrics.put("rollout_corr/k2_kl", k2);
        metrics.put("rollout_corr/k3_kl", k3);
        metrics.put("ratio/log_abs_mean", absoluteLogRatioMean);
        metrics.put("sampling/sampling_logp_difference/max", absoluteLogRatioMax);
        metrics.put("prefix/minimum_mean", prefixMinimum);
        for (int i = 0; i < prefixMinimumByTenth.length; i++) {
            if (!Double.isNaN(prefixMinimumByTenth[i])) {
                metrics.put(
                        String.format(Locale.ROOT, "prefix/minimum_mean_tenth_%02d", i + 1), prefixMinimumByTenth[i]);
            }
        }
        metrics.put("prefix/log_product_abs_max", absoluteLogProductMax);
        metrics.put("prefix/log_surrogate_gap_mean", surrogateGapMean);
        metrics.put("prefix/log_surrogate_gap_max", surrogateGapMax);
        return metrics;
    }

    /** Mean of the prefix minimum in the last tenth of the responses, 1 where there is no token. */
    public double prefixMinimumAtEnd() {
        return tokens == 0 ? 1 : prefixMinimumByTenth[9];
    }

    private static final class Sums {
        private final double[] ratios;
        private final double[] tenthSums = new double[10];
        private final long[] tenthCounts = new long[10];
        private int tokens;
        private int rows;
        private double ratio;
        private double ratioSquared;
        private double logRatio;
        private double logRatioSquared;
        private double logRatioAbsolute;
        private double logRatioMax;
        private double product;
        private double productSquared;
        private double logProductMax;
        private double prefixMinimum;
        private double gap;
        private double gapMax;

        Sums(boolean[][] mask) {
            int count = 0;
            for (boolean[] row : mask) {
                count += valid(row);
            }
            ratios = new double[count];
        }

        private static int valid(boolean[] mask) {
            int count = 0;
            for (boolean valid : mask) {
                count += valid ? 1 : 0;
            }
            return count;
        }

        void addRow(float[] logProbs, float[] behaviorLogProbs, boolean[] mask) {
            int length = valid(mask);
            if (length == 0) {
                return;
            }
            double minimum = Double.POSITIVE_INFINITY;
            double logProduct = 0;
            int position = 0;
            for (int t = 0; t < mask.length; t++) {
                if (!mask[t]) {
                    continue;
                }
                double d = clamp((double) logProbs[t] - behaviorLogProbs[t]);
                double r = Math.exp(d);
                double logMinimum = position == 0 ? 0 : minimum;
                logProduct += d;
                minimum = Math.min(minimum, d);
                position++;
                int tenth = Tenths.of(position - 1, length);
                ratios[tokens++] = r;
                ratio += r;
                ratioSquared += r * r;
                logRatio += d;
                logRatioSquared += d * d;
                logRatioAbsolute += Math.abs(d);
                logRatioMax = Math.max(logRatioMax, Math.abs(d));
                prefixMinimum += Math.exp(logMinimum);
                tenthSums[tenth] += Math.exp(logMinimum);
                tenthCounts[tenth]++;
                double distance = Math.abs(logMinimum + d - logProduct);
                gap += distance;
                gapMax = Math.max(gapMax, distance);
            }
            rows++;
            double weight = Math.exp(clamp(logProduct));
            product += weight;
            productSquared += weight * weight;
            logProductMax = Math.max(logProductMax, Math.abs(logProduct));
        }

        private static double clamp(double logarithm) {
            return Math.max(-Ratios.LOG_LIMIT, Math.min(Ratios.LOG_LIMIT, logarithm));
        }

        RatioStatistics statistics() {
            Arrays.sort(ratios);
            double n = Math.max(1, tokens);
            double b = Math.max(1, rows);
            double[] byTenth = new double[10];
            for (int i = 0; i < 10; i++) {
                byTenth[i] = tenthSums[i] / tenthCounts[i];
            }
            return new RatioStatistics(
                    tokens,
                    ratio / n,
                    tokens == 0 ? 1 : ratios[0],
                    tokens == 0 ? 1 : ratios[tokens - 1],
                    Arrays.stream(AT).map(this::quantile).toArray(),
                    tokens == 0 ? 1 : ratio * ratio / (n * ratioSquared),
                    rows == 0 ? 1 : product * product / (b * productSquared),
                    ratioSquared / n - 1,
                    productSquared / b - 1,
                    -logRatio / n,
                    logRatioSquared / n / 2,
                    (ratio - logRatio) / n - 1,
                    logRatioAbsolute / n,
                    logRatioMax,
                    prefixMinimum / n,
                    byTenth,
                    logProductMax,
                    gap / n,
                    gapMax);
        }

        private double quantile(double probability) {
            return tokens == 0 ? 1 : Distribution.quantile(ratios, probability);
        }
    }
}
