package org.minpro.task;

import org.minpro.tensor.Philox;

/**
 * Solutions of countdown problems for a supervised start, without end, each a pure function of the seed and its index: up
 * to {@value #MOST_FAILURES} attempts at random that fail, each ended by a semicolon, then one that makes the target.
 *
 * <p>A model that imitates them writes the right form and right arithmetic, tries at random, and stops where the target is
 * made. It cannot learn from them which attempt is worth trying: that is left to reinforcement learning.
 *
 * @param task where the problems come from; its training part, so that no held-out problem is shown
 * @param seed what the attempts are drawn from
 */
public record CountdownDemonstrations(CountdownTask task, long seed) {
    /** Most attempts that fail before the one that does not. */
    public static final int MOST_FAILURES = 6;

    private static final int FAILURES = 0;

    /** The demonstration of an index, 0 or more. */
    public Demonstration demonstration(long index) {
        CountdownTask.Solved solved = task.solved(index);
        int failures = Philox.below(MOST_FAILURES + 1, seed, Philox.Purpose.DEMONSTRATION, index, FAILURES, 0);
        StringBuilder response = new StringBuilder();
        for (int i = 1; i <= failures; i++) {
            int sample = i;
            CountdownTask.Attempt attempt = CountdownTask.Attempt.of(
                    solved.problem().numbers(),
                    (below, position) ->
                            Philox.below(below, seed, Philox.Purpose.DEMONSTRATION, index, sample, position),
                    0);
            if (attempt.isWhole() && attempt.result() != solved.problem().target()) {
                response.append(attempt.text()).append(';');
            }
        }
        response.append(solved.attempt())
                .append(Solution.ANSWER_MARKER)
                .append(solved.problem().target());
        return new Demonstration(solved.problem().problem(), response.toString());
    }
}
