package org.minpro.reward;

import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.minpro.config.Rule;

/**
 * The value of one rollout, or that it has none.
 *
 * @param decided false where the reward could not judge; such a rollout trains nothing
 * @param value the value; 0 and without meaning where not decided
 * @param parts named values for the log, sorted by name; they are already in {@code value}
 * @param reason why, in a few words, for the samples log and the audit; may be empty
 * @param steps rewards on the way by the token of the response, from 0, at which each was earned, such as the last one of a
 *     turn or of a step of reasoning; their sum is the value. Empty where the value was earned at the end.
 */
public record Score(
        boolean decided, double value, Map<String, Double> parts, String reason, SortedMap<Integer, Double> steps) {
    /** Largest magnitude of a reward: beyond it float32 advantages and their variance lose what tells responses apart. */
    public static final double LARGEST = 1e6;

    /** What a sum of steps may be rounded away from the value, as a share of it. */
    private static final double ROUNDING = 1e-9;

    public Score {
        if (decided && !Double.isFinite(value)) {
            throw new IllegalArgumentException(
                    "a decided score must be finite, got: " + value + "; return Score.undecided where there is none");
        }
        if (!decided) {
            // It has no meaning, and what is no number could not be read back from a file.
            value = 0;
        }
        parts.forEach((name, part) -> {
            if (!Double.isFinite(part)) {
                throw new IllegalArgumentException(
                        "a score's parts must be finite, got: " + part + " for '" + name + "'; leave it out");
            }
        });
        parts = Collections.unmodifiableMap(new TreeMap<>(parts));
        steps = Collections.unmodifiableSortedMap(new TreeMap<>(steps));
        if (!steps.isEmpty()) {
            double sum =
                    steps.values().stream().mapToDouble(Double::doubleValue).sum();
            if (!decided
                    || steps.firstKey() < 0
                    || !(Math.abs(sum - value) <= ROUNDING * Math.max(1, Math.abs(value)))) {
                throw new IllegalArgumentException(
                        "the rewards of a decided score's steps, at tokens >= 0, must add up to" + " its value ("
                                + value + "), got: " + steps);
            }
        }
    }

    /** A score that was earned at the end. */
    public Score(boolean decided, double value, Map<String, Double> parts, String reason) {
        this(decided, value, parts, reason, Collections.emptySortedMap());
    }

    /** Checks a parameter that is a reward's value. */
    static void check(String name, double value) {
        Rule.finite(name, value);
        Rule.check(Math.abs(value) <= LARGEST, name, "in [-1e6, 1e6]", value);
    }

    public static Score of(double value) {
        return new Score(true, value, Map.of(), "");
    }

    public static Score of(double value, String reason) {
        return new Score(true, value, Map.of(), reason);
    }

    public static Score undecided(String reason) {
        return new Score(false, 0.0, Map.of(), reason);
    }
}
