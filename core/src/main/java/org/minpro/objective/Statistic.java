package org.minpro.objective;

/** A number of each token, {@code [batch, time]}, that a part of a loss may ask for; without gradient but for the live one. */
public enum Statistic {
    /** {@code -sum_v p_v log p_v} of the current policy, nats. */
    ENTROPY,
    /**
     * The same number, live: the gradient of the loss is taken with respect to it as well, and goes on through the head.
     */
    LIVE_ENTROPY,
    /** {@code sum_v p_v^2} of the current policy: the chance that two draws give the same token, (0, 1]. */
    COLLISION,
    /** Optimizer steps between the version that sampled the token and the one that is updated. */
    AGE,
    /** Ordinal of the row's group in the update, 0, 1, ...; the same number on all tokens of a row. */
    GROUP
}
