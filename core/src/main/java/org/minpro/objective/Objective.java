package org.minpro.objective;

import org.jspecify.annotations.Nullable;

/**
 * A policy objective: the loss of every token of an update from log-probabilities, advantages and mask.
 *
 * <p>It never sees the model. A gradient flows through {@link ObjectiveInputs#logProbs} alone; whatever the formula
 * holds constant (a stop-gradient) is computed from {@link ObjectiveInputs#frozenLogProbs}, which have the same values.
 * An implementation is a record whose components are its parameters, with a constructor without arguments that holds
 * their defaults. It may be called from several threads at once.
 */
public interface Objective extends LossPart {
    /** The token losses, {@code [batch, time]}; what they are at masked tokens does not matter as long as it is finite. */
    ObjectiveResult compute(ObjectiveInputs inputs);

    /** The only aggregation under which this objective is what its name says, or null where any will do. */
    default @Nullable Aggregation requiredAggregation() {
        return null;
    }

    /**
     * Whether its gradient is that of {@code reinforce} where the policy is the one that sampled. An objective that is not so by
     * its formula says so.
     */
    default boolean isReinforceOnPolicy() {
        return true;
    }

    /**
     * Whether the gradient is known to be zero in an update whose advantages are all 0: such an update is skipped. An
     * objective that does not say so is never skipped.
     */
    default boolean vanishesWithAdvantages() {
        return false;
    }
}
