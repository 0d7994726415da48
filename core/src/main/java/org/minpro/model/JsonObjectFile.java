package org.minpro.model;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.minpro.config.JsonProblem;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A JSON object of a model folder whose keys are read by type; every complaint names file, key and value. */
final class JsonObjectFile {
    /** Larger than any configuration that exists; a shard index of a thousand layers with a hundred experts has 30 MB. */
    static final long MAX_BYTES = 64L << 20;

    private static final int SHOWN_CHARACTERS = 80;
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    private final Path file;
    private final String prefix;
    private final JsonNode object;

    private JsonObjectFile(Path file, String prefix, JsonNode object) {
        this.file = file;
        this.prefix = prefix;
        this.object = object;
    }

    static JsonObjectFile read(Path file) {
        byte[] bytes;
        try {
            long size = Files.size(file);
            if (size > MAX_BYTES) {
                throw new ModelFormatException(file, "size must be at most " + MAX_BYTES + " bytes, got: " + size);
            }
            bytes = Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            throw new ModelFormatException(file, "file not found", e);
        } catch (IOException e) {
            throw new ModelFormatException(file, "cannot be read: " + e.getMessage(), e);
        }
        return parse(file, new String(bytes, StandardCharsets.UTF_8));
    }

    static JsonObjectFile parse(Path file, String text) {
        JsonNode node;
        try {
            node = MAPPER.readTree(text);
        } catch (JacksonException e) {
            throw new ModelFormatException(file, "must be JSON: " + JsonProblem.of(e) + position(e), e);
        }
        if (!node.isObject()) {
            throw new ModelFormatException(file, "must be a JSON object, got: " + shown(node));
        }
        return new JsonObjectFile(file, "", node);
    }

    private static String position(JacksonException e) {
        return e.getLocation() == null
                ? ""
                : " (line " + e.getLocation().getLineNr() + ", column "
                        + e.getLocation().getColumnNr() + ")";
    }

    Path file() {
        return file;
    }

    List<String> keys() {
        return List.copyOf(object.propertyNames());
    }

    boolean isGiven(String key) {
        JsonNode node = object.get(key);
        return node != null && !node.isNull();
    }

    /** Whether a value says nothing: absent, null, false, 0 or empty. */
    boolean isNeutral(String key) {
        JsonNode node = object.get(key);
        return node == null
                || node.isNull()
                || (node.isBoolean() && !node.booleanValue())
                || (node.isNumber() && node.doubleValue() == 0)
                || (node.isString() && node.stringValue().isEmpty())
                || (node.isContainer() && node.isEmpty());
    }

    @Nullable Integer integer(String key) {
        JsonNode node = object.get(key);
        if (node == null || node.isNull()) {
            return null;
        }
        if (!node.isIntegralNumber() || !node.canConvertToInt()) {
            throw refusal(key, "an integer of at most 32 bits");
        }
        return node.intValue();
    }

    int integer(String key, int absent) {
        Integer value = integer(key);
        return value == null ? absent : value;
    }

    @Nullable Double number(String key) {
        JsonNode node = object.get(key);
        if (node == null || node.isNull()) {
            return null;
        }
        if (!node.isNumber()) {
            throw refusal(key, "a number");
        }
        return node.doubleValue();
    }

    double number(String key, double absent) {
        Double value = number(key);
        return value == null ? absent : value;
    }

    @Nullable Boolean flag(String key) {
        JsonNode node = object.get(key);
        if (node == null || node.isNull()) {
            return null;
        }
        if (!node.isBoolean()) {
            throw refusal(key, "true or false");
        }
        return node.booleanValue();
    }

    boolean flag(String key, boolean absent) {
        Boolean value = flag(key);
        return value == null ? absent : value;
    }

    @Nullable String text(String key) {
        JsonNode node = object.get(key);
        if (node == null || node.isNull()) {
            return null;
        }
        if (!node.isString()) {
            throw refusal(key, "a string");
        }
        return node.stringValue();
    }

    /** An integer or a list of integers; null where absent. */
    @Nullable List<Integer> integers(String key) {
        JsonNode node = object.get(key);
        if (node == null || node.isNull()) {
            return null;
        }
        List<Integer> values = new ArrayList<>();
        for (JsonNode item : node.isArray() ? node.values() : List.of(node)) {
            if (!item.isIntegralNumber() || !item.canConvertToInt()) {
                throw refusal(key, "an integer or a list of integers");
            }
            values.add(item.intValue());
        }
        return values;
    }

    @Nullable List<String> texts(String key) {
        JsonNode node = object.get(key);
        if (node == null || node.isNull()) {
            return null;
        }
        List<String> values = new ArrayList<>();
        for (JsonNode item : node.isArray() ? node.values() : List.<JsonNode>of()) {
            if (!item.isString()) {
                throw refusal(key, "a list of strings");
            }
            values.add(item.stringValue());
        }
        if (!node.isArray()) {
            throw refusal(key, "a list of strings");
        }
        return values;
    }

    @Nullable JsonObjectFile object(String key) {
        JsonNode node = object.get(key);
        if (node == null || node.isNull()) {
            return null;
        }
        if (!node.isObject()) {
            throw refusal(key, "an object");
        }
        return new JsonObjectFile(file, prefix + key + ".", node);
    }

    ModelFormatException refusal(String key, String rule) {
        return refusal(key, rule, "");
    }

    /** {@code file: key must be <rule>, got: <value>}, and what else there is to say. */
    ModelFormatException refusal(String key, String rule, String remark) {
        JsonNode node = object.get(key);
        return new ModelFormatException(
                file,
                prefix + key + " must be " + rule + ", got: " + (node == null ? "nothing" : shown(node)) + remark);
    }

    private static String shown(JsonNode node) {
        String text = node.toString();
        return text.length() <= SHOWN_CHARACTERS ? text : text.substring(0, SHOWN_CHARACTERS) + "...";
    }
}
