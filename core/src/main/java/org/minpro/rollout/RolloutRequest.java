package org.minpro.rollout;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * A prompt to be continued.
 *
 * @param draw ordinal of the group in the run; a coordinate of its random numbers
 * @param promptIds token ids, at least one
 * @param samples ordinals of the responses wanted, each a coordinate of its random numbers
 */
public record RolloutRequest(long draw, int[] promptIds, int[] samples) {
    public RolloutRequest {
        if (promptIds.length == 0) {
            throw new IllegalArgumentException("a prompt must have at least one token, got: 0");
        }
    }

    /** Responses {@code 0 .. count - 1}. */
    public static RolloutRequest of(long draw, int[] promptIds, int count) {
        return new RolloutRequest(draw, promptIds, IntStream.range(0, count).toArray());
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RolloutRequest request
                && draw == request.draw
                && Arrays.equals(promptIds, request.promptIds)
                && Arrays.equals(samples, request.samples);
    }

    @Override
    public int hashCode() {
        return Long.hashCode(draw);
    }
}
