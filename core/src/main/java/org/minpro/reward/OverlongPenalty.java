package org.minpro.reward;

import org.minpro.config.Doc;
import org.minpro.config.Rule;
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
        Rule.check(
                bufferTokens >= 1 && bufferTokens <= maximumTokens,
                "buffer-tokens",
                ">= 1 and <= maximum-tokens (" + maximumTokens + ")",
                bufferTokens);
        Rule.check(factor >= 0 && Double.isFinite(factor), "factor", ">= 0 and finite", factor);
        Score.check("factor", factor);
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
