package org.minpro.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.minpro.tensor.Philox;

/** Means over seeds: intervals against enumeration and tables, and what differences are worth. */
final class IntervalTest {
    @Test
    void theBootstrapOfThreeIsThatOfAll27Resamples() {
        // Sorted means of {0, 3, 6}: 0, 1 x3, 2 x6, 3 x7, 4 x6, 5 x3, 6; 2.5 % of 26 steps is 0.65.
        Interval interval = Interval.bootstrap(List.of(0.0, 3.0, 6.0));
        assertThat(interval.mean()).isEqualTo(3);
        assertThat(interval.low()).isEqualTo(0.65, within(1e-12));
        assertThat(interval.high()).isEqualTo(5.35, within(1e-12));
    }

    @Test
    void theBootstrapOfManyIsNearTheNormalOne() {
        List<Double> values = IntStream.range(0, 400)
                .mapToObj(i -> Philox.normal(1, Philox.Purpose.TRIAL, 7, 0, i))
                .toList();
        Interval interval = Interval.bootstrap(values);
        double half = 1.96 * Interval.deviation(values) / 20;
        assertThat(interval.low()).isEqualTo(interval.mean() - half, within(0.01));
        assertThat(interval.high()).isEqualTo(interval.mean() + half, within(0.01));
        assertThat(Interval.bootstrap(values)).isEqualTo(interval);
    }

    @Test
    void studentsIntervalHasTheTablesQuantile() {
        // t(0.975, 2) = 4.302653, s = 3, sqrt(3).
        Interval interval = Interval.student(List.of(0.0, 3.0, 6.0));
        assertThat(interval.high() - interval.mean()).isEqualTo(4.302652729696 * 3 / Math.sqrt(3), within(1e-9));
    }

    @Test
    void twoValuesSayTooLittleOfTheSpread() {
        assertThat(Interval.bootstrap(List.of(0.5, 0.6)).percent()).isEqualTo("55.0");
        assertThat(Interval.bootstrap(List.of(0.5, 0.6, 0.6)).percent()).startsWith("56.7 [");
        assertThat(Difference.of(List.of(0.5, 0.5)).seedsFor(0.03)).isEmpty();
        assertThat(Interval.bootstrap(List.of(0.5)).low()).isNaN();
        assertThat(Interval.bootstrap(List.of(0.5)).percent()).isEqualTo("50.0");
        assertThat(Interval.bootstrap(List.of()).percent()).isEqualTo("–");
        assertThat(Difference.of(List.of(0.5)).separable()).isFalse();
        assertThat(Difference.of(List.of(0.5)).seedsFor(0.03)).isEmpty();
    }

    @Test
    void threeDifferencesOfOneSignAreSeparableOnlyWhereStudentSaysSoToo() {
        Difference scattered = Difference.of(List.of(0.01, 0.02, 0.09));
        assertThat(scattered.bootstrap().excludesZero()).isTrue();
        assertThat(scattered.separable()).isFalse();
        assertThat(Difference.of(List.of(0.05, 0.052, 0.055)).separable()).isTrue();
    }

    @Test
    void theNumberOfSeedsIsThatOfAPairedTTest() {
        // s = 0.03 for a difference of 0.03: n = ((t(.975, n-1) + t(.8, n-1)))^2 is first met by 10.
        Difference difference = new Difference(new Interval(0, 0, 0, 3), new Interval(0, 0, 0, 3), 0.03);
        assertThat(difference.seedsFor(0.03)).hasValue(10);
        assertThat(difference.seedsFor(0.3)).hasValue(2);
    }
}
