package org.minpro.data;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.minpro.config.JsonProblem;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads JSON Lines: UTF-8, one JSON object a line, blank lines skipped.
 *
 * <p>Anything else is a {@link DataException} of one line that begins with {@code file:line} (and the column within it where
 * the JSON itself is wrong). A file is read as a stream; the longest line is what memory must hold.
 */
public final class JsonlReader implements Rows {
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();
    private static final JavaType OBJECT =
            MAPPER.getTypeFactory().constructMapType(LinkedHashMap.class, String.class, Object.class);

    private final String source;
    private final InputStream input;
    private final byte[] buffer = new byte[1 << 16];
    private int position;
    private int limit;
    private long line;
    /** Bytes of the stream before those in the buffer. */
    private long before;

    private long rowOffset;

    /**
     * Reads from an open stream.
     *
     * @param source the name that errors begin with
     * @param input closed with this reader
     */
    public JsonlReader(String source, InputStream input) {
        this.source = source;
        this.input = input;
    }

    /** Opens a file. */
    public static JsonlReader open(Path file) {
        return open(file, 0);
    }

    /** Opens a file to read the rows from a byte on, where one begins; errors count the lines from there. */
    static JsonlReader open(Path file, long offset) {
        try {
            if (Files.isDirectory(file)) {
                throw new DataException(file + " must be a JSONL file, got: a folder");
            }
            return new JsonlReader(file.toString(), opened(file, offset));
        } catch (NoSuchFileException e) {
            throw new DataException(
                    file + " does not exist (looked for "
                            + file.toAbsolutePath().normalize() + ")",
                    e);
        } catch (IOException e) {
            throw new DataException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static InputStream opened(Path file, long offset) throws IOException {
        SeekableByteChannel channel = Files.newByteChannel(file);
        // A pipe has no position.
        if (offset > 0) {
            channel.position(offset);
        }
        return Channels.newInputStream(channel);
    }

    @Override
    public @Nullable Row next() {
        try {
            while (true) {
                byte[] bytes = nextLine();
                if (bytes == null) {
                    return null;
                }
                String text = decode(bytes);
                if (!text.isBlank()) {
                    return parse(text);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(source + ":" + line + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** Where the row that was read last begins, bytes from the start of the stream. */
    long rowOffset() {
        return rowOffset;
    }

    private byte @Nullable [] nextLine() throws IOException {
        if (position == limit && !fill()) {
            return null;
        }
        line++;
        rowOffset = before + position;
        byte[] start = upToLineBreak();
        if (start != null) {
            return start;
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 17);
        bytes.write(buffer, position, limit - position);
        while (fill()) {
            byte[] rest = upToLineBreak();
            if (rest != null) {
                bytes.write(rest, 0, rest.length);
                return bytes.toByteArray();
            }
            bytes.write(buffer, position, limit - position);
        }
        position = limit;
        return bytes.toByteArray();
    }

    /** The bytes from here to the next line break, which is passed; null where the buffer has none. */
    private byte @Nullable [] upToLineBreak() {
        for (int i = position; i < limit; i++) {
            if (buffer[i] == '\n') {
                byte[] bytes = Arrays.copyOfRange(buffer, position, i);
                position = i + 1;
                return bytes;
            }
        }
        return null;
    }

    private boolean fill() throws IOException {
        before += limit;
        position = 0;
        limit = 0;
        int read = input.read(buffer, 0, buffer.length);
        limit = Math.max(0, read);
        return limit > 0;
    }

    private String decode(byte[] bytes) {
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
            // Editors on Windows begin a UTF-8 file with a byte order mark.
            return line == 1 && text.startsWith("\uFEFF") ? text.substring(1) : text;
        } catch (CharacterCodingException e) {
            throw new DataException(source + ":" + line + ": must be UTF-8, and this line is not", e);
        }
    }

    private Row parse(String text) {
        String json = text.strip();
        if (!json.startsWith("{")) {
            String start = json.length() <= 40 ? json : json.substring(0, 37) + "...";
            throw new DataException(source + ":" + line + ": must be one JSON object a line, got: " + start);
        }
        try {
            Map<String, @Nullable Object> fields = MAPPER.readValue(text, OBJECT);
            return new Row(source, line, fields);
        } catch (JacksonException e) {
            String where = e.getLocation() == null
                    ? ""
                    : ":" + Math.max(1, e.getLocation().getColumnNr());
            String what = JsonProblem.of(e);
            throw new DataException(source + ":" + line + where + ": is not valid JSON: " + what, e);
        }
    }

    @Override
    public void close() {
        try {
            input.close();
        } catch (IOException e) {
            throw new UncheckedIOException(source + " cannot be closed: " + e.getMessage(), e);
        }
    }
}
