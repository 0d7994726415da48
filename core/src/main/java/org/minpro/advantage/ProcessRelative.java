package org.minpro.advantage;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;
import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.reward.Score;

/**
 * Rewards of steps or turns relative to all of their group's, each credited to the tokens before it: {@code A_t = sum_{s >= t} (r_s - mean r) /
 * (std r + epsilon)} over the response's steps s, mean and std over those of the whole group (GRPO with process supervision, arXiv
 * 2402.03300, section 4.1.3).
 *
 * <p>Where every response has one reward, at its end, it is {@code grpo}. In a group all of whose steps have the same reward it is
 * 0.
 *
 * @param epsilon added to the standard deviation, in units of the reward
 */
public record ProcessRelative(
        @Doc("Added to the standard deviation, in units of the reward.")
        double epsilon) implements Advantage {
    public ProcessRelative {
        Rule.check(epsilon >= 0 && Double.isFinite(epsilon), "epsilon", ">= 0 and finite", epsilon);
    }

    /** 1e-6, as {@code grpo} has it. */
    public ProcessRelative() {
        this(1e-6);
    }

    private static DoubleStream steps(Score score) {
        return score.steps().isEmpty()
                ? DoubleStream.of(score.value())
                : score.steps().values().stream().mapToDouble(Double::doubleValue);
    }

    @Override
    public boolean tellsApart(List<Score> group) {
        List<Score> decided = Advantage.decided(group).toList();
        return decided.size() > 1 && Advantage.differ(decided.stream().flatMapToDouble(ProcessRelative::steps));
    }

    @Override
    public List<List<double[]>> perToken(List<List<Response>> groups) {
        List<List<double[]>> values = new ArrayList<>();
        for (List<Response> group : groups) {
            List<Score> scores = group.stream().map(Response::score).toList();
            if (!tellsApart(scores)) {
                values.add(group.stream().map(response -> response.filled(0)).toList());
                continue;
            }
            double[] rewards =
                    scores.stream().flatMapToDouble(ProcessRelative::steps).toArray();
            double mean = DoubleStream.of(rewards).sum() / rewards.length;
            double squares = DoubleStream.of(rewards)
                    .map(reward -> (reward - mean) * (reward - mean))
                    .sum();
            double divisor = Math.sqrt(squares / (rewards.length - 1)) + epsilon;
            values.add(group.stream()
                    .map(response -> toGo(response, mean, divisor))
                    .toList());
        }
        return values;
    }

    private static double[] toGo(Response response, double mean, double divisor) {
        double[] values = new double[response.length()];
        Score score = response.score();
        double toGo = 0;
        for (int t = values.length - 1; t >= 0; t--) {
            Double reward = score.steps().isEmpty()
                    ? t == values.length - 1 ? Double.valueOf(score.value()) : null
                    : score.steps().get(t);
            toGo += reward == null ? 0 : (reward - mean) / divisor;
            values[t] = toGo;
        }
        return values;
    }
}
