package org.minpro.task;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.minpro.config.Rule;
import org.minpro.data.Problem;

/**
 * A countdown problem: make the target of all the numbers, each used once, with {@code +}, {@code -} and {@code *}; its
 * prompt is {@code 3,7,8>29=}.
 *
 * <p>An attempt is steps that each replace two of the numbers by their result, {@code 7*3=21,21+8=29}. No result is below
 * 1 or beyond {@value #LARGEST_RESULT}.
 *
 * @param numbers each from 1 to {@value #LARGEST_NUMBER}
 * @param target what is to be made
 */
public record Countdown(List<Integer> numbers, int target) {
    /** The largest number of a problem. */
    public static final int LARGEST_NUMBER = 20;

    /** The largest result of a step. */
    public static final int LARGEST_RESULT = 99;

    /** The smallest target: a smaller one is often one of the numbers already. */
    static final int SMALLEST_TARGET = 10;

    private static final Pattern PROMPT = Pattern.compile("([0-9]+(?:,[0-9]+)+)>([0-9]+)=");
    private static final Pattern STEP = Pattern.compile("([0-9]{1,6})([-+*])([0-9]{1,6})=([0-9]{1,6})");

    public Countdown {
        numbers = List.copyOf(numbers);
        checkNumbers(numbers.size());
    }

    /** The rule of how many numbers a problem has. */
    public static void checkNumbers(int numbers) {
        Rule.check(numbers >= 2 && numbers <= 6, "numbers", "in [2, 6]", numbers);
    }

    /**
     * The problem that a prompt asks for.
     *
     * @throws IllegalArgumentException if the text is not a prompt of this task
     */
    public static Countdown parse(String prompt) {
        Matcher matcher = PROMPT.matcher(prompt);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("prompt must be such as 3,7,8>29=, got: " + prompt);
        }
        List<Integer> numbers = new ArrayList<>();
        for (String number : matcher.group(1).split(",")) {
            numbers.add(Integer.parseInt(number));
        }
        return new Countdown(numbers, Integer.parseInt(matcher.group(2)));
    }

    /** The text that the model is given. */
    public String prompt() {
        return numbers.stream().map(String::valueOf).collect(Collectors.joining(",", "", ">" + target + "="));
    }

    /** This as a problem: its id and prompt are {@link #prompt()}, its answer is the target in digits. */
    public Problem problem() {
        return Problem.of(prompt(), prompt(), String.valueOf(target));
    }

    /** Whether this problem is kept for evaluation. */
    public boolean heldOut() {
        return HeldOut.is(prompt());
    }

    /** The result of an operation; empty where it is below 1 or too large. */
    static OptionalInt result(int a, char operation, int b) {
        int result = switch (operation) {
            case '+' -> a + b;
            case '-' -> a - b;
            default -> a * b;
        };
        return result >= 1 && result <= LARGEST_RESULT ? OptionalInt.of(result) : OptionalInt.empty();
    }

    /** Whether an attempt makes the target: right steps of numbers that are there, until the target alone is left. */
    public boolean isMadeBy(String attempt) {
        List<Integer> left = new ArrayList<>(numbers);
        for (String step : attempt.split(",", -1)) {
            Matcher matcher = STEP.matcher(step);
            if (!matcher.matches()) {
                return false;
            }
            int a = Integer.parseInt(matcher.group(1));
            int b = Integer.parseInt(matcher.group(3));
            OptionalInt result = result(a, matcher.group(2).charAt(0), b);
            if (!left.remove(/* element */ (Integer) a)
                    || !left.remove(/* element */ (Integer) b)
                    || result.isEmpty()
                    || result.getAsInt() != Integer.parseInt(matcher.group(4))) {
                return false;
            }
            left.add(result.getAsInt());
        }
        return left.equals(List.of(target));
    }

    /** The share of a text's steps whose result is right; 0 where there is none. */
    static double rightSteps(String text) {
        int steps = 0;
        int right = 0;
        Matcher step = STEP.matcher(text);
        while (step.find()) {
            steps++;
            OptionalInt result =
                    result(Integer.parseInt(step.group(1)), step.group(2).charAt(0), Integer.parseInt(step.group(3)));
            right += result.isPresent() && result.getAsInt() == Integer.parseInt(step.group(4)) ? 1 : 0;
        }
        return steps == 0 ? 0 : (double) right / steps;
    }
}
