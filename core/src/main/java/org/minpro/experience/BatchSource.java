package org.minpro.experience;

import java.util.List;
import java.util.function.Consumer;
import org.minpro.model.PolicyVersion;
import org.minpro.rollout.Rollout;

/**
 * Gives the scored groups that are due and takes published versions. Staleness is what lies between the two; the learner
 * cannot tell one source from another.
 */
public interface BatchSource extends AutoCloseable {
    /**
     * Makes a version the one that later rollouts are sampled from. The source holds it as long as it needs it.
     *
     * @param version held by the caller during the call
     */
    void publish(PolicyVersion version);

    /**
     * The next batch.
     *
     * @param finished told of each response that is generated now, once it is journaled, from any thread
     * @throws java.util.concurrent.CancellationException where the engine was cancelled
     */
    Batch next(Consumer<Rollout> finished);

    /** What the source needs to go on, beside the journal. */
    State state();

    /** Groups that were sampled and will be trained on; where the run ends now, they never are. */
    int waiting();

    /** Goes on from a state; the rollouts of the groups that wait are in the journal. */
    void restore(State state);

    @Override
    void close();

    /**
     * Where a source stands between two batches.
     *
     * @param iteration the next iteration
     * @param nextDraw the first draw that was not taken
     * @param waiting draws of the groups that may be trained on later, in batches of the source's own order
     */
    record State(long iteration, long nextDraw, List<List<Long>> waiting) {
        public State {
            waiting = waiting.stream().map(List::copyOf).toList();
        }

        /** The first draw whose rollouts are still needed. */
        public long oldestDraw() {
            return waiting.stream()
                    .flatMap(List::stream)
                    .mapToLong(Long::longValue)
                    .min()
                    .orElse(nextDraw);
        }
    }
}
