package org.minpro.dashboard;

import java.util.Locale;

/** What becomes of a run, as its folder tells. */
public enum RunState {
    /** A process of this machine works on it. */
    RUNNING,
    /** All iterations are done. */
    FINISHED,
    /** It ended in order before its last iteration, and can be continued. */
    STOPPED,
    /** It ended before its last iteration with a line that says why. */
    FAILED,
    /** Its process ended without a word, and it can be continued. */
    KILLED,
    /** A process of another machine worked on it last; this one cannot see whether it still does. */
    ELSEWHERE;

    /** In a word. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
