package org.minpro.task;

import java.util.List;
import org.minpro.tensor.Philox;

/**
 * Worked solutions for a supervised start, without end, each a pure function of the seed and its index.
 *
 * <p>Each step adds the next one or two numbers to the running total. A careful writer adds one,
 * {@code 112+46=158;}; a hasty one adds two at once, {@code 112+46+38=196;}, which saves characters but has to be
 * done in the head. Every demonstration is arithmetically right; a small model trained briefly on the mixture carries
 * out the careful step well and the hasty one badly, and imitates the share of each. What is left for reinforcement
 * learning is therefore a decision at each step, not only a sharper distribution.
 *
 * @param task where the problems come from; its training part, so that no held-out problem is shown
 * @param seed what the styles are drawn from
 * @param hastyShare the chance that a step is hasty where two numbers or more are left, in {@code [0, 1]}
 */
public record Demonstrations(ArithmeticTask task, long seed, double hastyShare) {

    /** How many numbers a hasty step adds. */
    private static final int HASTY_STRIDE = 2;

    public Demonstrations {
        if (!(hastyShare >= 0 && hastyShare <= 1)) {
            throw new IllegalArgumentException("hastyShare must be from 0 to 1, got: " + hastyShare);
        }
    }

    /**
     * A problem and one way to write its solution.
     *
     * @param sum the problem
     * @param response the text the model should give, without a stop token
     */
    public record Demonstration(Sum sum, String response) {}

    /** The demonstration of an index, 0 or more. */
    public Demonstration demonstration(long index) {
        Sum sum = task.sum(index);
        List<Integer> terms = sum.terms();
        StringBuilder response = new StringBuilder();
        int total = terms.getFirst();
        for (int next = 1; next < terms.size(); ) {
            boolean hasty = Philox.uniform(seed, Philox.Purpose.DEMONSTRATION, index, 0, next) < hastyShare;
            int stride = hasty ? Math.min(HASTY_STRIDE, terms.size() - next) : 1;
            response.append(total);
            for (int number : terms.subList(next, next + stride)) {
                response.append('+').append(number);
                total += number;
            }
            response.append('=').append(total).append(';');
            next += stride;
        }
        return new Demonstration(
                sum, response.append(Solution.ANSWER_MARKER).append(total).toString());
    }
}
