package org.minpro.data;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One message of a conversation, as a chat template takes it.
 *
 * @param role who speaks: {@code system}, {@code user}, {@code assistant}, {@code tool}
 * @param content the text; that of a list of parts is their texts one after the other
 * @param fields every member of the message, {@code role} and {@code content} as they were written and whatever else a
 *     template reads, such as {@code tool_calls}
 */
public record Message(String role, String content, Map<String, @Nullable Object> fields) {
    public Message {
        if (role.isBlank()) {
            throw new IllegalArgumentException("role must not be blank, got: '" + role + "'");
        }
        fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
    }

    /** A message that is a text and nothing else. */
    public Message(String role, String content) {
        this(role, content, textFields(role, content));
    }

    /** The same with another text. */
    public Message withContent(String text) {
        Map<String, @Nullable Object> other = new LinkedHashMap<>(fields);
        other.put("content", text);
        return new Message(role, text, other);
    }

    private static Map<String, @Nullable Object> textFields(String role, String content) {
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        fields.put("role", role);
        fields.put("content", content);
        return fields;
    }
}
