package org.minpro.objective;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A policy objective: the loss of every token of an update from log-probabilities, advantages and mask.
 *
 * <p>It never sees the model. A gradient flows through {@link ObjectiveInputs#logProbs} alone; whatever the formula
 * holds constant (a stop-gradient) is computed from {@link ObjectiveInputs#frozenLogProbs}, which have the same values.
 * An implementation is a record whose components are its parameters, with a constructor without arguments that holds
 * their defaults. It may be called from several threads at once.
 */
public interface Objective {
    /** The token losses, {@code [batch, time]}; what they are at masked tokens does not matter as long as it is finite. */
    ObjectiveResult compute(ObjectiveInputs inputs);

    /** Whether a row's losses need the other rows. */
    default Reach reach() {
        return Reach.ROW;
    }

    /** The only aggregation under which this objective is what its name says, or null where any will do. */
    default @Nullable Aggregation requiredAggregation() {
        return null;
    }

    /** What {@link ObjectiveInputs#statistics} must hold. */
    default Set<Statistic> statistics() {
        return Set.of();
    }
}
