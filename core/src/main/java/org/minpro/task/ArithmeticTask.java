package org.minpro.task;

import java.util.ArrayList;
import java.util.List;
import org.minpro.config.Rule;
import org.minpro.data.Problem;
import org.minpro.data.ProblemSource;
import org.minpro.tensor.Philox;

/**
 * The built-in task: an endless sequence of {@linkplain Sum sums}, each a pure function of the seed and its draw.
 *
 * <p>The training part never yields a {@linkplain Sum#heldOut() held-out} problem and the held-out part yields nothing
 * else, so the two cannot meet. A draw whose numbers fall on the wrong side is drawn again under the next attempt,
 * which is part of the function: no state is kept, and draws can be asked for in any order from any thread.
 */
public final class ArithmeticTask implements ProblemSource {

    /** How many numbers a problem of the default task adds. */
    public static final int DEFAULT_TERMS = 7;

    private final long seed;
    private final int terms;
    private final boolean heldOut;

    private ArithmeticTask(long seed, int terms, boolean heldOut) {
        checkTerms(terms);
        this.seed = seed;
        this.terms = terms;
        this.heldOut = heldOut;
    }

    /** The rule of how many numbers a problem adds. */
    public static void checkTerms(int terms) {
        Rule.check(terms >= 2 && terms <= 64, "terms", "in [2, 64]", terms);
    }

    /** Problems to train on. */
    public static ArithmeticTask training(long seed, int terms) {
        return new ArithmeticTask(seed, terms, false);
    }

    /** Problems to evaluate on, disjoint from those of every training part. */
    public static ArithmeticTask heldOut(long seed, int terms) {
        return new ArithmeticTask(seed, terms, true);
    }

    /** The problem of a draw: its id and prompt are the sum's text, its answer the total in digits. */
    @Override
    public Problem problem(long draw) {
        return sum(draw).problem();
    }

    /**
     * The sum of a draw.
     *
     * @param draw its ordinal, 0 or more
     */
    public Sum sum(long draw) {
        if (draw < 0) {
            throw new IllegalArgumentException("draw must be 0 or more, got: " + draw);
        }
        for (int attempt = 0; ; attempt++) {
            List<Integer> numbers = new ArrayList<>(terms);
            for (int position = 0; position < terms; position++) {
                int range = Sum.LARGEST_TERM - Sum.SMALLEST_TERM + 1;
                numbers.add(
                        Sum.SMALLEST_TERM + Philox.below(range, seed, Philox.Purpose.TASK, draw, attempt, position));
            }
            Sum sum = new Sum(numbers);
            if (sum.heldOut() == heldOut) {
                return sum;
            }
        }
    }
}
