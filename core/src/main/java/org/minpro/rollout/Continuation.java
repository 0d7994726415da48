package org.minpro.rollout;

/**
 * What follows where a response has ended with a stop id: ids that the policy did not write, after which it writes on. A tool's
 * answer or a user's next turn is one.
 *
 * <p>Called by the thread that decodes, so it must answer at once. It must be a function of the ids alone, so that a
 * rollout can be repeated.
 */
@FunctionalInterface
public interface Continuation {
    /** The response ends with its first stop id. */
    Continuation NONE = responseIds -> new int[0];

    /**
     * @param responseIds all ids of the response so far, {@code [time]}, the stop id last
     * @return ids to append unsampled; none where the response has ended
     */
    int[] after(int[] responseIds);
}
