package org.minpro.train;

/** What the learning rate does after its warm-up: stays, or falls to zero in a line or along a cosine. */
public enum LearningRateSchedule {
    CONSTANT,
    LINEAR,
    COSINE;

    /**
     * The share of the peak that is left.
     *
     * @param done how much of the run after the warm-up is over, [0, 1]
     */
    double share(double done) {
        return switch (this) {
            case CONSTANT -> 1;
            case LINEAR -> 1 - done;
            case COSINE -> 0.5 * (1 + StrictMath.cos(Math.PI * done));
        };
    }
}
