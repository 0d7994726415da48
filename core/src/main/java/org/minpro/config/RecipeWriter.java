package org.minpro.config;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A record as YAML, every setting written out. */
final class RecipeWriter {
    private static final int WIDTH = 100;
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z/.<][A-Za-z0-9_./$<>-]*");
    private static final Pattern TYPED = Pattern.compile(
            "null|Null|NULL|~|true|True|TRUE|false|False|FALSE|yes|no|on|off|y|n|\\.(inf|nan).*|\\.",
            Pattern.CASE_INSENSITIVE);

    private final Map<Class<?>, NamedRecords<?>> tables;
    private final boolean comments;
    private final StringBuilder out = new StringBuilder();

    RecipeWriter(Map<Class<?>, NamedRecords<?>> tables, boolean comments) {
        this.tables = tables;
        this.comments = comments;
    }

    String write(Record record) {
        components(record, "");
        return out.toString();
    }

    private void components(Record record, String indent) {
        RecordComponent[] components = record.getClass().getRecordComponents();
        @Nullable Object[] values = Binder.values(record);
        for (int i = 0; i < components.length; i++) {
            comment(components[i], values[i], indent);
            entry(indent + Binder.kebab(components[i].getName()) + ":", components[i].getType(), values[i], indent);
        }
    }

    private void entry(String key, Class<?> type, @Nullable Object value, String indent) {
        NamedRecords<?> table = tables.get(type);
        if (value instanceof Record section && table == null) {
            out.append(key).append('\n');
            components(section, indent + "  ");
        } else if (table != null && value != null) {
            choice(key, table, value, indent);
        } else if (value instanceof List<?> list && list.stream().anyMatch(this::isStructured)) {
            out.append(key).append('\n');
            for (Object element : list) {
                element(element, indent + "  ");
            }
        } else if (value instanceof Map<?, ?> map && map.values().stream().anyMatch(this::isStructured)) {
            out.append(key).append('\n');
            map.forEach((name, element) ->
                    entry(indent + "  " + text(String.valueOf(name)) + ":", declared(element), element, indent + "  "));
        } else {
            out.append(key).append(' ').append(inline(value)).append('\n');
        }
    }

    private void choice(String key, NamedRecords<?> table, Object value, String indent) {
        if (value.getClass().isHidden()) {
            throw new IllegalArgumentException(table.what()
                    + " must be of a class with a name, which the recipe can hold, got: a lambda expression");
        }
        String name = text(table.nameOf(value));
        boolean free = value instanceof ByClassName named && !named.parameters().isEmpty();
        if (!free && !(value instanceof Record && value.getClass().getRecordComponents().length > 0)) {
            out.append(key).append(' ').append(name).append('\n');
            return;
        }
        out.append(key)
                .append('\n')
                .append(indent)
                .append("  name: ")
                .append(name)
                .append('\n');
        if (value instanceof ByClassName named) {
            named.parameters()
                    .forEach((parameter, given) -> out.append(indent)
                            .append("  ")
                            .append(text(parameter))
                            .append(": ")
                            .append(inline(given))
                            .append('\n'));
        } else {
            components((Record) value, indent + "  ");
        }
    }

    private boolean isStructured(Object element) {
        return element instanceof Record || tables.containsKey(declared(element));
    }

    /** The type that a collection of such elements has: an interface of the tables, or the element's own. */
    private Class<?> declared(Object element) {
        return tables.keySet().stream()
                .filter(contract -> contract.isInstance(element))
                .findFirst()
                .orElse(element.getClass());
    }

    /** A list element: its lines indented below a dash. */
    private void element(Object element, String indent) {
        RecipeWriter inner = new RecipeWriter(tables, comments);
        NamedRecords<?> table = tables.get(declared(element));
        if (table != null) {
            inner.out.append("name: ").append(text(table.nameOf(element))).append('\n');
        }
        if (element instanceof Record record) {
            inner.components(record, "");
        }
        String dash = "- ";
        for (String line : inner.out.toString().lines().toList()) {
            out.append(indent).append(dash).append(line).append('\n');
            dash = "  ";
        }
    }

    private void comment(RecordComponent component, @Nullable Object value, String indent) {
        if (!comments) {
            return;
        }
        boolean section = value instanceof Record && !tables.containsKey(component.getType());
        if (section && indent.isEmpty()) {
            out.append('\n');
        }
        Doc doc = component.getAnnotation(Doc.class);
        String text = doc == null ? "" : doc.value();
        String alternatives = alternatives(elementType(component));
        if (!alternatives.isEmpty()) {
            text = text.isEmpty() ? alternatives : text + " (" + alternatives + ")";
        }
        StringBuilder line = new StringBuilder();
        for (String word : text.split(" ")) {
            if (!line.isEmpty() && indent.length() + 2 + line.length() + 1 + word.length() > WIDTH) {
                out.append(indent).append("# ").append(line).append('\n');
                line.setLength(0);
            }
            line.append(line.isEmpty() ? "" : " ").append(word);
        }
        if (!line.isEmpty()) {
            out.append(indent).append("# ").append(line).append('\n');
        }
    }

    /** What a setting is one of: of a list, what its elements are. */
    private static Class<?> elementType(RecordComponent component) {
        return component.getType() == List.class
                        && component.getGenericType() instanceof ParameterizedType list
                        && list.getActualTypeArguments()[0] instanceof Class<?> element
                ? element
                : component.getType();
    }

    private String alternatives(Class<?> type) {
        NamedRecords<?> table = tables.get(type);
        if (table != null) {
            return String.join(" | ", table.names());
        }
        if (type.isEnum()) {
            return Arrays.stream(type.getEnumConstants())
                    .map(constant -> Binder.kebab((Enum<?>) constant))
                    .collect(Collectors.joining(" | "));
        }
        return "";
    }

    private String inline(@Nullable Object value) {
        return switch (value) {
            case null -> "null";
            case Double number -> number(number.toString());
            case Float number -> number(number.toString());
            case Enum<?> constant -> Binder.kebab(constant);
            // With comments it is for a person to see; without them a run goes on with it.
            case Address address -> text(comments ? address.toString() : address.written());
            case Number number -> number.toString();
            case Boolean truth -> truth.toString();
            case List<?> list -> list.stream().map(this::inline).collect(Collectors.joining(", ", "[", "]"));
            case Map<?, ?> map -> {
                List<String> entries = new ArrayList<>();
                map.forEach((key, element) -> entries.add(quoted(String.valueOf(key)) + ": " + inline(element)));
                yield "{" + String.join(", ", entries) + "}";
            }
            default -> text(value.toString());
        };
    }

    /** {@code 1.0E-6} as {@code 1e-6}, which parses to the same double. */
    private static String number(String text) {
        return switch (text) {
            case "NaN" -> ".nan";
            case "Infinity" -> ".inf";
            case "-Infinity" -> "-.inf";
            default -> text.replace(".0E", "e").replace('E', 'e');
        };
    }

    private static String text(String text) {
        return PLAIN.matcher(text).matches() && !TYPED.matcher(text).matches() ? text : quoted(text);
    }

    private static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> quoted.append("\\\"");
                case '\\' -> quoted.append("\\\\");
                case '\n' -> quoted.append("\\n");
                case '\t' -> quoted.append("\\t");
                case '\r' -> quoted.append("\\r");
                default -> {
                    boolean printable = c >= ' '
                            && c != 0x7F
                            && !(c >= 0x80 && c < 0xA0)
                            && c != 0x2028
                            && c != 0x2029
                            && c != 0xFEFF
                            && c < 0xFFFE;
                    if (printable) {
                        quoted.append(c);
                    } else {
                        quoted.append(String.format("\\u%04x", (int) c));
                    }
                }
            }
        }
        return quoted.append('"').toString();
    }
}
