package org.minpro.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.minpro.config.NearestName;
import org.minpro.data.Problem;
import org.minpro.data.Row;
import tools.jackson.databind.json.JsonMapper;

/** A text with {@code {field}} placeholders over a problem. */
record FieldTemplate(List<Piece> pieces) {
    /** A piece of a template: a text, or the name of a field. */
    record Piece(boolean isField, String text) {}

    static FieldTemplate parse(String template) {
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
        return new FieldTemplate(pieces);
    }

    private static TextException broken(String template, int at) {
        return new TextException(
                "a prompt template must hold {field} placeholders, with {{ and }} for braces of its own,"
                        + " got: " + template.substring(at, Math.min(template.length(), at + 30)) + " at character "
                        + (at + 1));
    }

    String render(Problem problem) {
        StringBuilder result = new StringBuilder();
        for (Piece piece : pieces) {
            result.append(piece.isField() ? field(piece.text(), problem) : piece.text());
        }
        return result.toString();
    }

    private static String field(String name, Problem problem) {
        Map<String, @Nullable Object> fields = new TreeMap<>(problem.fields());
        // A row that is not a problem yet has its fields alone.
        if (!problem.id().isEmpty()) {
            fields.putIfAbsent("id", problem.id());
            fields.putIfAbsent("answer", problem.answer());
        }
        if (problem.prompt() != null) {
            fields.putIfAbsent("prompt", problem.prompt());
        }
        Object value = Row.value(fields, name);
        if (value == null) {
            throw new TextException("a placeholder of a prompt template must be a field of the problem, one of "
                    + String.join(", ", fields.keySet()) + "; got: {" + name + "}"
                    + (problem.id().isEmpty() ? "" : " at problem " + problem.id())
                    + NearestName.of(name, fields.keySet())
                            .map(near -> ". Did you mean {" + near + "}?")
                            .orElse(""));
        }
        return value instanceof String text ? text : JsonMapper.shared().writeValueAsString(value);
    }
}
