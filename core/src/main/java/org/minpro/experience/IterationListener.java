package org.minpro.experience;

import org.minpro.rollout.Rollout;

/** Told of an iteration's progress, from any thread. */
public interface IterationListener {
    /** A response of this iteration has ended. */
    default void rolloutFinished(Rollout rollout) {}

    /** An update of this iteration was done. */
    default void updateFinished(int update, int updates) {}

    /** A listener that does nothing. */
    static IterationListener none() {
        return new IterationListener() {};
    }
}
