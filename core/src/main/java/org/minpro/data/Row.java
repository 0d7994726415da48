package org.minpro.data;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One JSON object of a JSONL file, and where it stood.
 *
 * @param source the file's name, or {@code <stdin>}
 * @param line its line, from 1
 * @param fields its members in the file's order: String, Integer, Long, BigInteger, Double, Boolean, List, Map or null
 */
public record Row(String source, long line, Map<String, @Nullable Object> fields) {
    public Row {
        fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
    }

    /** {@code source:line}. */
    public String place() {
        return source + ":" + line;
    }

    /** An error about this row; {@code rule} continues the place, as in "field 'answer' must be a string, got: …". */
    public DataException error(String rule) {
        return new DataException(place() + ": " + rule);
    }

    public boolean has(String field) {
        return fields.get(field) != null;
    }

    /** The value of a field that must be there and not null. */
    public Object required(String field) {
        Object value = fields.get(field);
        if (value == null) {
            throw error("field '" + field + "' is missing; the row has " + names());
        }
        return value;
    }

    /** The value of a field that must be a string. */
    public String string(String field) {
        Object value = required(field);
        if (value instanceof String text) {
            return text;
        }
        throw wrongKind(field, "a string", value);
    }

    /** The value of a field that must be true or false; {@code otherwise} where it is absent. */
    public boolean flag(String field, boolean otherwise) {
        Object value = fields.get(field);
        if (value == null) {
            return otherwise;
        }
        if (value instanceof Boolean flag) {
            return flag;
        }
        throw wrongKind(field, "true or false", value);
    }

    /** The value of a field that must be a list of token ids. */
    public int[] ids(String field) {
        Object value = required(field);
        if (!(value instanceof List<?> list)) {
            throw wrongKind(field, "a list of token ids", value);
        }
        int[] ids = new int[list.size()];
        for (int i = 0; i < ids.length; i++) {
            if (!(list.get(i) instanceof Integer id) || id < 0) {
                throw error("field '" + field + "' must hold token ids, got at " + i + ": " + shown(list.get(i)));
            }
            ids[i] = id;
        }
        return ids;
    }

    /** The value of a field that must be a list of {@code {"role":…,"content":…}}. */
    public List<Message> messages(String field) {
        Object value = required(field);
        if (value instanceof List<?> list && !list.isEmpty()) {
            return list.stream().map(element -> message(field, element)).toList();
        }
        throw wrongKind(field, "a list of messages", value);
    }

    private Message message(String field, @Nullable Object element) {
        if (element instanceof Map<?, ?> map
                && map.get("role") instanceof String role
                && map.get("content") instanceof String content) {
            return new Message(role, content);
        }
        throw error("field '" + field + "' must hold messages {\"role\":…,\"content\":…} of strings, got: "
                + shown(element));
    }

    /** An error that says what kind of value a field must have. */
    public DataException wrongKind(String field, String kind, @Nullable Object value) {
        return error("field '" + field + "' must be " + kind + ", got: " + shown(value));
    }

    private String names() {
        return fields.isEmpty() ? "no fields" : "'" + String.join("', '", fields.keySet()) + "'";
    }

    private static String shown(@Nullable Object value) {
        String text = value instanceof String ? "\"" + value + "\"" : String.valueOf(value);
        return text.length() <= 80 ? text : text.substring(0, 77) + "...";
    }
}
