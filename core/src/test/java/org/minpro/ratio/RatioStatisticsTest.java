package org.minpro.ratio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class RatioStatisticsTest {
    private static final Offset<Double> CLOSE = within(1e-6);

    private static float[] logs(double... numbers) {
        float[] logs = new float[numbers.length];
        for (int i = 0; i < logs.length; i++) {
            logs[i] = (float) Math.log(numbers[i]);
        }
        return logs;
    }

    private static boolean[] all(int length) {
        boolean[] mask = new boolean[length];
        Arrays.fill(mask, true);
        return mask;
    }

    private static RatioStatistics of(double[][] ratios) {
        float[][] logProbs =
                Arrays.stream(ratios).map(RatioStatisticsTest::logs).toArray(float[][]::new);
        float[][] behavior =
                Arrays.stream(ratios).map(row -> new float[row.length]).toArray(float[][]::new);
        boolean[][] mask = Arrays.stream(ratios).map(row -> all(row.length)).toArray(boolean[][]::new);
        return RatioStatistics.of(logProbs, behavior, mask);
    }

    @Test
    void equalsTheCatalogueOnItsResponse() {
        RatioStatistics statistics = of(new double[][] {{1.10, 0.85, 1.25, 0.50, 2.00}});
        assertThat(statistics.k1()).isCloseTo(-0.031187, CLOSE);
        assertThat(statistics.k2()).isCloseTo(0.104620, CLOSE);
        assertThat(statistics.k3()).isCloseTo(0.108813, CLOSE);
        assertThat(statistics.metrics())
                .hasEntrySatisfying(
                        "ratio/log_abs_mean",
                        mean -> assertThat(mean)
                                .isCloseTo(
                                        (Math.log(1.1) + Math.log(1.25) + Math.log(2) - Math.log(0.85) - Math.log(0.5))
                                                / 5,
                                        CLOSE));
        assertThat(statistics.chi2Token()).isCloseTo(0.549, CLOSE);
        assertThat(statistics.ess() * 5).isCloseTo(4.194964, CLOSE);
        assertThat(statistics.mean()).isCloseTo(1.14, CLOSE);
        assertThat(statistics.min()).isCloseTo(0.5, CLOSE);
        assertThat(statistics.max()).isCloseTo(2, CLOSE);
        assertThat(statistics.quantiles()[3]).isCloseTo(1.10, CLOSE);
        assertThat(statistics.quantiles()[2]).isCloseTo(0.85, CLOSE);
        assertThat(statistics.prefixMinimum()).isCloseTo((1 + 1.1 + 0.85 + 0.85 + 0.5) / 5, CLOSE);
        assertThat(statistics.chi2Sequence()).isCloseTo(1.16875 * 1.16875 - 1, CLOSE);
        assertThat(statistics.absoluteLogProductMax()).isCloseTo(Math.log(1.16875), CLOSE);
        assertThat(statistics.surrogateGapMax()).isCloseTo(Math.log(0.584375 / 0.425), CLOSE);
    }

    @Test
    void tenthsFollowThePositionAmongTheValidTokens() {
        double[] row = new double[20];
        Arrays.fill(row, 1);
        row[17] = 0.5;
        RatioStatistics statistics = of(new double[][] {row, {0.8, 1}});
        // The last tenth holds tokens 18 and 19 of the first row and the last of the second.
        assertThat(statistics.prefixMinimumByTenth()[9]).isCloseTo((0.5 + 0.5 + 0.8) / 3, CLOSE);
        assertThat(statistics.prefixMinimumAtEnd()).isEqualTo(statistics.prefixMinimumByTenth()[9]);
        assertThat(statistics.prefixMinimumByTenth()[8]).isCloseTo(1, CLOSE);
        assertThat(statistics.metrics()).containsKeys("prefix/minimum_mean_tenth_10", "rollout_corr/chi2_token");
        // Two tokens reach two tenths only.
        assertThat(of(new double[][] {{0.8, 1}}).metrics())
                .containsKeys("prefix/minimum_mean_tenth_05", "prefix/minimum_mean_tenth_10")
                .doesNotContainKey("prefix/minimum_mean_tenth_01")
                .doesNotContainValue(Double.NaN);
    }

    @Test
    void maskedTokensAndEmptyRowsCountForNothing() {
        RatioStatistics plain = of(new double[][] {{1.2, 0.7}});
        RatioStatistics masked = RatioStatistics.of(
                new float[][] {{}, {logs(1.2)[0], Float.NaN, logs(0.7)[0]}},
                new float[][] {{}, {0, 0, 0}},
                new boolean[][] {{}, {true, false, true}});
        assertThat(masked.metrics()).isEqualTo(plain.metrics());
        assertThat(masked.tokens()).isEqualTo(2);
    }

    @Test
    void anEmptyUpdateHasNoMetrics() {
        RatioStatistics statistics = RatioStatistics.of(new float[][] {{}}, new float[][] {{}}, new boolean[][] {{}});
        assertThat(statistics.metrics()).isEmpty();
        assertThat(statistics.prefixMinimumAtEnd()).isEqualTo(1);
    }

    @Test
    void onPolicyNothingDeviates() {
        RatioStatistics statistics = of(new double[][] {{1, 1, 1}, {1}});
        assertThat(statistics.ess()).isEqualTo(1);
        assertThat(statistics.sequenceEss()).isEqualTo(1);
        assertThat(statistics.chi2Token()).isZero();
        assertThat(statistics.k1()).isZero();
        assertThat(statistics.k3()).isZero();
        assertThat(statistics.surrogateGapMax()).isZero();
    }

    @Test
    void extremeRatiosStayFinite() {
        RatioStatistics statistics = of(new double[][] {{1e-9, 1e9, 1e-9, 1e9, 1e9}, {1e-9, 1e-9}});
        assertThat(statistics.metrics().values()).allMatch(Double::isFinite);
        assertThat(statistics.ess()).isBetween(0.0, 1.0);
    }
}
