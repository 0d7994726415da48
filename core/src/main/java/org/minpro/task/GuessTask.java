package org.minpro.task;

import org.minpro.data.Problem;
import org.minpro.data.ProblemSource;
import org.minpro.tensor.Philox;

/**
 * The built-in task of several turns: a whole number of a range is to be found, with a hint after each guess. The prompt is
 * the range, such as {@code 17-58?}, the answer the number; each is a pure function of the seed and the draw.
 *
 * <p>Ranges have {@value #FEWEST} to {@value #MOST} numbers, all of them below 100, so that halving finds every number in six
 * guesses. The held-out part has ranges of its own.
 */
public final class GuessTask implements ProblemSource {
    /** The hint after a guess that is too small. */
    public static final String HIGHER = "higher";

    /** The hint after a guess that is too large. */
    public static final String LOWER = "lower";

    static final int FEWEST = 20;
    static final int MOST = 63;
    private static final int LARGEST = 99;

    private final long seed;
    private final boolean heldOut;

    private GuessTask(long seed, boolean heldOut) {
        this.seed = seed;
        this.heldOut = heldOut;
    }

    /** Problems to train on. */
    public static GuessTask training(long seed) {
        return new GuessTask(seed, false);
    }

    /** Problems to evaluate on, whose ranges no training part has. */
    public static GuessTask heldOut(long seed) {
        return new GuessTask(seed, true);
    }

    /**
     * A game.
     *
     * @param low the smallest number that it may be
     * @param high the largest
     * @param number what is to be found
     */
    record Game(int low, int high, int number) {
        String prompt() {
            return low + "-" + high + "?";
        }
    }

    @Override
    public Problem problem(long draw) {
        Game game = game(draw);
        return Problem.of(game.prompt() + game.number(), game.prompt(), String.valueOf(game.number()));
    }

    /** @param draw its ordinal, 0 or more */
    Game game(long draw) {
        if (draw < 0) {
            throw new IllegalArgumentException("draw must be 0 or more, got: " + draw);
        }
        for (int attempt = 0; ; attempt++) {
            int size = FEWEST + Philox.below(MOST - FEWEST + 1, seed, Philox.Purpose.TASK, draw, attempt, 0);
            int low = 1 + Philox.below(LARGEST - size + 1, seed, Philox.Purpose.TASK, draw, attempt, 1);
            int number = low + Philox.below(size, seed, Philox.Purpose.TASK, draw, attempt, 2);
            Game game = new Game(low, low + size - 1, number);
            if (HeldOut.is(game.prompt()) == heldOut) {
                return game;
            }
        }
    }
}
