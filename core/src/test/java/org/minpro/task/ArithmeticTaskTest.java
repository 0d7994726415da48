package org.minpro.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ArithmeticTaskTest {

    @Test
    void aDrawGivesTheSameProblemWhateverWasAskedBefore() {
        ArithmeticTask task = ArithmeticTask.training(3, 10);
        Sum later = task.sum(1_000);
        assertThat(task.sum(7)).isEqualTo(ArithmeticTask.training(3, 10).sum(7));
        assertThat(task.sum(1_000)).isEqualTo(later);
        assertThat(task.sum(7)).isNotEqualTo(task.sum(8));
        assertThat(task.sum(7)).isNotEqualTo(ArithmeticTask.training(4, 10).sum(7));
    }

    @Test
    void trainingAndHeldOutProblemsNeverMeetEvenWhereTheSpaceIsSmall() {
        Set<Sum> training = new HashSet<>();
        Set<Sum> heldOut = new HashSet<>();
        for (int draw = 0; draw < 20_000; draw++) {
            training.add(ArithmeticTask.training(draw % 5, 2).sum(draw));
            heldOut.add(ArithmeticTask.heldOut(draw % 7, 2).sum(draw));
        }
        // 8,100 problems exist; nearly all are met, and those of one part are never in the other.
        assertThat(training).hasSizeGreaterThan(6_500).doesNotContainAnyElementsOf(heldOut);
        assertThat(training.size() + heldOut.size()).isBetween(7_000, 8_100);
    }

    @Test
    void oneProblemInSixteenIsHeldOut() {
        int held = 0;
        for (int first = 10; first < 100; first++) {
            for (int second = 10; second < 100; second++) {
                if (new Sum(List.of(first, second)).heldOut()) {
                    held++;
                }
            }
        }
        assertThat(held).isBetween(8100 / 16 - 70, 8100 / 16 + 70);
    }

    @Test
    void aThousandHeldOutProblemsAreDistinct() {
        Set<Sum> problems = new HashSet<>();
        for (int draw = 0; draw < 1_000; draw++) {
            problems.add(ArithmeticTask.heldOut(0, ArithmeticTask.DEFAULT_TERMS).sum(draw));
        }
        assertThat(problems).hasSize(1_000);
    }

    @Test
    void termsCoverTheirRangeEvenly() {
        int[] counts = new int[100];
        ArithmeticTask task = ArithmeticTask.training(1, 10);
        for (int draw = 0; draw < 9_000; draw++) {
            task.sum(draw).terms().forEach(term -> counts[term]++);
        }
        double chiSquared = 0;
        for (int term = 10; term < 100; term++) {
            chiSquared += (counts[term] - 1000.0) * (counts[term] - 1000.0) / 1000.0;
        }
        // 89 degrees of freedom: mean 89, standard deviation 13.3.
        assertThat(chiSquared).isBetween(40.0, 150.0);
    }

    @Test
    void aPromptReadsBackAsItsProblem() {
        Sum sum = ArithmeticTask.heldOut(5, 12).sum(31);
        assertThat(Sum.parse(sum.prompt())).isEqualTo(sum);
        assertThat(new Sum(List.of(27, 85, 46)).prompt()).isEqualTo("27+85+46=");
        assertThat(new Sum(List.of(27, 85, 46)).total()).isEqualTo(158);
        assertThatThrownBy(() -> Sum.parse("27+5="))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("27+5=");
    }

    @Test
    void demonstrationsAreOfBothStylesAndOfUsefulLengthAndNeverOfHeldOutProblems() {
        Demonstrations demonstrations =
                new Demonstrations(ArithmeticTask.training(11, ArithmeticTask.DEFAULT_TERMS), 11, 0.6, 0.6);
        int worked = 0;
        int steps = 0;
        for (int index = 0; index < 2_000; index++) {
            Demonstration demonstration = demonstrations.demonstration(index);
            Solution solution = Solution.parse(demonstration.response());
            assertThat(solution.wellFormed()).isTrue();
            assertThat(sum(demonstration).heldOut()).isFalse();
            assertThat(demonstration.response().length() + 1).isBetween(60, 200);
            worked += solution.workedSteps();
            steps += solution.steps();
        }
        assertThat(steps).isEqualTo(2_000 * (ArithmeticTask.DEFAULT_TERMS - 1));
        assertThat((double) worked / steps).isBetween(0.38, 0.42);
    }

    @Test
    void onlyHastyStepsSlipAndOnlyByAForgottenCarry() {
        Demonstrations demonstrations = new Demonstrations(ArithmeticTask.training(12, 7), 12, 0.5, 0.6);
        int carries = 0;
        int slips = 0;
        for (int index = 0; index < 1_000; index++) {
            String response = demonstrations.demonstration(index).response();
            for (String step : response.substring(0, response.indexOf('#')).split("[;,]")) {
                String[] numbers = step.split("[+>=]");
                int total = Integer.parseInt(numbers[0]);
                int term = Integer.parseInt(numbers[1]);
                int result = Integer.parseInt(numbers[numbers.length - 1]);
                boolean carry = total % 10 + term % 10 > 9;
                if (step.contains(">")) {
                    assertThat(result).isEqualTo(total + term);
                    assertThat(Integer.parseInt(numbers[2])).isIn(total + term % 10, total + term / 10 * 10);
                } else if (carry) {
                    carries++;
                    assertThat(result).isIn(total + term, total + term - 10);
                    slips += result == total + term ? 0 : 1;
                } else {
                    assertThat(result).isEqualTo(total + term);
                }
            }
        }
        assertThat((double) slips / carries).isBetween(0.55, 0.65);
    }

    @Test
    void demonstrationsWithoutSlipsAreRight() {
        Demonstrations demonstrations = new Demonstrations(ArithmeticTask.training(13, 7), 13, 1, 0);
        for (int index = 0; index < 200; index++) {
            Demonstration demonstration = demonstrations.demonstration(index);
            assertThat(Solution.parse(demonstration.response()).answer())
                    .hasValue(sum(demonstration).total());
        }
    }

    @Test
    void aSolutionIsReadWhateverTheTextSays() {
        assertThat(Solution.parse("27+85=112,112+46>152>158;#158"))
                .isEqualTo(new Solution(true, 2, 1, OptionalInt.of(158)));
        assertThat(Solution.parse("27+85=112;112+46=158;#").wellFormed()).isFalse();
        assertThat(Solution.parse("27+85=112;112+46>152=158;#158").wellFormed()).isFalse();
        assertThat(Solution.parse("27+85=112;#112;").answer()).isEmpty();
        assertThat(Solution.parse("#1#2").answer()).hasValue(2);
        assertThat(Solution.parse("#12345678901234567890").answer()).isEmpty();
        assertThat(Solution.parse("").wellFormed()).isFalse();
    }

    private static Sum sum(Demonstration demonstration) {
        return Sum.parse(demonstration.problem().identity());
    }
}
