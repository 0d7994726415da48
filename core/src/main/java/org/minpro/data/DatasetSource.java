package org.minpro.data;

import org.jspecify.annotations.Nullable;
import org.minpro.tensor.Philox;

/**
 * Draws the problems of a data set without end: every epoch has each problem once, in an order of its own.
 *
 * <p>The order of an epoch is a Fisher-Yates permutation of (seed, epoch) alone. The epoch drawn last is kept, so a draw
 * costs O(1) but for the first of an epoch, which costs O(size).
 */
public final class DatasetSource implements ProblemSource {
    private final Dataset dataset;
    private final long seed;
    private volatile @Nullable Epoch latest;

    private record Epoch(long number, int[] order) {}

    public DatasetSource(Dataset dataset, long seed) {
        if (dataset.size() == 0) {
            throw new IllegalArgumentException(
                    "dataset must have at least one problem, got: none in " + dataset.name());
        }
        this.dataset = dataset;
        this.seed = seed;
    }

    @Override
    public Problem problem(long draw) {
        if (draw < 0) {
            throw new IllegalArgumentException("draw must be >= 0, got: " + draw);
        }
        long number = draw / dataset.size();
        Epoch epoch = latest;
        if (epoch == null || epoch.number() != number) {
            epoch = new Epoch(number, permutation(number));
            latest = epoch;
        }
        return dataset.problems().get(epoch.order()[(int) (draw % dataset.size())]);
    }

    private int[] permutation(long epoch) {
        int[] order = new int[dataset.size()];
        for (int i = 0; i < order.length; i++) {
            int j = Philox.below(i + 1, seed, Philox.Purpose.SHUFFLE, epoch, 0, i);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }
}
