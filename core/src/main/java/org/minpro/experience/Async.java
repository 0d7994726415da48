package org.minpro.experience;

import org.minpro.config.Doc;
import org.minpro.config.Rule;

/**
 * Sampling runs beside training in threads of its own, at most as far ahead as {@code max-age} allows.
 *
 * <p>A batch is begun only if the updates that are due before it are at most {@code max-age}, so nothing becomes too old and
 * nothing is dropped. Batches are trained on in the order of their draws, each once. With a {@code max-age} below an iteration's
 * updates sampling and training take turns, and the bytes are those of {@link Delayed} without a lag.
 */
public record Async(
        @Doc(
                "Optimizer steps, at most, between the weights that a batch's sampling begins with and those that its first"
                        + " update begins with; the updates of its own iteration come on top, as in every protocol.")
        int maxAge,

        @Doc(
                "What responses do that are under way when the weights change: go on with the new ones over the cache of the"
                        + " old, or finish under the old ones.")
        InFlight inFlight)
        implements Staleness {
    /** What responses do that are under way when the weights change. */
    public enum InFlight {
        /** They go on with the new weights; each token has the version that sampled it. */
        CONTINUE,
        /** They end under the weights that they began with. */
        FINISH
    }

    public Async {
        Rule.notNegative("max-age", maxAge);
    }

    public Async() {
        this(8, InFlight.CONTINUE);
    }

    /**
     * How many iterations sampling may be ahead of training.
     *
     * @param updates of an iteration
     */
    public int iterationsAhead(int updates) {
        return maxAge / updates;
    }

    @Override
    public long oldestAge(int updates) {
        return (long) iterationsAhead(updates) * updates + updates - 1;
    }

    @Override
    public String described(int updates) {
        int ahead = iterationsAhead(updates);
        return "asynchronous, "
                + (ahead == 0
                        ? "but max-age is less than an iteration's updates: sampling and training take turns, "
                        : "sampling at most " + Staleness.count(ahead, "iteration") + " ahead, responses in flight "
                                + (inFlight == InFlight.CONTINUE
                                        ? "go on with new weights, "
                                        : "finish under old weights, "))
                + Staleness.count(updates, "update") + " per iteration: "
                + Staleness.ages(0, oldestAge(updates));
    }
}
