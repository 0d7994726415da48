package org.minpro.data;

/**
 * Problems without end: the problem of a draw is a pure function of the draw, so a resumed run needs no position but
 * its next draw.
 */
@FunctionalInterface
public interface ProblemSource {
    Problem problem(long draw);
}
