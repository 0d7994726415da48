package org.minpro.train;

/**
 * The learning rate of an update: a linear warm-up, then constant, or down to zero linearly or along a cosine.
 *
 * @param peak the rate after the warm-up
 * @param warmupUpdates updates of the warm-up; update {@code u} of them (from 0) has {@code peak (u + 1) / warmupUpdates}
 * @param decay what happens after it
 */
public record LearningRateSchedule(double peak, int warmupUpdates, Decay decay) {
    /** The shape after the warm-up. */
    public enum Decay {
        CONSTANT,
        LINEAR,
        COSINE
    }

    public LearningRateSchedule {
        if (!(peak >= 0) || !Double.isFinite(peak)) {
            throw new IllegalArgumentException("learning rate must be finite and >= 0, got: " + peak);
        }
        if (warmupUpdates < 0) {
            throw new IllegalArgumentException("warm-up updates must be >= 0, got: " + warmupUpdates);
        }
    }

    /**
     * @param update ordinal of the update, from 0
     * @param total updates of the whole run
     */
    public double at(long update, long total) {
        if (update < warmupUpdates) {
            return peak * (update + 1) / warmupUpdates;
        }
        long rest = Math.max(1, total - warmupUpdates);
        double done = Math.min(1, (double) (update - warmupUpdates) / rest);
        return switch (decay) {
            case CONSTANT -> peak;
            case LINEAR -> peak * (1 - done);
            case COSINE -> peak * 0.5 * (1 + StrictMath.cos(Math.PI * done));
        };
    }
}
