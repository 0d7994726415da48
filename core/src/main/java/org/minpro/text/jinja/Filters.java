package org.minpro.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The filters, by name; what is filtered is argument 0. */
final class Filters {
    /** A filter with what it is given. */
    @FunctionalInterface
    private interface Filter {
        Object apply(CallArguments arguments);
    }

    /** A filter whose arguments are bound to its parameters. */
    @FunctionalInterface
    private interface BoundFilter {
        Object apply(CallArguments.Bound bound);
    }

    private static final Map<String, Filter> FILTERS = Map.ofEntries(
            filter("abs", b -> absolute(b.get(0)), "value"),
            filter("capitalize", b -> Strings.capitalize(Values.text(b.get(0))), "s"),
            filter("count", b -> Numbers.integer(Values.length(b.get(0))), "value"),
            filter("length", b -> Numbers.integer(Values.length(b.get(0))), "value"),
            filter("default", Filters::otherwise, "value", "default_value?", "boolean?"),
            filter("d", Filters::otherwise, "value", "default_value?", "boolean?"),
            filter("dictsort", Filters::dictsort, "value", "case_sensitive?", "by?", "reverse?"),
            filter("e", b -> escape(Values.text(b.get(0))), "s"),
            filter("escape", b -> escape(Values.text(b.get(0))), "s"),
            filter("first", b -> first(b.get(0)), "seq"),
            filter("float", Filters::toFloat, "value", "default?"),
            Map.entry("format", arguments -> {
                CallArguments values = arguments.rest();
                return PercentFormat.format(
                        Values.text(arguments.positional().getFirst()),
                        values.named().isEmpty() ? new Tuple(values.positional()) : values.named());
            }),
            filter("groupby", Filters::groupby, "value", "attribute", "default?", "case_sensitive?"),
            filter("indent", Filters::indent, "s", "width?", "first?", "blank?"),
            filter("int", Filters::toInt, "value", "default?", "base?"),
            filter("items", b -> items(b.get(0)), "value"),
            filter("join", Filters::join, "value", "d?", "attribute?"),
            filter("last", b -> last(b.get(0)), "seq"),
            filter("list", b -> Values.list(b.get(0)), "value"),
            filter("lower", b -> Strings.lower(Values.text(b.get(0))), "s"),
            filter("upper", b -> Strings.upper(Values.text(b.get(0))), "s"),
            Map.entry("map", Filters::map),
            filter("max", b -> extreme(b, false), "value", "case_sensitive?", "attribute?"),
            filter("min", b -> extreme(b, true), "value", "case_sensitive?", "attribute?"),
            Map.entry("select", arguments -> select(arguments, false, true)),
            Map.entry("reject", arguments -> select(arguments, false, false)),
            Map.entry("selectattr", arguments -> select(arguments, true, true)),
            Map.entry("rejectattr", arguments -> select(arguments, true, false)),
            filter("replace", Filters::replace, "s", "old", "new", "count?"),
            filter("reverse", b -> reverse(b.get(0)), "value"),
            filter("round", Filters::round, "value", "precision?", "method?"),
            // Nothing is escaped, so everything is safe.
            filter("safe", b -> Values.text(b.get(0)), "value"),
            filter("sort", Filters::sort, "value", "reverse?", "case_sensitive?", "attribute?"),
            filter("string", b -> Values.text(b.get(0)), "value"),
            filter("sum", Filters::sum, "iterable", "attribute?", "start?"),
            filter("title", b -> title(Values.text(b.get(0))), "s"),
            filter("tojson", Json::filter, "value", "ensure_ascii?", "indent?", "separators?", "sort_keys?"),
            filter("trim", Filters::trim, "value", "chars?"),
            filter("truncate", Filters::truncate, "s", "length?", "killwords?", "end?", "leeway?"),
            filter("unique", Filters::unique, "value", "case_sensitive?", "attribute?"),
            filter("wordcount", b -> wordcount(Values.text(b.get(0))), "s"));

    private static final Pattern WORD_BEGINNING = Pattern.compile("[-\\s({\\[<]+", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern WORD = Pattern.compile("[\\p{L}\\p{N}_]+");

    private Filters() {}

    static boolean has(String name) {
        return FILTERS.containsKey(name);
    }

    static Object apply(String name, CallArguments arguments) {
        Filter filter = FILTERS.get(name);
        if (filter == null) {
            throw JinjaException.of("No filter named '" + name + "'.");
        }
        return filter.apply(arguments);
    }

    private static Map.Entry<String, Filter> filter(String name, BoundFilter filter, String... parameters) {
        return Map.entry(name, arguments -> filter.apply(arguments.bind(name, parameters)));
    }

    private static Object absolute(Object value) {
        return switch (value) {
            case Double number -> Math.abs(number);
            case Undefined undefined -> throw undefined.failure();
            default ->
                Numbers.whole(value)
                        .orElseThrow(
                                () -> JinjaException.of("bad operand type for abs(): '" + Values.typeName(value) + "'"))
                        .abs();
        };
    }

    private static Object otherwise(CallArguments.Bound b) {
        boolean absent = b.get(0) instanceof Undefined || (b.truth(2) && !Values.truth(b.get(0)));
        return absent ? b.get(1, "") : b.get(0);
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace(">", "&gt;")
                .replace("<", "&lt;")
                .replace("'", "&#39;")
                .replace("\"", "&#34;");
    }

    private static Object first(Object value) {
        Iterator<Object> items = Values.iterator(value);
        return items.hasNext() ? items.next() : new Undefined("No first item, sequence was empty.");
    }

    private static Object last(Object value) {
        if (value instanceof Generator || !Values.isIterable(value)) {
            throw JinjaException.of("'" + Values.typeName(value) + "' object is not reversible");
        }
        List<Object> items = Values.list(value);
        return items.isEmpty() ? new Undefined("No last item, sequence was empty.") : items.getLast();
    }

    private static Object reverse(Object value) {
        if (value instanceof String text) {
            return new StringBuilder(text).reverse().toString();
        }
        List<Object> items = Values.list(value);
        Collections.reverse(items);
        return value instanceof Generator ? items : Generator.of(items);
    }

    private static Object toFloat(CallArguments.Bound b) {
        return parsedFloat(b.get(0)).<Object>map(number -> number).orElseGet(() -> b.get(1, 0.0));
    }

    private static Optional<Double> parsedFloat(Object value) {
        if (value instanceof Undefined undefined) {
            throw undefined.failure();
        }
        if (Numbers.isNumber(value)) {
            return Optional.of(Numbers.real(value));
        }
        if (!(value instanceof String text)) {
            return Optional.empty();
        }
        String trimmed = Strings.strip(text, "", true, true);
        String plain = trimmed.replaceAll("(?<=\\d)_(?=\\d)", "");
        if (plain.matches("[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?")) {
            return Optional.of(Double.parseDouble(plain));
        }
        Matcher special = Pattern.compile("([+-]?)(inf|infinity|nan)").matcher(Strings.lower(plain));
        if (special.matches()) {
            double number = special.group(2).equals("nan") ? Double.NaN : Double.POSITIVE_INFINITY;
            return Optional.of(special.group(1).equals("-") ? -number : number);
        }
        return Optional.empty();
    }

    private static Object toInt(CallArguments.Bound b) {
        Object value = b.get(0);
        Object otherwise = b.get(1, BigInteger.ZERO);
        if (value instanceof String text) {
            Optional<BigInteger> parsed = parsedInt(Strings.strip(text, "", true, true), b.integer(2, 10));
            if (parsed.isPresent()) {
                return parsed.get();
            }
        } else if (Numbers.whole(value).isPresent()) {
            return Numbers.whole(value).get();
        }
        Optional<Double> real = parsedFloat(value);
        return real.isPresent() && Double.isFinite(real.get()) ? new BigDecimal(real.get()).toBigInteger() : otherwise;
    }

    private static Optional<BigInteger> parsedInt(String text, int base) {
        Matcher matcher = Pattern.compile("([+-]?)(0[xX]|0[oO]|0[bB])?(\\w+)").matcher(text);
        if (!matcher.matches() || text.length() > 1000) {
            return Optional.empty();
        }
        String prefix = matcher.group(2) == null ? "" : Strings.lower(matcher.group(2));
        int radix = switch (prefix) {
            case "0x" -> 16;
            case "0o" -> 8;
            case "0b" -> 2;
            default -> base == 0 ? 10 : base;
        };
        if (!prefix.isEmpty() && base != 0 && base != radix) {
            return Optional.empty();
        }
        String digits = matcher.group(3).replaceAll("(?<=\\w)_(?=\\w)", "");
        if (!digits.chars().allMatch(c -> Character.digit(c, radix) >= 0)) {
            return Optional.empty();
        }
        BigInteger number = new BigInteger(digits, radix);
        return Optional.of(matcher.group(1).equals("-") ? number.negate() : number);
    }

    private static Object indent(CallArguments.Bound b) {
        String text = stringOf(b.get(0), "indent");
        Object width = b.get(1, Numbers.integer(4));
        String indentation = width instanceof String given ? given : Strings.repeat(" ", Numbers.index(width));
        List<String> lines = Strings.lines(text + "\n", false);
        StringBuilder result = new StringBuilder(b.truth(2) ? indentation : "").append(lines.getFirst());
        for (String line : lines.subList(1, lines.size())) {
            result.append('\n')
                    .append(line.isEmpty() && !b.truth(3) ? "" : indentation)
                    .append(line);
            Limits.size(result.length());
        }
        return result.toString();
    }

    private static String stringOf(Object value, String filter) {
        if (value instanceof Undefined undefined) {
            throw undefined.failure();
        }
        if (value instanceof String text) {
            return text;
        }
        throw JinjaException.of(filter + " needs a str, got: " + Values.typeName(value));
    }

    private static Object items(Object value) {
        return switch (value) {
            case Undefined undefined -> Generator.of(List.of());
            case Map<?, ?> map -> Generator.of(Methods.items(map));
            default -> throw JinjaException.of("Can only get item pairs from a mapping.");
        };
    }

    private static Object join(CallArguments.Bound b) {
        List<Object> items = Values.list(b.get(0));
        Object attribute = b.get(2, None.NONE);
        Function<Object, Object> getter = attribute == None.NONE ? item -> item : getter(attribute, null);
        List<Object> texts = new ArrayList<>();
        items.forEach(item -> texts.add(Values.text(getter.apply(item))));
        return Methods.join(Values.text(b.get(1, "")), texts);
    }

    private static Object replace(CallArguments.Bound b) {
        return Strings.replace(Values.text(b.get(0)), Values.text(b.get(1)), Values.text(b.get(2)), b.integer(3, -1));
    }

    private static Object trim(CallArguments.Bound b) {
        String text = Values.text(b.get(0));
        if (!b.has(1) || b.get(1) == None.NONE) {
            return Strings.strip(text, "", true, true);
        }
        return b.string(1).isEmpty() ? text : Strings.strip(text, b.string(1), true, true);
    }

    private static Object truncate(CallArguments.Bound b) {
        int length = b.integer(1, 255);
        String end = b.string(3, "...");
        int leeway = b.integer(4, 5);
        int endLength = Strings.length(end);
        if (length < endLength || leeway < 0) {
            throw JinjaException.of("expected length >= " + endLength + ", got " + length);
        }
        if (Values.length(b.get(0)) <= length + leeway) {
            return b.get(0);
        }
        String text = stringOf(b.get(0), "truncate");
        String cut = text.substring(0, text.offsetByCodePoints(0, length - endLength));
        int space = cut.lastIndexOf(' ');
        return (b.truth(2) || space < 0 ? cut : cut.substring(0, space)) + end;
    }

    private static String title(String text) {
        StringBuilder result = new StringBuilder();
        Matcher separators = WORD_BEGINNING.matcher(text);
        int at = 0;
        while (separators.find()) {
            result.append(titled(text.substring(at, separators.start()))).append(separators.group());
            at = separators.end();
        }
        return result.append(titled(text.substring(at))).toString();
    }

    private static String titled(String word) {
        if (word.isEmpty()) {
            return word;
        }
        int first = Character.charCount(word.codePointAt(0));
        return Strings.upper(word.substring(0, first)) + Strings.lower(word.substring(first));
    }

    private static Object wordcount(String text) {
        return Numbers.integer(WORD.matcher(text).results().count());
    }

    private static Object round(CallArguments.Bound b) {
        Object value = b.get(0);
        int precision = Math.clamp(b.integer(1, 0), -400, 400);
        String method = b.string(2, "common");
        Optional<BigInteger> whole = Numbers.whole(value);
        double number = value instanceof Undefined undefined ? undefinedNumber(undefined) : Numbers.real(value);
        return switch (method) {
            case "common" -> {
                if (whole.isPresent()) {
                    yield precision >= 0
                            ? whole.get()
                            : new BigDecimal(whole.get())
                                    .setScale(precision, RoundingMode.HALF_EVEN)
                                    .toBigInteger();
                }
                if (!Double.isFinite(number)) {
                    yield number;
                }
                double rounded = new BigDecimal(number)
                        .setScale(precision, RoundingMode.HALF_EVEN)
                        .doubleValue();
                yield Math.copySign(rounded, number);
            }
            case "ceil", "floor" -> {
                double scale = Math.pow(10, precision);
                double scaled = number * scale;
                yield (method.equals("ceil") ? Math.ceil(scaled) : Math.floor(scaled)) / scale;
            }
            default -> throw JinjaException.of("method must be common, ceil or floor");
        };
    }

    private static double undefinedNumber(Undefined undefined) {
        throw undefined.failure();
    }

    private static Object sum(CallArguments.Bound b) {
        Object attribute = b.get(1, None.NONE);
        Function<Object, Object> getter = attribute == None.NONE ? item -> item : getter(attribute, null);
        Object total = b.get(2, BigInteger.ZERO);
        if (total instanceof String) {
            throw JinjaException.of("sum() can't sum strings");
        }
        for (Iterator<Object> items = Values.iterator(b.get(0)); items.hasNext(); ) {
            total = Operators.binary("+", total, getter.apply(items.next()));
        }
        return total;
    }

    private static Object dictsort(CallArguments.Bound b) {
        String by = b.string(2, "key");
        if (!by.equals("key") && !by.equals("value")) {
            throw JinjaException.of("You can only sort by either \"key\" or \"value\"");
        }
        if (b.get(0) instanceof Undefined undefined) {
            throw undefined.failure();
        }
        if (!(b.get(0) instanceof Map<?, ?> map)) {
            throw JinjaException.of("dictsort needs a dict, got: " + Values.typeName(b.get(0)));
        }
        int position = by.equals("key") ? 0 : 1;
        return sorted(
                Methods.items(map), item -> caseKey(((Tuple) item).items().get(position), b.truth(1)), b.truth(3));
    }

    private static Object sort(CallArguments.Bound b) {
        Object attribute = b.get(3, None.NONE);
        boolean caseSensitive = b.truth(2);
        List<Function<Object, Object>> getters = new ArrayList<>();
        if (attribute instanceof String names) {
            for (String name : names.split(",", -1)) {
                getters.add(getter(name, null));
            }
        } else {
            getters.add(attribute == None.NONE ? item -> item : getter(attribute, null));
        }
        Function<Object, Object> key = item -> {
            List<Object> keys = new ArrayList<>();
            getters.forEach(getter -> keys.add(caseKey(getter.apply(item), caseSensitive)));
            return keys;
        };
        return sorted(Values.list(b.get(0)), key, b.truth(1));
    }

    private static List<Object> sorted(List<Object> items, Function<Object, Object> key, boolean reverse) {
        Comparator<Object> order = (x, y) -> Values.compare("<", key.apply(x), key.apply(y));
        List<Object> result = new ArrayList<>(items);
        // Stable in both directions, as Python's is.
        result.sort(reverse ? (x, y) -> order.compare(y, x) : order);
        return result;
    }

    private static Object unique(CallArguments.Bound b) {
        Function<Object, Object> key = key(b.get(2, None.NONE), b.truth(1), null);
        List<Object> seen = new ArrayList<>();
        List<Object> result = new ArrayList<>();
        for (Object item : Values.list(b.get(0))) {
            Object wanted = key.apply(item);
            Values.requireHashable(wanted);
            if (seen.stream().noneMatch(other -> Values.equal(other, wanted))) {
                seen.add(wanted);
                result.add(item);
            }
        }
        return Generator.of(result);
    }

    private static Object extreme(CallArguments.Bound b, boolean smallest) {
        Function<Object, Object> key = key(b.get(2, None.NONE), b.truth(1), null);
        Object best = null;
        for (Object item : Values.list(b.get(0))) {
            int order = best == null ? 0 : Values.compare("<", key.apply(item), key.apply(best));
            if (best == null || (smallest ? order < 0 : order > 0)) {
                best = item;
            }
        }
        return best == null ? new Undefined("No aggregated item, sequence was empty.") : best;
    }

    private static Object groupby(CallArguments.Bound b) {
        Object otherwise = b.get(2, None.NONE);
        boolean caseSensitive = b.truth(3);
        Function<Object, Object> value = getter(b.get(1), otherwise == None.NONE ? null : otherwise);
        Function<Object, Object> key = item -> caseKey(value.apply(item), caseSensitive);
        List<Object> groups = new ArrayList<>();
        List<Object> current = new ArrayList<>();
        for (Object item : sorted(Values.list(b.get(0)), key, false)) {
            if (current.isEmpty() || !Values.equal(key.apply(current.getFirst()), key.apply(item))) {
                current = new ArrayList<>();
                groups.add(Tuple.of(value.apply(item), current));
            }
            current.add(item);
        }
        return groups;
    }

    private static Object map(CallArguments arguments) {
        Object input = arguments.positional().getFirst();
        CallArguments rest = arguments.rest();
        Function<Object, Object> function;
        if (rest.positional().isEmpty() && rest.named().containsKey("attribute")) {
            CallArguments.Bound b = rest.bind("map", "attribute", "default?");
            Object otherwise = b.get(1, None.NONE);
            function = getter(b.get(0), otherwise == None.NONE ? null : otherwise);
        } else {
            if (rest.positional().isEmpty() || !(rest.positional().getFirst() instanceof String name)) {
                throw JinjaException.of("map requires a filter argument");
            }
            CallArguments filterArguments = rest.rest();
            function = item -> apply(name, filterArguments.after(item));
        }
        return Values.truth(input)
                ? Generator.mapped(Values.iterator(input), function)
                : input instanceof Generator ? input : Generator.of(List.of());
    }

    private static Object select(CallArguments arguments, boolean byAttribute, boolean wanted) {
        Object input = arguments.positional().getFirst();
        CallArguments rest = arguments.rest();
        Function<Object, Object> value = item -> item;
        if (byAttribute) {
            if (rest.positional().isEmpty()) {
                throw JinjaException.of("Missing parameter for attribute name");
            }
            value = getter(rest.positional().getFirst(), null);
            rest = rest.rest();
        }
        Predicate<Object> test;
        if (rest.positional().isEmpty()) {
            test = Values::truth;
        } else {
            if (!(rest.positional().getFirst() instanceof String name)) {
                throw JinjaException.of("select requires the name of a test");
            }
            CallArguments testArguments = rest.rest();
            test = item -> Tests.apply(name, testArguments.after(item));
        }
        Function<Object, Object> getter = value;
        Iterator<Object> items = Values.truth(input) ? Values.iterator(input) : Collections.emptyIterator();
        return new Generator(new Selection(items, item -> test.test(getter.apply(item)) == wanted));
    }

    /** The items that a predicate keeps, each tested when it is asked for. */
    private static final class Selection implements Iterator<Object> {
        private final Iterator<Object> items;
        private final Predicate<Object> keeps;
        private @Nullable Object next;

        Selection(Iterator<Object> items, Predicate<Object> keeps) {
            this.items = items;
            this.keeps = keeps;
        }

        @Override
        public boolean hasNext() {
            while (next == null && items.hasNext()) {
                Object item = items.next();
                if (keeps.test(item)) {
                    next = item;
                }
            }
            return next != null;
        }

        @Override
        public Object next() {
            if (!hasNext() || next == null) {
                throw new java.util.NoSuchElementException();
            }
            Object item = next;
            next = null;
            return item;
        }
    }

    private static Function<Object, Object> key(Object attribute, boolean caseSensitive, @Nullable Object otherwise) {
        Function<Object, Object> getter = attribute == None.NONE ? item -> item : getter(attribute, otherwise);
        return item -> caseKey(getter.apply(item), caseSensitive);
    }

    private static Object caseKey(Object value, boolean caseSensitive) {
        return !caseSensitive && value instanceof String text ? Strings.lower(text) : value;
    }

    /** Looks up {@code a.b.0} in an item, elements before attributes. */
    private static Function<Object, Object> getter(Object attribute, @Nullable Object otherwise) {
        List<Object> path = new ArrayList<>();
        if (attribute instanceof String names) {
            for (String part : names.split("\\.", -1)) {
                path.add(!part.isEmpty() && part.chars().allMatch(Character::isDigit) ? new BigInteger(part) : part);
            }
        } else {
            path.add(attribute);
        }
        return item -> {
            Object value = item;
            for (Object part : path) {
                value = Operators.item(value, part);
                if (value instanceof Undefined && otherwise != null) {
                    value = otherwise;
                }
            }
            return value;
        };
    }
}
