package org.minpro.text.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Arithmetic, comparison and subscription, as Python does them on a template's values. */
final class Operators {
    private Operators() {}

    static Object binary(String operator, Object left, Object right) {
        if (operator.equals("%") && left instanceof String format) {
            return PercentFormat.format(format, right);
        }
        if (left instanceof Undefined undefined) {
            throw undefined.failure();
        }
        if (right instanceof Undefined undefined) {
            throw undefined.failure();
        }
        if (Numbers.isNumber(left) && Numbers.isNumber(right)) {
            return Numbers.arithmetic(operator, left, right);
        }
        if (operator.equals("+")) {
            if (left instanceof String a && right instanceof String b) {
                Limits.size((long) a.length() + b.length());
                return a + b;
            }
            if (left instanceof List<?> a
                    && right instanceof List<?> b
                    && !(a instanceof Range)
                    && !(b instanceof Range)) {
                return joined(a, b);
            }
            if (left instanceof Tuple a && right instanceof Tuple b) {
                return new Tuple(joined(a.items(), b.items()));
            }
            if (left instanceof String) {
                throw JinjaException.of("can only concatenate str (not \"" + Values.typeName(right) + "\") to str");
            }
        }
        if (operator.equals("*")) {
            if (Numbers.whole(right).isPresent() && isSequence(left)) {
                return repeated(left, right);
            }
            if (Numbers.whole(left).isPresent() && isSequence(right)) {
                return repeated(right, left);
            }
        }
        throw JinjaException.of("unsupported operand type(s) for " + operator + ": '" + Values.typeName(left)
                + "' and '" + Values.typeName(right) + "'");
    }

    private static boolean isSequence(Object value) {
        return value instanceof String
                || value instanceof Tuple
                || (value instanceof List && !(value instanceof Range));
    }

    private static List<Object> joined(List<?> left, List<?> right) {
        Limits.size((long) left.size() + right.size());
        List<Object> all = new ArrayList<>(left);
        all.addAll(right);
        return all;
    }

    private static Object repeated(Object sequence, Object times) {
        int count = Math.max(0, Numbers.index(times));
        return switch (sequence) {
            case String text -> Strings.repeat(text, count);
            case Tuple tuple -> new Tuple(repeated(tuple.items(), count));
            case List<?> list -> repeated(list, count);
            default -> throw new IllegalStateException("not a sequence: " + Values.typeName(sequence));
        };
    }

    private static List<Object> repeated(List<?> items, int count) {
        Limits.size((long) items.size() * count);
        List<Object> all = new ArrayList<>(items.size() * count);
        for (int i = 0; i < count; i++) {
            all.addAll(items);
        }
        return all;
    }

    static Object sign(boolean negative, Object value) {
        if (value instanceof Undefined undefined) {
            throw undefined.failure();
        }
        if (value instanceof Double number) {
            return negative ? -number : number;
        }
        BigInteger number = Numbers.whole(value)
                .orElseThrow(() -> JinjaException.of(
                        "bad operand type for unary " + (negative ? "-" : "+") + ": '" + Values.typeName(value) + "'"));
        return negative ? number.negate() : number;
    }

    static boolean compare(String operator, Object left, Object right) {
        return switch (operator) {
            case "==" -> Values.equal(left, right);
            case "!=" -> !Values.equal(left, right);
            case "in" -> Values.contains(right, left);
            case "not in" -> !Values.contains(right, left);
            default -> {
                int order = Values.compare(operator, left, right);
                boolean ordered = !isNaN(left) && !isNaN(right);
                yield ordered
                        && switch (operator) {
                            case "<" -> order < 0;
                            case "<=" -> order <= 0;
                            case ">" -> order > 0;
                            default -> order >= 0;
                        };
            }
        };
    }

    private static boolean isNaN(Object value) {
        return value instanceof Double number && number.isNaN();
    }

    /** {@code object.name}: a method or attribute before an element of that name. */
    static Object attribute(Object object, String name) {
        if (object instanceof Undefined undefined) {
            throw undefined.failure();
        }
        Optional<Object> own = ownAttribute(object, name);
        if (own.isPresent()) {
            return own.get();
        }
        return object instanceof Map<?, ?> map && Values.get(map, name) instanceof Object item
                ? item
                : Undefined.attribute(object, name);
    }

    private static Optional<Object> ownAttribute(Object object, String name) {
        return switch (object) {
            case Namespace namespace ->
                Optional.ofNullable(namespace.attributes().get(name));
            case Loop loop -> loop.attribute(name);
            case Macro macro when name.equals("name") -> Optional.of(macro.name());
            default -> Methods.find(object, name).map(method -> (Object) method);
        };
    }

    /** {@code object[index]}: an element before an attribute of that name. */
    static Object item(Object object, Object index) {
        if (object instanceof Undefined undefined) {
            throw undefined.failure();
        }
        Optional<Object> element = element(object, index);
        if (element.isPresent()) {
            return element.get();
        }
        if (index instanceof String name) {
            return ownAttribute(object, name).orElseGet(() -> Undefined.attribute(object, name));
        }
        return Undefined.element(object, index);
    }

    private static Optional<Object> element(Object object, Object index) {
        if (object instanceof Map<?, ?> map) {
            return Optional.ofNullable(Values.get(map, index));
        }
        Optional<BigInteger> number = Numbers.whole(index);
        if (number.isEmpty() || number.get().bitLength() > 31) {
            return Optional.empty();
        }
        int at = number.get().intValue();
        return switch (object) {
            case String text -> {
                int length = Strings.length(text);
                int position = at < 0 ? at + length : at;
                if (position < 0 || position >= length) {
                    yield Optional.empty();
                }
                yield Optional.of(Character.toString(text.codePointAt(text.offsetByCodePoints(0, position))));
            }
            case List<?> list -> at(list, at);
            case Tuple tuple -> at(tuple.items(), at);
            default -> Optional.empty();
        };
    }

    private static Optional<Object> at(List<?> items, int index) {
        int position = index < 0 ? index + items.size() : index;
        return position < 0 || position >= items.size() ? Optional.empty() : Optional.of(items.get(position));
    }

    /** {@code object[start:stop:step]}; null where nothing is written. */
    static Object slice(Object object, @Nullable Object start, @Nullable Object stop, @Nullable Object step) {
        return switch (object) {
            case Undefined undefined -> throw undefined.failure();
            case String text -> {
                if (text.length() == Strings.length(text)) {
                    StringBuilder result = new StringBuilder();
                    for (int i : span(text.length(), start, stop, step).positions()) {
                        result.append(text.charAt(i));
                    }
                    yield result.toString();
                }
                int[] characters = text.codePoints().toArray();
                StringBuilder result = new StringBuilder();
                for (int i : span(characters.length, start, stop, step).positions()) {
                    result.appendCodePoint(characters[i]);
                }
                yield result.toString();
            }
            case Range range -> {
                Span span = span(range.size(), start, stop, step);
                yield range.slice(span.from(), span.to(), span.stride());
            }
            case List<?> list -> sliced(list, start, stop, step);
            case Tuple tuple -> new Tuple(sliced(tuple.items(), start, stop, step));
            default -> throw JinjaException.of("'" + Values.typeName(object) + "' object is not subscriptable");
        };
    }

    private static List<Object> sliced(
            List<?> items, @Nullable Object start, @Nullable Object stop, @Nullable Object step) {
        List<Object> result = new ArrayList<>();
        for (int i : span(items.size(), start, stop, step).positions()) {
            result.add(items.get(i));
        }
        return result;
    }

    /** A slice of a sequence whose length is known: from a position, up to but without another. */
    private record Span(long from, long to, long stride) {
        int[] positions() {
            long count = stride > 0 ? Math.ceilDiv(to - from, stride) : Math.ceilDiv(from - to, -stride);
            int[] positions = new int[(int) Math.max(0, count)];
            for (int i = 0; i < positions.length; i++) {
                positions[i] = (int) (from + i * stride);
            }
            return positions;
        }
    }

    private static Span span(int length, @Nullable Object start, @Nullable Object stop, @Nullable Object step) {
        long stride = bound(step, 1);
        if (stride == 0) {
            throw JinjaException.of("slice step cannot be zero");
        }
        long lowest = stride > 0 ? 0 : -1;
        long highest = stride > 0 ? length : length - 1L;
        long from = clamp(bound(start, Long.MIN_VALUE), stride > 0 ? lowest : highest, length, lowest, highest);
        long to = clamp(bound(stop, Long.MIN_VALUE), stride > 0 ? highest : lowest, length, lowest, highest);
        return new Span(from, to, stride);
    }

    private static long clamp(long value, long absent, int length, long lowest, long highest) {
        if (value == Long.MIN_VALUE) {
            return absent;
        }
        long position = value < 0 ? value + length : value;
        return Math.clamp(position, lowest, highest);
    }

    private static long bound(@Nullable Object value, long absent) {
        if (value == null || value == None.NONE) {
            return absent;
        }
        BigInteger number = Numbers.whole(value)
                .orElseThrow(() ->
                        JinjaException.of("slice indices must be integers or None, got: " + Values.typeName(value)));
        // Far outside any sequence is as good as its end.
        return number.max(Numbers.integer(-1L << 40))
                .min(Numbers.integer(1L << 40))
                .longValue();
    }
}
