package org.minpro.objective;

import java.util.Set;

/** What an {@link Objective}, a {@link Correction} or a {@link Penalty} needs; a {@link Loss} needs what its parts need. */
public interface LossPart {
    /** Whether what it says of a row depends on the other rows. */
    default Reach reach() {
        return Reach.ROW;
    }

    /** The policies whose log-probabilities it reads; those of the behaviour policy and of the anchor are always there. */
    default Set<LogProbStream> streams() {
        return Set.of();
    }

    /** What {@link ObjectiveInputs#statistics} must hold. */
    default Set<Statistic> statistics() {
        return Set.of();
    }
}
