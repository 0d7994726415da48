package org.minpro.reward;

import org.minpro.config.Doc;
import org.minpro.data.Problem;
import org.minpro.rollout.Rollout;

/**
 * DAPO's soft overlong punishment (arXiv 2503.14476, section 3.4): {@code min(0, -(length - expected) / buffer *
 * factor)} with {@code expected = maximumTokens - bufferTokens}.
 *
 * @param maximumTokens the longest response that sampling allows
 * @param bufferTokens the last tokens before it, over which the penalty grows
 * @param factor the penalty of a response of {@code maximumTokens}
 */
public record OverlongPenalty(
        @Doc("The longest response that sampling allows, tokens.")
        int maximumTokens,

        @Doc("The last tokens before it, over which the penalty grows, [1, maximum-tokens].")
        int bufferTokens,

        @Doc("The penalty of a response of maximum-tokens, >= 0.")
        double factor)
        implements Reward {
    public OverlongPenalty {
        if (bufferTokens < 1 || bufferTokens > maximumTokens) {
            throw new IllegalArgumentException(
                    "buffer-tokens must be >= 1 and <= maximum-tokens (" + maximumTokens + "), got: " + bufferTokens);
        }
        if (!(factor >= 0 && Double.isFinite(factor))) {
            throw new IllegalArgumentException("factor must be >= 0 and finite, got: " + factor);
        }
    }

    /** A penalty of one at the end. */
    public OverlongPenalty(int maximumTokens, int bufferTokens) {
        this(maximumTokens, bufferTokens, 1);
    }

    @Override
    public Score score(Problem problem, Rollout rollout) {
        int over = rollout.length() - (maximumTokens - bufferTokens);
        return Score.of(over <= 0 ? 0.0 : -(double) over / bufferTokens * factor);
    }
}
