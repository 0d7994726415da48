package org.minpro.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.stream.Stream;

/**
 * What the driver reads and writes of a run's folder, which lies on a disk that it shares with the executors.
 *
 * @param folder of the run
 */
record SharedRun(Path folder) {
    /**
     * The number of the next start. Each has one of its own, also after the driver has gone, so that a process that an earlier
     * start has left cannot join.
     */
    long nextGeneration() {
        Path file = folder.resolve("ranks").resolve("generation");
        Path part = file.resolveSibling("generation.part");
        try {
            Files.createDirectories(file.getParent());
            long next =
                    Files.exists(file) ? Long.parseLong(Files.readString(file).strip()) + 1 : 1;
            Files.writeString(part, next + "\n");
            Files.move(part, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
            return next;
        } catch (IOException e) {
            throw new UncheckedIOException("the run folder must be writable, got: " + folder, e);
        } catch (NumberFormatException e) {
            throw new IllegalStateException("the last start's number must stand in " + file + ", got: no number", e);
        }
    }

    /** Iterations that are done; those after the newest checkpoint are done again when the run is continued. */
    long iterations() {
        Path metrics = folder.resolve("metrics.jsonl");
        if (Files.notExists(metrics)) {
            return 0;
        }
        try (Stream<String> lines = Files.lines(metrics)) {
            return lines.count();
        } catch (IOException | UncheckedIOException e) {
            throw new IllegalStateException("the run folder must be readable, got: " + folder, e);
        }
    }
}
