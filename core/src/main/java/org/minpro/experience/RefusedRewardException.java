package org.minpro.experience;

/** A reward with which a run cannot go on: its values are out of range, or too many of its calls took too long. */
public final class RefusedRewardException extends IllegalStateException {
    private static final long serialVersionUID = 1;

    RefusedRewardException(String message) {
        super(message);
    }

    RefusedRewardException(String message, Throwable cause) {
        super(message, cause);
    }
}
