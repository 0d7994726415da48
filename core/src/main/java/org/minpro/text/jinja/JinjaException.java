package org.minpro.text.jinja;

/** A template that cannot be read or rendered, with the line where it happened. */
public final class JinjaException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int line;
    private final String reason;

    JinjaException(String reason, int line) {
        super(line > 0 ? "line " + line + ": " + reason : reason);
        this.reason = reason;
        this.line = line;
    }

    /** What is wrong, without the line. */
    public String reason() {
        return reason;
    }

    /** The line of the template, from 1. */
    public int line() {
        return line;
    }

    /** The same error at a line, if it has none yet. */
    JinjaException at(int where) {
        return line > 0 ? this : new JinjaException(reason, where);
    }

    /** An error of an operation that does not know its line; the interpreter adds it. */
    static JinjaException of(String reason) {
        return new JinjaException(reason, 0);
    }
}
