package org.minpro.verify;

/** Leaves a parse or a computation that cannot go on; never leaves the package. It carries no stack trace. */
final class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient Reason reason;

    Refusal(Reason reason) {
        super(reason.sentence(), null, false, false);
        this.reason = reason;
    }

    static Refusal malformed() {
        return new Refusal(Reason.MALFORMED);
    }

    static Refusal unknown() {
        return new Refusal(Reason.ANSWER_NOT_UNDERSTOOD);
    }

    static Refusal limit() {
        return new Refusal(Reason.LIMIT);
    }

    static Refusal undefined() {
        return new Refusal(Reason.UNDEFINED);
    }

    Reason reason() {
        return reason;
    }
}
