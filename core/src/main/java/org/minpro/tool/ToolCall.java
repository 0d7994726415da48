package org.minpro.tool;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A call that a policy wrote.
 *
 * @param name of the function; empty where the call cannot be read
 * @param arguments by name
 * @param error what is wrong with the call's form; empty where it can be read
 */
public record ToolCall(String name, Map<String, @Nullable Object> arguments, String error) {
    private static final Pattern HERMES =
            Pattern.compile("<tool_call>\\s*(.*?)\\s*(?:</tool_call>|\\z)", Pattern.DOTALL);

    /**
     * The calls of a turn, in order; none where it has none.
     *
     * <p>As Hermes and Qwen write them: {@code <tool_call>{"name": …, "arguments": {…}}</tool_call>}, each between its tags. As Llama 3
     * does: the whole turn is {@code {"name": …, "parameters": {…}}}, with or without the special token {@code <|python_tag|>}
     * before it, which decoding leaves out.
     */
    public static List<ToolCall> in(String turn) {
        List<ToolCall> calls = new ArrayList<>();
        Matcher tags = HERMES.matcher(turn);
        while (tags.find()) {
            calls.add(read(tags.group(1), "arguments"));
        }
        String whole = turn.replace("<|python_tag|>", "").strip();
        if (calls.isEmpty()
                && whole.startsWith("{")
                && whole.contains("\"name\"")
                && whole.contains("\"parameters\"")) {
            calls.add(read(whole, "parameters"));
        }
        return calls;
    }

    private static ToolCall read(String json, String member) {
        String form = "{\"name\": \"…\", \"" + member + "\": {…}}";
        try {
            JsonNode call = JsonMapper.shared().readTree(json);
            JsonNode arguments = call.path(member);
            if (!call.path("name").isString() || !arguments.isObject()) {
                return new ToolCall("", Map.of(), "a call must be " + form);
            }
            Map<String, @Nullable Object> values = new LinkedHashMap<>();
            arguments.properties().forEach(entry -> values.put(entry.getKey(), value(entry.getValue())));
            return new ToolCall(call.path("name").stringValue(), values, "");
        } catch (JacksonException e) {
            return new ToolCall("", Map.of(), "a call must be JSON, " + form);
        }
    }

    private static @Nullable Object value(JsonNode node) {
        return JsonMapper.shared().treeToValue(node, Object.class);
    }
}
