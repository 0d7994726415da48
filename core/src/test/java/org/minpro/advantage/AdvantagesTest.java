package org.minpro.advantage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.minpro.config.NamedRecords;
import org.minpro.reward.Score;

class AdvantagesTest {
    private static final Offset<Double> CLOSE = within(1e-15);

    private static List<Score> scores(double... values) {
        return Arrays.stream(values).mapToObj(Score::of).toList();
    }

    @Test
    void everyEstimatorEqualsItsFormula() {
        List<Score> group = scores(1, 0, 0, 2);
        // Mean 3/4; squared deviations sum to 2.75, over n - 1 = 3.
        double std = Math.sqrt(2.75 / 3);
        assertThat(Advantages.of("grpo").of(group).values())
                .containsExactly(
                        new double[] {
                            0.25 / (std + 1e-6), -0.75 / (std + 1e-6), -0.75 / (std + 1e-6), 1.25 / (std + 1e-6)
                        },
                        CLOSE);
        assertThat(Advantages.of("centered").of(group).values())
                .containsExactly(new double[] {0.25, -0.75, -0.75, 1.25}, CLOSE);
        assertThat(Advantages.of("dr-grpo")).isEqualTo(Advantages.of("centered"));
        assertThat(Advantages.of("rloo").of(group).values())
                .containsExactly(new double[] {1 - 2 / 3.0, -1, -1, 2 - 1 / 3.0}, CLOSE);
        assertThat(Advantages.of("maxrl").of(group).values())
                .containsExactly(new double[] {1 / 3.0, -1, -1, 5 / 3.0}, CLOSE);
        assertThat(Advantages.of("maxrl").of(scores(-1, 0)).values()).containsExactly(0, 0);
        assertThat(Advantages.of("pass-at-k").of(group).values())
                .containsExactly(new double[] {0, 0, 0, 1 / (std + 1e-6)}, CLOSE);
        assertThat(Advantages.of("pass-at-k").of(scores(2, 0, 2)).values()).containsExactly(0, 0, 0);
    }

    @Test
    void undecidedScoresLeaveStatisticsAndLoss() {
        List<Score> group = Stream.of(
                        Score.of(1), Score.undecided("no answer found"), Score.of(0), Score.undecided("timeout"))
                .toList();
        for (NamedRecords.Entry<Advantage> entry : Advantages.entries()) {
            GroupAdvantages advantages = Advantages.of(entry.name()).of(group);
            double[] expected = Advantages.of(entry.name()).of(scores(1, 0)).values();
            assertThat(advantages.values()).containsExactly(expected[0], 0, expected[1], 0);
            assertThat(advantages.counted()).containsExactly(true, false, true, false);
            assertThat(advantages.zeroVariance()).isFalse();
        }
    }

    @Test
    void equalRewardsGiveExactlyZeroAndAreMarked() {
        for (NamedRecords.Entry<Advantage> entry : Advantages.entries()) {
            // The mean of three times 0.1 is not 0.1 in floating point.
            GroupAdvantages advantages = Advantages.of(entry.name()).of(scores(0.1, 0.1, 0.1));
            assertThat(advantages.values()).containsExactly(0, 0, 0);
            assertThat(advantages.zeroVariance()).isTrue();
            // Zeros of either sign are the same reward.
            assertThat(Advantages.of(entry.name()).of(scores(0.0, -0.0)).zeroVariance())
                    .isTrue();
        }
    }

    @Test
    void aGroupOfOneTellsNothing() {
        for (NamedRecords.Entry<Advantage> entry : Advantages.entries()) {
            Advantage advantage = Advantages.of(entry.name());
            assertThat(advantage.of(scores(1)).values()).containsExactly(0);
            assertThat(advantage.of(scores(1)).zeroVariance()).isTrue();
            assertThat(advantage.of(List.of()).values()).isEmpty();
            GroupAdvantages left = advantage.of(List.of(Score.of(1), Score.undecided("timeout")));
            assertThat(left.values()).containsExactly(0, 0);
            assertThat(left.counted()).containsExactly(true, false);
            assertThat(left.zeroVariance()).isTrue();
        }
    }

    @Test
    void advantagesWithTheMeanAsBaselineSumToZero() {
        for (NamedRecords.Entry<Advantage> entry : Advantages.entries()) {
            if (entry.type() == PassAtK.class) {
                continue;
            }
            double[] values =
                    Advantages.of(entry.name()).of(scores(0.3, -2, 17, 1e6, 4)).values();
            assertThat(Arrays.stream(values).sum()).isCloseTo(0, within(1e-6));
            assertThat(values).isNotEqualTo(new double[5]);
        }
    }

    @Test
    void namesAndParametersAreChecked() {
        ClassLoader loader = AdvantagesTest.class.getClassLoader();
        assertThat(Advantages.of("grpo", Map.of("epsilon", 1e-4), loader)).isEqualTo(new GroupRelative(1e-4));
        assertThat(Advantages.defaults("grpo")).isEqualTo(Map.of("epsilon", 1e-6));
        assertThat(Advantages.entries().stream().map(NamedRecords.Entry::name)).isSorted();
        assertThatThrownBy(() -> Advantages.of("rlo")).hasMessageContaining("Did you mean 'rloo'?");
        assertThatThrownBy(() -> Advantages.of("grpo", Map.of("epsilon", -1), loader))
                .hasMessage("epsilon must be >= 0 and finite, got: -1.0");
    }
}
