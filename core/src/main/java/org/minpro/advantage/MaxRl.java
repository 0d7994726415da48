package org.minpro.advantage;

import java.util.List;
import org.minpro.reward.Score;

/**
 * Rewards relative to their group's mean, in units of that mean: {@code A_i = (R_i - mean R) / mean R}, 0 where the mean is not
 * positive, so that rare successes weigh more (MaxRL, arXiv 2602.02710, as in prime-rl).
 */
public record MaxRl() implements GroupAdvantage {
    @Override
    public double[] compute(List<Score> scores) {
        double mean = scores.stream().mapToDouble(Score::value).sum() / scores.size();
        return scores.stream()
                .mapToDouble(score -> mean > 0 ? (score.value() - mean) / mean : 0)
                .toArray();
    }
}
