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

    /** Groups that will be trained on; where the run ends now, they never are. */
    int waiting();

    /**
     * The groups whose rewards are reported with an iteration: those sampled in it.
     *
     * @param due those trained on in it
     */
    default List<ScoredGroup> reported(List<ScoredGroup> fresh, List<ScoredGroup> due) {
        return fresh;
    }

    /** The buffer of a protocol whose sampling and learning take turns. */
    static GroupBuffer of(Staleness staleness, int groupsPerIteration, long seed) {
        return switch (staleness) {
            case Delayed delayed -> new DelayBuffer(delayed.lag(), groupsPerIteration);
            case Replay replay -> new ReplayBuffer(replay, groupsPerIteration, seed);
            case Simulated simulated -> new SimulatedDelays(simulated, groupsPerIteration);
            case Async async ->
                throw new IllegalArgumentException(
                        "staleness must be one whose sampling and learning take turns, got: " + async);
        };
    }
}
