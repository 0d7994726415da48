package org.minpro.reward;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.minpro.data.Problem;
import org.minpro.rollout.Rollout;

/**
 * The weighted sum of named rewards, {@code sum_i weight_i * value_i}; each part's own value is in the score's parts.
 *
 * <p>Undecided if a part with a weight other than zero is: a sum over the parts that happened to answer would depend on
 * which service was up. A part of weight zero is only logged.
 *
 * @param terms the parts by name, added in this order
 */
public record WeightedReward(Map<String, Term> terms) implements Reward {
    /**
     * One part of the sum.
     *
     * @param reward what is added
     * @param weight its factor
     */
    public record Term(Reward reward, double weight) {
        public Term {
            if (!Double.isFinite(weight)) {
                throw new IllegalArgumentException("weight must be finite, got: " + weight);
            }
        }
    }

    public WeightedReward {
        if (terms.isEmpty()) {
            throw new IllegalArgumentException("a weighted reward must have at least one part, got: none");
        }
        terms = new LinkedHashMap<>(terms);
    }

    @Override
    public Map<String, Term> terms() {
        return java.util.Collections.unmodifiableMap(terms);
    }

    @Override
    public Score score(Problem problem, Rollout rollout) {
        double sum = 0.0;
        boolean decided = true;
        StringBuilder reason = new StringBuilder();
        Map<String, Double> parts = new TreeMap<>();
        for (Map.Entry<String, Term> entry : terms.entrySet()) {
            String name = entry.getKey();
            Term term = entry.getValue();
            Score score = term.reward().score(problem, rollout);
            score.parts().forEach((part, value) -> parts.put(name + "/" + part, value));
            if (score.decided()) {
                parts.put(name, score.value());
                sum += term.weight() * score.value();
            } else if (term.weight() != 0.0) {
                decided = false;
            }
            if (!score.reason().isEmpty()) {
                reason.append(reason.isEmpty() ? "" : "; ")
                        .append(name)
                        .append(": ")
                        .append(score.reason());
            }
        }
        return new Score(decided, decided ? sum : 0.0, parts, reason.toString());
    }
}
