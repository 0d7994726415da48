package org.minpro.model;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;
import org.minpro.config.JsonProblem;
import org.minpro.tensor.DType;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.json.JsonMapper;

/**
 * What stands before the numbers of a safetensors file: for every tensor its name, element type, shape and place.
 *
 * <p>A file is eight bytes with the header's length (little-endian), the header as JSON, and the tensors' bytes, which
 * must fill the rest of the file without gap or overlap (<a
 * href="https://github.com/huggingface/safetensors#format">format</a>).
 *
 * @param tensors by name, in the order of the header
 * @param metadata the strings of {@code __metadata__}
 * @param dataStart position in the file of the first tensor's first byte
 */
public record SafetensorsHeader(SequencedMap<String, Entry> tensors, Map<String, String> metadata, long dataStart) {
    /** The limit of the reference implementation. */
    private static final String FETCH_AGAIN = "; fetch or copy the file again";

    public static final int MAX_BYTES = 100_000_000;

    private static final String METADATA = "__metadata__";
    private static final int LENGTH_BYTES = 8;
    private static final JsonMapper MAPPER = JsonMapper.shared();

    /**
     * One tensor.
     *
     * @param dtype element type
     * @param shape sizes, empty for a scalar
     * @param begin position of its first byte after {@link #dataStart}
     * @param end position behind its last byte
     */
    public record Entry(DType dtype, List<Long> shape, long begin, long end) {
        public Entry {
            shape = List.copyOf(shape);
        }

        public long bytes() {
            return end - begin;
        }
    }

    public SafetensorsHeader {
        tensors = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(tensors));
        metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    }

    /**
     * Reads and checks the header of an open file; nothing is allocated but the header itself.
     *
     * @param file for messages only
     * @throws ModelFormatException if anything in the file contradicts the format
     */
    public static SafetensorsHeader read(Path file, FileChannel channel) throws IOException {
        long size = channel.size();
        if (size < LENGTH_BYTES) {
            throw new ModelFormatException(file, "must be a safetensors file, got: " + size + " bytes");
        }
        ByteBuffer lengthBytes = fill(channel, 0, ByteBuffer.allocate(LENGTH_BYTES), file);
        if (StandardCharsets.ISO_8859_1
                .decode(lengthBytes.duplicate())
                .toString()
                .equals("version ")) {
            throw new ModelFormatException(
                    file, "must be a safetensors file, got: a Git LFS pointer; fetch the weights with `git lfs pull`");
        }
        long length = lengthBytes.order(ByteOrder.LITTLE_ENDIAN).getLong();
        if (length < 2 || length > MAX_BYTES) {
            throw new ModelFormatException(
                    file,
                    "header length must be from 2 to " + MAX_BYTES + " bytes, got: " + Long.toUnsignedString(length));
        }
        if (length > size - LENGTH_BYTES) {
            throw new ModelFormatException(
                    file,
                    "is truncated: its header needs " + (LENGTH_BYTES + length) + " bytes, the file has " + size
                            + FETCH_AGAIN);
        }
        byte[] json = fill(channel, LENGTH_BYTES, ByteBuffer.allocate((int) length), file)
                .array();
        return parse(file, json, size - LENGTH_BYTES - length);
    }

    private static ByteBuffer fill(FileChannel channel, long position, ByteBuffer buffer, Path file)
            throws IOException {
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, position + buffer.position()) < 0) {
                throw new ModelFormatException(file, "is truncated: it ends within its header" + FETCH_AGAIN);
            }
        }
        return buffer.flip();
    }

    /**
     * Checks a header against the number of bytes that follow it.
     *
     * @param file for messages only
     */
    static SafetensorsHeader parse(Path file, byte[] json, long dataBytes) {
        if (json.length == 0 || json[0] != '{') {
            throw new ModelFormatException(file, "header must start with {");
        }
        SequencedMap<String, Entry> tensors = new LinkedHashMap<>();
        Map<String, String> metadata = new LinkedHashMap<>();
        boolean metadataSeen = false;
        try (JsonParser parser = MAPPER.createParser(json)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = parser.currentName();
                parser.nextToken();
                if (name.equals(METADATA)) {
                    if (metadataSeen) {
                        throw duplicate(file, name);
                    }
                    metadataSeen = true;
                    readMetadata(file, parser, metadata);
                } else if (tensors.put(name, readEntry(file, name, parser)) != null) {
                    throw duplicate(file, name);
                }
            }
            if (parser.currentToken() != JsonToken.END_OBJECT || parser.nextToken() != null) {
                throw new ModelFormatException(file, "header must be one JSON object");
            }
        } catch (JacksonException e) {
            throw new ModelFormatException(file, "header must be JSON: " + JsonProblem.of(e), e);
        }
        checkPlaces(file, tensors, dataBytes);
        return new SafetensorsHeader(tensors, metadata, (long) LENGTH_BYTES + json.length);
    }

    private static ModelFormatException duplicate(Path file, String name) {
        return new ModelFormatException(file, "tensor names must differ, got twice: " + name);
    }

    private static void readMetadata(Path file, JsonParser parser, Map<String, String> metadata) {
        boolean valid = parser.currentToken() == JsonToken.START_OBJECT;
        while (valid && parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String key = parser.currentName();
            valid = parser.nextToken() == JsonToken.VALUE_STRING;
            if (valid && metadata.put(key, parser.getString()) != null) {
                throw new ModelFormatException(file, METADATA + " keys must differ, got twice: " + key);
            }
        }
        if (!valid) {
            throw new ModelFormatException(file, METADATA + " must map strings to strings");
        }
    }

    private static Entry readEntry(Path file, String name, JsonParser parser) {
        if (parser.currentToken() != JsonToken.START_OBJECT) {
            throw malformed(file, name, "must be an object");
        }
        String dtypeName = null;
        List<Long> shape = null;
        List<Long> offsets = null;
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String key = parser.currentName();
            JsonToken token = parser.nextToken();
            boolean first;
            switch (key) {
                case "dtype" -> {
                    first = dtypeName == null;
                    if (token != JsonToken.VALUE_STRING) {
                        throw malformed(file, name, "dtype must be a string");
                    }
                    dtypeName = parser.getString();
                }
                case "shape" -> {
                    first = shape == null;
                    shape = sizes(file, name, key, parser);
                }
                case "data_offsets" -> {
                    first = offsets == null;
                    offsets = sizes(file, name, key, parser);
                }
                default -> throw malformed(file, name, "keys must be dtype, shape and data_offsets, got: " + key);
            }
            if (!first) {
                throw malformed(file, name, "keys must differ, got twice: " + key);
            }
        }
        if (dtypeName == null || shape == null || offsets == null) {
            throw malformed(file, name, "must have dtype, shape and data_offsets");
        }
        if (offsets.size() != 2 || offsets.get(0) > offsets.get(1)) {
            throw malformed(file, name, "data_offsets must be [begin, end] with begin <= end, got: " + offsets);
        }
        DType dtype = dtype(dtypeName);
        if (dtype == null) {
            throw malformed(
                    file, name, "dtype must be one of " + Arrays.toString(DType.values()) + ", got: " + dtypeName);
        }
        Entry entry = new Entry(dtype, shape, offsets.get(0), offsets.get(1));
        if (!hasBytes(entry)) {
            throw malformed(
                    file,
                    name,
                    "must have as many bytes as " + dtype + " " + shape + " takes, got: " + entry.bytes()
                            + " (data_offsets " + offsets + ")");
        }
        return entry;
    }

    private static ModelFormatException malformed(Path file, String name, String problem) {
        return new ModelFormatException(file, "tensor " + name + ": " + problem);
    }

    private static @Nullable DType dtype(String name) {
        for (DType type : DType.values()) {
            if (type.name().equals(name)) {
                return type;
            }
        }
        return null;
    }

    private static List<Long> sizes(Path file, String name, String key, JsonParser parser) {
        List<Long> sizes = new ArrayList<>();
        boolean valid = parser.currentToken() == JsonToken.START_ARRAY;
        while (valid && parser.nextToken() != JsonToken.END_ARRAY) {
            valid = parser.currentToken() == JsonToken.VALUE_NUMBER_INT
                    && parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER
                    && parser.getLongValue() >= 0;
            if (valid) {
                sizes.add(parser.getLongValue());
            }
        }
        if (!valid) {
            throw malformed(file, name, key + " must be a list of 64-bit integers that are not negative");
        }
        return sizes;
    }

    private static boolean hasBytes(Entry entry) {
        long bytes = entry.dtype().bytes();
        for (long size : entry.shape()) {
            if (size != 0 && bytes > Long.MAX_VALUE / size) {
                return false;
            }
            bytes *= size;
        }
        return bytes == entry.bytes();
    }

    private static void checkPlaces(Path file, SequencedMap<String, Entry> tensors, long dataBytes) {
        List<Map.Entry<String, Entry>> sorted = new ArrayList<>(tensors.entrySet());
        sorted.sort(Comparator.<Map.Entry<String, Entry>>comparingLong(
                        e -> e.getValue().begin())
                .thenComparingLong(e -> e.getValue().end()));
        long position = 0;
        for (Map.Entry<String, Entry> tensor : sorted) {
            Entry entry = tensor.getValue();
            if (entry.begin() != position) {
                throw malformed(
                        file,
                        tensor.getKey(),
                        (entry.begin() < position ? "overlaps another tensor" : "must follow without a gap")
                                + ": it begins at " + entry.begin() + ", the tensor before it ends at " + position);
            }
            if (entry.end() > dataBytes) {
                throw malformed(
                        file,
                        tensor.getKey(),
                        "the file is truncated: it ends at " + entry.end() + ", the file has " + dataBytes
                                + " bytes of tensors" + FETCH_AGAIN);
            }
            position = entry.end();
        }
        if (position != dataBytes) {
            throw new ModelFormatException(
                    file, "tensors must fill the file, got: " + (dataBytes - position) + " bytes behind the last one");
        }
    }

    /**
     * The header of a file to be written: tensors of wider elements come first, so that each is aligned to its element
     * type (torch reads no others), otherwise they lie in the order given.
     *
     * @param shapes element type and shape by name; places are ignored
     */
    static SafetensorsHeader layOut(SequencedMap<String, Entry> shapes, Map<String, String> metadata) {
        List<Map.Entry<String, Entry>> order = new ArrayList<>(shapes.entrySet());
        order.sort(Comparator.comparingInt(e -> -e.getValue().dtype().bytes()));
        SequencedMap<String, Entry> placed = new LinkedHashMap<>();
        long position = 0;
        for (Map.Entry<String, Entry> tensor : order) {
            Entry entry = tensor.getValue();
            long bytes = entry.dtype().bytes();
            for (long size : entry.shape()) {
                bytes = Math.multiplyExact(bytes, size);
            }
            placed.put(tensor.getKey(), new Entry(entry.dtype(), entry.shape(), position, position + bytes));
            position += bytes;
        }
        SafetensorsHeader header = new SafetensorsHeader(placed, metadata, 0);
        return new SafetensorsHeader(placed, metadata, header.bytes().length);
    }

    /** The bytes before the first tensor: the length and the JSON, padded with spaces to a multiple of eight. */
    byte[] bytes() {
        Map<String, Object> object = new LinkedHashMap<>();
        if (!metadata.isEmpty()) {
            object.put(METADATA, metadata);
        }
        tensors.forEach((name, entry) -> {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("dtype", entry.dtype().name());
            fields.put("shape", entry.shape());
            fields.put("data_offsets", List.of(entry.begin(), entry.end()));
            object.put(name, fields);
        });
        byte[] json = MAPPER.writeValueAsBytes(object);
        int padded = Math.ceilDiv(json.length, LENGTH_BYTES) * LENGTH_BYTES;
        if (padded > MAX_BYTES) {
            throw new IllegalArgumentException(
                    "safetensors header must have at most " + MAX_BYTES + " bytes, got: " + padded);
        }
        byte[] bytes = new byte[LENGTH_BYTES + padded];
        Arrays.fill(bytes, (byte) ' ');
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(padded).put(json);
        return bytes;
    }
}
