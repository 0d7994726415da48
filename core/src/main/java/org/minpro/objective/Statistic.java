package org.minpro.objective;

/** A statistic of the current policy's distribution at each token that an objective may ask for. */
public enum Statistic {
    /** {@code -sum_v p_v log p_v}, {@code [batch, time]}, nats, without gradient. */
    ENTROPY
}
