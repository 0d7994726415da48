package org.minpro.rollout;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * A prompt to be continued.
 *
 * @param draw ordinal of the group in the run; a coordinate of its random numbers
 * @param promptIds token ids, at least one
 * @param samples ordinals of the responses wanted, each a coordinate of its random numbers
 * @param groupSize how many responses the group has in all, so that each has an ordinal of its own in the run
 * @param continuation what follows where a response ends with a stop id
 */
public record RolloutRequest(long draw, int[] promptIds, int[] samples, int groupSize, Continuation continuation) {
    public RolloutRequest {
        if (promptIds.length == 0) {
            throw new IllegalArgumentException("a prompt must have at least one token, got: 0");
        }
    }

    /** Responses {@code 0 .. count - 1} of one turn. */
    public static RolloutRequest of(long draw, int[] promptIds, int count) {
        return new RolloutRequest(draw, promptIds, IntStream.range(0, count).toArray(), count, Continuation.NONE);
    }

    /** The same responses, which may go on after a stop id. */
    public RolloutRequest continued(Continuation next) {
        return new RolloutRequest(draw, promptIds, samples, groupSize, next);
    }

    /** For some of the responses: each is the one that the whole request would get. */
    public RolloutRequest only(int... some) {
        return new RolloutRequest(draw, promptIds, some, groupSize, continuation);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RolloutRequest request
                && draw == request.draw
                && Arrays.equals(promptIds, request.promptIds)
                && Arrays.equals(samples, request.samples)
                && groupSize == request.groupSize
                && continuation.equals(request.continuation);
    }

    @Override
    public int hashCode() {
        return Long.hashCode(draw);
    }
}
