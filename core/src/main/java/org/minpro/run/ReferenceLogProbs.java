package org.minpro.run;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.minpro.experience.ScoredGroup;
import org.minpro.objective.KlPenalty;
import org.minpro.ratio.Ratios;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;
import org.minpro.train.Policy;
import org.minpro.train.PolicyGradient;
import org.minpro.train.TrainingRow;

/**
 * The log-probabilities of every rollout under the reference model, {@code log pi_ref(y_t)} of log-softmax(z / temperature),
 * nats: computed once, in the iteration in which the rollout was sampled, and journaled.
 */
final class ReferenceLogProbs {
    /** A rollout's place in the run. */
    private record Place(long draw, int sample) {
        static Place of(Rollout rollout) {
            return new Place(rollout.draw(), rollout.sample());
        }
    }

    private final ReferenceModel model;
    private final PolicyGradient scorer;
    private final @Nullable ReferenceJournal journal;
    private final Map<Place, float[]> known = new HashMap<>();

    /**
     * @param scorer how rows go through the model
     * @param journal keeps what is computed; null for a run that is not to be continued
     */
    ReferenceLogProbs(ReferenceModel model, PolicyGradient scorer, @Nullable ReferenceJournal journal) {
        this(model, scorer, journal, journal == null ? List.of() : journal.read());
    }

    /** @param before what was computed before */
    ReferenceLogProbs(
            ReferenceModel model,
            PolicyGradient scorer,
            @Nullable ReferenceJournal journal,
            List<ReferenceJournal.Entry> before) {
        this.model = model;
        this.scorer = scorer;
        this.journal = journal;
        before.forEach(entry -> known.put(new Place(entry.draw(), entry.sample()), entry.logProbs()));
    }

    ReferenceModel model() {
        return model;
    }

    /** Computes and journals those of the groups' rollouts that are not known. */
    void score(long iteration, List<ScoredGroup> groups) {
        List<Rollout> missing = groups.stream()
                .flatMap(group -> group.rollouts().stream())
                .filter(rollout -> !known.containsKey(Place.of(rollout)))
                .toList();
        if (missing.isEmpty()) {
            return;
        }
        List<TrainingRow> rows =
                missing.stream().map(rollout -> TrainingRow.of(rollout, 0)).toList();
        float[][] logProbs = scorer.score(model.model(), rows, false).logProbs();
        List<ReferenceJournal.Entry> entries = new ArrayList<>();
        for (int i = 0; i < logProbs.length; i++) {
            Rollout rollout = missing.get(i);
            known.put(Place.of(rollout), logProbs[i]);
            entries.add(new ReferenceJournal.Entry(rollout.draw(), rollout.sample(), logProbs[i]));
        }
        if (journal != null) {
            journal.append(iteration, entries);
        }
    }

    /** Those of a rollout that was scored, {@code [time]}. */
    float[] of(Rollout rollout) {
        float[] logProbs = known.get(Place.of(rollout));
        if (logProbs == null || logProbs.length != rollout.length()) {
            throw new IllegalStateException("reference.jsonl must have " + rollout.length()
                    + " log-probabilities of draw " + rollout.draw() + ", sample " + rollout.sample() + ", got: "
                    + (logProbs == null ? "none" : logProbs.length) + "; start a new run");
        }
        return logProbs;
    }

    /**
     * The distance of the policy that sampled a rollout from the reference, summed over its valid tokens: {@code sum_t k(d_t)},
     * {@code d_t = clamp(log mu(y_t) - log pi_ref(y_t), -20, 20)}, nats.
     */
    double distance(Rollout rollout, KlPenalty.Estimator estimator) {
        float[] reference = of(rollout);
        double sum = 0;
        for (int t = 0; t < reference.length; t++) {
            if (rollout.responseMask()[t]) {
                double d = (double) rollout.behaviorLogProbs()[t] - reference[t];
                sum += estimator.of(Math.clamp(d, -Ratios.LOG_LIMIT, Ratios.LOG_LIMIT));
            }
        }
        return sum;
    }

    /** The scores of a group with the distance, times the coefficient, taken from each. */
    List<Score> penalised(ScoredGroup group, KlPenalty.Estimator estimator, double coefficient) {
        List<Score> scores = new ArrayList<>();
        for (int i = 0; i < group.scores().size(); i++) {
            Score score = group.scores().get(i);
            double penalty = coefficient * distance(group.rollouts().get(i), estimator);
            scores.add(score.decided() ? penalised(score, penalty) : score);
        }
        return scores;
    }

    /** A penalty on the whole response; where rewards were earned on the way, it is paid with the last of them. */
    private static Score penalised(Score score, double penalty) {
        double value = Math.clamp(score.value() - penalty, -Score.LARGEST, Score.LARGEST);
        SortedMap<Integer, Double> steps = new TreeMap<>(score.steps());
        if (!steps.isEmpty()) {
            steps.merge(steps.lastKey(), value - score.value(), Double::sum);
        }
        return new Score(true, value, score.parts(), score.reason(), steps);
    }

    /** After the updates of an iteration; what was computed for earlier draws is forgotten. */
    void learned(Policy policy, long oldestDraw) {
        model.follow(policy);
        known.keySet().removeIf(place -> place.draw < oldestDraw);
    }
}
