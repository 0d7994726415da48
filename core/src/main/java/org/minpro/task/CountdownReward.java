package org.minpro.task;

import java.util.Map;
import org.minpro.data.Problem;
import org.minpro.reward.Reward;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;

/**
 * 1 for a response that stopped by itself and whose last attempt makes the target and names it, {@code ...;7*3=21,21+8=29#29},
 * else 0; undecided only where the prompt is none of the task.
 *
 * <p>Earlier attempts, each ended by a semicolon, may be wrong. The parts are for the metrics only: {@code attempts}, how
 * many there are, and {@code right-steps}, the share of steps whose result is right.
 */
public record CountdownReward() implements Reward {
    @Override
    public Score score(Problem problem, Rollout rollout) {
        return score(problem.identity(), rollout.text(), rollout.finish() == Rollout.Finish.STOP);
    }

    /**
     * The score of a text.
     *
     * @param prompt of the problem
     * @param response the text without its stop token
     * @param stopped whether the response ended by itself
     */
    static Score score(String prompt, String response, boolean stopped) {
        Countdown problem;
        try {
            problem = Countdown.parse(prompt);
        } catch (IllegalArgumentException e) {
            return Score.undecided(String.valueOf(e.getMessage()));
        }
        String attempt = response.substring(response.lastIndexOf(';') + 1);
        String named = "#" + problem.target();
        boolean right = stopped
                && attempt.endsWith(named)
                && problem.isMadeBy(attempt.substring(0, attempt.length() - named.length()));
        int attempts = (int) response.chars().filter(letter -> letter == ';').count() + 1;
        Map<String, Double> parts =
                Map.of("attempts", (double) attempts, "right-steps", Countdown.rightSteps(response));
        String said = !stopped ? "no end within the limit" : right ? "made" : "not made";
        return new Score(true, right ? 1 : 0, parts, said + ", target " + problem.target());
    }
}
