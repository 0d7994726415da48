package org.minpro.bench;

import org.minpro.data.Problem;
import org.minpro.reward.Reward;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;
import org.minpro.tensor.Philox;

/**
 * A reward that says nothing of the response: 1 with chance 0.4, a function of the response's ordinal. What a model gains
 * by it is not learnt from the reward.
 *
 * <pre>{@code ./minpro train --seed 1 --reward org.minpro.bench.RandomReward --class-path bench/target/classes}</pre>
 */
public final class RandomReward implements Reward {
    @Override
    public Score score(Problem problem, Rollout rollout) {
        double uniform = Philox.uniform(4, Philox.Purpose.TRIAL, rollout.draw(), rollout.sample(), 0);
        return Score.of(uniform < 0.4 ? 1 : 0);
    }
}
