package org.minpro.run;

import java.util.ArrayDeque;
import java.util.Deque;

/** What a session has opened, to be closed in reverse order: all of it, whatever fails on the way. */
final class OpenResources implements AutoCloseable {
    private final Deque<AutoCloseable> opened = new ArrayDeque<>();

    <C extends AutoCloseable> C add(C resource) {
        opened.push(resource);
        return resource;
    }

    /** Closes everything because of a failure, which stays the one to report. */
    void closeAfter(Throwable failure) {
        try {
            close();
        } catch (RuntimeException e) {
            failure.addSuppressed(e);
        }
    }

    @Override
    public void close() {
        RuntimeException first = null;
        while (!opened.isEmpty()) {
            try {
                opened.pop().close();
            } catch (Exception e) {
                RuntimeException failure =
                        e instanceof RuntimeException unchecked ? unchecked : new IllegalStateException(e);
                if (first == null) {
                    first = failure;
                } else {
                    first.addSuppressed(failure);
                }
            }
        }
        if (first != null) {
            throw first;
        }
    }
}
