package org.minpro.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class BenchmarkResultTest {
    private static ProblemOutcome outcome(
            String problem, int samples, int decided, int right, @Nullable Boolean majority) {
        return new ProblemOutcome(problem, samples, decided, right, majority, 1, 10);
    }

    private static Estimate estimate(Map<String, Estimate> estimates, String name) {
        return Objects.requireNonNull(estimates.get(name), name);
    }

    private final BenchmarkResult result = new BenchmarkResult(
            "aime24",
            4,
            List.of(
                    outcome("a", 4, 4, 2, true),
                    outcome("b", 4, 3, 3, true),
                    outcome("c", 4, 1, 0, null),
                    outcome("d", 4, 0, 0, null)));

    @Test
    void metricsAreMeansOverTheProblemsThatHaveThem() {
        assertThat(result.metrics()).containsOnlyKeys("avg@4", "pass@1", "pass@2", "pass@4", "maj@4");
        assertThat(estimate(result.metrics(), "avg@4").mean()).isEqualTo((0.5 + 1 + 0) / 3, within(1e-12));
        assertThat(estimate(result.metrics(), "avg@4").problems()).isEqualTo(3);
        // pass@2 of a: 1 - 1/6.
        assertThat(estimate(result.metrics(), "pass@2").mean()).isEqualTo((5.0 / 6 + 1) / 2, within(1e-12));
        assertThat(estimate(result.metrics(), "pass@4").problems()).isEqualTo(1);
        assertThat(estimate(result.metrics(), "maj@4").mean()).isEqualTo(1);
        assertThat(result.undecided()).isEqualTo(8.0 / 16);
        assertThat(result.truncated()).isEqualTo(4.0 / 16);
        assertThat(result.tokens()).isEqualTo(40);
    }

    @Test
    void differencesArePairedByProblem() {
        BenchmarkResult other = new BenchmarkResult(
                "aime24",
                4,
                List.of(
                        outcome("b", 4, 4, 1, false),
                        outcome("a", 4, 4, 1, true),
                        outcome("c", 4, 4, 4, true),
                        outcome("z", 4, 4, 4, true)));
        BenchmarkResult.Comparison comparison = result.minus(other);
        assertThat(comparison.problems()).isEqualTo(3);
        // a: 0.25, b: 0.75, c: -1; d and z have no partner.
        Estimate difference = estimate(comparison.differences(), "avg@4");
        assertThat(difference.mean()).isEqualTo(0.0, within(1e-12));
        double deviation = Math.sqrt((0.0625 + 0.5625 + 1) / 2);
        assertThat(difference.high()).isEqualTo(1.959963984540054 * deviation / Math.sqrt(3), within(1e-12));
        assertThat(difference.problems()).isEqualTo(3);
        // The majority of c is undecided on one side.
        assertThat(estimate(comparison.differences(), "maj@4").problems()).isEqualTo(2);
        assertThat(estimate(comparison.differences(), "maj@4").mean()).isEqualTo(0.5);
    }

    @Test
    void aPairedIntervalIsNarrowerThanTwoSeparateOnes() {
        BenchmarkResult a = new BenchmarkResult(
                "aime24",
                4,
                List.of(outcome("a", 4, 4, 4, true), outcome("b", 4, 4, 1, true), outcome("c", 4, 4, 2, true)));
        BenchmarkResult b = new BenchmarkResult(
                "aime24",
                4,
                List.of(outcome("a", 4, 4, 3, true), outcome("b", 4, 4, 0, true), outcome("c", 4, 4, 1, true)));
        Estimate difference = estimate(a.minus(b).differences(), "avg@4");
        assertThat(difference.mean()).isEqualTo(0.25);
        assertThat(difference.high() - difference.low()).isZero();
    }

    @Test
    void averagesOfOtherNumbersOfSamplesCompareAndMajoritiesDoNot() {
        BenchmarkResult single = new BenchmarkResult("aime24", 1, List.of(outcome("a", 1, 1, 1, true)));
        assertThat(result.minus(single).differences()).containsOnlyKeys("avg@4 - avg@1", "pass@1");
    }
}
