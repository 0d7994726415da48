package org.minpro.task;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.minpro.data.Problem;

/**
 * A sum of two-digit numbers, the problem of the built-in task; its prompt is {@code 27+85+46=}.
 *
 * @param terms the numbers to add, each from {@value #SMALLEST_TERM} to {@value #LARGEST_TERM}; two at least
 */
public record Sum(List<Integer> terms) {

    /** The smallest term. */
    public static final int SMALLEST_TERM = 10;

    /** The largest term. */
    public static final int LARGEST_TERM = 99;

    private static final Pattern PROMPT = Pattern.compile("[1-9][0-9](\\+[1-9][0-9])+=");

    public Sum {
        if (terms.size() < 2) {
            throw new IllegalArgumentException("terms must be two or more, got: " + terms.size());
        }
        for (int term : terms) {
            if (term < SMALLEST_TERM || term > LARGEST_TERM) {
                throw new IllegalArgumentException(
                        "terms must be from " + SMALLEST_TERM + " to " + LARGEST_TERM + ", got: " + term);
            }
        }
        terms = List.copyOf(terms);
    }

    /**
     * The sum that a prompt asks for.
     *
     * @throws IllegalArgumentException if the text is not a prompt of this task
     */
    public static Sum parse(String prompt) {
        if (!PROMPT.matcher(prompt).matches()) {
            throw new IllegalArgumentException(
                    "prompt must be two-digit numbers joined by + and closed by =, got: " + prompt);
        }
        List<Integer> terms = new ArrayList<>();
        for (int start = 0; start < prompt.length(); start += 3) {
            terms.add(Integer.parseInt(prompt, start, start + 2, 10));
        }
        return new Sum(terms);
    }

    /** The text that the model is given, for example {@code 27+85+46=}. */
    public String prompt() {
        return terms.stream().map(String::valueOf).collect(Collectors.joining("+", "", "="));
    }

    /** The value of the sum. */
    public int total() {
        return terms.stream().mapToInt(Integer::intValue).sum();
    }

    /** This sum as a problem: its id and prompt are {@link #prompt()}, its answer is the total in digits. */
    public Problem problem() {
        return Problem.of(prompt(), prompt(), String.valueOf(total()));
    }

    /** Whether this problem is kept for evaluation: one in sixteen, by its content alone, whatever the seeds. */
    public boolean heldOut() {
        return HeldOut.is(prompt());
    }
}
