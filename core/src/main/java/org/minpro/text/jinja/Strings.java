package org.minpro.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Python's view of text: sequences of code points, its own idea of white space, and its {@code repr}. */
final class Strings {
    private Strings() {}

    static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    /** One text per code point. */
    static List<Object> characters(String text) {
        List<Object> characters = new ArrayList<>(text.length());
        text.codePoints().forEach(c -> characters.add(Character.toString(c)));
        return characters;
    }

    static boolean isSpace(int c) {
        return (c >= 0x9 && c <= 0xD)
                || (c >= 0x1C && c <= 0x20)
                || c == 0x85
                || c == 0xA0
                || c == 0x1680
                || (c >= 0x2000 && c <= 0x200A)
                || c == 0x2028
                || c == 0x2029
                || c == 0x202F
                || c == 0x205F
                || c == 0x3000;
    }

    /** Whether there is something, all of it white space. */
    static boolean isSpace(String text) {
        return !text.isEmpty() && text.chars().allMatch(Strings::isSpace);
    }

    static String stripTrailing(String text) {
        int end = text.length();
        while (end > 0 && isSpace(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(0, end);
    }

    /** Strips white space, or where {@code characters} is not empty those characters. */
    static String strip(String text, String characters, boolean left, boolean right) {
        int start = 0;
        int end = text.length();
        while (left && start < end && strips(text.codePointAt(start), characters)) {
            start += Character.charCount(text.codePointAt(start));
        }
        while (right && end > start && strips(text.codePointBefore(end), characters)) {
            end -= Character.charCount(text.codePointBefore(end));
        }
        return text.substring(start, end);
    }

    private static boolean strips(int character, String characters) {
        return characters.isEmpty() ? isSpace(character) : characters.indexOf(character) >= 0;
    }

    static String lower(String text) {
        return text.toLowerCase(Locale.ROOT);
    }

    static String upper(String text) {
        return text.toUpperCase(Locale.ROOT);
    }

    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int first = text.codePointAt(0);
        return titleCase(first) + lower(text.substring(Character.charCount(first)));
    }

    static String titleCase(int character) {
        String upper = upper(Character.toString(character));
        // A ligature becomes several letters, of which the first stays large.
        return upper.codePointCount(0, upper.length()) > 1
                ? upper.substring(0, 1) + lower(upper.substring(1))
                : Character.toString(Character.toTitleCase(character));
    }

    /** {@code str.replace}; a negative count replaces all. */
    static String replace(String text, String from, String to, int count) {
        long occurrences = from.isEmpty() ? length(text) + 1L : occurrences(text, from);
        long replaced = count < 0 ? occurrences : Math.min(count, occurrences);
        Limits.size(text.length() + replaced * Math.max(0, to.length() - from.length()));
        StringBuilder result = new StringBuilder();
        int at = 0;
        if (from.isEmpty()) {
            for (long i = 0; i < replaced; i++) {
                result.append(to);
                if (at < text.length()) {
                    int next = text.offsetByCodePoints(at, 1);
                    result.append(text, at, next);
                    at = next;
                }
            }
            return result.append(text, at, text.length()).toString();
        }
        for (long i = 0; i < replaced; i++) {
            int found = text.indexOf(from, at);
            result.append(text, at, found).append(to);
            at = found + from.length();
        }
        return result.append(text, at, text.length()).toString();
    }

    /** How often a text that is not empty occurs, without overlaps. */
    static int occurrences(String text, String part) {
        int count = 0;
        for (int at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length())) {
            count++;
        }
        return count;
    }

    /** {@code str.splitlines}, which knows more line ends than {@code \n}. */
    static List<String> lines(String text, boolean keepEnds) {
        List<String> lines = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean ends =
                    (c >= '\n' && c <= '\r') || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
            if (!ends) {
                continue;
            }
            int after = c == '\r' && i + 1 < text.length() && text.charAt(i + 1) == '\n' ? i + 2 : i + 1;
            lines.add(text.substring(start, keepEnds ? after : i));
            start = after;
            i = after - 1;
        }
        if (start < text.length()) {
            lines.add(text.substring(start));
        }
        return lines;
    }

    static String repeat(String text, long times) {
        long count = Math.max(0, times);
        Limits.size(text.isEmpty() ? 0 : Math.multiplyHigh(count, text.length()) != 0 ? -1 : count * text.length());
        return text.isEmpty() ? "" : text.repeat((int) count);
    }

    /** Python's {@code repr} of a string. */
    static String repr(String text) {
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        StringBuilder result = new StringBuilder().append(quote);
        text.codePoints().forEach(c -> {
            switch (c) {
                case '\\' -> result.append("\\\\");
                case '\n' -> result.append("\\n");
                case '\r' -> result.append("\\r");
                case '\t' -> result.append("\\t");
                default -> {
                    if (c == quote) {
                        result.append('\\').append(quote);
                    } else if (isPrintable(c)) {
                        result.appendCodePoint(c);
                    } else if (c < 0x100) {
                        result.append(String.format(Locale.ROOT, "\\x%02x", c));
                    } else if (c < 0x10000) {
                        result.append(String.format(Locale.ROOT, "\\u%04x", c));
                    } else {
                        result.append(String.format(Locale.ROOT, "\\U%08x", c));
                    }
                }
            }
        });
        return result.append(quote).toString();
    }

    private static boolean isPrintable(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            case Character.SPACE_SEPARATOR -> c == ' ';
            default -> true;
        };
    }
}
