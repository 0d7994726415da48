package org.minpro.advantage;

import java.util.ArrayList;
import java.util.List;
import org.minpro.config.Doc;
import org.minpro.config.Rule;

/**
 * The discounted reward to go, brought to mean 0 and variance 1 over the iteration's tokens: {@code A_t = whitened(r_t + gamma G_{t+1})}, t
 * counting the tokens that the policy wrote (REINFORCE++, arXiv 2501.03262, as in verl).
 *
 * <p>The baseline is the iteration's mean: a group is not compared with itself, and one whose rewards are all equal has advantages
 * too.
 *
 * @param gamma what a reward is worth one token earlier
 */
public record ReinforcePlusPlus(
        @Doc("What a reward is worth one token earlier, (0, 1].")
        double gamma) implements Advantage {
    public ReinforcePlusPlus {
        Rule.check(gamma > 0 && gamma <= 1, "gamma", "in (0, 1]", gamma);
    }

    /** 1, as in verl. */
    public ReinforcePlusPlus() {
        this(1);
    }

    @Override
    public List<List<double[]>> perToken(List<List<Response>> groups) {
        List<List<double[]>> values = new ArrayList<>();
        for (List<Response> group : groups) {
            values.add(group.stream().map(this::toGo).toList());
        }
        return Whitening.whitened(groups, values);
    }

    private double[] toGo(Response response) {
        double[] rewards = response.rewards();
        double[] values = new double[rewards.length];
        double toGo = 0;
        for (int t = rewards.length - 1; t >= 0; t--) {
            // What others wrote, a tool's output, takes no step of the policy.
            toGo = rewards[t] + (response.mask()[t] ? gamma : 1) * toGo;
            values[t] = toGo;
        }
        return values;
    }
}
