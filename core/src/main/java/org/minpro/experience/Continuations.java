package org.minpro.experience;

import org.minpro.data.Problem;
import org.minpro.rollout.Continuation;

/** Says what follows the turns of responses to a problem. */
@FunctionalInterface
public interface Continuations {
    /** Responses are one turn. */
    Continuations NONE = (problem, draw) -> Continuation.NONE;

    /**
     * Asked once for each generation of a group.
     *
     * @param draw ordinal of the group in the run
     */
    Continuation of(Problem problem, long draw);
}
