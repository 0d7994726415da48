package org.minpro.experience;

/** How old rollouts are when they are trained on: what lies between the sampler and the learner. */
public sealed interface Staleness permits Async, Delayed, Replay, Simulated {
    /** Iterations at the beginning of a run that train nothing. */
    default int idleIterations() {
        return 0;
    }

    /** Batches, each of as many groups as an iteration samples, that are trained on in each of the other iterations. */
    default int batchesTrained() {
        return 1;
    }

    /**
     * The largest age of a token, in updates.
     *
     * @param updates of an iteration
     */
    long oldestAge(int updates);

    /**
     * How old tokens become, and what is never trained on, for people.
     *
     * @param updates of an iteration
     */
    String described(int updates);

    /** {@code 1 update}, {@code 2 updates}. */
    static String count(long count, String what) {
        return count(count, what, what + "s");
    }

    static String count(long count, String one, String many) {
        return count + " " + (count == 1 ? one : many);
    }

    /** Such as {@code tokens are 8 to 11 updates old}. */
    static String ages(long youngest, long oldest) {
        if (oldest == 0) {
            return "every token is of the policy that learns from it";
        }
        return "tokens are " + (youngest == oldest ? "" : youngest + " to ") + count(oldest, "update") + " old";
    }
}
