package org.minpro.task;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.minpro.data.Problem;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;

class ArithmeticRewardTest {

    private final Problem problem = new Sum(List.of(27, 85, 46)).problem();

    @Test
    void paysForTheFinalAnswerOnly() {
        assertThat(score("27+85=112;112+46=158;#158", Rollout.Finish.STOP).value())
                .isEqualTo(1);
        assertThat(score("27+85=111;111+46=157;#158", Rollout.Finish.STOP).value())
                .isEqualTo(1);
        assertThat(score("27+85=112;112+46=158;#157", Rollout.Finish.STOP).value())
                .isZero();
        assertThat(score("27+85=112;112+46=158;", Rollout.Finish.STOP).value()).isZero();
    }

    @Test
    void paysNothingForAResponseCutByTheLimit() {
        Score score = score("27+85=112;112+46=158;#158", Rollout.Finish.LENGTH);
        assertThat(score.value()).isZero();
        assertThat(score.parts()).containsEntry("well-formed", 0.0);
        assertThat(score.reason()).contains("no end");
    }

    @Test
    void reportsFormAndStyleBesideTheValue() {
        assertThat(score("27+85=112;112+46>152>158;#158", Rollout.Finish.STOP).parts())
                .containsEntry("well-formed", 1.0)
                .containsEntry("steps", 2.0)
                .containsEntry("worked-steps", 0.5);
        assertThat(score("27+85=112;#112", Rollout.Finish.STOP).parts())
                .containsEntry("well-formed", 1.0)
                .containsEntry("worked-steps", 0.0);
        assertThat(score("+;158#158", Rollout.Finish.STOP).parts()).containsEntry("well-formed", 0.0);
    }

    @Test
    void isUndecidedWhereTheReferenceIsNoNumber() {
        assertThat(ArithmeticReward.score("many", "#158", true).decided()).isFalse();
    }

    private Score score(String text, Rollout.Finish finish) {
        int length = text.length();
        return new ArithmeticReward()
                .score(
                        problem,
                        new Rollout(
                                0,
                                0,
                                new int[] {1},
                                new int[length],
                                new boolean[length],
                                new float[length],
                                new float[length],
                                new long[length],
                                finish,
                                text));
    }
}
