package org.minpro.data;

/**
 * The problem of a draw.
 *
 * <p>A pure function of the draw: a resumed run needs no position but the next draw, and any number of threads may ask.
 */
@FunctionalInterface
public interface ProblemSource {
    /**
     * The problem of a draw.
     *
     * @param draw ordinal of the group in the run, {@code >= 0}
     */
    Problem problem(long draw);
}
