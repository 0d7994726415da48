package org.minpro.tensor;

import org.bytedeco.pytorch.GradMode;

/** Switches the recording of gradients off in this thread until it is closed; it nests. */
public final class NoGradient implements AutoCloseable {
    private final boolean before;
    private final Thread thread;

    private NoGradient() {
        Engine.start();
        thread = Thread.currentThread();
        before = GradMode.is_enabled();
        GradMode.set_enabled(false);
    }

    public static NoGradient open() {
        return new NoGradient();
    }

    @Override
    public void close() {
        if (thread != Thread.currentThread()) {
            throw new IllegalStateException(
                    "NoGradient must be closed by the thread that opened it, " + thread.getName());
        }
        GradMode.set_enabled(before);
    }
}
