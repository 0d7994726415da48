package org.minpro.app;

import java.util.function.LongSupplier;
import org.minpro.run.MemoryEstimate;
import picocli.CommandLine.Option;

/** Refuses work that the machine's memory does not suffice for, before any of it is taken; the user may insist. */
final class MemoryCheck {
    static final String IGNORE = "--ignore-memory";

    private final LongSupplier available;
    private final Console console;

    @Option(
            names = IGNORE,
            description = "Go on, with a warning, where the machine's free memory does not suffice for the estimate.")
    private boolean ignored;

    /** @param available bytes that the machine can still give */
    MemoryCheck(LongSupplier available, Console console) {
        this.available = available;
        this.console = console;
    }

    /** What a session may take for granted: what is free, or anything where the user insists. */
    long allowed() {
        return ignored ? Long.MAX_VALUE : available();
    }

    boolean isIgnored() {
        return ignored;
    }

    long available() {
        return available.getAsLong();
    }

    /**
     * @param bytes that the work takes
     * @param lower the settings that would make it take less
     */
    void require(long bytes, String lower) {
        long free = available();
        if (bytes <= free) {
            return;
        }
        String refusal = MemoryEstimate.refusal(bytes, free, lower);
        if (!ignored) {
            throw new IllegalStateException(refusal + ", or go on all the same with " + IGNORE);
        }
        console.say("warning: " + refusal + "; going on, as " + IGNORE + " says: the system may end it");
    }
}
