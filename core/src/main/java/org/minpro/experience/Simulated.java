package org.minpro.experience;

import java.util.List;
import org.minpro.config.Doc;
import org.minpro.config.Rule;

/**
 * Several samplers, each of which is some iterations behind: every iteration trains on one batch, and each worker's share of
 * it was sampled a number of iterations before.
 *
 * <p>No clock and no waiting is part of it: the delay of a share is a function of ({@code seed}, iteration, worker), so which
 * version samples a group is known beforehand, and the group is sampled when that version is the current one. A share cannot be
 * older than the run: in iteration i its delay is at most i.
 */
public record Simulated(
        @Doc("Samplers that share a batch's groups in turn, [1, groups-per-iteration].")
        int workers,

        @Doc(
                "Iterations between sampling a worker's share and training on it: one of these, drawn anew for every worker"
                        + " and iteration, each as likely; one that is given twice is twice as likely.")
        List<Integer> delays,

        @Doc("Seed of the delays.") long seed)
        implements Staleness {
    public Simulated {
        Rule.positive("workers", workers);
        delays = List.copyOf(delays);
        Rule.check(!delays.isEmpty(), "delays", "one or more", delays);
        for (int delay : delays) {
            Rule.check(delay >= 0, "delays", "each >= 0", delays);
        }
    }

    public Simulated() {
        this(4, List.of(0, 1, 2, 3, 4), 1);
    }

    /** The largest delay. */
    public int longest() {
        return delays.stream().mapToInt(Integer::intValue).max().orElseThrow();
    }

    private int shortest() {
        return delays.stream().mapToInt(Integer::intValue).min().orElseThrow();
    }

    @Override
    public long oldestAge(int updates) {
        return (long) longest() * updates + updates - 1;
    }

    @Override
    public String described(int updates) {
        return Staleness.count(workers, "simulated worker") + ", each share "
                + (shortest() == longest()
                        ? Staleness.count(longest(), "iteration")
                        : shortest() + " to " + Staleness.count(longest(), "iteration"))
                + " behind, " + Staleness.count(updates, "update") + " per iteration: "
                + Staleness.ages((long) shortest() * updates, oldestAge(updates))
                + " (younger in the first iterations)";
    }
}
