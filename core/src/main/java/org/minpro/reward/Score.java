package org.minpro.reward;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.minpro.config.Rule;

/**
 * The value of one rollout, or that it has none.
 *
 * @param decided false where the reward could not judge; such a rollout trains nothing
 * @param value the value; 0 and without meaning where not decided
 * @param parts named values for the log, sorted by name; they are already in {@code value}
 * @param reason why, in a few words, for the samples log and the audit; may be empty
 */
public record Score(boolean decided, double value, Map<String, Double> parts, String reason) {
    /** Largest magnitude of a reward: beyond it float32 advantages and their variance lose what tells responses apart. */
    public static final double LARGEST = 1e6;

    public Score {
        if (decided && !Double.isFinite(value)) {
            throw new IllegalArgumentException(
                    "a decided score must be finite, got: " + value + "; return Score.undecided where there is none");
        }
        parts = Collections.unmodifiableMap(new TreeMap<>(parts));
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
