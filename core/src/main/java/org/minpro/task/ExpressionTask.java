package org.minpro.task;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.minpro.data.Problem;
import org.minpro.data.ProblemSource;
import org.minpro.tensor.Philox;

/**
 * The built-in task of code: a formula in words is to be written as the body of a Java method, such as {@code int f(int a, int
 * b) { return (a+b)*3; }} for {@code a plus b, times 3}. The problem's field {@code tests} has its tests; each problem is a
 * pure function of the seed and the draw.
 *
 * <p>Steps are taken from left to right, so a comma stands for a parenthesis that Java needs and the words do not show.
 */
public final class ExpressionTask implements ProblemSource {
    private static final String[] WORDS = {"plus", "minus", "times"};
    private static final char[] SIGNS = {'+', '-', '*'};
    private static final int TESTS = 4;
    private static final int LARGEST_CONSTANT = 9;
    private static final int LARGEST_ARGUMENT = 20;

    private final long seed;
    private final boolean heldOut;

    private ExpressionTask(long seed, boolean heldOut) {
        this.seed = seed;
        this.heldOut = heldOut;
    }

    /** Problems to train on. */
    public static ExpressionTask training(long seed) {
        return new ExpressionTask(seed, false);
    }

    /** Problems to evaluate on, disjoint from those of every training part. */
    public static ExpressionTask heldOut(long seed) {
        return new ExpressionTask(seed, true);
    }

    /**
     * Steps from left to right.
     *
     * @param operands as Java writes them, one more than steps
     * @param operations positions in the table of operations
     */
    record Formula(List<String> operands, List<Integer> operations) {
        String words() {
            StringBuilder text = new StringBuilder(operands.getFirst());
            for (int i = 0; i < operations.size(); i++) {
                text.append(i == 0 ? " " : ", ")
                        .append(WORDS[operations.get(i)])
                        .append(' ')
                        .append(operands.get(i + 1));
            }
            return text.toString();
        }

        /** @param parentheses whether the steps before a product are put in parentheses, as they must be */
        String java(boolean parentheses) {
            String text = operands.getFirst();
            for (int i = 0; i < operations.size(); i++) {
                boolean product = SIGNS[operations.get(i)] == '*';
                boolean sum = i > 0 && SIGNS[operations.get(i - 1)] != '*';
                text = (product && sum && parentheses ? "(" + text + ")" : text)
                        + SIGNS[operations.get(i)]
                        + operands.get(i + 1);
            }
            return text;
        }

        int value(int a, int b) {
            int value = operand(0, a, b);
            for (int i = 0; i < operations.size(); i++) {
                int next = operand(i + 1, a, b);
                value = switch (SIGNS[operations.get(i)]) {
                    case '+' -> value + next;
                    case '-' -> value - next;
                    default -> value * next;
                };
            }
            return value;
        }

        private int operand(int place, int a, int b) {
            return switch (operands.get(place)) {
                case "a" -> a;
                case "b" -> b;
                case String constant -> Integer.parseInt(constant);
            };
        }
    }

    @Override
    public Problem problem(long draw) {
        Formula formula = formula(draw);
        List<String> tests = new ArrayList<>();
        for (int test = 0; test < TESTS; test++) {
            int a = Philox.below(LARGEST_ARGUMENT + 1, seed, Philox.Purpose.TASK, draw, -1, 2 * test);
            int b = Philox.below(LARGEST_ARGUMENT + 1, seed, Philox.Purpose.TASK, draw, -1, 2 * test + 1);
            tests.add("assertEquals(" + formula.value(a, b) + ", f(" + a + ", " + b + "));");
        }
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        fields.put("tests", tests);
        return new Problem(formula.words(), formula.words(), List.of(), formula.java(true), fields);
    }

    /** @param draw its ordinal, 0 or more */
    Formula formula(long draw) {
        if (draw < 0) {
            throw new IllegalArgumentException("draw must be 0 or more, got: " + draw);
        }
        for (int attempt = 0; ; attempt++) {
            int steps = 2 + below(3, draw, attempt, 0);
            List<String> operands = new ArrayList<>();
            List<Integer> operations = new ArrayList<>();
            for (int place = 0; place <= steps; place++) {
                int kind = below(4, draw, attempt, 3 * place + 1);
                operands.add(
                        kind == 0
                                ? "a"
                                : kind == 1
                                        ? "b"
                                        : String.valueOf(1 + below(LARGEST_CONSTANT, draw, attempt, 3 * place + 2)));
                if (place > 0) {
                    operations.add(below(SIGNS.length, draw, attempt, 3 * place + 3));
                }
            }
            Formula formula = new Formula(operands, operations);
            boolean hasArguments = operands.contains("a") && operands.contains("b");
            if (hasArguments && HeldOut.is(formula.words()) == heldOut) {
                return formula;
            }
        }
    }

    private int below(int bound, long draw, int attempt, int position) {
        return Philox.below(bound, seed, Philox.Purpose.TASK, draw, attempt, position);
    }
}
