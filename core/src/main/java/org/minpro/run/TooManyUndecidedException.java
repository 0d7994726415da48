package org.minpro.run;

/** More responses of an iteration could not be judged than the run allows. The run is saved and can be continued. */
public final class TooManyUndecidedException extends IllegalStateException {
    private static final long serialVersionUID = 1;

    TooManyUndecidedException(String message) {
        super(message);
    }
}
