package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;

final class RunChecksTest {
    /** Numbers of a run in which nothing is wrong. */
    private static Map<String, Double> healthy(int iteration) {
        Map<String, Double> numbers = new LinkedHashMap<>();
        numbers.put("accuracy", 0.3 + iteration / 200.0);
        numbers.put("frac_reward_zero_std", 0.3);
        numbers.put("entropy", 0.5 - iteration / 400.0);
        numbers.put("completions/mean_length", 80.0 - iteration / 4.0);
        numbers.put("completions/clipped_ratio", 0.05);
        numbers.put("undecided", 0.01);
        numbers.put("mismatch/mean", 1e-7);
        numbers.put("mismatch/max", 1e-5);
        numbers.put("rollout_corr/rollout_is_eff_sample_size", 0.9);
        numbers.put("rollout_corr/rollout_is_max", 30.0);
        numbers.put("ratio/p99", 1.3);
        numbers.put("loss", -0.01);
        return numbers;
    }

    private static List<RunChecks.Finding> found(int iterations, IntFunction<Map<String, Double>> numbers) {
        RunChecks checks = new RunChecks();
        List<RunChecks.Finding> findings = new ArrayList<>();
        for (int i = 0; i < iterations; i++) {
            findings.addAll(checks.next(i, numbers.apply(i)));
        }
        return findings;
    }

    private static RunChecks.Finding only(String name, IntFunction<Double> value) {
        List<RunChecks.Finding> findings = found(80, i -> {
            Map<String, Double> numbers = healthy(i);
            numbers.put(name, value.apply(i));
            return numbers;
        });
        assertThat(findings).as(name).hasSize(1);
        return findings.getFirst();
    }

    @Test
    void nothingIsFoundInAHealthyRun() {
        assertThat(found(80, RunChecksTest::healthy)).isEmpty();
    }

    @Test
    void eachKindIsFoundOnceWhenItFirstHolds() {
        RunChecks.Finding dull = only("frac_reward_zero_std", i -> i < 20 ? 0.3 : 1.0);
        assertThat(dull.kind()).isEqualTo(RunChecks.Kind.ZERO_SIGNAL);
        // Five in a row of 1 are needed: 0.3 and four of 1 have the mean 0.86.
        assertThat(dull.iteration()).isEqualTo(24);
        assertThat(only("accuracy", i -> 0.97).kind()).isEqualTo(RunChecks.Kind.TOO_EASY);
        assertThat(only("accuracy", i -> 0.0).iteration()).isEqualTo(4);
        assertThat(only("entropy", i -> i < 40 ? 0.5 : 0.01).kind()).isEqualTo(RunChecks.Kind.ENTROPY_COLLAPSE);
        assertThat(only("completions/mean_length", i -> i < 40 ? 80.0 : 10.0).kind())
                .isEqualTo(RunChecks.Kind.LENGTH_COLLAPSE);
        assertThat(only("ratio/p99", i -> i == 30 ? 11.0 : 1.3).iteration()).isEqualTo(30);
        assertThat(only("rollout_corr/rollout_is_eff_sample_size", i -> i < 50 ? 0.9 : 0.05)
                        .kind())
                .isEqualTo(RunChecks.Kind.RATIO_EXPLOSION);
        assertThat(only("completions/clipped_ratio", i -> 0.4).example()).isEqualTo(RunChecks.Example.CUT_OFF);
        assertThat(only("undecided", i -> 0.25).example()).isEqualTo(RunChecks.Example.UNDECIDED);
        assertThat(only("mismatch/mean", i -> 0.05).kind()).isEqualTo(RunChecks.Kind.MISMATCH);
        assertThat(only("loss", i -> i == 7 ? Double.NaN : 0.1).line(null))
                .startsWith("not finite in iteration 7: loss is not finite; try a lower optimizer.learning-rate");
    }

    @Test
    void oneBadIterationIsNoTrend() {
        assertThat(found(80, i -> {
                    Map<String, Double> numbers = healthy(i);
                    if (i == 30) {
                        numbers.put("completions/clipped_ratio", 0.9);
                        numbers.put("accuracy", 1.0);
                        numbers.put("entropy", 0.001);
                        numbers.put("undecided", 0.5);
                    }
                    return numbers;
                }))
                .isEmpty();
    }

    @Test
    void aLineNamesTheRolloutThatShowsIt() {
        assertThat(only("completions/clipped_ratio", i -> 0.4).line("128.3"))
                .isEqualTo("cut off in iteration 4: 40.0 % of the responses of the last 5 iterations reach"
                        + " sampling.max-new-tokens (such as rollout 128.3); try a larger sampling.max-new-tokens, or the"
                        + " reward overlong");
    }
}
