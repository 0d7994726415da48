package org.minpro.text.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Python's {@code json.dumps} as transformers gives it to templates: nothing escaped for HTML, {@code ", "} and
 * {@code ": "} between items unless an indentation or separators are given.
 */
final class Json {
    private final boolean ascii;
    private final String indent;
    private final boolean indented;
    private final String itemSeparator;
    private final String keySeparator;
    private final boolean sorted;
    private final StringBuilder out = new StringBuilder();

    private Json(
            boolean ascii, String indent, boolean indented, String itemSeparator, String keySeparator, boolean sorted) {
        this.ascii = ascii;
        this.indent = indent;
        this.indented = indented;
        this.itemSeparator = itemSeparator;
        this.keySeparator = keySeparator;
        this.sorted = sorted;
    }

    /** The {@code tojson} filter; the value is argument 0. */
    static String filter(CallArguments.Bound b) {
        Object indent = b.get(2, None.NONE);
        boolean indented = indent != None.NONE;
        String step = indent instanceof String text
                ? text
                : indented ? " ".repeat(Math.clamp(Numbers.index(indent), 0, 100)) : "";
        String item = indented ? "," : ", ";
        String key = ": ";
        Object separators = b.get(3, None.NONE);
        if (separators != None.NONE) {
            List<Object> pair = Values.list(separators);
            if (pair.size() != 2 || !(pair.get(0) instanceof String first) || !(pair.get(1) instanceof String second)) {
                throw JinjaException.of("separators must be a pair of texts, got: " + Values.repr(separators));
            }
            item = first;
            key = second;
        }
        Json json = new Json(b.truth(1), step, indented, item, key, b.truth(4));
        json.write(b.get(0), 0);
        return json.out.toString();
    }

    private void write(Object value, int depth) {
        Limits.size(out.length());
        switch (value) {
            case String text -> quote(text);
            case None none -> out.append("null");
            case Boolean truth -> out.append(truth);
            case BigInteger number -> out.append(number);
            case Double number -> out.append(number(number));
            case List<?> list when !(list instanceof Range) -> list(list, depth);
            case Tuple tuple -> list(tuple.items(), depth);
            case Map<?, ?> map -> map(map, depth);
            default ->
                throw JinjaException.of("Object of type " + Values.typeName(value) + " is not JSON serializable");
        }
    }

    private static String number(double number) {
        return Double.isNaN(number)
                ? "NaN"
                : Double.isInfinite(number) ? (number > 0 ? "Infinity" : "-Infinity") : Numbers.repr(number);
    }

    private void list(List<?> items, int depth) {
        out.append('[');
        for (int i = 0; i < items.size(); i++) {
            out.append(i == 0 ? "" : itemSeparator);
            newline(depth + 1);
            write(items.get(i), depth + 1);
        }
        if (!items.isEmpty()) {
            newline(depth);
        }
        out.append(']');
    }

    private void map(Map<?, ?> map, int depth) {
        List<Map.Entry<?, ?>> entries = new ArrayList<>(map.entrySet());
        if (sorted) {
            entries.sort(Comparator.comparing(Map.Entry::getKey, (a, b) -> Values.compare("<", a, b)));
        }
        out.append('{');
        boolean first = true;
        for (Map.Entry<?, ?> entry : entries) {
            out.append(first ? "" : itemSeparator);
            first = false;
            newline(depth + 1);
            quote(key(entry.getKey()));
            out.append(keySeparator);
            write(entry.getValue(), depth + 1);
        }
        if (!entries.isEmpty()) {
            newline(depth);
        }
        out.append('}');
    }

    private static String key(Object key) {
        return switch (key) {
            case String text -> text;
            case None none -> "null";
            case Boolean truth -> truth.toString();
            case BigInteger number -> number.toString();
            case Double number -> number(number);
            default ->
                throw JinjaException.of("keys must be str, int, float, bool or None, not " + Values.typeName(key));
        };
    }

    private void newline(int depth) {
        if (indented) {
            out.append('\n').append(Strings.repeat(indent, depth));
        }
    }

    private void quote(String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\f' -> out.append("\\f");
                case '\b' -> out.append("\\b");
                default -> {
                    if (c < 0x20 || (ascii && c > 0x7E)) {
                        out.append(c == 0x7F ? Character.toString(c) : String.format(Locale.ROOT, "\\u%04x", (int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }
}
