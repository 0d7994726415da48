package org.minpro.environment;

import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.data.Problem;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;
import org.minpro.task.GuessTask;

/**
 * A game: the policy guesses a whole number, the problem's answer, and is told {@code higher} or {@code lower} until it has
 * found it. A turn's guess is the last whole number in it; a turn without one loses.
 *
 * <p>The outcome is 1 where the number was found, else 0. Each wrong guess costs its turn something, if asked.
 *
 * @param guesses that the policy has
 * @param cost of a wrong guess
 */
public record GuessTheNumber(
        @Doc("Guesses that the policy has, >= 1.") int guesses,

        @Doc("What each wrong guess costs, >= 0: a reward of its turn, which the advantages grpo-process and"
                + " turn-relative credit to it.")
        double cost)
        implements Environment {
    private static final Pattern NUMBER = Pattern.compile("(?<![0-9.])[0-9]{1,9}(?![0-9]|\\.[0-9])");

    public GuessTheNumber {
        Rule.positive("guesses", guesses);
        Rule.check(cost >= 0 && Double.isFinite(cost), "cost", ">= 0 and finite", cost);
    }

    /** Six guesses, which suffice for 63 numbers, at no cost. */
    public GuessTheNumber() {
        this(6, 0);
    }

    @Override
    public Episode begin(Problem problem, long draw, int sample) {
        return new Game(Integer.parseInt(problem.answer().strip()));
    }

    private static OptionalInt guess(String text) {
        return NUMBER.matcher(text)
                .results()
                .map(MatchResult::group)
                .mapToInt(Integer::parseInt)
                .reduce((first, second) -> second);
    }

    /** A game under way. */
    private final class Game implements Episode {
        private final int number;
        private int guessed;
        private boolean found;

        Game(int number) {
            this.number = number;
        }

        @Override
        public Answer answer(Turn turn) {
            OptionalInt guess = guess(turn.text());
            if (guess.isEmpty()) {
                return Answer.end();
            }
            guessed++;
            found = guess.getAsInt() == number;
            Answer answer = found || guessed == guesses
                    ? Answer.end()
                    : Answer.says(guess.getAsInt() < number ? GuessTask.HIGHER : GuessTask.LOWER);
            return found || cost == 0 ? answer : answer.withReward(-cost);
        }

        @Override
        public Score score(Rollout rollout) {
            return new Score(
                    true,
                    found ? 1 : 0,
                    Map.of("guesses", (double) guessed, "found", found ? 1.0 : 0.0),
                    (found ? "found" : "not found") + " with " + guessed + " guesses");
        }
    }
}
