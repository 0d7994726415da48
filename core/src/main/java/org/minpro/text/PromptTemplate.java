package org.minpro.text;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.minpro.data.Message;
import org.minpro.data.Problem;
import tools.jackson.databind.json.JsonMapper;

/** From a problem to the text that a model continues. */
@FunctionalInterface
public interface PromptTemplate {
    /**
     * The prompt of a problem.
     *
     * @throws TextException if the problem has not what the template needs
     */
    String render(Problem problem);

    /**
     * A text with placeholders: {@code {name}} stands for the problem's field of that name, or for its {@code prompt},
     * {@code answer} or {@code id}; {@code {{} and {@code }}} stand for braces. Texts are put in as they are, numbers and
     * booleans as JSON writes them, lists and maps as JSON.
     *
     * @throws TextException if the text is no template
     */
    static PromptTemplate plain(String template) {
        List<Piece> pieces = pieces(template);
        return problem -> filled(pieces, problem);
    }

    /**
     * The model's chat template with the header of the assistant's answer: a problem's messages as they are, or its prompt
     * as the one message of a user.
     *
     * @param user the text of the user's message, with placeholders as in {@link #plain}; only for problems with a prompt
     * @param system the text of a system message put first where the problem has none, with placeholders; null for none
     * @param variables variables of the chat template, such as {@code enable_thinking}
     */
    static PromptTemplate chat(
            ChatTemplate template,
            String user,
            @Nullable String system,
            Map<String, ? extends @Nullable Object> variables) {
        List<Piece> userPieces = pieces(user);
        List<Piece> systemPieces = system == null ? List.of() : pieces(system);
        Map<String, @Nullable Object> fixed = new LinkedHashMap<>(variables);
        return problem -> {
            List<Map<String, Object>> messages = new ArrayList<>();
            boolean ownSystem = !problem.messages().isEmpty()
                    && problem.messages().getFirst().role().equals("system");
            if (system != null && !ownSystem) {
                messages.add(message("system", filled(systemPieces, problem)));
            }
            for (Message message : problem.messages()) {
                messages.add(message(message.role(), message.content()));
            }
            if (problem.messages().isEmpty()) {
                messages.add(message("user", filled(userPieces, problem)));
            }
            return template.render(messages, null, true, fixed);
        };
    }

    private static Map<String, Object> message(String role, String content) {
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("role", role);
        message.put("content", content);
        return message;
    }

    /** A piece of a template: a text, or the name of a field. */
    record Piece(boolean isField, String text) {}

    private static List<Piece> pieces(String template) {
        List<Piece> pieces = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        int i = 0;
        while (i < template.length()) {
            char c = template.charAt(i);
            boolean doubled = i + 1 < template.length() && template.charAt(i + 1) == c;
            if ((c == '{' || c == '}') && doubled) {
                text.append(c);
                i += 2;
            } else if (c == '{') {
                int end = template.indexOf('}', i);
                String name = end < 0 ? "" : template.substring(i + 1, end);
                if (name.isBlank() || name.contains("{")) {
                    throw broken(template, i);
                }
                pieces.add(new Piece(false, text.toString()));
                text.setLength(0);
                pieces.add(new Piece(true, name));
                i = end + 1;
            } else if (c == '}') {
                throw broken(template, i);
            } else {
                text.append(c);
                i++;
            }
        }
        pieces.add(new Piece(false, text.toString()));
        return pieces;
    }

    private static TextException broken(String template, int at) {
        return new TextException(
                "a prompt template must hold {field} placeholders, with {{ and }} for braces of its own,"
                        + " got: " + template.substring(at, Math.min(template.length(), at + 30)) + " at character "
                        + (at + 1));
    }

    private static String filled(List<Piece> pieces, Problem problem) {
        StringBuilder result = new StringBuilder();
        for (Piece piece : pieces) {
            result.append(piece.isField() ? field(piece.text(), problem) : piece.text());
        }
        return result.toString();
    }

    private static String field(String name, Problem problem) {
        Map<String, @Nullable Object> fields = new TreeMap<>(problem.fields());
        fields.putIfAbsent("id", problem.id());
        fields.putIfAbsent("answer", problem.answer());
        if (problem.prompt() != null) {
            fields.putIfAbsent("prompt", problem.prompt());
        }
        Object value = fields.get(name);
        if (value == null) {
            throw new TextException("a placeholder of a prompt template must be a field of the problem, one of "
                    + String.join(", ", fields.keySet()) + "; got: {" + name + "} at problem " + problem.id());
        }
        return value instanceof String text ? text : JsonMapper.shared().writeValueAsString(value);
    }
}
