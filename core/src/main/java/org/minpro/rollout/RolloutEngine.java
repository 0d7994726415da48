package org.minpro.rollout;

import java.util.List;
import java.util.function.Consumer;
import org.minpro.model.PolicyVersion;

/** Generates responses from the policy version that was published last. */
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
     * Generates all responses from the published version, which is held until they have ended, or {@linkplain #replace
     * replaced}.
     *
     * @param finished told of each response as it ends, from any thread, before this method returns
     * @return the responses, in the order of the requests and of their samples
     * @throws java.util.concurrent.CancellationException after {@link #cancel}
     * @throws IllegalStateException where no version is published
     */
    List<Rollout> generate(List<RolloutRequest> requests, SamplingParams params, Consumer<Rollout> finished);

    /** Makes a version the one that later rollouts are sampled from and carry; the engine holds it until the next one. */
    void publish(PolicyVersion version);

    /**
     * As {@link #publish}, and responses in flight go on with this version, too: over the keys and values that the versions
     * before have left in their caches. Each token has the version that sampled it, log mu is what that one said.
     */
    void replace(PolicyVersion version);

    /** Gives the published version back, so that its weights may be stepped where they are. */
    void withdraw();

    Exactness exactness();

    /** Ends generation for good, one under way as soon as possible; its listener has been told of finished responses. */
    void cancel();

    @Override
    void close();
}
