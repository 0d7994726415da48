package org.minpro.objective;

import java.util.Map;
import java.util.TreeMap;
import org.minpro.tensor.Tensor;

/**
 * The metrics of one update, gathered row by row while micro-batches are evaluated.
 *
 * <p>Each row's sums run over its valid tokens in order, in float64, and the rows are added in the order of the update
 * when the metrics are asked for: the numbers do not depend on how the update was cut, padded or scheduled. The names
 * are TRL's and verl's where they have one.
 *
 * <ul>
 *   <li>{@code loss}: the update's loss;
 *   <li>{@code weight/mean}, {@code /min}, {@code /max}: of {@link ObjectiveResult#weights};
 *   <li>{@code weight/ess}: {@code (sum w)^2 / (n sum w^2)} in (0, 1], the share of the tokens that count;
 *   <li>the mean of every token metric, such as {@code clip_ratio/high_mean} or {@code weight/at_cap};
 *   <li>the objective's own numbers, such as {@code m2po/tau}.
 * </ul>
 */
public final class ObjectiveMetrics {
    private final double[] losses;
    private final long[] tokens;
    private final double[][] weightSums;
    private final Map<String, double[]> tokenSums = new TreeMap<>();
    private final Map<String, Double> updateMetrics = new TreeMap<>();
    private boolean weighted;

    /** For an update of that many rows. */
    public ObjectiveMetrics(int rows) {
        losses = new double[rows];
        tokens = new long[rows];
        weightSums = new double[rows][];
    }

    /**
     * Adds the evaluation of some rows; may be called from several threads.
     *
     * @param rows the ordinals in the update of the evaluated rows
     * @param mask the evaluated rows' mask, {@code [batch, time]}
     */
    public synchronized void add(int[] rows, LossEvaluation evaluation, Tensor mask) {
        int time = Math.toIntExact(mask.size(1));
        double[] valid = mask.doubles();
        ObjectiveResult result = evaluation.result();
        double[] weights =
                result.weights() == null ? new double[0] : result.weights().doubles();
        weighted |= result.weights() != null;
        for (int i = 0; i < rows.length; i++) {
            losses[rows[i]] = evaluation.rowLosses()[i];
            tokens[rows[i]] = 0;
            double sum = 0;
            double squares = 0;
            double lowest = Double.POSITIVE_INFINITY;
            double highest = Double.NEGATIVE_INFINITY;
            for (int at = i * time; at < (i + 1) * time; at++) {
                if (valid[at] != 0) {
                    tokens[rows[i]]++;
                    if (weights.length > 0) {
                        sum += weights[at];
                        squares += weights[at] * weights[at];
                        lowest = Math.min(lowest, weights[at]);
                        highest = Math.max(highest, weights[at]);
                    }
                }
            }
            weightSums[rows[i]] = new double[] {sum, squares, lowest, highest};
        }
        result.tokenMetrics().forEach((name, tensor) -> {
            double[] sums = tokenSums.computeIfAbsent(name, absent -> new double[losses.length]);
            double[] values = tensor.doubles();
            for (int i = 0; i < rows.length; i++) {
                double sum = 0;
                for (int at = i * time; at < (i + 1) * time; at++) {
                    sum += valid[at] != 0 ? values[at] : 0;
                }
                sums[rows[i]] = sum;
            }
        });
        updateMetrics.putAll(result.updateMetrics());
    }

    /** The metrics by name, of the rows added so far; means over tokens are left out where there is no valid token. */
    public synchronized Map<String, Double> values() {
        Map<String, Double> values = new TreeMap<>(updateMetrics);
        double loss = 0;
        long count = 0;
        double sum = 0;
        double squares = 0;
        double lowest = Double.POSITIVE_INFINITY;
        double highest = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < losses.length; i++) {
            loss += losses[i];
            count += tokens[i];
            if (tokens[i] > 0) {
                sum += weightSums[i][0];
                squares += weightSums[i][1];
                lowest = Math.min(lowest, weightSums[i][2]);
                highest = Math.max(highest, weightSums[i][3]);
            }
        }
        values.put("loss", loss);
        if (count == 0) {
            return values;
        }
        if (weighted) {
            values.put("weight/mean", sum / count);
            values.put("weight/min", lowest);
            values.put("weight/max", highest);
            values.put("weight/ess", squares > 0 ? sum * sum / (count * squares) : 0);
        }
        for (Map.Entry<String, double[]> entry : tokenSums.entrySet()) {
            double total = 0;
            for (double row : entry.getValue()) {
                total += row;
            }
            values.put(entry.getKey(), total / count);
        }
        return values;
    }
}
