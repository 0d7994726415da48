package org.minpro.advantage;

/**
 * The advantages of one group.
 *
 * @param values the advantage of each rollout, on all its tokens; 0 where it is not counted
 * @param counted false where the score is undecided: the rollout's tokens are masked out of the loss
 * @param zeroVariance whether the decided rewards tell no rollout from another, so that all values are 0
 */
public record GroupAdvantages(double[] values, boolean[] counted, boolean zeroVariance) {}
