package org.minpro.sandbox;

/** JUnit's assertions, as the source of a class that is compiled beside tests. */
final class Assertions {
    private Assertions() {}

    /** @param name of the class */
    static String source(String name) {
        return """
                import java.util.Arrays;
                import java.util.Objects;

                final class NAME {
                    void assertEquals(Object expected, Object actual) {
                        if (expected instanceof Number a && actual instanceof Number b
                                && !(a instanceof Double || a instanceof Float || b instanceof Double || b instanceof Float)) {
                            if (!new java.math.BigDecimal(a.toString()).equals(new java.math.BigDecimal(b.toString()))) {
                                fail("expected: " + expected + ", got: " + actual);
                            }
                        } else if (!Objects.equals(expected, actual)) {
                            fail("expected: " + expected + ", got: " + actual);
                        }
                    }

                    void assertEquals(double expected, double actual, double delta) {
                        if (!(Math.abs(expected - actual) <= delta)) {
                            fail("expected: " + expected + ", got: " + actual);
                        }
                    }

                    void assertNotEquals(Object unexpected, Object actual) {
                        if (Objects.equals(unexpected, actual)) {
                            fail("got: " + actual);
                        }
                    }

                    void assertTrue(boolean condition) {
                        if (!condition) {
                            fail("expected: true");
                        }
                    }

                    void assertFalse(boolean condition) {
                        if (condition) {
                            fail("expected: false");
                        }
                    }

                    void assertNull(Object actual) {
                        if (actual != null) {
                            fail("expected: null");
                        }
                    }

                    void assertArrayEquals(Object expected, Object actual) {
                        if (!Arrays.deepEquals(new Object[] {expected}, new Object[] {actual})) {
                            fail("arrays differ");
                        }
                    }

                    interface Executable {
                        void execute() throws Throwable;
                    }

                    void assertThrows(Class<? extends Throwable> expected, Executable executable) {
                        try {
                            executable.execute();
                        } catch (Throwable thrown) {
                            if (expected.isInstance(thrown)) {
                                return;
                            }
                            fail("expected: " + expected.getName() + ", got: " + thrown.getClass().getName());
                        }
                        fail("expected: " + expected.getName() + ", got: nothing");
                    }

                    void fail(String message) {
                        throw new AssertionError(message);
                    }
                }
                """.replace("NAME", name);
    }
}
