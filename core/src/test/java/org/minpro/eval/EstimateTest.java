package org.minpro.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class EstimateTest {
    /** Sums over all pairs, an identity that shares nothing with the code: s^2 = sum over i < j of (x_i - x_j)^2 / (n (n - 1)). */
    @Test
    void intervalIsTheNormalOneOfTheProblemsMean() {
        Random random = new Random(11);
        for (int n = 2; n < 40; n++) {
            List<Double> values = new ArrayList<>();
            for (int i = 0; i < n; i++) {
                values.add(random.nextInt(9) / 8.0 * 0.98 + 0.01);
            }
            double pairs = 0;
            for (int i = 0; i < n; i++) {
                for (int j = 0; j < i; j++) {
                    pairs += Math.pow(values.get(i) - values.get(j), 2);
                }
            }
            double half = 1.959964 * Math.sqrt(pairs / n / (n - 1.0) / n);
            double mean = values.stream().mapToDouble(value -> value).average().orElseThrow();
            Estimate estimate = Estimate.ofShares(values);
            assertThat(estimate.mean()).isEqualTo(mean, within(1e-12));
            assertThat(estimate.high()).isEqualTo(Math.min(1, mean + half), within(1e-6));
            assertThat(estimate.low()).isEqualTo(Math.max(0, mean - half), within(1e-6));
            assertThat(Estimate.ofValues(values).low()).isEqualTo(mean - half, within(1e-6));
            assertThat(estimate.problems()).isEqualTo(n);
        }
    }

    /** Wilson's limits are the shares p at which the observed share is 1.96 standard errors of p away. */
    @Test
    void sharesOfZerosAndOnesHaveWilsonsInterval() {
        for (int n = 1; n <= 30; n += 7) {
            for (int right = 0; right <= n; right++) {
                List<Double> values = new ArrayList<>(Collections.nCopies(right, 1.0));
                values.addAll(Collections.nCopies(n - right, 0.0));
                Estimate estimate = Estimate.ofShares(values);
                double share = (double) right / n;
                for (double limit : new double[] {estimate.low(), estimate.high()}) {
                    assertThat(Math.pow(share - limit, 2))
                            .isEqualTo(Math.pow(1.959963984540054, 2) * limit * (1 - limit) / n, within(1e-12));
                }
                assertThat(estimate.low()).isBetween(-1e-12, share);
                assertThat(estimate.high()).isBetween(share, 1 + 1e-12);
            }
        }
    }

    @Test
    void sharesHaveNoIntervalOutsideOfZeroToOne() {
        assertThat(Estimate.ofShares(List.of(0.0, 1.0 / 3)).low()).isZero();
        assertThat(Estimate.ofShares(List.of(1.0, 2.0 / 3)).high()).isEqualTo(1);
        assertThat(Estimate.ofShares(List.of(0.5))).isEqualTo(new Estimate(0.5, 0, 1, 1));
        for (int n = 1; n < 100; n++) {
            assertThat(Estimate.ofShares(Collections.nCopies(n, 0.0)).low()).isNotNegative();
            assertThat(Estimate.ofShares(Collections.nCopies(n, 1.0)).high()).isLessThanOrEqualTo(1);
        }
        // A reward of another range is no share.
        assertThat(Estimate.ofShares(List.of(0.0, 1.0, 5.0)).low()).isNegative();
    }

    @Test
    void saysWhatItCannotKnow() {
        assertThat(Estimate.ofValues(List.of()).mean()).isNaN();
        assertThat(Estimate.ofValues(List.of(0.5)).high()).isInfinite();
        // Differences of 0 and 1 are no shares.
        assertThat(Estimate.ofValues(List.of(0.0, 0.0)).high()).isZero();
    }
}
