package org.minpro.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * A template's values and Python's protocols over them: truth, equality, order, length, iteration and printing.
 *
 * <p>They are {@link None}, {@code Boolean}, {@code BigInteger}, {@code Double}, {@code String}, {@code List},
 * {@link Tuple}, {@code Map}, {@link Undefined}, and what only a template makes: {@link Range}, {@link DictView},
 * {@link Generator}, {@link Namespace}, {@link Loop}, {@link Callable}.
 */
final class Values {
    private Values() {}

    /**
     * A value given from outside, as a template's value: any number, text, map, collection or array of objects.
     *
     * @throws JinjaException if it is something else, which a template must not see
     */
    static Object fromJava(@Nullable Object value) {
        return switch (value) {
            case null -> None.NONE;
            case String text -> text;
            case Boolean truth -> truth;
            case BigInteger number -> number;
            case Double number -> number;
            case Float number -> (double) number;
            case BigDecimal number -> number.doubleValue();
            case Number number
            when number instanceof Integer
                    || number instanceof Long
                    || number instanceof Short
                    || number instanceof Byte -> Numbers.integer(number.longValue());
            case Map<?, ?> map -> {
                Map<Object, Object> copy = new LinkedHashMap<>();
                map.forEach((key, item) -> copy.put(fromJava(key), fromJava(item)));
                yield copy;
            }
            case Iterable<?> items -> {
                List<Object> copy = new ArrayList<>();
                items.forEach(item -> copy.add(fromJava(item)));
                yield copy;
            }
            default ->
                throw JinjaException.of(
                        "a template's values must be null, texts, numbers, booleans, lists and maps, got: "
                                + value.getClass().getName());
        };
    }

    static String typeName(Object value) {
        return switch (value) {
            case None none -> "NoneType";
            case Boolean truth -> "bool";
            case BigInteger number -> "int";
            case Double number -> "float";
            case String text -> "str";
            case Range range -> "range";
            case List<?> list -> "list";
            case Tuple tuple -> "tuple";
            case Map<?, ?> map -> "dict";
            case DictView view -> view.type();
            case Undefined undefined -> "Undefined";
            case Generator generator -> "generator";
            case Namespace namespace -> "Namespace";
            case Loop loop -> "LoopContext";
            case Callable callable -> "function";
            default -> value.getClass().getSimpleName();
        };
    }

    static boolean truth(Object value) {
        return switch (value) {
            case None none -> false;
            case Boolean truth -> truth;
            case BigInteger number -> number.signum() != 0;
            case Double number -> number != 0;
            case String text -> !text.isEmpty();
            case List<?> list -> !list.isEmpty();
            case Tuple tuple -> !tuple.items().isEmpty();
            case Map<?, ?> map -> !map.isEmpty();
            case DictView view -> !view.items().isEmpty();
            case Undefined undefined -> false;
            default -> true;
        };
    }

    static boolean equal(Object left, Object right) {
        if (Numbers.isNumber(left) && Numbers.isNumber(right)) {
            return Numbers.equal(left, right);
        }
        return switch (left) {
            case List<?> list ->
                right instanceof List<?> other
                        && list instanceof Range == other instanceof Range
                        && equalItems(list, other);
            case Tuple tuple -> right instanceof Tuple other && equalItems(tuple.items(), other.items());
            case Map<?, ?> map -> right instanceof Map<?, ?> other && equalEntries(map, other);
            case DictView view -> right instanceof DictView other && view.equals(other);
            case Undefined undefined -> right instanceof Undefined;
            default -> left.equals(right);
        };
    }

    private static boolean equalItems(List<?> left, List<?> right) {
        if (left.size() != right.size()) {
            return false;
        }
        for (int i = 0; i < left.size(); i++) {
            if (!equal(left.get(i), right.get(i))) {
                return false;
            }
        }
        return true;
    }

    private static boolean equalEntries(Map<?, ?> left, Map<?, ?> right) {
        if (left.size() != right.size()) {
            return false;
        }
        for (Map.Entry<?, ?> entry : left.entrySet()) {
            Object other = get(right, entry.getKey());
            if (other == null || !equal(entry.getValue(), other)) {
                return false;
            }
        }
        return true;
    }

    /** The value of a key in a dict, where 1, 1.0 and true are one key. */
    static @Nullable Object get(Map<?, ?> map, Object key) {
        return map.get(sameKey(map, key));
    }

    /** Puts an entry into a dict; a key that is there already stays as it was written. */
    static void put(Map<Object, Object> map, Object key, Object value) {
        requireHashable(key);
        map.put(sameKey(map, key), value);
    }

    static void requireHashable(Object key) {
        if (key instanceof Map || (key instanceof List && !(key instanceof Range))) {
            throw JinjaException.of("unhashable type: '" + typeName(key) + "'");
        }
    }

    private static Object sameKey(Map<?, ?> map, Object key) {
        if (!Numbers.isNumber(key) || map.containsKey(key)) {
            return key;
        }
        for (Object other : map.keySet()) {
            if (Numbers.isNumber(other) && Numbers.equal(other, key)) {
                return other;
            }
        }
        return key;
    }

    /** The order of two values, where Python has one. */
    static int compare(String operator, Object left, Object right) {
        if (left instanceof Undefined undefined) {
            throw undefined.failure();
        }
        if (right instanceof Undefined undefined) {
            throw undefined.failure();
        }
        if (Numbers.isNumber(left) && Numbers.isNumber(right)) {
            return Numbers.compare(left, right);
        }
        if (left instanceof String a && right instanceof String b) {
            return compareCodePoints(a, b);
        }
        if (left instanceof Tuple a && right instanceof Tuple b) {
            return compareItems(operator, a.items(), b.items());
        }
        if (left instanceof List<?> a
                && right instanceof List<?> b
                && !(left instanceof Range)
                && !(right instanceof Range)) {
            return compareItems(operator, a, b);
        }
        throw JinjaException.of("'" + operator + "' not supported between instances of '" + typeName(left) + "' and '"
                + typeName(right) + "'");
    }

    private static int compareCodePoints(String left, String right) {
        int[] a = left.codePoints().toArray();
        int[] b = right.codePoints().toArray();
        return java.util.Arrays.compare(a, b);
    }

    private static int compareItems(String operator, List<?> left, List<?> right) {
        for (int i = 0; i < Math.min(left.size(), right.size()); i++) {
            if (!equal(left.get(i), right.get(i))) {
                return compare(operator, left.get(i), right.get(i));
            }
        }
        return Integer.compare(left.size(), right.size());
    }

    static int length(Object value) {
        return switch (value) {
            case String text -> Strings.length(text);
            case List<?> list -> list.size();
            case Tuple tuple -> tuple.items().size();
            case Map<?, ?> map -> map.size();
            case DictView view -> view.items().size();
            case Loop loop -> loop.length();
            case Undefined undefined -> 0;
            default -> throw JinjaException.of("object of type '" + typeName(value) + "' has no len()");
        };
    }

    static boolean isIterable(Object value) {
        return value instanceof String
                || value instanceof List
                || value instanceof Tuple
                || value instanceof Map
                || value instanceof DictView
                || value instanceof Generator
                || value instanceof Undefined
                || value instanceof Loop;
    }

    @SuppressWarnings("unchecked")
    static Iterator<Object> iterator(Object value) {
        return switch (value) {
            case String text -> Strings.characters(text).iterator();
            case List<?> list -> (Iterator<Object>) list.iterator();
            case Tuple tuple -> tuple.items().iterator();
            case Map<?, ?> map -> (Iterator<Object>) map.keySet().iterator();
            case DictView view -> view.items().iterator();
            case Generator generator -> generator.items();
            case Undefined undefined -> List.of().iterator();
            default -> throw JinjaException.of("'" + typeName(value) + "' object is not iterable");
        };
    }

    static List<Object> list(Object value) {
        List<Object> items = new ArrayList<>();
        iterator(value).forEachRemaining(items::add);
        return items;
    }

    /** {@code value in container}. */
    static boolean contains(Object container, Object value) {
        switch (container) {
            case String text -> {
                if (value instanceof String part) {
                    return text.contains(part);
                }
                throw JinjaException.of("'in <string>' requires string as left operand, not " + typeName(value));
            }
            case Map<?, ?> map -> {
                requireHashable(value);
                return get(map, value) != null;
            }
            default -> {
                if (container instanceof DictView view && view.type().equals("dict_keys")) {
                    requireHashable(value);
                }
                if (!isIterable(container)) {
                    throw JinjaException.of("argument of type '" + typeName(container) + "' is not iterable");
                }
                for (Iterator<Object> items = iterator(container); items.hasNext(); ) {
                    if (equal(items.next(), value)) {
                        return true;
                    }
                }
                return false;
            }
        }
    }

    /** Python's {@code str}, which is what a template prints. */
    static String text(Object value) {
        return switch (value) {
            case String text -> text;
            case Undefined undefined -> "";
            default -> repr(value);
        };
    }

    /** Python's {@code repr}. */
    static String repr(Object value) {
        return switch (value) {
            case None none -> "None";
            case Boolean truth -> truth ? "True" : "False";
            case Double number -> Numbers.repr(number);
            case String text -> Strings.repr(text);
            case Range range -> range.toString();
            case List<?> list -> items(list, "[", "]");
            case Tuple tuple ->
                tuple.items().size() == 1
                        ? "(" + repr(tuple.items().getFirst()) + ",)"
                        : items(tuple.items(), "(", ")");
            case Map<?, ?> map -> entries(map);
            case DictView view -> view.type() + "(" + items(view.items(), "[", "]") + ")";
            case Undefined undefined -> "Undefined";
            case Namespace namespace -> "<Namespace " + entries(namespace.attributes()) + ">";
            case Loop loop -> "<LoopContext " + loop.index() + "/" + loop.length() + ">";
            case Generator generator -> "<generator object>";
            case Callable callable -> "<function>";
            default -> value.toString();
        };
    }

    private static String items(List<?> items, String open, String close) {
        StringJoiner joiner = new StringJoiner(", ", open, close);
        items.forEach(item -> joiner.add(repr(item)));
        Limits.size(joiner.length());
        return joiner.toString();
    }

    private static String entries(Map<?, ?> map) {
        StringJoiner joiner = new StringJoiner(", ", "{", "}");
        map.forEach((key, item) -> joiner.add(repr(key) + ": " + repr(item)));
        Limits.size(joiner.length());
        return joiner.toString();
    }
}
