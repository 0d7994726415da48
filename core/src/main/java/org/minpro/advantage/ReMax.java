package org.minpro.advantage;

import java.util.List;
import org.minpro.reward.Score;

/**
 * The reward to go relative to what the greedy response to the same prompt earned: {@code A_t = r_t + r_{t+1} + ... - R_greedy} (ReMax, arXiv
 * 2310.10505, as in verl).
 *
 * <p>A group whose rewards are all equal has advantages too, unless the greedy one is equal to them. Where the greedy response has no
 * reward there is nothing to compare with, and all are 0.
 */
public record ReMax() implements Advantage {
    @Override
    public boolean readsGreedy() {
        return true;
    }

    @Override
    public List<List<double[]>> perToken(List<List<Response>> groups) {
        return groups.stream()
                .map(group -> group.stream().map(ReMax::advantages).toList())
                .toList();
    }

    private static double[] advantages(Response response) {
        Score greedy = response.greedy();
        double[] values = response.rewards();
        double toGo = 0;
        for (int t = values.length - 1; t >= 0; t--) {
            toGo += values[t];
            values[t] = greedy != null && greedy.decided() ? toGo - greedy.value() : 0;
        }
        return values;
    }
}
