package org.minpro.rollout.served;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.minpro.rollout.SamplingParams;

/** The calls that a server of some kind understands; each fails with a {@link ServerException}. */
interface InferenceServer extends AutoCloseable {
    /**
     * What to generate.
     *
     * @param id of the request, for the server's log
     * @param adapter that samples, by the name that the server was given it under; null for the model alone
     * @param seed in [0, 2^31)
     * @param salt what cached prompts are shared within
     */
    record Prompt(String id, @Nullable String adapter, int[] promptIds, SamplingParams params, int seed, String salt) {}

    /**
     * A response as the server tells it, unchecked.
     *
     * @param ids of its tokens, the stop id included
     * @param logProbIds ids that the log-probabilities are said to be of
     * @param logProbs of the tokens, nats
     * @param finish {@code stop}, {@code length} or {@code abort}
     * @param spans which weights wrote which tokens; empty where the server does not tell, and of an adapter, which is the
     *     same one from the first token to the last
     */
    record Answer(int[] ids, int[] logProbIds, double[] logProbs, String finish, List<Span> spans) {}

    /** Tokens from {@code start} until {@code end}, of weights with this label. */
    record Span(String label, int start, int end) {}

    /**
     * What a server says of itself.
     *
     * @param version of its software
     * @param context most tokens of a prompt and its response
     */
    record Facts(String version, int context) {}

    /**
     * How a server is started otherwise.
     *
     * @param logProbs so that its log-probabilities are of the request's temperature
     * @param context what gives it more room
     */
    record Flags(String logProbs, String context) {}

    /** What becomes of responses in flight when the server pauses. */
    enum InFlight {
        /** They stand still until the server goes on. */
        KEEP,
        /** They end at once. */
        ABORT
    }

    String url();

    Flags flags();

    /** Asks what it is, and whether it has every endpoint that is needed; one that was left paused answers too. */
    Facts handshake();

    /** Whether its worker lives; {@link #handshake} alone does not tell. */
    void requireAlive();

    /**
     * Whether it says that it has what it was given: weights under this label, or an adapter of this name. One that was started
     * anew does not, nor does one that keeps no labels.
     */
    boolean holds(String label, boolean adapter);

    Answer generate(Prompt prompt);

    /**
     * The log-probabilities at temperature 1 of the ids from the second on, {@code [length - 1]}.
     *
     * @param adapter as in {@link Prompt}
     */
    double[] score(int[] ids, @Nullable String adapter);

    /** No token is sampled until {@link #resume}. */
    void pause(InFlight inFlight);

    /** Takes the weights of a folder as the server sees it, under a label. */
    void reload(String path, String label);

    /** Takes the adapter of a folder as the server sees it, beside those that it has, under a name that it never had. */
    void addAdapter(String path, String name);

    /** Forgets an adapter; requests under way with it go on. */
    void removeAdapter(String name);

    /** Forgets cached prompts; false where it could not, because responses are in flight. */
    boolean resetCache();

    void resume();

    /** Ends all calls under way; they fail, and later ones have new connections. */
    void reset();

    @Override
    void close();
}
