package org.minpro.objective;

import java.util.Locale;

/** A policy whose log-probabilities of the sampled tokens, {@code log pi(y_t)} in nats, travel with a row of an update. */
public enum LogProbStream {
    /** The policy that sampled, mu, as the sampler reported it. */
    BEHAVIOR,
    /** The policy at the start of the iteration's updates, computed by the trainer. */
    PROXIMAL,
    /** A frozen policy that the trained one is kept near. */
    REFERENCE,
    /** The policy that sampled, computed again by the trainer with the weights of that version. */
    SAMPLING;

    /** The name in a configuration, such as {@code behavior}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
