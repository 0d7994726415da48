package org.minpro.train;

import org.jspecify.annotations.Nullable;

/**
 * One row of an update.
 *
 * @param group ordinal of the row's group; rows of a group share their prompt
 * @param promptIds token ids of the prompt
 * @param responseIds token ids of the response, {@code [time]}
 * @param mask which response tokens count, {@code [time]}; none where the row is undecided
 * @param behaviorLogProbs log mu, {@code [time]}, nats
 * @param proximalLogProbs log pi of the policy at the start of the iteration, or null
 * @param versions version that sampled each token, {@code [time]}
 * @param advantage of every token
 * @param reward the row's reward, for objectives and metrics
 */
public record TrainingRow(
        long group,
        int[] promptIds,
        int[] responseIds,
        boolean[] mask,
        float[] behaviorLogProbs,
        float @Nullable [] proximalLogProbs,
        long[] versions,
        double advantage,
        double reward) {

    public int length() {
        return responseIds.length;
    }

    public TrainingRow withProximalLogProbs(float[] logProbs) {
        return new TrainingRow(
                group, promptIds, responseIds, mask, behaviorLogProbs, logProbs, versions, advantage, reward);
    }
}
