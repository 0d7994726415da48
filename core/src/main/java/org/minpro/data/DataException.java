package org.minpro.data;

/** Input that cannot be used; the message is one line that names file and line, what is wrong and what is expected. */
public final class DataException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    public DataException(String message) {
        super(message);
    }

    public DataException(String message, Throwable cause) {
        super(message, cause);
    }
}
