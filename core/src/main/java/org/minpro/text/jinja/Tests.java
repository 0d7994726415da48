package org.minpro.text.jinja;

import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.function.BiPredicate;
import java.util.function.Predicate;

/** The tests after {@code is}, by name; what is tested is argument 0. */
final class Tests {
    private static final Map<String, Predicate<Object>> OF_ONE = Map.ofEntries(
            Map.entry("odd", value -> parity(value, BigInteger.ONE)),
            Map.entry("even", value -> parity(value, BigInteger.ZERO)),
            Map.entry("defined", value -> !(value instanceof Undefined)),
            Map.entry("undefined", value -> value instanceof Undefined),
            Map.entry("filter", value -> value instanceof String name && Filters.has(name)),
            Map.entry("test", value -> value instanceof String name && has(name)),
            Map.entry("none", value -> value == None.NONE),
            Map.entry("boolean", value -> value instanceof Boolean),
            Map.entry("true", value -> value.equals(true)),
            Map.entry("false", value -> value.equals(false)),
            Map.entry("integer", value -> value instanceof BigInteger),
            Map.entry("float", value -> value instanceof Double),
            Map.entry("number", Numbers::isNumber),
            Map.entry("lower", value -> Methods.isLower(Values.text(value))),
            Map.entry("upper", value -> Methods.isUpper(Values.text(value))),
            Map.entry("string", value -> value instanceof String),
            Map.entry("mapping", value -> value instanceof Map),
            Map.entry(
                    "sequence",
                    value -> value instanceof String
                            || value instanceof List
                            || value instanceof Tuple
                            || value instanceof Map
                            || value instanceof Undefined),
            Map.entry("iterable", Values::isIterable),
            Map.entry(
                    "callable",
                    value -> value instanceof Callable || value instanceof Loop || value instanceof Undefined),
            Map.entry("escaped", value -> false));

    private static final Map<String, BiPredicate<Object, Object>> OF_TWO = Map.ofEntries(
            Map.entry("divisibleby", (value, by) -> !Values.truth(Operators.binary("%", value, by))),
            Map.entry("sameas", Tests::same),
            Map.entry("in", (value, container) -> Values.contains(container, value)),
            Map.entry("eq", Values::equal),
            Map.entry("equalto", Values::equal),
            Map.entry("==", Values::equal),
            Map.entry("ne", (a, b) -> !Values.equal(a, b)),
            Map.entry("!=", (a, b) -> !Values.equal(a, b)),
            Map.entry("lt", (a, b) -> Operators.compare("<", a, b)),
            Map.entry("lessthan", (a, b) -> Operators.compare("<", a, b)),
            Map.entry("<", (a, b) -> Operators.compare("<", a, b)),
            Map.entry("le", (a, b) -> Operators.compare("<=", a, b)),
            Map.entry("<=", (a, b) -> Operators.compare("<=", a, b)),
            Map.entry("gt", (a, b) -> Operators.compare(">", a, b)),
            Map.entry("greaterthan", (a, b) -> Operators.compare(">", a, b)),
            Map.entry(">", (a, b) -> Operators.compare(">", a, b)),
            Map.entry("ge", (a, b) -> Operators.compare(">=", a, b)),
            Map.entry(">=", (a, b) -> Operators.compare(">=", a, b)));

    private Tests() {}

    static boolean has(String name) {
        return OF_ONE.containsKey(name) || OF_TWO.containsKey(name);
    }

    static boolean apply(String name, CallArguments arguments) {
        Predicate<Object> ofOne = OF_ONE.get(name);
        if (ofOne != null) {
            return ofOne.test(arguments.bind(name, "value").get(0));
        }
        BiPredicate<Object, Object> ofTwo = OF_TWO.get(name);
        if (ofTwo == null) {
            throw JinjaException.of("No test named '" + name + "'.");
        }
        CallArguments.Bound b = arguments.bind(name, "value", "other");
        return ofTwo.test(b.get(0), b.get(1));
    }

    private static boolean parity(Object value, BigInteger rest) {
        return Values.equal(Operators.binary("%", value, BigInteger.TWO), rest);
    }

    @SuppressWarnings("ReferenceEquality") // Jinja's sameas asks for identity
    private static boolean same(Object value, Object other) {
        return value == other
                || (value.getClass() == other.getClass() && !(value instanceof List) && value.equals(other));
    }
}
