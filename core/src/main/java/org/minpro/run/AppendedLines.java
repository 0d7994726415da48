package org.minpro.run;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** A file of a run's folder to which lines of JSON are added, once what a run that goes on does again was cut off. */
final class AppendedLines implements AutoCloseable {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final Path path;
    private final String name;
    private final FileChannel channel;

    private AppendedLines(Path path, String name, FileChannel channel) {
        this.path = path;
        this.name = name;
        this.channel = channel;
    }

    /**
     * Opens the file, made if it is not there.
     *
     * @param name what messages call it, such as {@code the journal}
     */
    static AppendedLines open(Path path, String name) throws IOException {
        return new AppendedLines(
                path, name, FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE));
    }

    Path path() {
        return path;
    }

    /** A reader that puts U+FFFD, three bytes, for what a crash left of a character. */
    BufferedReader reader() throws IOException {
        return new BufferedReader(new InputStreamReader(Files.newInputStream(path), StandardCharsets.UTF_8));
    }

    /** Its bytes. */
    long size() throws IOException {
        return channel.size();
    }

    /** Keeps so many bytes, or all where there are fewer; what is added stands behind them. */
    void cut(long bytes) throws IOException {
        channel.truncate(bytes);
        channel.position(channel.size());
    }

    /** Removes the first line of an iteration or a later one, the lines behind it, and a line that a crash cut short. */
    void cutFrom(long iteration) throws IOException {
        long end = 0;
        try (BufferedReader lines = reader()) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                long next = end + line.getBytes(StandardCharsets.UTF_8).length + 1;
                if (next > channel.size() || iteration(line) >= iteration) {
                    break;
                }
                end = next;
            }
        }
        cut(end);
    }

    private static long iteration(String line) {
        try {
            return JSON.readTree(line).path("iteration").longValue(Long.MAX_VALUE);
        } catch (JacksonException e) {
            return Long.MAX_VALUE;
        }
    }

    /** @param lines whole ones, each with its end */
    void append(String lines) {
        ByteBuffer bytes = ByteBuffer.wrap(lines.getBytes(StandardCharsets.UTF_8));
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(name + " must be writable, got: " + path, e);
        }
    }

    /** Bytes that have been written: what a checkpoint keeps. */
    long bytes() {
        try {
            return channel.position();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Makes everything written so far survive a loss of power. */
    void force() {
        try {
            channel.force(false);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
