package org.minpro.app;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Tells a full disk from other failures, by what the operating systems say. */
final class DiskFull {
    private static final List<String> MESSAGES = List.of(
            "No space left on device",
            "Disk quota exceeded",
            "There is not enough space on the disk",
            "File too large");

    private DiskFull() {}

    /** The line for a person, or null where the failure is another. */
    static @Nullable String line(Throwable failure) {
        Throwable cause = failure;
        for (int depth = 0; cause != null && depth < 100; depth++) {
            String message = String.valueOf(cause.getMessage());
            if (MESSAGES.stream().anyMatch(message::contains)) {
                return "the disk is full: " + failure.getMessage()
                        + (String.valueOf(failure.getMessage()).contains(message) ? "" : " (" + message + ")");
            }
            cause = cause.getCause();
        }
        return null;
    }

    /**
     * What to throw for a failure of a run: itself, or where the disk is full the line that names the command which continues.
     */
    static RuntimeException named(RuntimeException failure, List<String> continuing) {
        String line = line(failure);
        return line == null
                ? failure
                : new IllegalStateException(
                        line + "; free some space, and continue with: " + ShownCommand.of(continuing), failure);
    }
}
