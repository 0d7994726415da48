package org.minpro.reward;

import org.minpro.data.Problem;
import org.minpro.rollout.Rollout;

/** Scores a rollout; called from any number of threads at once. */
@FunctionalInterface
public interface Reward {
    Score score(Problem problem, Rollout rollout);
}
