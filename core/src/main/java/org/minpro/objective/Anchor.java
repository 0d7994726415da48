package org.minpro.objective;

/** The policy in the denominator of the ratios. */
public enum Anchor {
    /** The policy that sampled: {@code pi_theta / mu}, where staleness shows. */
    BEHAVIOR(LogProbStream.BEHAVIOR),
    /** The policy at the start of the iteration's updates, computed by the trainer: {@code pi_theta / pi_prox}. */
    PROXIMAL(LogProbStream.PROXIMAL);

    private final LogProbStream stream;

    Anchor(LogProbStream stream) {
        this.stream = stream;
    }

    /** Where its log-probabilities are. */
    public LogProbStream stream() {
        return stream;
    }
}
