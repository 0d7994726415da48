package org.minpro.advantage;

import java.util.List;
import org.minpro.reward.Score;

/** Rewards relative to their group's mean: {@code A_i = R_i - mean R} (Dr. GRPO, arXiv 2503.20783). */
public record Centered() implements GroupAdvantage {
    @Override
    public double[] compute(List<Score> scores) {
        double mean = scores.stream().mapToDouble(Score::value).sum() / scores.size();
        return scores.stream().mapToDouble(score -> score.value() - mean).toArray();
    }
}
