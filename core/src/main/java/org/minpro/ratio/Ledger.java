package org.minpro.ratio;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How stale an update's data are, token by token: the ratios {@code rho_t = pi_theta(y_t) / mu(y_t)} of its valid tokens
 * before any clip, of their prefixes and of their responses, the ages of the tokens, and what they weigh.
 *
 * <p>With {@code d_t = clamp(log rho_t, -20, 20)}: prefix {@code exp(d_1 + ... + d_t)}, minimum prefix ratio {@code
 * exp(min(d_1, ..., d_{t-1}) + d_t)}, sequence {@code exp(d_1 + ... + d_T)}, geometric mean {@code exp((d_1 + ... + d_T) /
 * T)}; whatever accumulates is clamped to [-20, 20] before it is exponentiated, as in {@link Ratios}. Float64 throughout,
 * row by row in order.
 *
 * <p>Where the trainer has computed {@code log pi_v(y_t)} again, of the weights v that sampled, a ratio is told apart into
 * {@code mismatch = exp(log pi_v - log mu)}, which two programs at the same weights differ by, and {@code drift = exp(log
 * pi_theta - log pi_v)}, which the updates since have made.
 *
 * @param numbers by their names in the metrics; empty where there is no valid token
 * @param arrays by their names in the metrics
 */
public record Ledger(Map<String, Double> numbers, Map<String, double[]> arrays) {

    /**
     * What the ledger reads of a row.
     *
     * @param logProbs log pi_theta(y_t) before the update, {@code [time]}, nats
     * @param behaviorLogProbs log mu(y_t), {@code [time]}, nats
     * @param mask true where the policy wrote the token, {@code [time]}
     * @param versions that sampled the tokens, {@code [time]}
     * @param version that is updated
     * @param weights what multiplies advantage and gradient, {@code [time]}; empty where the loss has no weights
     * @param sampling log pi_v(y_t) by the trainer with the weights v that sampled, {@code [time]}, nats; empty where it was
     *     not computed
     */
    public record Row(
            float[] logProbs,
            float[] behaviorLogProbs,
            boolean[] mask,
            long[] versions,
            long version,
            float[] weights,
            float[] sampling) {
        /** Without log-probabilities that the trainer has computed again. */
        public Row(
                float[] logProbs,
                float[] behaviorLogProbs,
                boolean[] mask,
                long[] versions,
                long version,
                float[] weights) {
            this(logProbs, behaviorLogProbs, mask, versions, version, weights, new float[0]);
        }

        boolean hasSampling() {
            return sampling.length == mask.length;
        }

        boolean hasWeights() {
            return weights.length == mask.length;
        }
    }

    /** The ledger of an update's rows, or of those of several updates. */
    public static Ledger of(List<Row> rows) {
        return new Sums(rows).ledger();
    }

    private static double clamp(double logarithm) {
        return Math.clamp(logarithm, -Ratios.LOG_LIMIT, Ratios.LOG_LIMIT);
    }

    /** One pass over the rows. */
    private static final class Sums {
        private final int tokens;
        private final double[] token;
        private final double[] prefix;
        private final double[] minimumPrefix;
        private final double[] weights;
        private final double[] mismatch;
        private final double[] drift;
        private final byte[] tenths;
        private final double[] sequence;
        private final double[] geometric;
        private final byte[] tenthOfLeast;
        private final boolean weighted;
        private final List<Long> ages = new ArrayList<>();
        private double positionOfLeast;
        private double probabilityOfLeast;
        private double behaviorOfLeast;
        private long oldest;
        private int at;
        private int apart;
        private int responses;

        Sums(List<Row> rows) {
            int valid = 0;
            int counted = 0;
            int toldApart = 0;
            for (Row row : rows) {
                int ofRow = valid(row.mask);
                valid += ofRow;
                toldApart += row.hasSampling() ? ofRow : 0;
                counted += ofRow > 0 ? 1 : 0;
            }
            tokens = valid;
            token = new double[valid];
            prefix = new double[valid];
            minimumPrefix = new double[valid];
            weights = new double[valid];
            mismatch = new double[toldApart];
            drift = new double[toldApart];
            tenths = new byte[valid];
            sequence = new double[counted];
            geometric = new double[counted];
            tenthOfLeast = new byte[counted];
            weighted = rows.stream().allMatch(row -> row.hasWeights() || valid(row.mask) == 0);
            rows.forEach(this::add);
        }

        private static int valid(boolean[] mask) {
            int count = 0;
            for (boolean valid : mask) {
                count += valid ? 1 : 0;
            }
            return count;
        }

        private void add(Row row) {
            int length = valid(row.mask);
            if (length == 0) {
                return;
            }
            double sum = 0;
            double minimum = 0;
            int position = 0;
            int placeOfLeast = 0;
            int positionInRow = 0;
            for (int t = 0; t < row.mask.length; t++) {
                if (!row.mask[t]) {
                    continue;
                }
                double d = clamp((double) row.logProbs[t] - row.behaviorLogProbs[t]);
                sum += d;
                token[at] = Math.exp(d);
                prefix[at] = Math.exp(clamp(sum));
                minimumPrefix[at] = Math.exp(clamp(minimum + d));
                tenths[at] = Tenths.of(position, length);
                weights[at] = weighted ? row.weights[t] : 0;
                if (row.hasSampling()) {
                    mismatch[apart] = Math.exp(clamp((double) row.sampling[t] - row.behaviorLogProbs[t]));
                    drift[apart++] = Math.exp(clamp((double) row.logProbs[t] - row.sampling[t]));
                }
                if (position == 0 || d < minimum) {
                    minimum = d;
                    placeOfLeast = t;
                    positionInRow = position;
                }
                age(row.version - row.versions[t]);
                position++;
                at++;
            }
            sequence[responses] = Math.exp(clamp(sum));
            geometric[responses] = Math.exp(clamp(sum / length));
            tenthOfLeast[responses] = Tenths.of(positionInRow, length);
            positionOfLeast += (positionInRow + 1.0) / length;
            probabilityOfLeast += Math.exp(row.logProbs[placeOfLeast]);
            behaviorOfLeast += Math.exp(row.behaviorLogProbs[placeOfLeast]);
            responses++;
        }

        /** In buckets of the ages 0, 1, 2 to 3, 4 to 7, and so on. */
        private void age(long age) {
            oldest = Math.max(oldest, age);
            int bucket = Long.SIZE - Long.numberOfLeadingZeros(Math.max(0, age));
            while (ages.size() <= bucket) {
                ages.add(0L);
            }
            ages.set(bucket, ages.get(bucket) + 1);
        }

        Ledger ledger() {
            Map<String, Double> numbers = new LinkedHashMap<>();
            Map<String, double[]> arrays = new LinkedHashMap<>();
            if (tokens == 0) {
                return new Ledger(numbers, arrays);
            }
            numbers.put("age/max", (double) oldest);
            arrays.put(
                    "age/histogram",
                    ages.stream().mapToDouble(count -> (double) count / tokens).toArray());
            new Tenths(tenths, token).put("ratio/token", arrays);
            new Tenths(tenths, prefix).put("ratio/prefix", arrays);
            new Tenths(tenths, minimumPrefix).put("ratio/minimum_prefix", arrays);
            if (weighted) {
                arrays.put("weight/mean_by_tenth", new Tenths(tenths, weights).means());
            }
            double[] shares = new double[10];
            for (byte tenth : tenthOfLeast) {
                shares[tenth]++;
            }
            arrays.put(
                    "argmin/position_by_tenth",
                    Arrays.stream(shares).map(count -> count / responses).toArray());
            numbers.put("argmin/position_mean", positionOfLeast / responses);
            numbers.put("argmin/probability_mean", probabilityOfLeast / responses);
            numbers.put("argmin/behavior_probability_mean", behaviorOfLeast / responses);
            Distribution.of(prefix).put("ratio/prefix", numbers);
            Distribution.of(minimumPrefix).put("ratio/minimum_prefix", numbers);
            Distribution.of(sequence).put("ratio/sequence", numbers);
            Distribution.of(geometric).put("ratio/geometric_mean", numbers);
            if (apart > 0) {
                Distribution.of(mismatch).put("ratio/mismatch", numbers);
                Distribution.of(drift).put("ratio/drift", numbers);
            }
            return new Ledger(numbers, arrays);
        }
    }
}
