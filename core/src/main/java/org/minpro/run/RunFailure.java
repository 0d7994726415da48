package org.minpro.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.Supplier;

/** The line that a run ended with before its end, kept in its folder until the run has gone on. */
public final class RunFailure {
    private RunFailure() {}

    /** Runs something, and keeps the line of what ends it before its end. A run that is cancelled has not failed. */
    static <T> T kept(Path folder, Supplier<T> run) {
        try {
            return run.get();
        } catch (CancellationException e) {
            throw e;
        } catch (RuntimeException | Error e) {
            keep(folder, e);
            throw e;
        }
    }

    /** As {@link #kept}, for what the run gets on with: its end forgets the line of a failure before. */
    static <T> T keptOrOvercome(Path folder, Supplier<T> step) {
        T result = kept(folder, step);
        overcome(folder);
        return result;
    }

    private static void keep(Path folder, Throwable failure) {
        String message = String.valueOf(failure.getMessage() == null ? failure : failure.getMessage());
        try {
            Files.writeString(
                    new RunFiles(folder).failure(), message.lines().findFirst().orElse("") + "\n");
        } catch (IOException e) {
            // The disk may be what failed: the line is on the screen.
            failure.addSuppressed(e);
        }
    }

    /** Forgets the line: the run has gone on since. */
    static void overcome(Path folder) {
        try {
            Files.deleteIfExists(new RunFiles(folder).failure());
        } catch (IOException e) {
            throw new UncheckedIOException("the run folder must be writable, got: " + folder, e);
        }
    }

    /** The line, if there is one. */
    public static Optional<String> of(Path folder) {
        try {
            Path file = new RunFiles(folder).failure();
            return Files.isRegularFile(file)
                    ? Optional.of(Files.readString(file).strip())
                    : Optional.empty();
        } catch (IOException e) {
            return Optional.of("the line it ended with cannot be read: " + e.getMessage());
        }
    }
}
