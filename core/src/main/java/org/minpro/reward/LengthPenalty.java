package org.minpro.reward;

import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.data.Problem;
import org.minpro.rollout.Rollout;

/**
 * A penalty that grows with the response: {@code -factor * min(1, length / maximumTokens)}.
 *
 * @param maximumTokens the length, in tokens, of the whole penalty
 * @param factor the whole penalty
 */
public record LengthPenalty(
        @Doc("Length of the whole penalty, tokens, >= 1.") int maximumTokens,
        @Doc("The whole penalty, >= 0.") double factor)
        implements Reward {
    public LengthPenalty {
        Rule.positive("maximum-tokens", maximumTokens);
        Rule.check(factor >= 0 && Double.isFinite(factor), "factor", ">= 0 and finite", factor);
        Score.check("factor", factor);
    }

    /** A whole penalty of one. */
    public LengthPenalty(int maximumTokens) {
        this(maximumTokens, 1);
    }

    @Override
    public Score score(Problem problem, Rollout rollout) {
        double share = Math.min(1.0, (double) rollout.length() / maximumTokens);
        return Score.of(0.0 - factor * share);
    }
}
