package org.minpro.eval;

import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * What became of the responses to one problem of a benchmark.
 *
 * @param problem its id
 * @param samples responses
 * @param decided responses that were found right or wrong
 * @param right responses that were found right
 * @param majority whether the answer that most responses give is right; null where that is undecided
 * @param truncated responses cut off at the limit of new tokens
 * @param tokens of all responses
 */
public record ProblemOutcome(
        String problem,
        int samples,
        int decided,
        int right,
        @Nullable Boolean majority,
        int truncated,
        long tokens) {
    public ProblemOutcome {
        if (right < 0 || right > decided || decided > samples || truncated > samples) {
            throw new IllegalArgumentException(
                    "counts must be 0 <= right <= decided <= samples and truncated <= samples, got: right " + right
                            + ", decided " + decided + ", samples " + samples + ", truncated " + truncated);
        }
    }

    /** avg@k: right ones among the decided responses; empty where there are none. */
    public OptionalDouble average() {
        return decided == 0 ? OptionalDouble.empty() : OptionalDouble.of((double) right / decided);
    }

    /**
     * pass@j: the chance that at least one of j responses drawn from the n decided ones without replacement is right,
     * {@code 1 - C(n - c, j) / C(n, j)} with c right ones (arXiv 2107.03374); unbiased for any n >= j.
     *
     * @return empty where fewer than j responses are decided
     */
    public OptionalDouble passAt(int j) {
        if (j < 1) {
            throw new IllegalArgumentException("pass@j needs j >= 1, got: " + j);
        }
        if (decided < j) {
            return OptionalDouble.empty();
        }
        double none = 1;
        for (int i = 0; i < j; i++) {
            // A factor of zero, and no negative one after it: with n - c < j every draw holds a right response.
            none *= Math.max(0.0, (double) (decided - right - i) / (decided - i));
        }
        return OptionalDouble.of(1 - none);
    }

    /** maj@k: 1 or 0; empty where it is undecided. */
    public OptionalDouble majorityValue() {
        return majority == null ? OptionalDouble.empty() : OptionalDouble.of(majority ? 1 : 0);
    }
}
