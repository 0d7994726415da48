package org.minpro.recipe;

import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.train.Reduce;

/** How several processes train together; nothing of it matters to a run of one. */
public record RanksSection(
        @Doc("How the gradients of the processes are added: ordered gives the bytes of one process, allreduce moves"
                + " fewer bytes and rounds in another order.")
        Reduce reduce,

        @Doc("How long the processes wait for one of them, seconds, > 0; then the run stops and names it.")
        double limitSeconds) {
    /** A week. */
    private static final double LONGEST_SECONDS = 604_800;

    public RanksSection {
        Rule.check(
                limitSeconds > 0 && limitSeconds <= LONGEST_SECONDS,
                "limit-seconds",
                "in (0, " + (long) LONGEST_SECONDS + "]",
                limitSeconds);
    }

    /** The bytes of one process, and ten minutes. */
    public RanksSection() {
        this(Reduce.ORDERED, 600);
    }
}
