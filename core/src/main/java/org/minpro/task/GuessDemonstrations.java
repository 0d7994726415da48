package org.minpro.task;

import java.util.ArrayList;
import java.util.List;
import org.minpro.tensor.Philox;

/**
 * Games for a supervised start, without end, each a pure function of the seed and its index: a guess, a hint, a guess, until
 * the number is found.
 *
 * <p>The player guesses any number of the range that its hints have left, each as likely. So it knows the rules and no strategy: it
 * finds the number, mostly after more guesses than halving would take.
 *
 * @param task where the problems come from; its training part, so that no held-out range is shown
 * @param seed what the guesses are drawn from
 * @param guesses of a game, at most
 */
public record GuessDemonstrations(GuessTask task, long seed, int guesses) {
    /** The demonstration of an index, 0 or more. */
    public Demonstration demonstration(long index) {
        GuessTask.Game game = task.game(index);
        int low = game.low();
        int high = game.high();
        List<String> turns = new ArrayList<>();
        for (int turn = 0; turn < guesses; turn++) {
            int guess = low + Philox.below(high - low + 1, seed, Philox.Purpose.DEMONSTRATION, index, 0, turn);
            turns.add(String.valueOf(guess));
            if (guess == game.number() || turn == guesses - 1) {
                break;
            }
            turns.add(guess < game.number() ? GuessTask.HIGHER : GuessTask.LOWER);
            low = guess < game.number() ? guess + 1 : low;
            high = guess < game.number() ? high : guess - 1;
        }
        return new Demonstration(task.problem(index), turns);
    }
}
