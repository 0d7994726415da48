package org.minpro.run;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.minpro.train.LearnerReport;

/**
 * The numbers of an iteration, none of them a time: a function of the recipe and the seed.
 *
 * @param rollouts what was sampled
 * @param mismatch between sampler and trainer; empty where the present weights sampled nothing
 * @param referenceDistance mean over the responses trained on of what {@code kl.coefficient} multiplies in the reward, nats;
 *     empty where no distance is a part of it
 * @param learned what was learned; empty while no batch is due
 * @param version of the weights after it
 */
public record IterationMetrics(
        RolloutMetrics rollouts,
        Optional<Mismatch> mismatch,
        OptionalDouble referenceDistance,
        Optional<LearnerReport> learned,
        long version) {
    /** All numbers by their names in {@code metrics.jsonl}. */
    public Map<String, Double> named() {
        Map<String, Double> named = new LinkedHashMap<>(rollouts.named());
        mismatch.ifPresent(found -> {
            named.put("mismatch/max", found.max());
            named.put("mismatch/mean", found.mean());
        });
        referenceDistance.ifPresent(distance -> named.put("reference/reward_distance", distance));
        learned.ifPresent(report -> named.putAll(report.metrics()));
        named.put("version", (double) version);
        return named;
    }
}
