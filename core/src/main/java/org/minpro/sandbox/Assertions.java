package org.minpro.sandbox;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * JUnit's assertions, as the source of a class that is compiled beside a program.
 *
 * <p>JUnit has an overload of {@code assertEquals} for every pair of primitive types. Here one method compares boxes as those
 * overloads compare what is in them. Types are imported by name, so a class of the program that is called {@code Math} is not
 * asked.
 */
final class Assertions {
    /** A call of one; what stands before the name is none of it. */
    private static final Pattern CALL =
            Pattern.compile("(?<![\\w.$])(?:assert(?:(?:Not)?(?:Equals|Null|Same)|True|False"
                    + "|ArrayEquals|IterableEquals|InstanceOf|Throws|ThrowsExactly|DoesNotThrow)|fail)(?=\\s*\\()");

    private static final String METHODS = """
                void assertEquals(Object expected, Object actual MESSAGE) {
                    if (!equal(expected, actual)) {
                        throw differ(REASON, expected, actual);
                    }
                }

                void assertEquals(double expected, double actual, double delta MESSAGE) {
                    if (!near(expected, actual, delta)) {
                        throw differ(REASON, expected, actual);
                    }
                }

                void assertNotEquals(Object unexpected, Object actual MESSAGE) {
                    if (equal(unexpected, actual)) {
                        throw failed(REASON, "got: " + actual);
                    }
                }

                void assertNotEquals(double unexpected, double actual, double delta MESSAGE) {
                    if (near(unexpected, actual, delta)) {
                        throw failed(REASON, "got: " + actual);
                    }
                }

                void assertSame(Object expected, Object actual MESSAGE) {
                    if (expected != actual) {
                        throw failed(REASON, "expected the same object, got: " + actual);
                    }
                }

                void assertNotSame(Object unexpected, Object actual MESSAGE) {
                    if (unexpected == actual) {
                        throw failed(REASON, "expected another object");
                    }
                }

                void assertTrue(boolean condition MESSAGE) {
                    if (!condition) {
                        throw failed(REASON, "expected: true");
                    }
                }

                void assertTrue(BooleanSupplier condition MESSAGE) {
                    if (!condition.getAsBoolean()) {
                        throw failed(REASON, "expected: true");
                    }
                }

                void assertFalse(boolean condition MESSAGE) {
                    if (condition) {
                        throw failed(REASON, "expected: false");
                    }
                }

                void assertFalse(BooleanSupplier condition MESSAGE) {
                    if (condition.getAsBoolean()) {
                        throw failed(REASON, "expected: false");
                    }
                }

                void assertNull(Object actual MESSAGE) {
                    if (actual != null) {
                        throw differ(REASON, null, actual);
                    }
                }

                void assertNotNull(Object actual MESSAGE) {
                    if (actual == null) {
                        throw failed(REASON, "got: null");
                    }
                }

                <T> T assertInstanceOf(Class<T> expected, Object actual MESSAGE) {
                    if (!expected.isInstance(actual)) {
                        throw failed(REASON, "expected: a " + expected.getName() + ", got: " + actual);
                    }
                    return expected.cast(actual);
                }

                void assertArrayEquals(Object expected, Object actual MESSAGE) {
                    if (!Arrays.deepEquals(new Object[] {expected}, new Object[] {actual})) {
                        throw arraysDiffer(REASON, expected, actual);
                    }
                }

                void assertArrayEquals(double[] expected, double[] actual, double delta MESSAGE) {
                    boolean near = expected.length == actual.length;
                    for (int i = 0; near && i < expected.length; i++) {
                        near = near(expected[i], actual[i], delta);
                    }
                    if (!near) {
                        throw arraysDiffer(REASON, expected, actual);
                    }
                }

                void assertArrayEquals(float[] expected, float[] actual, float delta MESSAGE) {
                    boolean near = expected.length == actual.length;
                    for (int i = 0; near && i < expected.length; i++) {
                        near = near(expected[i], actual[i], delta);
                    }
                    if (!near) {
                        throw arraysDiffer(REASON, expected, actual);
                    }
                }

                void assertIterableEquals(Iterable<?> expected, Iterable<?> actual MESSAGE) {
                    Iterator<?> left = expected.iterator();
                    Iterator<?> right = actual.iterator();
                    boolean same = true;
                    while (same && left.hasNext() && right.hasNext()) {
                        same = Objects.equals(left.next(), right.next());
                    }
                    if (!same || left.hasNext() || right.hasNext()) {
                        throw differ(REASON, expected, actual);
                    }
                }

                <T extends Throwable> T assertThrows(Class<T> expected, Executable executable MESSAGE) {
                    Throwable thrown = thrown(executable);
                    if (!expected.isInstance(thrown)) {
                        throw failed(REASON, "expected: " + expected.getName() + ", got: " + named(thrown));
                    }
                    return expected.cast(thrown);
                }

                <T extends Throwable> T assertThrowsExactly(Class<T> expected, Executable executable MESSAGE) {
                    Throwable thrown = thrown(executable);
                    if (thrown == null || thrown.getClass() != expected) {
                        throw failed(REASON, "expected: " + expected.getName() + ", got: " + named(thrown));
                    }
                    return expected.cast(thrown);
                }

                void assertDoesNotThrow(Executable executable MESSAGE) {
                    Throwable thrown = thrown(executable);
                    if (thrown != null) {
                        throw failed(REASON, "got: " + thrown);
                    }
                }

                <T> T assertDoesNotThrow(Supply<T> supply MESSAGE) {
                    try {
                        return supply.get();
                    } catch (Throwable thrown) {
                        throw failed(REASON, "got: " + thrown);
                    }
                }
            """;

    private static final String HEAD = """
            import java.lang.AssertionError;
            import java.lang.Byte;
            import java.lang.Character;
            import java.lang.Class;
            import java.lang.Double;
            import java.lang.Float;
            import java.lang.Integer;
            import java.lang.Iterable;
            import java.lang.Long;
            import java.lang.Math;
            import java.lang.Number;
            import java.lang.Object;
            import java.lang.Short;
            import java.lang.String;
            import java.lang.Throwable;
            import java.util.Arrays;
            import java.util.Iterator;
            import java.util.Objects;
            import java.util.function.BooleanSupplier;
            import java.util.function.Supplier;

            final class NAME {
                interface Executable {
                    void execute() throws Throwable;
                }

                interface Supply<T> {
                    T get() throws Throwable;
                }

                private static boolean equal(Object a, Object b) {
                    Number left = number(a);
                    Number right = number(b);
                    if (left == null || right == null) {
                        return Objects.equals(a, b);
                    }
                    if (left instanceof Double || right instanceof Double) {
                        return Double.compare(left.doubleValue(), right.doubleValue()) == 0;
                    }
                    if (left instanceof Float || right instanceof Float) {
                        return Float.compare(left.floatValue(), right.floatValue()) == 0;
                    }
                    return left.longValue() == right.longValue();
                }

                private static Number number(Object box) {
                    if (box instanceof Character character) {
                        return (int) character;
                    }
                    return box instanceof Integer || box instanceof Long || box instanceof Double || box instanceof Float
                                    || box instanceof Short || box instanceof Byte
                            ? (Number) box
                            : null;
                }

                private static boolean near(double a, double b, double delta) {
                    return Double.compare(a, b) == 0 || Math.abs(a - b) <= delta;
                }

                private static Throwable thrown(Executable executable) {
                    try {
                        executable.execute();
                        return null;
                    } catch (Throwable thrown) {
                        return thrown;
                    }
                }

                private static String named(Throwable thrown) {
                    return thrown == null ? "nothing" : thrown.getClass().getName();
                }

                private static AssertionError differ(String reason, Object expected, Object actual) {
                    return failed(reason, "expected: " + expected + ", got: " + actual);
                }

                private static AssertionError arraysDiffer(String reason, Object expected, Object actual) {
                    return differ(reason, shown(expected), shown(actual));
                }

                private static String shown(Object array) {
                    String shown = Arrays.deepToString(new Object[] {array});
                    return shown.substring(1, shown.length() - 1);
                }

                private static AssertionError failed(String reason, String what) {
                    return new AssertionError(reason == null ? what : reason + ": " + what);
                }

                <V> V fail() {
                    throw new AssertionError("fail");
                }

                <V> V fail(String reason) {
                    throw new AssertionError(reason);
                }

                <V> V fail(Supplier<String> reason) {
                    throw new AssertionError(reason.get());
                }

                <V> V fail(Throwable cause) {
                    throw new AssertionError(String.valueOf(cause));
                }

                <V> V fail(String reason, Throwable cause) {
                    throw new AssertionError(reason + ": " + cause);
                }

            """;

    private Assertions() {}

    /** @param name of the class */
    static String source(String name) {
        return HEAD.replace("NAME", name)
                + METHODS.replace(" MESSAGE", "").replace("REASON", "null")
                + METHODS.replace(" MESSAGE", ", String reason").replace("REASON", "reason")
                + METHODS.replace(" MESSAGE", ", Supplier<String> reason").replace("REASON", "reason.get()")
                + "}\n";
    }

    /** The statements with their assertions called on an object of that class. */
    static String calledOn(String object, String statements) {
        Matcher call = CALL.matcher(JavaCode.of(statements));
        StringBuilder called = new StringBuilder();
        int copied = 0;
        while (call.find()) {
            called.append(statements, copied, call.start()).append(object).append('.');
            copied = call.start();
        }
        return called.append(statements, copied, statements.length()).toString();
    }
}
