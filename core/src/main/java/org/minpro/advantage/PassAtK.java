package org.minpro.advantage;

import java.util.List;
import java.util.stream.IntStream;
import org.minpro.config.Doc;
import org.minpro.reward.Score;

/**
 * Only the best response of a group has an advantage, its lead over the second: {@code A_best = (R_best - R_second) / (std R +
 * epsilon)}, all others 0; 0 where two share the first place (pass@k, arXiv 2503.19595, as verl's {@code GRPO_PASSK} computes it).
 *
 * @param epsilon added to the standard deviation, in units of the reward
 */
public record PassAtK(
        @Doc("Added to the standard deviation, in units of the reward.")
        double epsilon) implements GroupAdvantage {
    public PassAtK {
        if (!(epsilon >= 0 && Double.isFinite(epsilon))) {
            throw new IllegalArgumentException("epsilon must be >= 0 and finite, got: " + epsilon);
        }
    }

    /** 1e-6, as in verl. */
    public PassAtK() {
        this(1e-6);
    }

    @Override
    public double[] compute(List<Score> scores) {
        int best = IntStream.range(0, scores.size())
                .reduce(0, (i, j) -> scores.get(j).value() > scores.get(i).value() ? j : i);
        double second = IntStream.range(0, scores.size())
                .filter(i -> i != best)
                .mapToDouble(i -> scores.get(i).value())
                .max()
                .orElseThrow();
        double mean = scores.stream().mapToDouble(Score::value).sum() / scores.size();
        double squares = scores.stream()
                .mapToDouble(score -> (score.value() - mean) * (score.value() - mean))
                .sum();
        double[] values = new double[scores.size()];
        values[best] = (scores.get(best).value() - second) / (Math.sqrt(squares / (scores.size() - 1)) + epsilon);
        return values;
    }
}
