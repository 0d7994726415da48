package org.minpro.experience;

import java.util.List;

/** What lies between sampling groups and training on them where both take turns: which groups are due, and when. */
interface GroupBuffer {
    /** Groups to sample at an iteration, beside those that wait. */
    int wanted(long iteration);

    /**
     * Puts in what was sampled at an iteration and gives what is due in it.
     *
     * @param fresh as many groups as were {@linkplain #wanted wanted}
     */
    List<ScoredGroup> exchange(long iteration, List<ScoredGroup> fresh);

    /** What the buffer keeps after an iteration, in batches of its own order. */
    List<List<ScoredGroup>> kept();

    /**
     * Puts back what it kept.
     *
     * @param iteration the next one
     */
    void restore(long iteration, List<List<ScoredGroup>> batches);

    /** Groups that have not been trained on yet; where the run ends now, they never are. */
    int untrained();

    /** The buffer of a protocol whose sampling and learning take turns. */
    static GroupBuffer of(Staleness staleness, int groupsPerIteration) {
        return switch (staleness) {
            case Delayed delayed -> new DelayBuffer(delayed.lag(), groupsPerIteration);
        };
    }
}
