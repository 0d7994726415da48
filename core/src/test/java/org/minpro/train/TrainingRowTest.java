package org.minpro.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.minpro.objective.LogProbStream;
import org.minpro.rollout.Rollout;

class TrainingRowTest {
    private static final Rollout ROLLOUT = new Rollout(
            5,
            1,
            new int[] {7, 8},
            new int[] {4, 9, 1},
            new boolean[] {true, false, true},
            new float[] {-1, 0, -3},
            new float[3],
            new long[] {2, 2, 3},
            Rollout.Finish.STOP,
            "");

    @Test
    void aRowKeepsWhatTheRolloutKnows() {
        TrainingRow row = TrainingRow.of(ROLLOUT, -0.5);
        assertThat(row.group()).isEqualTo(5);
        assertThat(row.mask()).containsExactly(true, false, true);
        assertThat(row.logProbs(LogProbStream.BEHAVIOR)).containsExactly(-1, 0, -3);
        assertThat(row.versions()).containsExactly(2, 2, 3);
        assertThat(row.advantages()).containsExactly(-0.5, -0.5, -0.5);
        assertThat(TrainingRow.of(ROLLOUT, new double[] {1, 2, 3}).advantages()).containsExactly(1, 2, 3);
    }

    @Test
    void noTokenOfAnUndecidedRolloutCounts() {
        TrainingRow row = TrainingRow.leftOut(ROLLOUT);
        assertThat(row.mask()).containsOnly(false);
        assertThat(row.advantages()).containsOnly(0);
        assertThat(row.responseIds()).isEqualTo(ROLLOUT.responseIds());
    }

    @Test
    void aRowIsGivenTheLogProbsOfAnotherPolicyByName() {
        TrainingRow row = TrainingRow.of(ROLLOUT, 1);
        TrainingRow scored = row.with(LogProbStream.PROXIMAL, new float[] {-2, -2, -2});
        assertThat(scored.logProbs(LogProbStream.PROXIMAL)).containsOnly(-2);
        assertThat(scored.logProbs(LogProbStream.BEHAVIOR)).isEqualTo(ROLLOUT.behaviorLogProbs());
        assertThatThrownBy(() -> row.logProbs(LogProbStream.PROXIMAL))
                .hasMessage("the row must have log-probabilities of proximal, got: those of [behavior]");
        assertThatThrownBy(() -> row.with(LogProbStream.PROXIMAL, new float[2]))
                .hasMessage("logProbs of proximal must have one entry per response token, 3, got: 2");
    }

    @Test
    void arraysOfAnotherLengthAreRefused() {
        assertThatThrownBy(() -> TrainingRow.of(ROLLOUT, new double[2]))
                .hasMessageStartingWith("a row's arrays must have one entry per response token, got: 3 ids");
        assertThatThrownBy(() -> new TrainingRow(
                        0, new int[1], new int[1], new boolean[1], Map.of(), new long[1], new double[1]))
                .hasMessage("logProbs must have those of behavior, got: []");
    }
}
