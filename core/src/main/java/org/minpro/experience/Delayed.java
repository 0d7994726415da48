package org.minpro.experience;

import org.minpro.config.Doc;
import org.minpro.config.Rule;

/**
 * A batch is trained on exactly {@code lag} iterations after it was sampled.
 *
 * <p>The first {@code lag} iterations train nothing; the last {@code lag} batches are never trained on.
 */
public record Delayed(
        @Doc("Iterations between sampling a batch and training on it, [0, iterations).")
        int lag) implements Staleness {
    public Delayed {
        Rule.notNegative("lag", lag);
    }

    /** Every batch is trained on in the iteration that samples it. */
    public Delayed() {
        this(0);
    }

    @Override
    public int idleIterations() {
        return lag;
    }

    @Override
    public long oldestAge(int updates) {
        return (long) lag * updates + updates - 1;
    }

    @Override
    public String described(int updates) {
        long youngest = (long) lag * updates;
        return "lag " + lag + ", " + Staleness.count(updates, "update") + " per iteration: "
                + Staleness.ages(youngest, oldestAge(updates))
                + (lag == 0
                        ? ""
                        : "; the last " + (lag == 1 ? "batch is" : lag + " batches are")
                                + " sampled but not trained on");
    }
}
