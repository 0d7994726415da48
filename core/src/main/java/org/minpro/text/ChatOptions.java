package org.minpro.text;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a chat template is given beside the messages, as {@code apply_chat_template} of transformers takes it.
 *
 * @param tools the JSON schemas of the tools, or null where there are none; an empty list is not the same to every template
 * @param documents the documents to answer from, or null where there are none
 * @param addGenerationPrompt whether the header of the assistant's next message follows
 * @param continued the member of the last message that is left open to be continued, most often {@code content}; null to
 *     end the last message
 * @param variables what else the template sees, such as {@code enable_thinking}; they win over the special tokens
 */
public record ChatOptions(
        @Nullable List<? extends Map<String, ?>> tools,
        @Nullable List<? extends Map<String, ?>> documents,
        boolean addGenerationPrompt,
        @Nullable String continued,
        Map<String, @Nullable Object> variables) {
    /** The fields of a row that {@link #of} reads. */
    public static final List<String> FIELDS = List.of(
            "tools",
            "documents",
            "add_generation_prompt",
            "continue_final_message",
            "template_variables",
            "chat_template_kwargs");

    public ChatOptions {
        variables = Collections.unmodifiableMap(new LinkedHashMap<>(variables));
        if (continued != null && addGenerationPrompt) {
            throw new TextException("continue_final_message and add_generation_prompt must not both be true: the one"
                    + " leaves the last message open, the other begins a new one");
        }
    }

    /** No tools, no documents, no variables. */
    public static ChatOptions of(boolean addGenerationPrompt) {
        return new ChatOptions(null, null, addGenerationPrompt, null, Map.of());
    }

    /**
     * The options that a row's fields give: {@code tools} and {@code documents} (lists of objects, or a text that is JSON
     * of one), {@code add_generation_prompt}, {@code continue_final_message} (true for {@code content}, or the member's
     * name) and {@code template_variables} or {@code chat_template_kwargs}. A null counts as absent.
     *
     * @param addGenerationPrompt where the row says neither this nor {@code continue_final_message}
     * @throws TextException if a field is of another kind
     */
    public static ChatOptions of(Map<String, ? extends @Nullable Object> fields, boolean addGenerationPrompt) {
        Object whichContinued = fields.get("continue_final_message");
        String continued = switch (whichContinued) {
            case null -> null;
            case Boolean truth -> truth ? "content" : null;
            case String name when !name.isBlank() -> name;
            default -> throw wrong("continue_final_message", "true, false or a member's name", whichContinued);
        };
        Object add = fields.get("add_generation_prompt");
        if (add != null && !(add instanceof Boolean)) {
            throw wrong("add_generation_prompt", "true or false", add);
        }
        Object variables = fields.get("template_variables");
        Object keywords = fields.get("chat_template_kwargs");
        if (variables != null && keywords != null) {
            throw new TextException("template_variables and chat_template_kwargs are two names of one thing: give one");
        }
        String name = variables != null ? "template_variables" : "chat_template_kwargs";
        Object given = variables != null ? variables : keywords;
        return new ChatOptions(
                objects("tools", fields.get("tools")),
                objects("documents", fields.get("documents")),
                add instanceof Boolean truth ? truth : addGenerationPrompt && continued == null,
                continued,
                given == null ? Map.of() : object(name, given));
    }

    /** The same with these variables where the row has none of their names. */
    public ChatOptions withDefaults(Map<String, ? extends @Nullable Object> defaults) {
        Map<String, @Nullable Object> all = new LinkedHashMap<>(defaults);
        all.putAll(variables);
        return new ChatOptions(tools, documents, addGenerationPrompt, continued, all);
    }

    /** The same with these tools where it has none; none where empty. */
    ChatOptions withTools(List<? extends Map<String, ?>> others) {
        return tools != null || others.isEmpty()
                ? this
                : new ChatOptions(List.copyOf(others), documents, addGenerationPrompt, continued, variables);
    }

    private static @Nullable List<Map<String, @Nullable Object>> objects(String field, @Nullable Object value) {
        if (value == null) {
            return null;
        }
        // Parquet files have their tools as JSON, because a column has one schema.
        Object read = value instanceof String text ? json(field, text) : value;
        if (!(read instanceof List<?> list)) {
            throw wrong(field, "a list of objects", value);
        }
        List<Map<String, @Nullable Object>> objects = new ArrayList<>();
        for (Object element : list) {
            objects.add(object(field, element));
        }
        return objects;
    }

    private static Object json(String field, String text) {
        try {
            return JsonMapper.shared().readValue(text, Object.class);
        } catch (JacksonException e) {
            throw new TextException(
                    "field '" + field + "' must be a list of objects, or JSON of one, got: " + shown(text), e);
        }
    }

    private static Map<String, @Nullable Object> object(String field, @Nullable Object value) {
        if (!(value instanceof Map<?, ?> map)) {
            throw wrong(field, "made of JSON objects", value);
        }
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        map.forEach((key, element) -> object.put(String.valueOf(key), element));
        return object;
    }

    private static TextException wrong(String field, String kind, @Nullable Object value) {
        return new TextException("field '" + field + "' must be " + kind + ", got: " + shown(value));
    }

    private static String shown(@Nullable Object value) {
        String text = value instanceof String ? "\"" + value + "\"" : String.valueOf(value);
        return text.length() <= 80 ? text : text.substring(0, 77) + "...";
    }
}
