package org.minpro.rollout;

/** Told of each token as it is sampled. */
@FunctionalInterface
public interface TokenListener {
    /** Nobody is told. */
    TokenListener NONE = (draw, sample, id) -> {};

    /**
     * A token was sampled: the next of its response, a stop id included. Called by the thread that decodes, one call at a
     * time for a response, so it must return at once; responses come from several threads.
     *
     * @param draw of the request
     * @param sample ordinal of the response in its request
     * @param id the token
     */
    void tokenSampled(long draw, int sample, int id);
}
