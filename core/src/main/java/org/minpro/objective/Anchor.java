package org.minpro.objective;

/** The policy in the denominator of the ratios. */
public enum Anchor {
    /** The policy that sampled: {@code pi_theta / mu}, where staleness shows. */
    BEHAVIOR,
    /** The policy at the start of the update, recomputed by the trainer: {@code pi_theta / pi_prox}. */
    PROXIMAL
}
