package org.minpro.app;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What is kept on this machine for later starts. */
final class MachineCaches {
    private MachineCaches() {}

    /** Each folder of the cache with its size, such as {@code natives 412.3 MB, index 1.2 MB}. */
    static String described(Path cache) throws IOException {
        if (!Files.isDirectory(cache)) {
            return "nothing yet in " + cache;
        }
        try (Stream<Path> entries = Files.list(cache)) {
            List<Path> folders = entries.filter(Files::isDirectory).sorted().toList();
            return folders.isEmpty()
                    ? "nothing yet in " + cache
                    : folders.stream()
                                    .map(folder -> String.format(
                                            Locale.ROOT, "%s %.1f MB", folder.getFileName(), bytes(folder) / 1e6))
                                    .collect(Collectors.joining(", "))
                            + " in " + cache;
        }
    }

    private static long bytes(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                    .mapToLong(MachineCaches::size)
                    .sum();
        } catch (IOException e) {
            throw new UncheckedIOException("the cache must be readable, got: " + folder, e);
        }
    }

    /** A file that another process has just removed takes nothing. */
    private static long size(Path file) {
        try {
            return Files.size(file);
        } catch (IOException e) {
            return 0;
        }
    }
}
