package org.minpro.rollout.served;

/**
 * What a server did wrong, with a name of its own; the message is one line that names the server. Where it ends a run, a person
 * is to read it, as of every state that a run cannot go on in.
 */
public final class ServerException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /** The kinds, and what is done about each. */
    public enum Kind {
        /** It does not answer, or with 500 and above: it is asked again once its handshake succeeds. */
        AWAY,
        /** It answered, but not in time. */
        TIMEOUT,
        /** The reply is no JSON of the protocol, or is cut. */
        MALFORMED,
        /** A response of other ids, lengths or log-probabilities than a response can have. */
        INVALID_RESPONSE,
        /** A response that the server ended before its end. */
        ABORTED,
        /** A response shorter than asked for, said to have reached the limit. */
        CLAMPED,
        /** Tokens of weights that this run has not published: the server was restarted, or somebody else writes to it. */
        OTHER_WEIGHTS,
        /** New weights were not taken. */
        NOT_PUBLISHED,
        /** It computes other log-probabilities than the trainer at the same weights. */
        DISAGREES,
        /** It refuses, or was started with flags that do not serve; nothing is tried again with a server that does. */
        UNUSABLE
    }

    private final Kind kind;

    public ServerException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    public ServerException(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }

    /** Whether the server is to be looked at again before it gets another request. */
    boolean needsHandshake() {
        return switch (kind) {
            case AWAY, TIMEOUT, OTHER_WEIGHTS, NOT_PUBLISHED, DISAGREES, UNUSABLE -> true;
            case MALFORMED, INVALID_RESPONSE, ABORTED, CLAMPED -> false;
        };
    }

    /** Whether it counts as an attempt: a server that is away, and weights that change, are nobody's fault in the answer. */
    boolean isOfAnswer() {
        return switch (kind) {
            case MALFORMED, INVALID_RESPONSE, CLAMPED, UNUSABLE -> true;
            case AWAY, TIMEOUT, OTHER_WEIGHTS, NOT_PUBLISHED, DISAGREES, ABORTED -> false;
        };
    }
}
