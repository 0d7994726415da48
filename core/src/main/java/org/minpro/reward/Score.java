package org.minpro.reward;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * The value of one rollout, or that it has none.
 *
 * @param decided false where the reward could not judge; such a rollout trains nothing
 * @param value the value; 0 and without meaning where not decided
 * @param parts named values for the log, sorted by name; they are already in {@code value}
 * @param reason why, in a few words, for the samples log and the audit; may be empty
 */
public record Score(boolean decided, double value, Map<String, Double> parts, String reason) {
    public Score {
        if (decided && !Double.isFinite(value)) {
            throw new IllegalArgumentException(
                    "a decided score must be finite, got: " + value + "; return Score.undecided where there is none");
        }
        parts = Collections.unmodifiableMap(new TreeMap<>(parts));
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
