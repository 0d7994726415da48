package org.minpro.advantage;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.minpro.reward.Score;

/**
 * A scored response as an estimator of advantages sees it.
 *
 * @param score of the whole response
 * @param mask which of its tokens the policy wrote, {@code [time]}
 * @param greedy score of the greedy response to the same prompt; null unless the estimator reads it
 */
public record Response(
        Score score, boolean[] mask, @Nullable Score greedy) {
    public Response {
        if (!score.steps().isEmpty() && score.steps().lastKey() >= mask.length) {
            throw new IllegalArgumentException("a score's steps must be at tokens of the response, [0, " + mask.length
                    + "), got: " + score.steps().lastKey());
        }
    }

    /** A response beside which no greedy one was sampled. */
    public Response(Score score, boolean[] mask) {
        this(score, mask, null);
    }

    /** A response all of whose tokens the policy wrote. */
    public static Response of(Score score, int length) {
        boolean[] mask = new boolean[length];
        Arrays.fill(mask, true);
        return new Response(score, mask);
    }

    /** Its tokens, masked ones included. */
    public int length() {
        return mask.length;
    }

    /** Tokens that the policy wrote. */
    public int written() {
        int written = 0;
        for (boolean own : mask) {
            written += own ? 1 : 0;
        }
        return written;
    }

    /** One number on all its tokens, {@code [time]}. */
    double[] filled(double value) {
        double[] values = new double[mask.length];
        Arrays.fill(values, value);
        return values;
    }

    /** The reward earned at each token, {@code [time]}; without steps the value is earned at the last one. */
    double[] rewards() {
        double[] rewards = new double[mask.length];
        score.steps().forEach((token, value) -> rewards[token] = value);
        if (score.steps().isEmpty() && mask.length > 0) {
            rewards[mask.length - 1] = score.value();
        }
        return rewards;
    }
}
