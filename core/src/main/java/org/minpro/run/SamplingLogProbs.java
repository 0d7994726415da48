package org.minpro.run;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.minpro.experience.ScoredGroup;
import org.minpro.objective.LogProbStream;
import org.minpro.rollout.Rescored;
import org.minpro.rollout.Rollout;
import org.minpro.train.TrainingRow;

/**
 * The log-probabilities of rollouts under the weights that sampled them, as far as the trainer has computed them again: taken
 * once a rollout has ended, kept until it is no longer trained on. They are in memory alone, so a run that goes on has none of
 * the rollouts that wait.
 */
final class SamplingLogProbs {
    /** A rollout's place in the run. */
    private record Place(long draw, int sample) {
        static Place of(Rollout rollout) {
            return new Place(rollout.draw(), rollout.sample());
        }
    }

    private final @Nullable Rescored rescored;
    private final Map<Place, float[]> known = new HashMap<>();

    /** @param rescored where they come from; null where the sampler computes with the trainer's own module */
    SamplingLogProbs(@Nullable Rescored rescored) {
        this.rescored = rescored;
    }

    /** Takes those of fresh rollouts. */
    void take(List<ScoredGroup> fresh) {
        if (rescored == null) {
            return;
        }
        for (ScoredGroup group : fresh) {
            for (Rollout rollout : group.rollouts()) {
                rescored.take(rollout.draw(), rollout.sample())
                        .ifPresent(logProbs -> known.put(Place.of(rollout), logProbs));
            }
        }
    }

    /** Those of a rollout, {@code [time]}, nats; empty where they were not computed. */
    Optional<float[]> of(Rollout rollout) {
        return Optional.ofNullable(known.get(Place.of(rollout)));
    }

    /** The row with them as {@link LogProbStream#SAMPLING}, where they are known. */
    TrainingRow with(TrainingRow row, Rollout rollout) {
        return of(rollout)
                .map(logProbs -> row.with(LogProbStream.SAMPLING, logProbs))
                .orElse(row);
    }

    /** How far the sampler's are from them; empty where none of the groups' rollouts has any. */
    Optional<Mismatch> mismatch(List<ScoredGroup> groups) {
        List<Rollout> chosen = new ArrayList<>();
        List<float[]> logProbs = new ArrayList<>();
        for (ScoredGroup group : groups) {
            for (Rollout rollout : group.rollouts()) {
                of(rollout).ifPresent(values -> {
                    chosen.add(rollout);
                    logProbs.add(values);
                });
            }
        }
        return chosen.isEmpty()
                ? Optional.empty()
                : Optional.of(Mismatch.between(chosen, logProbs.toArray(float[][]::new)));
    }

    /** Forgets those of earlier draws. */
    void forgetBefore(long draw) {
        known.keySet().removeIf(place -> place.draw < draw);
        if (rescored != null) {
            rescored.forgetBefore(draw);
        }
    }
}
