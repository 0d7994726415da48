package org.minpro.task;

import java.util.List;
import java.util.stream.Collectors;
import org.minpro.tensor.Philox;

/**
 * Solutions of sums for a supervised start with a calculator, without end, each a pure function of the seed and its index: with
 * chance {@code callShare} the writer has the sum computed and answers with the result, else it works the sum out as {@link
 * Demonstrations} does, mistakes included. So a model that imitates it knows how to call and not when.
 *
 * @param solutions what is written without a call
 * @param callShare the chance of a call, in {@code [0, 1]}
 */
public record CalculatorDemonstrations(Demonstrations solutions, double callShare) {
    private static final int CALL = -1;

    /** The demonstration of an index, 0 or more. */
    public Demonstration demonstration(long index) {
        if (Philox.uniform(solutions.seed(), Philox.Purpose.DEMONSTRATION, index, CALL, 0) >= callShare) {
            return solutions.demonstration(index);
        }
        Sum sum = solutions.task().sum(index);
        String expression = sum.terms().stream().map(String::valueOf).collect(Collectors.joining("+"));
        String total = sum.problem().answer();
        return new Demonstration(
                sum.problem(),
                "tool",
                List.of(
                        "<tool_call>\n{\"name\": \"calculator\", \"arguments\": {\"expression\": \"" + expression
                                + "\"}}\n</tool_call>",
                        total,
                        Solution.ANSWER_MARKER + total));
    }
}
