package org.minpro.data;

import org.jspecify.annotations.Nullable;
import org.minpro.tensor.Philox;

/**
 * The order of a finite list that is drawn from without end: every epoch has each element once, in an order of its own.
 *
 * <p>The order of an epoch is a Fisher-Yates permutation of (seed, epoch) alone. The epoch drawn last is kept, so a draw
 * costs O(1) but for the first of an epoch, which costs O(size). Any number of threads may draw.
 */
public final class EpochOrder {
    private final int size;
    private final long seed;
    private volatile @Nullable Epoch latest;

    private record Epoch(long number, int[] order) {}

    /** @param size elements of the list, {@code >= 1} */
    public EpochOrder(int size, long seed) {
        this.size = size;
        this.seed = seed;
    }

    /** The place in the list of a draw, {@code >= 0}. */
    public int place(long draw) {
        long number = draw / size;
        Epoch epoch = latest;
        if (epoch == null || epoch.number() != number) {
            epoch = new Epoch(number, Philox.permutation(size, seed, Philox.Purpose.SHUFFLE, number, 0));
            latest = epoch;
        }
        return epoch.order()[(int) (draw % size)];
    }
}
