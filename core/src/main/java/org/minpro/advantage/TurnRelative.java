package org.minpro.advantage;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;
import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.reward.Score;
import org.minpro.rollout.TurnSpan;

/**
 * Each turn relative to the same turn of the group's other responses: {@code A_k = (G_k - mean G_k) / (std G_k + epsilon)} on all
 * tokens of turn k, where {@code G_k = sum_{j >= k} discount^(j - k) r_j} is the reward to go from turn k.
 *
 * <p>With discount 0 a turn is credited with its own reward alone, with 1 with all that follows. Mean and std are over the
 * responses that have a turn k; a turn that only one response has is 0. A response of one turn is as in {@code grpo}.
 *
 * @param discount of the rewards of later turns
 * @param epsilon added to the standard deviation, in units of the reward
 */
public record TurnRelative(
        @Doc("What a turn's reward counts for the turn before it, [0, 1]: 0 credits a turn with its own reward, 1 with"
                + " all that follow.")
        double discount,

        @Doc("Added to the standard deviation, in units of the reward.")
        double epsilon)
        implements Advantage {
    public TurnRelative {
        Rule.share("discount", discount);
        Rule.check(epsilon >= 0 && Double.isFinite(epsilon), "epsilon", ">= 0 and finite", epsilon);
    }

    /** The whole reward to go, 1e-6. */
    public TurnRelative() {
        this(1, 1e-6);
    }

    @Override
    public boolean tellsApart(List<Score> group) {
        List<Score> decided = Advantage.decided(group).toList();
        return decided.size() > 1
                && (Advantage.differ(decided.stream().mapToDouble(Score::value))
                        || Advantage.differ(decided.stream()
                                .flatMapToDouble(
                                        score -> score.steps().values().stream().mapToDouble(Double::doubleValue))));
    }

    @Override
    public List<List<double[]>> perToken(List<List<Response>> groups) {
        return groups.stream().map(this::ofGroup).toList();
    }

    private List<double[]> ofGroup(List<Response> group) {
        List<double[]> values =
                group.stream().map(response -> response.filled(0)).toList();
        List<List<TurnSpan>> turns =
                group.stream().map(response -> TurnSpan.of(response.mask())).toList();
        List<double[]> returns = new ArrayList<>();
        for (int i = 0; i < values.size(); i++) {
            returns.add(toGo(group.get(i), turns.get(i)));
        }
        int longest = returns.stream().mapToInt(ofTurns -> ofTurns.length).max().orElse(0);
        for (int k = 0; k < longest; k++) {
            int turn = k;
            double[] ofTurn = returns.stream()
                    .filter(ofTurns -> ofTurns.length > turn)
                    .mapToDouble(ofTurns -> ofTurns[turn])
                    .toArray();
            if (!Advantage.differ(DoubleStream.of(ofTurn))) {
                continue;
            }
            double mean = DoubleStream.of(ofTurn).sum() / ofTurn.length;
            double squares = DoubleStream.of(ofTurn)
                    .map(value -> (value - mean) * (value - mean))
                    .sum();
            double divisor = Math.sqrt(squares / (ofTurn.length - 1)) + epsilon;
            for (int i = 0; i < values.size(); i++) {
                if (returns.get(i).length > k) {
                    TurnSpan span = turns.get(i).get(k);
                    Arrays.fill(values.get(i), span.from(), span.to(), (returns.get(i)[k] - mean) / divisor);
                }
            }
        }
        return values;
    }

    /** The reward to go from each turn; a reward between two turns is that of the turn before it. */
    private double[] toGo(Response response, List<TurnSpan> turns) {
        double[] rewards = response.rewards();
        double[] toGo = new double[turns.size()];
        for (int k = turns.size() - 1; k >= 0; k--) {
            int from = k == 0 ? 0 : turns.get(k).from();
            int to = k == turns.size() - 1 ? rewards.length : turns.get(k + 1).from();
            double own = 0;
            for (int t = from; t < to; t++) {
                own += rewards[t];
            }
            toGo[k] = own + (k == turns.size() - 1 ? 0 : discount * toGo[k + 1]);
        }
        return toGo;
    }
}
