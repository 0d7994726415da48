package org.minpro.app;

/**
 * Ctrl-C while this is open: the run is asked to stop, and the process waits for the opening thread to save it and close
 * this.
 */
final class StopOnInterrupt implements AutoCloseable {
    private static final long PATIENCE_MILLIS = 120_000;

    private final Thread hook;
    private final Object monitor = new Object();
    private boolean closed;

    StopOnInterrupt(Runnable stop) {
        hook = new Thread(
                () -> {
                    stop.run();
                    awaitClose();
                },
                "minpro-stop");
        Runtime.getRuntime().addShutdownHook(hook);
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
