package org.minpro.run;

import org.jspecify.annotations.Nullable;

/** More responses of an iteration could not be judged than the run allows. The run is saved and can be continued. */
public final class TooManyUndecidedException extends SavedRunException {
    private static final long serialVersionUID = 1;

    TooManyUndecidedException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
