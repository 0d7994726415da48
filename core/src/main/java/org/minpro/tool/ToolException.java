package org.minpro.tool;

import org.jspecify.annotations.Nullable;

/** A call that failed; its message is told to the model. */
public final class ToolException extends Exception {
    private static final long serialVersionUID = 1;

    public ToolException(String message) {
        super(message);
    }

    public ToolException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
