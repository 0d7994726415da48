package org.minpro.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.Supplier;
import org.minpro.model.NonFiniteModelException;
import org.minpro.train.NonFiniteUpdateException;

/** The line that a run ended with before its end, kept in its folder until the run has gone on. */
public final class RunFailure {
    /** What the second line says where the first is about numbers that are none. */
    private static final String NOT_FINITE = "not finite";

    private RunFailure() {}

    /** Whether what ended a run is an update, weights or probabilities that are not finite. */
    public static boolean isNotFinite(Throwable failure) {
        return failure instanceof NonFiniteModelException || failure.getCause() instanceof NonFiniteUpdateException;
    }

    /** Whether a run has ended so, and has not gone on since. */
    public static boolean notFinite(Path folder) {
        return lines(folder).filter(lines -> lines.contains(NOT_FINITE)).isPresent();
    }

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
                    new RunFiles(folder).failure(),
                    message.lines().findFirst().orElse("") + "\n" + (isNotFinite(failure) ? NOT_FINITE + "\n" : ""));
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
        return lines(folder)
                .map(lines -> lines.isEmpty() ? "" : lines.getFirst().strip());
    }

    private static Optional<List<String>> lines(Path folder) {
        try {
            Path file = new RunFiles(folder).failure();
            return Files.isRegularFile(file) ? Optional.of(Files.readAllLines(file)) : Optional.empty();
        } catch (IOException e) {
            return Optional.of(List.of("the line it ended with cannot be read: " + e.getMessage()));
        }
    }
}
