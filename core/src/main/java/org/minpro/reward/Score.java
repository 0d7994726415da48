package org.minpro.reward;

import java.util.Map;

/**
 * What a reward says of a rollout: a value, or <i>undecided</i>, with its parts and a reason.
 *
 * <p>An undecided rollout leaves its group's statistics and the loss; it is never a zero.
 *
 * @param decided whether {@code value} is meaningful
 * @param value the reward; finite where decided, 0 where not
 * @param parts named parts of the value, for the metrics
 * @param reason one line for people: what was compared, or why it is undecided; may be empty
 */
public record Score(boolean decided, double value, Map<String, Double> parts, String reason) {
    public Score {
        if (!Double.isFinite(value)) {
            throw new IllegalArgumentException("reward must be finite, got: " + value);
        }
        parts = Map.copyOf(parts);
    }

    public static Score of(double value) {
        return new Score(true, value, Map.of(), "");
    }

    public static Score of(double value, String reason) {
        return new Score(true, value, Map.of(), reason);
    }

    public static Score undecided(String reason) {
        return new Score(false, 0, Map.of(), reason);
    }
}
