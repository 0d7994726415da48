package org.minpro.task;

import java.util.List;
import org.minpro.config.Rule;
import org.minpro.tensor.Philox;

/**
 * Solutions for a supervised start, without end, each a pure function of the seed and its index.
 *
 * <p>Each step adds one number to the running total, in one of two styles drawn for each step anew. The careful writer
 * works it out through an intermediate total, tens first or ones first, {@code 112+49>152>161;} or {@code
 * 112+49>121>161;}, and is always right. The hasty one writes the sum down at once, {@code 112+49=161;}, and <b>makes
 * honest mistakes</b>: where the ones carry into the tens, the carry is forgotten with chance {@link #slipShare}, {@code
 * 112+49=151;}, and the writer goes on from there. A step ends in a semicolon or a comma, as it happens.
 *
 * <p>A model that imitates the mixture is therefore wrong in a way that neither more supervised training nor greedy
 * decoding mends: the likeliest style is the hasty one, and the likeliest carry a forgotten one. Reinforcement learning
 * has to change what is decided at each step.
 *
 * @param task where the problems come from; its training part, so that no held-out problem is shown
 * @param seed what the styles and slips are drawn from
 * @param hastyShare the chance that a step is hasty, in {@code [0, 1]}
 * @param slipShare the chance that a hasty step with a carry forgets it, in {@code [0, 1]}
 */
public record Demonstrations(ArithmeticTask task, long seed, double hastyShare, double slipShare) {

    private static final int STYLE = 0;
    private static final int CARRY = 1;
    private static final int ORDER = 2;
    private static final int SEPARATOR = 3;

    public Demonstrations {
        checkShares(hastyShare, slipShare);
    }

    /**
     * The rule of both chances, for a recipe too.
     *
     * @throws IllegalArgumentException unless both are in [0, 1]
     */
    public static void checkShares(double hastyShare, double slipShare) {
        Rule.share("hasty-share", hastyShare);
        Rule.share("slip-share", slipShare);
    }

    /** The demonstration of an index, 0 or more. */
    public Demonstration demonstration(long index) {
        Sum sum = task.sum(index);
        List<Integer> terms = sum.terms();
        StringBuilder response = new StringBuilder();
        int total = terms.getFirst();
        for (int place = 1; place < terms.size(); place++) {
            int term = terms.get(place);
            int ones = term % 10;
            response.append(total).append('+').append(term);
            if (uniform(index, STYLE, place) < hastyShare) {
                boolean forgets = total % 10 + ones > 9 && uniform(index, CARRY, place) < slipShare;
                total += forgets ? term - 10 : term;
                response.append('=');
            } else {
                boolean onesFirst = uniform(index, ORDER, place) < 0.5;
                response.append('>')
                        .append(total + (onesFirst ? ones : term - ones))
                        .append('>');
                total += term;
            }
            response.append(total).append(uniform(index, SEPARATOR, place) < 0.5 ? ';' : ',');
        }
        return new Demonstration(
                sum.problem(),
                response.append(Solution.ANSWER_MARKER).append(total).toString());
    }

    private double uniform(long index, int decision, int place) {
        return Philox.uniform(seed, Philox.Purpose.DEMONSTRATION, index, decision, place);
    }
}
