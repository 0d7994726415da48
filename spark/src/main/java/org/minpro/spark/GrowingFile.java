package org.minpro.spark;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;

/** A file that a process on another machine appends lines to, read as it grows. */
final class GrowingFile {
    private final Path file;
    private long position;

    /** @param file read from its present end; it need not be there yet */
    GrowingFile(Path file) {
        this.file = file;
        position = size();
    }

    private long size() {
        try {
            return Files.exists(file) ? Files.size(file) : 0;
        } catch (IOException e) {
            throw new UncheckedIOException("a log must be readable, got: " + file, e);
        }
    }

    /** Tells the lines that have been added since the last time; one without its end waits. */
    void read(Consumer<String> line) {
        long end = size();
        if (end < position) {
            // Another process has begun it anew.
            position = 0;
        }
        if (end == position) {
            return;
        }
        byte[] added = new byte[Math.toIntExact(end - position)];
        try (RandomAccessFile reader = new RandomAccessFile(file.toFile(), "r")) {
            reader.seek(position);
            reader.readFully(added);
        } catch (IOException e) {
            throw new UncheckedIOException("a log must be readable, got: " + file, e);
        }
        int start = 0;
        for (int i = 0; i < added.length; i++) {
            if (added[i] == '\n') {
                line.accept(new String(added, start, i - start, StandardCharsets.UTF_8));
                start = i + 1;
            }
        }
        position += start;
    }
}
