package org.minpro.rollout;

import java.util.List;
import java.util.function.Consumer;

/** Generates responses from the policy's newest published version. */
public interface RolloutEngine extends AutoCloseable {
    /** What a caller may expect of two equal requests to one version. */
    enum Exactness {
        /** The same ids and the same bytes of log mu, whatever else runs beside them. */
        BITWISE,
        /** The same ids for the same seed, log mu up to rounding. */
        SEEDED,
        /** Nothing. */
        NONE
    }

    /**
     * Generates all responses.
     *
     * @param finished told of each response as it ends, from any thread, before this method returns
     * @return the responses, in the order of the requests and of their samples
     * @throws java.util.concurrent.CancellationException after {@link #cancel}
     */
    List<Rollout> generate(List<RolloutRequest> requests, SamplingParams params, Consumer<Rollout> finished);

    /** Makes the current weights the version that later rollouts are sampled from and carry. */
    void publish(long version);

    Exactness exactness();

    /** Ends generation for good, one under way as soon as possible; its listener has been told of finished responses. */
    void cancel();

    @Override
    void close();
}
