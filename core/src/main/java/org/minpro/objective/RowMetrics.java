package org.minpro.objective;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a loss says of one row of an update, as sums over the row's valid tokens in order, in float64: {@link LossMetrics}
 * adds the rows up, and the numbers do not depend on how the update was cut, padded or scheduled.
 *
 * @param loss the row's part of the update's loss
 * @param tokens valid tokens
 * @param weights of {@link ObjectiveResult#weights}, or null where the objective has none
 * @param tokenSums sums of {@link ObjectiveResult#tokenMetrics}
 * @param positive the same over the tokens whose advantage is above 0
 * @param negative the same over the tokens whose advantage is below 0
 */
public record RowMetrics(
        double loss,
        int tokens,
        @Nullable WeightSums weights,
        Map<String, Double> tokenSums,
        Part positive,
        Part negative) {
    public RowMetrics {
        tokenSums = Map.copyOf(tokenSums);
    }

    /** A row whose advantages are all 0. */
    public RowMetrics(double loss, int tokens, @Nullable WeightSums weights, Map<String, Double> tokenSums) {
        this(loss, tokens, weights, tokenSums, new Part(0, Map.of()), new Part(0, Map.of()));
    }

    /**
     * Some of a row's valid tokens.
     *
     * @param tokens how many
     * @param sums sums of {@link ObjectiveResult#tokenMetrics} over them
     */
    public record Part(int tokens, Map<String, Double> sums) {
        public Part {
            sums = Map.copyOf(sums);
        }
    }

    /**
     * Sums of a row's weights.
     *
     * @param sum of w
     * @param squares sum of w^2
     * @param min smallest w, infinite without a valid token
     * @param max largest w, minus infinity without one
     */
    public record WeightSums(double sum, double squares, double min, double max) {
        static WeightSums of(double[] weights, double[] valid, int from, int to) {
            double sum = 0;
            double squares = 0;
            double min = Double.POSITIVE_INFINITY;
            double max = Double.NEGATIVE_INFINITY;
            for (int at = from; at < to; at++) {
                if (valid[at] != 0) {
                    sum += weights[at];
                    squares += weights[at] * weights[at];
                    min = Math.min(min, weights[at]);
                    max = Math.max(max, weights[at]);
                }
            }
            return new WeightSums(sum, squares, min, max);
        }
    }
}
