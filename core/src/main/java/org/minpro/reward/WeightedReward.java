package org.minpro.reward;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.config.Unwrapped;
import org.minpro.data.Problem;
import org.minpro.rollout.Rollout;
import org.minpro.verify.CompletionMarks;

/**
 * The weighted sum of named rewards, {@code sum_i weight_i * value_i}; each part's own value is in the score's parts.
 *
 * <p>Where a part has rewards on the way, the sum has them too, and the other parts' values at the last token.
 *
 * <p>Undecided if a part with a weight other than zero is: a sum over the parts that happened to answer would depend on
 * which service was up. A part of weight zero is only logged.
 *
 * @param parts what is added by name, in this order
 */
public record WeightedReward(
        @Doc(
                "What is added, by name: {weight: 1, reward: {name: length, maximum-tokens: 100}}. A part without a reward is"
                        + " that of its name.")
        Map<String, Part> parts)
        implements Reward {
    /**
     * One part of the sum.
     *
     * @param reward what is added
     * @param weight its factor
     */
    public record Part(
            @Doc("What is added.") @Unwrapped Reward reward,
            @Doc("Its factor.") double weight) {
        public Part {
            Rule.finite("weight", weight);
        }

        /** A part with a weight of one. */
        public Part(Reward reward) {
            this(reward, 1);
        }
    }

    public WeightedReward {
        Rule.check(!parts.isEmpty(), "parts", "one or more", "none");
        parts = Collections.unmodifiableMap(new LinkedHashMap<>(parts));
    }

    @Override
    public Reward reading(CompletionMarks marks) {
        Map<String, Part> read = new LinkedHashMap<>();
        parts.forEach((name, part) -> read.put(name, new Part(part.reward().reading(marks), part.weight())));
        return new WeightedReward(read);
    }

    @Override
    public void close() {
        parts.values().forEach(part -> part.reward().close());
    }

    @Override
    public double serviceSeconds() {
        return parts.values().stream()
                .mapToDouble(part -> part.reward().serviceSeconds())
                .sum();
    }

    @Override
    public String described() {
        return parts.values().stream()
                .map(part -> part.reward().described())
                .collect(Collectors.joining(", ", "weighted (", ")"));
    }

    @Override
    public List<String> notices() {
        return parts.values().stream()
                .flatMap(part -> part.reward().notices().stream())
                .toList();
    }

    @Override
    public Score score(Problem problem, Rollout rollout) {
        double sum = 0.0;
        boolean decided = true;
        StringBuilder reason = new StringBuilder();
        Map<String, Double> values = new TreeMap<>();
        SortedMap<Integer, Double> steps = new TreeMap<>();
        double atTheEnd = 0.0;
        for (Map.Entry<String, Part> entry : parts.entrySet()) {
            String name = entry.getKey();
            Part part = entry.getValue();
            Score score = part.reward().score(problem, rollout);
            score.parts().forEach((inner, value) -> values.put(name + "/" + inner, value));
            if (score.decided()) {
                values.put(name, score.value());
                sum += part.weight() * score.value();
                if (score.steps().isEmpty()) {
                    atTheEnd += part.weight() * score.value();
                }
                score.steps().forEach((token, value) -> steps.merge(token, part.weight() * value, Double::sum));
            } else if (part.weight() != 0.0) {
                decided = false;
            }
            if (!score.reason().isEmpty()) {
                reason.append(reason.isEmpty() ? "" : "; ")
                        .append(name)
                        .append(": ")
                        .append(score.reason());
            }
        }
        if (!decided) {
            return new Score(false, 0.0, values, reason.toString());
        }
        if (!steps.isEmpty()) {
            steps.merge(rollout.length() - 1, atTheEnd, Double::sum);
        }
        return new Score(true, sum, values, reason.toString(), steps);
    }
}
