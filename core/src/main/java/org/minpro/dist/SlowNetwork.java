package org.minpro.dist;

import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A network slower than the one that there is, to see on one machine what a run of several would wait for: every collective call
 * takes {@code latency + bytes / bandwidth} longer. For measurements ({@code bench/scale}); no recipe and no option sets it.
 *
 * @param latencySeconds of each call
 * @param bytesPerSecond that one rank gives, and takes, at once
 */
record SlowNetwork(double latencySeconds, double bytesPerSecond) {
    /** {@code LATENCY_SECONDS,BYTES_PER_SECOND}, a system property of the program. */
    static final String PROPERTY = "org.minpro.dist.slow-network";

    SlowNetwork {
        if (!(latencySeconds >= 0) || !(bytesPerSecond > 0)) {
            throw new IllegalArgumentException("latency and bandwidth of a network must be >= 0 and > 0, got: "
                    + latencySeconds + " s and " + bytesPerSecond + " bytes per second");
        }
    }

    /** Null where the property is not set. */
    static @Nullable SlowNetwork ofProperty() {
        return of(System.getProperty(PROPERTY));
    }

    static @Nullable SlowNetwork of(@Nullable String value) {
        if (value == null) {
            return null;
        }
        String[] numbers = value.split(",", -1);
        double latency;
        double bandwidth;
        try {
            latency = Double.parseDouble(numbers[0]);
            bandwidth = Double.parseDouble(numbers[1]);
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
            throw new IllegalArgumentException(
                    PROPERTY + " must be LATENCY_SECONDS,BYTES_PER_SECOND, got: " + value, e);
        }
        return new SlowNetwork(latency, bandwidth);
    }

    /** Waits as long as a call takes that moves so many bytes. */
    void pass(long bytes) {
        long end = System.nanoTime() + (long) ((latencySeconds + bytes / bytesPerSecond) * 1e9);
        for (long left = end - System.nanoTime(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }
}
