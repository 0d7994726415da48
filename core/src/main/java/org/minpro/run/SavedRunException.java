package org.minpro.run;

import org.jspecify.annotations.Nullable;

/**
 * A run that cannot go on as it is, most often because of its reward. It is saved and can be continued; the cause is what the
 * reward threw first, where it threw.
 */
public sealed class SavedRunException extends IllegalStateException permits TooManyUndecidedException {
    private static final long serialVersionUID = 1;

    SavedRunException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
