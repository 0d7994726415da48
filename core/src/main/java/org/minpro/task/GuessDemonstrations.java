package org.minpro.task;

import java.util.ArrayList;
import java.util.List;
import org.minpro.tensor.Philox;

/**
 * Games for a supervised start, without end, each a pure function of the seed and its index: a guess, a hint, a guess, until
 * the number is found.
 *
 * <p>With chance {@code halvingShare} the player of a game guesses the middle of what its hints have left, the smaller of two,
 * throughout; else any number of it, each as likely. So a model that imitates it knows the rules and both ways to play, and not
 * which one finds the number with fewer guesses.
 *
 * @param task where the problems come from; its training part, so that no held-out range is shown
 * @param seed what the guesses are drawn from
 * @param guesses of a game, at most
 * @param halvingShare the chance that a game is played by halving, in {@code [0, 1]}
 */
public record GuessDemonstrations(GuessTask task, long seed, int guesses, double halvingShare) {
    private static final int WAY = -1;

    /** The demonstration of an index, 0 or more. */
    public Demonstration demonstration(long index) {
        GuessTask.Game game = task.game(index);
        int low = game.low();
        int high = game.high();
        boolean halves = Philox.uniform(seed, Philox.Purpose.DEMONSTRATION, index, WAY, 0) < halvingShare;
        List<String> turns = new ArrayList<>();
        for (int turn = 0; turn < guesses; turn++) {
            int guess = halves
                    ? (low + high) / 2
                    : low + Philox.below(high - low + 1, seed, Philox.Purpose.DEMONSTRATION, index, 0, turn);
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
