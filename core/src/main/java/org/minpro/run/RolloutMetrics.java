package org.minpro.run;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import org.minpro.advantage.Advantage;
import org.minpro.experience.Batch;
import org.minpro.experience.ScoredGroup;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;

/**
 * What was sampled in an iteration, in numbers.
 *
 * @param reward mean over the decided responses; empty where none is
 * @param rewardDeviation standard deviation of it
 * @param accuracy share of the decided responses whose reward is at least 1
 * @param rewardParts mean of each named part over the responses that have it
 * @param undecided share of the responses without a score, [0, 1]
 * @param meanLength tokens of a response
 * @param maxLength tokens of the longest response
 * @param truncated share of the responses that reached the limit of new tokens, [0, 1]
 * @param keptMass mean over the tokens of the probability that truncated sampling (top-k, top-p, min-p) kept; empty where it
 *     kept all of all of them
 * @param leastKeptMass the smallest
 * @param withoutDifference share of the groups whose rewards tell no response from another, [0, 1]
 * @param groupsResampled groups put aside because all their rewards were equal
 * @param promptsSkipped draws left out because their prompts were too long
 * @param iterationsWithoutSignal iterations in a row, this one included, in which no group had a difference
 */
public record RolloutMetrics(
        OptionalDouble reward,
        double rewardDeviation,
        double accuracy,
        Map<String, Double> rewardParts,
        double undecided,
        double meanLength,
        int maxLength,
        double truncated,
        OptionalDouble keptMass,
        double leastKeptMass,
        double withoutDifference,
        int groupsResampled,
        int promptsSkipped,
        int iterationsWithoutSignal) {

    /**
     * @param advantage says which groups have a difference
     * @param withoutSignalBefore iterations in a row, up to the one before, in which no group had one
     */
    static RolloutMetrics of(Batch batch, Advantage advantage, int withoutSignalBefore) {
        List<ScoredGroup> groups = batch.fresh();
        long rows = 0;
        long decided = 0;
        long solved = 0;
        long truncated = 0;
        long tokens = 0;
        int longest = 0;
        int dull = 0;
        double sum = 0;
        double squares = 0;
        double kept = 0;
        double leastKept = 1;
        Map<String, double[]> parts = new TreeMap<>();
        for (ScoredGroup group : groups) {
            dull += advantage.tellsApart(group.scores()) ? 0 : 1;
            for (int i = 0; i < group.scores().size(); i++) {
                Score score = group.scores().get(i);
                Rollout rollout = group.rollouts().get(i);
                rows++;
                tokens += rollout.length();
                longest = Math.max(longest, rollout.length());
                for (float logMass : rollout.logKeptMass()) {
                    kept += Math.exp(logMass);
                    leastKept = Math.min(leastKept, Math.exp(logMass));
                }
                truncated += rollout.finish() == Rollout.Finish.LENGTH ? 1 : 0;
                if (score.decided()) {
                    decided++;
                    sum += score.value();
                    squares += score.value() * score.value();
                    solved += score.value() >= 1 ? 1 : 0;
                    score.parts().forEach((name, value) -> {
                        double[] cell = parts.computeIfAbsent(name, key -> new double[2]);
                        cell[0] += value;
                        cell[1]++;
                    });
                }
            }
        }
        double mean = sum / Math.max(1, decided);
        Map<String, Double> partMeans = new LinkedHashMap<>();
        parts.forEach((name, cell) -> partMeans.put(name, cell[0] / cell[1]));
        return new RolloutMetrics(
                decided == 0 ? OptionalDouble.empty() : OptionalDouble.of(mean),
                Math.sqrt(Math.max(0, squares / Math.max(1, decided) - mean * mean)),
                (double) solved / Math.max(1, decided),
                partMeans,
                (double) (rows - decided) / rows,
                (double) tokens / rows,
                longest,
                (double) truncated / rows,
                leastKept == 1 ? OptionalDouble.empty() : OptionalDouble.of(kept / tokens),
                leastKept,
                (double) dull / groups.size(),
                batch.groupsResampled(),
                batch.promptsSkipped(),
                dull == groups.size() ? withoutSignalBefore + 1 : 0);
    }

    /** The numbers by name: TRL's and verl's names where they have one. */
    Map<String, Double> named() {
        Map<String, Double> named = new LinkedHashMap<>();
        if (reward.isPresent()) {
            named.put("reward", reward.getAsDouble());
            named.put("reward_std", rewardDeviation);
            named.put("accuracy", accuracy);
            rewardParts.forEach((name, value) -> named.put("rewards/" + name, value));
        }
        named.put("undecided", undecided);
        named.put("completions/mean_length", meanLength);
        named.put("completions/max_length", (double) maxLength);
        named.put("completions/clipped_ratio", truncated);
        if (keptMass.isPresent()) {
            named.put("sampling/kept_mass_mean", keptMass.getAsDouble());
            named.put("sampling/kept_mass_min", leastKeptMass);
        }
        named.put("frac_reward_zero_std", withoutDifference);
        named.put("groups_resampled", (double) groupsResampled);
        named.put("prompts_skipped", (double) promptsSkipped);
        named.put("iterations_without_signal", (double) iterationsWithoutSignal);
        return named;
    }
}
