package org.minpro.run;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.minpro.experience.ScoredGroup;
import org.minpro.rollout.Rollout;
import org.minpro.tensor.Philox;
import org.minpro.train.Learner;
import org.minpro.train.TrainingRow;

/**
 * How far the sampler's log mu is from the trainer's log pi at the very weights that sampled: {@code |log pi - log mu|} of
 * some rows' tokens.
 *
 * @param max largest difference, nats
 * @param mean over the tokens, nats
 */
public record Mismatch(double max, double mean) {
    /** Rows that are compared in every iteration. */
    private static final int ROWS = 32;

    /**
     * Compares a seeded choice of rows, of those that the present weights alone have sampled.
     *
     * @return empty where they have sampled none
     */
    static Optional<Mismatch> of(List<ScoredGroup> fresh, Learner learner, long seed) {
        long version = learner.policy().version();
        List<Rollout> chosen = fresh.stream()
                .flatMap(group -> group.rollouts().stream())
                // A response that has gone on over a change of weights has keys and values of the old ones.
                .filter(rollout -> Arrays.stream(rollout.versions()).allMatch(of -> of == version))
                .sorted(Comparator.<Rollout>comparingLong(
                                rollout -> Philox.bits(seed, Philox.Purpose.AUDIT, rollout.draw(), rollout.sample(), 0))
                        .thenComparingLong(Rollout::draw)
                        .thenComparingInt(Rollout::sample))
                .limit(ROWS)
                .sorted(Comparator.comparingLong(Rollout::draw).thenComparingInt(Rollout::sample))
                .toList();
        if (chosen.isEmpty()) {
            return Optional.empty();
        }
        List<TrainingRow> rows =
                chosen.stream().map(rollout -> TrainingRow.of(rollout, 0)).toList();
        return Optional.of(between(chosen, learner.score(rows)));
    }

    /** @param logProbs by the trainer, of each rollout that is compared */
    static Mismatch between(List<Rollout> chosen, float[][] logProbs) {
        double largest = 0;
        double sum = 0;
        long tokens = 0;
        for (int i = 0; i < logProbs.length; i++) {
            Rollout rollout = chosen.get(i);
            for (int t = 0; t < rollout.length(); t++) {
                if (rollout.responseMask()[t]) {
                    double difference = Math.abs((double) logProbs[i][t] - rollout.behaviorLogProbs()[t]);
                    largest = Math.max(largest, difference);
                    sum += difference;
                    tokens++;
                }
            }
        }
        return new Mismatch(largest, tokens == 0 ? 0 : sum / tokens);
    }
}
