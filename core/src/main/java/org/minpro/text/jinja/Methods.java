package org.minpro.text.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** The methods of texts, lists, tuples and dicts that change nothing; those that would, a template must not call. */
final class Methods {
    @FunctionalInterface
    private interface TextMethod {
        Object call(String self, CallArguments arguments);
    }

    private static final Map<String, TextMethod> TEXT = Map.ofEntries(
            text("upper", (s, a) -> Strings.upper(s)),
            text("lower", (s, a) -> Strings.lower(s)),
            text("casefold", (s, a) -> Strings.lower(Strings.upper(s))),
            text("capitalize", (s, a) -> Strings.capitalize(s)),
            text("title", (s, a) -> title(s)),
            text("swapcase", (s, a) -> swapcase(s)),
            text("isdigit", (s, a) -> all(s, c -> Character.isDigit(c) || isSuperscript(c))),
            text("isdecimal", (s, a) -> all(s, Character::isDigit)),
            text("isnumeric", (s, a) -> all(s, Methods::isNumeric)),
            text("isalpha", (s, a) -> all(s, Character::isLetter)),
            text("isalnum", (s, a) -> all(s, c -> Character.isLetter(c) || isNumeric(c))),
            text("isspace", (s, a) -> Strings.isSpace(s)),
            text("isascii", (s, a) -> s.chars().allMatch(c -> c < 128)),
            text("isupper", (s, a) -> isUpper(s)),
            text("islower", (s, a) -> isLower(s)),
            Map.entry("strip", (s, a) -> strip(s, a, "strip", true, true)),
            Map.entry("lstrip", (s, a) -> strip(s, a, "lstrip", true, false)),
            Map.entry("rstrip", (s, a) -> strip(s, a, "rstrip", false, true)),
            Map.entry("split", (s, a) -> split(s, a, false)),
            Map.entry("rsplit", (s, a) -> split(s, a, true)),
            Map.entry("splitlines", (s, a) -> {
                CallArguments.Bound b = a.bind("splitlines", "keepends?");
                return new ArrayList<Object>(Strings.lines(s, b.truth(0)));
            }),
            Map.entry("join", (s, a) -> join(s, a.bind("join", "iterable").get(0))),
            Map.entry("replace", (s, a) -> {
                CallArguments.Bound b = a.bind("replace", "old", "new", "count?");
                return Strings.replace(s, b.string(0), b.string(1), b.integer(2, -1));
            }),
            Map.entry("startswith", (s, a) -> affix(s, a, "startswith", true)),
            Map.entry("endswith", (s, a) -> affix(s, a, "endswith", false)),
            Map.entry("find", (s, a) -> Numbers.integer(find(s, a, "find", false))),
            Map.entry("rfind", (s, a) -> Numbers.integer(find(s, a, "rfind", true))),
            Map.entry("index", (s, a) -> Numbers.integer(found(find(s, a, "index", false)))),
            Map.entry("rindex", (s, a) -> Numbers.integer(found(find(s, a, "rindex", true)))),
            Map.entry("count", (s, a) -> {
                CallArguments.Bound b = a.bind("count", "sub", "start?", "end?");
                String part = window(s, b).text();
                String sub = b.string(0);
                return Numbers.integer(sub.isEmpty() ? Strings.length(part) + 1 : Strings.occurrences(part, sub));
            }),
            Map.entry("removeprefix", (s, a) -> {
                String prefix = a.bind("removeprefix", "prefix").string(0);
                return s.startsWith(prefix) ? s.substring(prefix.length()) : s;
            }),
            Map.entry("removesuffix", (s, a) -> {
                String suffix = a.bind("removesuffix", "suffix").string(0);
                return s.endsWith(suffix) ? s.substring(0, s.length() - suffix.length()) : s;
            }),
            Map.entry(
                    "partition",
                    (s, a) -> partition(s, a.bind("partition", "sep").string(0), false)),
            Map.entry(
                    "rpartition",
                    (s, a) -> partition(s, a.bind("rpartition", "sep").string(0), true)),
            Map.entry("ljust", (s, a) -> pad(s, a, "ljust")),
            Map.entry("rjust", (s, a) -> pad(s, a, "rjust")),
            Map.entry("center", (s, a) -> pad(s, a, "center")),
            Map.entry("zfill", (s, a) -> {
                int missing = a.bind("zfill", "width").integer(0) - Strings.length(s);
                boolean signed = s.startsWith("-") || s.startsWith("+");
                return (signed ? s.substring(0, 1) : "") + Strings.repeat("0", missing) + s.substring(signed ? 1 : 0);
            }),
            Map.entry(
                    "expandtabs",
                    (s, a) -> expandTabs(s, a.bind("expandtabs", "tabsize?").integer(0, 8))),
            Map.entry("format", BraceFormat::format));

    private Methods() {}

    private static Map.Entry<String, TextMethod> text(String name, TextMethod method) {
        return Map.entry(name, (self, arguments) -> {
            arguments.bind(name);
            return method.call(self, arguments);
        });
    }

    /** The method of that name bound to the value. */
    static Optional<Callable> find(Object self, String name) {
        Callable method = switch (self) {
            case String text -> {
                TextMethod found = TEXT.get(name);
                yield found == null ? null : arguments -> found.call(text, arguments);
            }
            case Range range -> sequence(range, name);
            case List<?> list -> name.equals("copy") ? a -> new ArrayList<Object>(list) : sequence(list, name);
            case Tuple tuple -> sequence(tuple.items(), name);
            case Map<?, ?> map -> dict(map, name);
            default -> null;
        };
        if (method == null && changes(self, name)) {
            // As in the immutable sandbox: there, but of no use.
            return Optional.of(arguments -> {
                throw JinjaException.of("access to attribute '" + name + "' of '" + Values.typeName(self)
                        + "' object is unsafe: a template must not change its values");
            });
        }
        return Optional.ofNullable(method);
    }

    private static boolean changes(Object self, String name) {
        List<String> changing = switch (self) {
            case Range range -> List.of();
            case List<?> list -> List.of("append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove");
            case Map<?, ?> map -> List.of("clear", "pop", "popitem", "setdefault", "update");
            default -> List.of();
        };
        return changing.contains(name);
    }

    private static @Nullable Callable sequence(List<?> items, String name) {
        return switch (name) {
            case "count" ->
                arguments -> {
                    Object wanted = arguments.bind("count", "value").get(0);
                    return Numbers.integer(items.stream()
                            .filter(item -> Values.equal(item, wanted))
                            .count());
                };
            case "index" ->
                arguments -> {
                    Object wanted = arguments.bind("index", "value").get(0);
                    for (int i = 0; i < items.size(); i++) {
                        if (Values.equal(items.get(i), wanted)) {
                            return Numbers.integer(i);
                        }
                    }
                    throw JinjaException.of(Values.repr(wanted) + " is not in list");
                };
            default -> null;
        };
    }

    private static @Nullable Callable dict(Map<?, ?> map, String name) {
        return switch (name) {
            case "get" ->
                arguments -> {
                    CallArguments.Bound b = arguments.bind("get", "key", "default?");
                    Values.requireHashable(b.get(0));
                    Object value = Values.get(map, b.get(0));
                    return value == null ? b.get(1, None.NONE) : value;
                };
            case "keys" -> arguments -> view("dict_keys", arguments, new ArrayList<>(map.keySet()));
            case "values" -> arguments -> view("dict_values", arguments, new ArrayList<>(map.values()));
            case "items" -> arguments -> view("dict_items", arguments, items(map));
            case "copy" -> arguments -> new LinkedHashMap<Object, Object>(map);
            default -> null;
        };
    }

    private static DictView view(String type, CallArguments arguments, List<Object> items) {
        arguments.bind(type);
        return new DictView(type, items);
    }

    /** The entries of a map as tuples. */
    static List<Object> items(Map<?, ?> map) {
        List<Object> items = new ArrayList<>(map.size());
        map.forEach((key, value) -> items.add(Tuple.of(key, value)));
        return items;
    }

    /** {@code separator.join(items)}. */
    static String join(String separator, Object iterable) {
        StringBuilder result = new StringBuilder();
        int index = 0;
        for (Iterator<Object> items = Values.iterator(iterable); items.hasNext(); index++) {
            Object item = items.next();
            if (!(item instanceof String text)) {
                throw JinjaException.of(
                        "sequence item " + index + ": expected str instance, " + Values.typeName(item) + " found");
            }
            result.append(index == 0 ? "" : separator).append(text);
            Limits.size(result.length());
        }
        return result.toString();
    }

    private static String strip(String self, CallArguments arguments, String name, boolean left, boolean right) {
        CallArguments.Bound b = arguments.bind(name, "chars?");
        if (!b.has(0) || b.get(0) == None.NONE) {
            return Strings.strip(self, "", left, right);
        }
        return b.string(0).isEmpty() ? self : Strings.strip(self, b.string(0), left, right);
    }

    private static List<Object> split(String self, CallArguments arguments, boolean fromRight) {
        CallArguments.Bound b = arguments.bind(fromRight ? "rsplit" : "split", "sep?", "maxsplit?");
        int most = b.integer(1, -1);
        boolean bySpace = !b.has(0) || b.get(0) == None.NONE;
        if (!bySpace && b.string(0).isEmpty()) {
            throw JinjaException.of("empty separator");
        }
        List<Object> parts = new ArrayList<>();
        if (fromRight) {
            splitFromRight(self, bySpace ? "" : b.string(0), most, parts);
            Collections.reverse(parts);
        } else {
            splitFromLeft(self, bySpace ? "" : b.string(0), most, parts);
        }
        return parts;
    }

    /** An empty separator stands for runs of white space. */
    private static void splitFromLeft(String self, String separator, int most, List<Object> parts) {
        boolean bySpace = separator.isEmpty();
        String rest = bySpace ? Strings.strip(self, "", true, false) : self;
        while (true) {
            int at = -1;
            if (most < 0 || parts.size() < most) {
                at = bySpace ? nextSpace(rest) : rest.indexOf(separator);
            }
            if (at < 0) {
                break;
            }
            parts.add(rest.substring(0, at));
            rest = bySpace
                    ? Strings.strip(rest.substring(at), "", true, false)
                    : rest.substring(at + separator.length());
        }
        if (!bySpace || !rest.isEmpty()) {
            parts.add(bySpace && (most < 0 || parts.size() < most) ? Strings.stripTrailing(rest) : rest);
        }
    }

    private static void splitFromRight(String self, String separator, int most, List<Object> parts) {
        boolean bySpace = separator.isEmpty();
        String rest = bySpace ? Strings.stripTrailing(self) : self;
        while (true) {
            int at = -1;
            if (most < 0 || parts.size() < most) {
                at = bySpace ? lastSpace(rest) : rest.lastIndexOf(separator);
            }
            if (at < 0) {
                break;
            }
            parts.add(rest.substring(at + (bySpace ? 1 : separator.length())));
            rest = bySpace ? Strings.stripTrailing(rest.substring(0, at)) : rest.substring(0, at);
        }
        if (!bySpace || !rest.isEmpty()) {
            parts.add(rest);
        }
    }

    private static int nextSpace(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Strings.isSpace(text.charAt(i))) {
                return i;
            }
        }
        return -1;
    }

    private static int lastSpace(String text) {
        for (int i = text.length() - 1; i >= 0; i--) {
            if (Strings.isSpace(text.charAt(i))) {
                return i;
            }
        }
        return -1;
    }

    private static boolean affix(String self, CallArguments arguments, String name, boolean prefix) {
        CallArguments.Bound b = arguments.bind(name, "affix", "start?", "end?");
        Window window = window(self, b);
        if (window.empty()) {
            return false;
        }
        List<Object> candidates = b.get(0) instanceof Tuple tuple ? tuple.items() : List.of(b.get(0));
        for (Object candidate : candidates) {
            if (!(candidate instanceof String text)) {
                throw JinjaException.of(
                        name + " first arg must be str or a tuple of str, not " + Values.typeName(candidate));
            }
            if (prefix ? window.text().startsWith(text) : window.text().endsWith(text)) {
                return true;
            }
        }
        return false;
    }

    /** The part of a text between the arguments 1 and 2, and where it begins; empty where it begins after its end. */
    private record Window(String text, int start, boolean empty) {}

    private static Window window(String self, CallArguments.Bound b) {
        int length = Strings.length(self);
        int start = b.integer(1, 0);
        int end = b.integer(2, length);
        start = start < 0 ? Math.max(0, start + length) : start;
        end = end < 0 ? Math.max(0, end + length) : Math.min(end, length);
        if (start > end) {
            return new Window("", start, true);
        }
        int from = self.offsetByCodePoints(0, start);
        return new Window(self.substring(from, self.offsetByCodePoints(from, end - start)), start, false);
    }

    private static int find(String self, CallArguments arguments, String name, boolean last) {
        CallArguments.Bound b = arguments.bind(name, "sub", "start?", "end?");
        Window window = window(self, b);
        int at = window.empty()
                ? -1
                : last ? window.text().lastIndexOf(b.string(0)) : window.text().indexOf(b.string(0));
        return at < 0 ? -1 : window.start() + window.text().codePointCount(0, at);
    }

    private static int found(int at) {
        if (at < 0) {
            throw JinjaException.of("substring not found");
        }
        return at;
    }

    private static Tuple partition(String self, String separator, boolean last) {
        if (separator.isEmpty()) {
            throw JinjaException.of("empty separator");
        }
        int at = last ? self.lastIndexOf(separator) : self.indexOf(separator);
        if (at < 0) {
            return last ? Tuple.of("", "", self) : Tuple.of(self, "", "");
        }
        return Tuple.of(self.substring(0, at), separator, self.substring(at + separator.length()));
    }

    private static String pad(String self, CallArguments arguments, String name) {
        CallArguments.Bound b = arguments.bind(name, "width", "fillchar?");
        String fill = b.string(1, " ");
        if (Strings.length(fill) != 1) {
            throw JinjaException.of("The fill character must be exactly one character long");
        }
        int width = b.integer(0);
        int missing = Math.max(0, width - Strings.length(self));
        // As CPython splits it: the odd one goes left where the width is odd.
        int left = switch (name) {
            case "ljust" -> 0;
            case "rjust" -> missing;
            default -> missing / 2 + (missing & width & 1);
        };
        return Strings.repeat(fill, left) + self + Strings.repeat(fill, missing - left);
    }

    private static String expandTabs(String self, int size) {
        StringBuilder result = new StringBuilder();
        int column = 0;
        for (Object character : Strings.characters(self)) {
            String text = (String) character;
            if (text.equals("\t")) {
                int spaces = size > 0 ? size - column % size : 0;
                result.append(Strings.repeat(" ", spaces));
                column += spaces;
                Limits.size(result.length());
            } else {
                result.append(text);
                column = text.equals("\n") || text.equals("\r") ? 0 : column + 1;
            }
        }
        return result.toString();
    }

    private static boolean all(String text, IntPredicate predicate) {
        return !text.isEmpty() && text.codePoints().allMatch(predicate);
    }

    private static boolean isSuperscript(int c) {
        return c == 0xB2
                || c == 0xB3
                || c == 0xB9
                || c == 0x2070
                || (c >= 0x2074 && c <= 0x2079)
                || (c >= 0x2080 && c <= 0x2089);
    }

    private static boolean isNumeric(int c) {
        int type = Character.getType(c);
        return type == Character.DECIMAL_DIGIT_NUMBER
                || type == Character.LETTER_NUMBER
                || type == Character.OTHER_NUMBER;
    }

    static boolean isUpper(String text) {
        return text.codePoints().anyMatch(Character::isUpperCase)
                && text.codePoints().noneMatch(c -> Character.isLowerCase(c) || Character.isTitleCase(c));
    }

    static boolean isLower(String text) {
        return text.codePoints().anyMatch(Character::isLowerCase)
                && text.codePoints().noneMatch(c -> Character.isUpperCase(c) || Character.isTitleCase(c));
    }

    private static boolean isCased(int c) {
        return Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
    }

    private static String title(String text) {
        StringBuilder result = new StringBuilder();
        boolean inside = false;
        for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
            int c = text.codePointAt(i);
            String character = Character.toString(c);
            result.append(inside ? Strings.lower(character) : Strings.titleCase(c));
            inside = isCased(c);
        }
        return result.toString();
    }

    private static String swapcase(String text) {
        StringBuilder result = new StringBuilder();
        text.codePoints().forEach(c -> {
            String character = Character.toString(c);
            result.append(Character.isUpperCase(c) ? Strings.lower(character) : Strings.upper(character));
        });
        return result.toString();
    }
}
