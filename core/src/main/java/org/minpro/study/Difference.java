package org.minpro.study;

import java.util.List;
import java.util.OptionalInt;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * One variant against another, seed by seed.
 *
 * @param bootstrap the mean difference with the bootstrap's interval over seeds
 * @param student the same with Student's interval
 * @param deviation of the differences; NaN of fewer than two
 */
public record Difference(Interval bootstrap, Interval student, double deviation) {
    private static final double POWER = 0.8;
    private static final int MOST_SEEDS = 100_000;

    /** @param differences one for each seed that both have */
    static Difference of(List<Double> differences) {
        return new Difference(
                Interval.bootstrap(differences), Interval.student(differences), Interval.deviation(differences));
    }

    /**
     * Whether there are three pairs or more and both intervals exclude 0. The bootstrap alone would say so of two equals in
     * one of four studies with three seeds: whenever all differences have one sign.
     */
    public boolean separable() {
        return bootstrap.seeds() >= Interval.FEWEST && bootstrap.excludesZero() && student.excludesZero();
    }

    /**
     * The fewest pairs of which a paired t test at 5 % finds a difference with a chance of 80 %: {@code n >= ((t(0.975,
     * n - 1) + t(0.8, n - 1)) s / difference)^2}, with the deviation s found here; empty where fewer than three pairs tell it.
     */
    public OptionalInt seedsFor(double difference) {
        if (bootstrap.seeds() < Interval.FEWEST) {
            return OptionalInt.empty();
        }
        for (int n = 2; n < MOST_SEEDS; n++) {
            TDistribution t = TDistribution.of(n - 1.0);
            double needed = (t.inverseCumulativeProbability(0.975) + t.inverseCumulativeProbability(POWER))
                    * deviation
                    / difference;
            if (n >= needed * needed) {
                return OptionalInt.of(n);
            }
        }
        return OptionalInt.of(MOST_SEEDS);
    }
}
