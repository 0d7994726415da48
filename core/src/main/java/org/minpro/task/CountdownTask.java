package org.minpro.task;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.minpro.data.Problem;
import org.minpro.data.ProblemSource;
import org.minpro.tensor.Philox;

/**
 * The second built-in task: an endless sequence of {@linkplain Countdown countdown problems}, each a pure function of the
 * seed and its draw. The numbers are drawn, and a random attempt on them makes the target, so every problem can be solved.
 */
public final class CountdownTask implements ProblemSource {
    /** How many numbers a problem of the default task has. */
    public static final int DEFAULT_NUMBERS = 3;

    private static final char[] OPERATIONS = {'+', '-', '*'};
    /** Random numbers of one problem before its attempt begins. */
    private static final int NUMBERS_END = 8;

    private final long seed;
    private final int numbers;
    private final boolean heldOut;

    private CountdownTask(long seed, int numbers, boolean heldOut) {
        Countdown.checkNumbers(numbers);
        this.seed = seed;
        this.numbers = numbers;
        this.heldOut = heldOut;
    }

    /** Problems to train on. */
    public static CountdownTask training(long seed, int numbers) {
        return new CountdownTask(seed, numbers, false);
    }

    /** Problems to evaluate on, disjoint from those of every training part. */
    public static CountdownTask heldOut(long seed, int numbers) {
        return new CountdownTask(seed, numbers, true);
    }

    @Override
    public Problem problem(long draw) {
        return solved(draw).problem.problem();
    }

    /**
     * A problem with an attempt that solves it.
     *
     * @param problem the problem
     * @param attempt steps that make its target
     */
    record Solved(Countdown problem, String attempt) {}

    /** @param draw its ordinal, 0 or more */
    Solved solved(long draw) {
        if (draw < 0) {
            throw new IllegalArgumentException("draw must be 0 or more, got: " + draw);
        }
        for (int attempt = 0; ; attempt++) {
            int trial = attempt;
            Choice choice = (below, position) -> Philox.below(below, seed, Philox.Purpose.TASK, draw, trial, position);
            List<Integer> drawn = new ArrayList<>();
            for (int position = 0; position < numbers; position++) {
                drawn.add(1 + choice.below(Countdown.LARGEST_NUMBER, position));
            }
            Attempt made = Attempt.of(drawn, choice, NUMBERS_END);
            if (made.result >= Countdown.SMALLEST_TARGET) {
                Countdown problem = new Countdown(drawn, made.result);
                if (problem.heldOut() == heldOut) {
                    return new Solved(problem, made.text);
                }
            }
        }
    }

    /** A random number below a bound, by position. */
    interface Choice {
        int below(int bound, int position);
    }

    /**
     * Steps at random.
     *
     * @param text of the steps
     * @param result of the last one; {@value #NOTHING} where no further step was possible
     */
    record Attempt(String text, int result) {
        private static final int NOTHING = -1;

        /** Whether one number is left. */
        boolean isWhole() {
            return result != NOTHING;
        }

        /** @param first position of the random numbers */
        static Attempt of(List<Integer> numbers, Choice choice, int first) {
            List<Integer> left = new ArrayList<>(numbers);
            StringBuilder text = new StringBuilder();
            int position = first;
            while (left.size() > 1) {
                int a = left.remove(/* index */ choice.below(left.size(), position++));
                int b = left.remove(/* index */ choice.below(left.size(), position++));
                char operation = OPERATIONS[choice.below(OPERATIONS.length, position++)];
                Step step = Step.of(a, operation, b);
                if (step == null) {
                    return new Attempt(text.toString(), NOTHING);
                }
                text.append(text.isEmpty() ? "" : ",").append(step.text);
                left.add(step.result);
            }
            return new Attempt(text.toString(), left.getFirst());
        }
    }

    /**
     * One step.
     *
     * @param text such as {@code 7*3=21}
     * @param result of it
     */
    private record Step(String text, int result) {
        /** The operation if its result may stand, else the first that may; null where none may. */
        static @Nullable Step of(int a, char operation, int b) {
            for (char possible : new char[] {operation, '+', '-'}) {
                for (int[] pair : new int[][] {{a, b}, {b, a}}) {
                    OptionalInt result = Countdown.result(pair[0], possible, pair[1]);
                    if (result.isPresent()) {
                        return new Step(
                                pair[0] + String.valueOf(possible) + pair[1] + "=" + result.getAsInt(),
                                result.getAsInt());
                    }
                }
            }
            return null;
        }
    }
}
