package org.minpro.task;

import java.util.Map;
import org.minpro.data.Problem;
import org.minpro.reward.Reward;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;

/**
 * 1 for a response that stopped by itself and whose final answer equals the reference, else 0; undecided only where the
 * reference is no whole number.
 *
 * <p>Nothing is paid for the form or for right steps. The parts are for the metrics only: {@code well-formed} (1 if
 * the whole response has the form of a {@link Solution} and stopped), {@code steps}, and {@code worked-steps}, the
 * share of steps that go through an intermediate total (0 if there is no step).
 */
public record ArithmeticReward() implements Reward {
    @Override
    public Score score(Problem problem, Rollout rollout) {
        return score(problem.answer(), rollout.text(), rollout.finish() == Rollout.Finish.STOP);
    }

    /**
     * The score of a text.
     *
     * @param reference the total in digits
     * @param response the text without its stop token
     * @param stopped whether the response ended by itself
     */
    static Score score(String reference, String response, boolean stopped) {
        Solution solution = Solution.parse(response);
        int total;
        try {
            total = Integer.parseInt(reference);
        } catch (NumberFormatException malformed) {
            return Score.undecided("the reference answer must be a whole number, got: " + reference);
        }
        boolean right =
                stopped && solution.answer().isPresent() && solution.answer().getAsInt() == total;
        Map<String, Double> parts = Map.of(
                "well-formed", solution.wellFormed() && stopped ? 1.0 : 0.0,
                "steps", (double) solution.steps(),
                "worked-steps", solution.steps() == 0 ? 0.0 : (double) solution.workedSteps() / solution.steps());
        String said = !stopped
                ? "no end within the limit"
                : solution.answer().isEmpty()
                        ? "no final answer"
                        : "answer " + solution.answer().getAsInt();
        return new Score(true, right ? 1 : 0, parts, said + ", reference " + total);
    }
}
