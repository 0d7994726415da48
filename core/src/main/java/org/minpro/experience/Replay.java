package org.minpro.experience;

import org.minpro.config.Doc;
import org.minpro.config.Rule;

/**
 * The last {@code capacity} batches stay in a buffer; each iteration samples one batch and trains on {@code uses} batches'
 * worth of groups from the buffer.
 *
 * <p>Training begins when the buffer is full. A group is in one iteration's updates at most once (for each epoch). It is
 * trained on {@code uses} times on average with {@link Order#UNIFORM}, where some are drawn more often and some never, and
 * {@code uses} times with {@link Order#NEWEST}.
 */
public record Replay(
        @Doc("Batches that the buffer holds, the newest included, [1, iterations].")
        int capacity,

        @Doc("Which groups of the buffer are trained on: some at random, or those sampled last.")
        Order order,

        @Doc(
                "How often a group is trained on, on average, [1, capacity]: an iteration samples one batch and trains on so"
                        + " many.")
        int uses)
        implements Staleness {
    /** Which groups of the buffer are trained on. */
    public enum Order {
        /** Groups drawn without replacement, all equally likely, in the order in which they are drawn. */
        UNIFORM,
        /** The batches sampled last, the newest first. */
        NEWEST
    }

    public Replay {
        Rule.positive("capacity", capacity);
        Rule.check(uses >= 1 && uses <= capacity, "uses", "in [1, capacity], here [1, " + capacity + "]", uses);
        Rule.check(
                order != Order.NEWEST || capacity == uses,
                "capacity",
                "uses (" + uses + ") with order newest, which trains on no older batch",
                capacity);
    }

    public Replay() {
        this(4, Order.UNIFORM, 1);
    }

    @Override
    public int idleIterations() {
        return capacity - 1;
    }

    @Override
    public int batchesTrained() {
        return uses;
    }

    @Override
    public long oldestAge(int updates) {
        return (long) capacity * updates - 1;
    }

    @Override
    public String described(int updates) {
        return "replay, " + Staleness.count(uses, "batch", "batches") + " of the last " + capacity
                + (order == Order.UNIFORM ? ", groups drawn at random, " : ", the newest first, ")
                + Staleness.count(updates, "update") + " per iteration: "
                + Staleness.ages(0, oldestAge(updates))
                + (capacity == 1
                        ? ""
                        : "; the first " + Staleness.count(capacity - 1L, "iteration") + " fill"
                                + (capacity == 2 ? "s" : "") + " the buffer and train"
                                + (capacity == 2 ? "s" : "") + " nothing");
    }
}
