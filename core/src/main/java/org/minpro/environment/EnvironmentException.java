package org.minpro.environment;

import org.jspecify.annotations.Nullable;

/** An environment that failed, so that its rollout cannot be scored. */
public final class EnvironmentException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public EnvironmentException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
