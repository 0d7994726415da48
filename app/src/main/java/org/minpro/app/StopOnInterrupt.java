package org.minpro.app;

import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Ctrl-C while this is open: the run is asked to stop, at once or as soon as there is one, and the process waits for the
 * opening thread to save it and close this. A second Ctrl-C ends the process at once: what was saved before stays.
 */
final class StopOnInterrupt implements AutoCloseable {
    private static final long PATIENCE_MILLIS = 120_000;
    /** Of a process that SIGINT ended, as shells count. */
    private static final int INTERRUPTED = 130;

    private final Consumer<String> say;
    private final Thread hook;
    private final AtomicInteger signals = new AtomicInteger();
    private final Object monitor = new Object();
    private @Nullable Object before;
    private boolean closed;
    private boolean interrupted;
    private @Nullable Runnable stop;

    /** @param say tells a person, from any thread */
    StopOnInterrupt(Consumer<String> say) {
        this.say = say;
        hook = new Thread(
                () -> {
                    interrupt();
                    awaitClose();
                },
                "minpro-stop");
        Runtime.getRuntime().addShutdownHook(hook);
        before = handle(null);
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

    /**
     * Takes SIGINT over: without that a JVM that is ending pays no heed to a second one. The class is not of the JDK's
     * documented ones; where it is missing the hook alone works.
     *
     * @param handler what handled it before, to be put back; null takes it over
     * @return what handled it until now
     */
    private @Nullable Object handle(@Nullable Object handler) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> type = Class.forName("sun.misc.SignalHandler");
            Method handle = signal.getMethod("handle", signal, type);
            Object own = Proxy.newProxyInstance(
                    type.getClassLoader(),
                    new Class<?>[] {type},
                    (proxy, method, arguments) -> switch (method.getName()) {
                        case "handle" -> {
                            signalled();
                            yield null;
                        }
                        case "equals" -> arguments != null && isSame(proxy, arguments[0]);
                        case "hashCode" -> System.identityHashCode(this);
                        default -> "StopOnInterrupt";
                    });
            return handle.invoke(
                    null, signal.getConstructor(String.class).newInstance("INT"), handler == null ? own : handler);
        } catch (ReflectiveOperationException | IllegalArgumentException e) {
            return null;
        }
    }

    private void signalled() {
        if (signals.incrementAndGet() > 1) {
            Runtime.getRuntime().halt(INTERRUPTED);
        }
        // Not in the signal's own thread, which takes the second one.
        Thread exit = new Thread(() -> System.exit(INTERRUPTED), "minpro-exit");
        exit.setDaemon(true);
        exit.start();
    }

    private void interrupt() {
        synchronized (monitor) {
            if (closed) {
                return;
            }
            interrupted = true;
            if (stop != null) {
                stop.run();
            }
        }
        say.accept("stopping as soon as what is under way is saved; Ctrl-C again ends at once");
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
        if (before != null && signals.get() == 0) {
            handle(before);
        }
        synchronized (monitor) {
            closed = true;
            monitor.notifyAll();
        }
    }

    /** A proxy has no other identity: its equals is this very method. */
    @SuppressWarnings("ReferenceEquality")
    private static boolean isSame(Object one, Object other) {
        return one == other;
    }
}
