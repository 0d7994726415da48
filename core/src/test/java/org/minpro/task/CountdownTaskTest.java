package org.minpro.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.minpro.data.Problem;

/** The second built-in task: every problem can be solved, and only a right last attempt is paid for. */
final class CountdownTaskTest {
    private static double value(String response) {
        return CountdownReward.score("3,7,8>29=", response, true).value();
    }

    @Test
    void everyProblemIsMadeByTheAttemptItWasMadeOf() {
        for (int numbers = 2; numbers <= 6; numbers++) {
            CountdownTask task = CountdownTask.training(5, numbers);
            for (int draw = 0; draw < 300; draw++) {
                CountdownTask.Solved solved = task.solved(draw);
                assertThat(solved.problem().isMadeBy(solved.attempt()))
                        .as(solved.toString())
                        .isTrue();
                assertThat(solved.problem().numbers()).hasSize(numbers);
                assertThat(Countdown.parse(solved.problem().prompt())).isEqualTo(solved.problem());
            }
        }
    }

    @Test
    void aProblemIsAFunctionOfSeedAndDraw() {
        assertThat(CountdownTask.training(3, 3).problem(17))
                .isEqualTo(CountdownTask.training(3, 3).problem(17))
                .isNotEqualTo(CountdownTask.training(4, 3).problem(17));
    }

    @Test
    void heldOutProblemsAreNeverTrainedOn() {
        Set<String> held = new HashSet<>();
        Set<String> trained = new HashSet<>();
        for (int draw = 0; draw < 500; draw++) {
            held.add(CountdownTask.heldOut(0, 3).problem(draw).id());
            trained.add(CountdownTask.training(1, 3).problem(draw).id());
        }
        assertThat(held).hasSizeGreaterThan(400).doesNotContainAnyElementsOf(trained);
    }

    @Test
    void onlyARightLastAttemptThatUsesEveryNumberOnceIsPaidFor() {
        assertThat(value("7*3=21,21+8=29#29")).isEqualTo(1);
        assertThat(value("3+7=10,10*8=80;8+21=29#29")).isZero();
        assertThat(value("3+7=10,10*8=80;7*3=21,8+21=29#29")).isEqualTo(1);
        assertThat(value("7*3=21,21+8=29")).isZero();
        assertThat(value("7*3=22,22+7=29#29")).isZero();
        assertThat(value("7*3=21#29")).isZero();
        assertThat(value("7*3=21,21+8=29,29+8=37#29")).isZero();
        assertThat(value("29#29")).isZero();
        assertThat(value("#29")).isZero();
        assertThat(value("7*3=21,21+8=29;#29")).isZero();
        assertThat(CountdownReward.score("3,7,8>29=", "7*3=21,21+8=29#29", false)
                        .value())
                .isZero();
        assertThat(CountdownReward.score("2+2=", "", true).decided()).isFalse();
    }

    @Test
    void resultsStayWithinTwoDigitsAndPositive() {
        Countdown problem = new Countdown(List.of(12, 12, 2), 22);
        assertThat(problem.isMadeBy("12*12=144,144-2=142")).isFalse();
        assertThat(new Countdown(List.of(5, 5, 10), 10).isMadeBy("5-5=0,10+0=10"))
                .isFalse();
        assertThat(problem.isMadeBy("12+12=24,24-2=22")).isTrue();
    }

    @Test
    void demonstrationsEndWithARightAttemptAndSomeFailBefore() {
        CountdownDemonstrations demonstrations = new CountdownDemonstrations(CountdownTask.training(11, 3), 11);
        int failures = 0;
        for (int index = 0; index < 500; index++) {
            Demonstration demonstration = demonstrations.demonstration(index);
            Problem problem = demonstration.problem();
            var score = CountdownReward.score(problem.identity(), demonstration.response(), true);
            assertThat(score.value()).as(demonstration.toString()).isEqualTo(1);
            assertThat(score.parts().get("right-steps")).isEqualTo(1);
            assertThat(Countdown.parse(problem.identity()).heldOut()).isFalse();
            assertThat(demonstration.response().length()).isLessThan(200);
            failures += score.parts().get("attempts").intValue() - 1;
        }
        assertThat(failures / 500.0).isBetween(2.0, 3.2);
    }

    @Test
    void numbersOutOfRangeAreRefused() {
        assertThatThrownBy(() -> CountdownTask.training(1, 7)).hasMessage("numbers must be in [2, 6], got: 7");
    }
}
