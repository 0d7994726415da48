package org.minpro.advantage;

import java.util.List;
import org.minpro.reward.Score;

/**
 * Rewards relative to the mean of the others: {@code A_i = R_i - mean_{j != i} R_j = n / (n - 1) (R_i - mean R)} (RLOO,
 * arXiv 2402.14740).
 */
public record LeaveOneOut() implements GroupAdvantage {
    @Override
    public double[] compute(List<Score> scores) {
        double[] values = new Centered().compute(scores);
        double scale = values.length / (values.length - 1.0);
        for (int i = 0; i < values.length; i++) {
            values[i] *= scale;
        }
        return values;
    }
}
