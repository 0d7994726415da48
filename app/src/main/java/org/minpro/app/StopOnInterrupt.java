package org.minpro.app;

import org.jspecify.annotations.Nullable;

/**
 * Ctrl-C while this is open: the run is asked to stop, at once or as soon as there is one, and the process waits for the
 * opening thread to save it and close this.
 */
final class StopOnInterrupt implements AutoCloseable {
    private static final long PATIENCE_MILLIS = 120_000;

    private final Thread hook;
    private final Object monitor = new Object();
    private boolean closed;
    private boolean interrupted;
    private @Nullable Runnable stop;

    StopOnInterrupt() {
        hook = new Thread(
                () -> {
                    interrupt();
                    awaitClose();
                },
                "minpro-stop");
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /** What asks the run to stop. */
    void stops(Runnable run) {
        synchronized (monitor) {
            stop = run;
            if (interrupted) {
                run.run();
            }
        }
    }

    private void interrupt() {
        synchronized (monitor) {
            interrupted = true;
            if (stop != null) {
                stop.run();
            }
        }
    }

    private void awaitClose() {
        long end = System.currentTimeMillis() + PATIENCE_MILLIS;
        synchronized (monitor) {
            while (!closed && System.currentTimeMillis() < end) {
                try {
                    monitor.wait(1000);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return;
                }
            }
        }
    }

    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The shutdown is under way and waits for this.
        }
        synchronized (monitor) {
            closed = true;
            monitor.notifyAll();
        }
    }
}
