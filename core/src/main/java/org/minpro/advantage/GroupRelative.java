package org.minpro.advantage;

import java.util.List;
import org.minpro.config.Doc;
import org.minpro.reward.Score;

/**
 * Rewards relative to their group, in standard deviations: {@code A_i = (R_i - mean R) / (std R + epsilon)} with the
 * unbiased std (n - 1), as verl and TRL compute it (GRPO, arXiv 2402.03300).
 *
 * @param epsilon added to the standard deviation, in units of the reward
 */
public record GroupRelative(
        @Doc("Added to the standard deviation, in units of the reward.")
        double epsilon) implements GroupAdvantage {
    public GroupRelative {
        if (!(epsilon >= 0 && Double.isFinite(epsilon))) {
            throw new IllegalArgumentException("epsilon must be >= 0 and finite, got: " + epsilon);
        }
    }

    /** 1e-6, as in verl. */
    public GroupRelative() {
        this(1e-6);
    }

    @Override
    public double[] compute(List<Score> scores) {
        double[] values = new Centered().compute(scores);
        double squares = 0;
        for (double value : values) {
            squares += value * value;
        }
        double divisor = Math.sqrt(squares / (values.length - 1)) + epsilon;
        for (int i = 0; i < values.length; i++) {
            values[i] /= divisor;
        }
        return values;
    }
}
