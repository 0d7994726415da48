package org.minpro.task;

import org.minpro.tensor.Philox;

/**
 * Methods for a supervised start, without end, each a pure function of the seed and its index. The writer forgets parentheses with
 * chance {@code slipShare}, so that a model which imitates it knows both ways and not which is right.
 *
 * @param task where the problems come from; its training part
 * @param seed what the slips are drawn from
 * @param slipShare the chance that parentheses are forgotten, in {@code [0, 1]}
 */
public record ExpressionDemonstrations(ExpressionTask task, long seed, double slipShare) {
    /** The demonstration of an index, 0 or more. */
    public Demonstration demonstration(long index) {
        boolean slips = Philox.uniform(seed, Philox.Purpose.DEMONSTRATION, index, 0, 0) < slipShare;
        return new Demonstration(
                task.problem(index),
                "int f(int a, int b) { return " + task.formula(index).java(!slips) + "; }");
    }
}
