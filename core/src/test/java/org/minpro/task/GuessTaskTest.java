package org.minpro.task;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.minpro.data.Problem;
import org.minpro.environment.Answer;
import org.minpro.environment.Episode;
import org.minpro.environment.GuessTheNumber;
import org.minpro.environment.Turn;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;

class GuessTaskTest {
    private static final Rollout WHOLE = new Rollout(
            0,
            0,
            new int[] {1},
            new int[0],
            new boolean[0],
            new float[0],
            new float[0],
            new long[0],
            Rollout.Finish.STOP,
            "");

    @Test
    void theHeldOutPartHasRangesOfItsOwn() {
        Set<String> training = new HashSet<>();
        LongStream.range(0, 3000)
                .forEach(draw -> training.add(prompt(GuessTask.training(1).problem(draw))));
        LongStream.range(0, 300)
                .forEach(draw -> assertThat(training)
                        .doesNotContain(prompt(GuessTask.heldOut(2).problem(draw))));
        assertThat(training).hasSizeGreaterThan(1000).allMatch(prompt -> prompt.matches("\\d{1,2}-\\d{1,2}\\?"));
    }

    private static Score scored(Episode episode) {
        return Objects.requireNonNull(episode.score(WHOLE));
    }

    private static String prompt(Problem problem) {
        return String.valueOf(problem.prompt());
    }

    @Test
    void halvingFindsEveryNumber() {
        for (long draw = 0; draw < 500; draw++) {
            GuessTask.Game game = GuessTask.training(3).game(draw);
            Episode episode = new GuessTheNumber().begin(GuessTask.training(3).problem(draw), draw, 0);
            int low = game.low();
            int high = game.high();
            Answer answer;
            int turn = 0;
            do {
                int guess = (low + high) / 2;
                answer = episode.answer(new Turn(turn++, new int[0], "I say " + guess + "."));
                if (!answer.messages().isEmpty()) {
                    boolean higher = answer.messages().getFirst().content().equals(GuessTask.HIGHER);
                    low = higher ? guess + 1 : low;
                    high = higher ? high : guess - 1;
                }
            } while (!answer.messages().isEmpty());
            Score score = scored(episode);
            assertThat(score.value()).as(game.toString()).isEqualTo(1);
            assertThat(score.parts()).containsEntry("guesses", (double) turn);
        }
    }

    @Test
    void aWrongGuessCostsItsTurnAndATurnWithoutANumberLoses() {
        Problem problem = Problem.of("p", "1-9?", "4");
        Episode episode = new GuessTheNumber(2, 0.25).begin(problem, 0, 0);
        assertThat(episode.answer(new Turn(0, new int[0], "7")))
                .isEqualTo(Answer.says(GuessTask.LOWER).withReward(-0.25));
        assertThat(episode.answer(new Turn(1, new int[0], "4"))).isEqualTo(Answer.end());
        Episode silent = new GuessTheNumber().begin(problem, 0, 1);
        assertThat(silent.answer(new Turn(0, new int[0], "4.5 or so"))).isEqualTo(Answer.end());
        assertThat(scored(silent).value()).isZero();
        assertThat(scored(silent).reason()).isEqualTo("not found with 0 guesses");
        Episode spent = new GuessTheNumber(1, 0).begin(problem, 0, 2);
        assertThat(spent.answer(new Turn(0, new int[0], "5"))).isEqualTo(Answer.end());
        assertThat(scored(spent).value()).isZero();
    }

    @Test
    void demonstrationsFollowTheHintsAndEndWithTheNumberMostly() {
        // Random guesses that follow every hint; halving would find all.
        assertThat(found(0)).isBetween(120, 180);
    }

    @Test
    void demonstrationsHalveAsOftenAsAsked() {
        assertThat(found(1)).isEqualTo(200);
        GuessDemonstrations some = demonstrations(0.3);
        long halving = LongStream.range(0, 1000)
                .filter(index ->
                        some.demonstration(index).equals(demonstrations(1).demonstration(index)))
                .count();
        assertThat(halving).isBetween(250L, 350L);
    }

    private static GuessDemonstrations demonstrations(double halvingShare) {
        return new GuessDemonstrations(GuessTask.training(1), 1, 6, halvingShare);
    }

    /** Of 200 games those that end with the number. */
    private static int found(double halvingShare) {
        int found = 0;
        for (long index = 0; index < 200; index++) {
            Demonstration demonstration = demonstrations(halvingShare).demonstration(index);
            assertThat(demonstration.turns()).hasSizeBetween(1, 11);
            found += demonstration.response().equals(demonstration.problem().answer()) ? 1 : 0;
        }
        return found;
    }
}
