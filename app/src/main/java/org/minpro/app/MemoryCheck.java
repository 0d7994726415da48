package org.minpro.app;

import java.util.function.LongSupplier;
import org.minpro.run.MemoryEstimate;

/** Refuses work that the machine's memory does not suffice for, before any of it is taken. */
final class MemoryCheck {
    private final LongSupplier available;

    /** @param available bytes that the machine can still give */
    MemoryCheck(LongSupplier available) {
        this.available = available;
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
        if (bytes > free) {
            throw new IllegalStateException(MemoryEstimate.refusal(bytes, free, lower));
        }
    }
}
