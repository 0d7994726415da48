package org.minpro.app;

import java.util.function.LongSupplier;

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
            throw new IllegalStateException("this run needs about " + Figures.bytes(bytes) + " of memory, got: "
                    + Figures.bytes(free) + " free; lower " + lower + ", or take a smaller model");
        }
    }
}
