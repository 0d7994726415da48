package org.minpro.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.OptionalLong;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
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

    /** Reads the lines that have an end. */
    void read(WholeLines.Reader reader) throws IOException {
        WholeLines.read(path, 0, reader);
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

    /**
     * Removes the first line of an iteration or a later one, the lines behind it, and a line that a crash cut short. A line that
     * is no JSON, as a damaged disk leaves it, stays with those around it.
     */
    void cutFrom(long iteration) throws IOException {
        long[] kept = {0};
        read((line, end) -> {
            if (iteration(line).orElse(Long.MIN_VALUE) >= iteration) {
                return false;
            }
            kept[0] = end;
            return true;
        });
        cut(kept[0]);
    }

    private static OptionalLong iteration(String line) {
        try {
            JsonNode iteration = JSON.readTree(line).path("iteration");
            return iteration.isIntegralNumber() ? OptionalLong.of(iteration.longValue()) : OptionalLong.empty();
        } catch (JacksonException e) {
            return OptionalLong.empty();
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
