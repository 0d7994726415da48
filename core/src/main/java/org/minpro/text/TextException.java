package org.minpro.text;

/** A file or template of a model's text side that cannot be used; the message is one line for the user. */
public final class TextException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** An error whose message says what must hold, what was found, where, and what to do. */
    public TextException(String message) {
        super(oneLine(message));
    }

    /** As {@link #TextException(String)}, keeping the {@code cause}. */
    public TextException(String message, Throwable cause) {
        super(oneLine(message), cause);
    }

    private static String oneLine(String message) {
        return message.replaceAll("\\s*\\R\\s*", " ");
    }
}
