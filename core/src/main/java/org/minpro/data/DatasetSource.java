package org.minpro.data;

import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

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
        RandomGenerator random = new SplitMix(mix(seed) + epoch);
        int[] order = new int[dataset.size()];
        for (int i = 0; i < order.length; i++) {
            int j = random.nextInt(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }

    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    /** SplitMix64: its sequence is fixed by the algorithm, not by the JDK that runs it. */
    private static final class SplitMix implements RandomGenerator {
        private long state;

        SplitMix(long seed) {
            state = mix(seed);
        }

        @Override
        public long nextLong() {
            state += 0x9E3779B97F4A7C15L;
            return mix(state);
        }

        @Override
        public int nextInt(int bound) {
            // Multiply-shift of 32 bits: unlike RandomGenerator's own method, the same on every JDK; bias < bound /
            // 2^32.
            return (int) (((nextLong() >>> 32) * bound) >>> 32);
        }
    }
}
