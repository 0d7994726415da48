package org.minpro.dist;

/** One of a run's processes is gone, too slow, or another than the others: the message names its rank and its host. */
public final class RankLostException extends IllegalStateException {
    private static final long serialVersionUID = 1;

    public RankLostException(String message, Throwable cause) {
        super(message, cause);
    }

    /** @param message the one line that a person is told */
    public RankLostException(String message) {
        super(message);
    }
}
