package org.minpro.rollout;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;

/**
 * What follows where a response has ended with a stop id: ids that the policy did not write, after which it writes on. A tool's
 * answer or a user's next turn is one.
 *
 * <p>It is called by a thread that decodes, so it must return at once; what it returns may be completed later, by any thread.
 * Until then the response waits outside the engine's slots. A rollout can be repeated where what follows is a function of
 * the ids alone.
 */
@FunctionalInterface
public interface Continuation {
    /** The response ends with its first stop id. */
    Continuation NONE = (sample, responseIds) -> CompletableFuture.completedFuture(new int[0]);

    /**
     * @param sample ordinal of the response in its group
     * @param responseIds all ids of the response so far, {@code [time]}, the stop id last
     * @return ids to append unsampled; none where the response has ended. A stage that fails ends the whole generation with
     *     its exception.
     */
    CompletionStage<int[]> after(int sample, int[] responseIds);

    /**
     * What a stage failed with, as it was thrown.
     *
     * @param thrown by a caller that waited for the stage, or told to one that listens
     */
    static RuntimeException failure(Throwable thrown) {
        return switch (thrown) {
            case CompletionException wrapped when wrapped.getCause() instanceof RuntimeException cause -> cause;
            case CompletionException wrapped when wrapped.getCause() instanceof Error cause -> throw cause;
            case RuntimeException runtime -> runtime;
            case Error error -> throw error;
            default -> new IllegalStateException(thrown);
        };
    }
}
