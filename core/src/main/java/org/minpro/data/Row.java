package org.minpro.data;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.minpro.config.NearestName;

/**
 * One row of a data file, such as the JSON object of a line, and where it stood.
 *
 * @param source the file's name, or {@code <stdin>}
 * @param line its line, from 1
 * @param fields its members in the file's order: String, Integer, Long, BigInteger, Double, Boolean, List, Map or null
 */
public record Row(String source, long line, Map<String, @Nullable Object> fields) {
    /** The names that fields of problems and examples usually have, to tell a slip from a field of its own. */
    private static final List<String> USUAL = List.of(
            "prompt", "question", "messages", "answer", "completion", "solution", "reward_model", "extra_info", "ids");

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

    /**
     * Refuses fields that are not among the known ones: what nobody reads must not look as if it had been read.
     *
     * @throws DataException names each of them with the nearest known name
     */
    public void requireKnown(Collection<String> known) {
        List<String> unknown =
                fields.keySet().stream().filter(name -> !known.contains(name)).toList();
        if (!unknown.isEmpty()) {
            throw error(unknown.stream()
                            .map(name -> "field '" + name + "' is unknown." + NearestName.hint(name, known))
                            .collect(Collectors.joining(" "))
                    + " A line may have " + String.join(", ", known));
        }
    }

    public boolean has(String field) {
        return value(field) != null;
    }

    /**
     * The value of a field, or null where there is none. A name with dots that is no field of its own is a path:
     * {@code reward_model.ground_truth} is a member of an object, {@code answers.0} an element of a list.
     */
    public @Nullable Object value(String field) {
        return value(fields, field);
    }

    /** As {@link #value(String)}, in the fields of any row. */
    public static @Nullable Object value(Map<String, ? extends @Nullable Object> fields, String path) {
        if (fields.containsKey(path)) {
            return fields.get(path);
        }
        Object value = fields;
        for (String step : path.split("\\.", -1)) {
            if (value instanceof Map<?, ?> map) {
                value = map.get(step);
            } else if (value instanceof List<?> list && step.matches("\\d{1,9}")) {
                int index = Integer.parseInt(step);
                value = index < list.size() ? list.get(index) : null;
            } else {
                return null;
            }
        }
        return value;
    }

    /** The value of a field that must be there and not null. */
    public Object required(String field) {
        Object value = value(field);
        if (value == null) {
            throw error("field '" + field + "' is missing; the row has " + names() + meant(field));
        }
        return value;
    }

    /** Which field of the row was probably meant by one that it does not have. */
    private String meant(String field) {
        if (fields.containsKey(field)) {
            return " (null counts as missing)";
        }
        int dot = field.lastIndexOf('.');
        String parent = dot < 0 ? "" : field.substring(0, dot);
        if (dot > 0 && value(parent) instanceof Map<?, ?> map) {
            List<String> members = map.keySet().stream().map(String::valueOf).toList();
            return "; '" + parent + "' has '" + String.join("', '", members) + "'."
                    + NearestName.hint(field.substring(dot + 1), members);
        }
        return NearestName.of(field, fields.keySet())
                .map(near -> ". Is '" + near + "' meant? Rename it, or set the field's name")
                .or(() -> fields.keySet().stream()
                        .flatMap(name -> NearestName.of(name, USUAL)
                                .filter(usual -> !usual.equals(name) && !fields.containsKey(usual))
                                .map(usual -> ". Is '" + name + "' meant for '" + usual + "'?")
                                .stream())
                        .findFirst())
                .orElse("");
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
        Object value = value(field);
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
        if (element instanceof Map<?, ?> map && map.get("role") instanceof String role) {
            Map<String, @Nullable Object> members = new LinkedHashMap<>();
            map.forEach((name, value) -> members.put(String.valueOf(name), value));
            Object content = members.get("content");
            if (content instanceof String text) {
                return new Message(role, text, members);
            }
            if (content instanceof List<?> parts) {
                return new Message(role, textOf(parts), members);
            }
            // A turn that only calls tools.
            if (content == null && members.get("tool_calls") != null) {
                return new Message(role, "", members);
            }
            if (content == null && !members.containsKey("content")) {
                List<String> others = members.keySet().stream()
                        .filter(name -> !name.equals("role"))
                        .toList();
                throw error("field '" + field + "' must hold messages {\"role\":…,\"content\":…}, got: "
                        + shown(element)
                        + NearestName.of("content", others)
                                .map(near -> ". Is '" + near + "' meant for 'content'?")
                                .orElse(""));
            }
        }
        throw error("field '" + field + "' must hold messages {\"role\":…,\"content\":…}, got: " + shown(element));
    }

    private static String textOf(List<?> parts) {
        StringBuilder text = new StringBuilder();
        for (Object part : parts) {
            if (part instanceof Map<?, ?> map && map.get("text") instanceof String piece) {
                text.append(piece);
            } else if (part instanceof String piece) {
                text.append(piece);
            }
        }
        return text.toString();
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
