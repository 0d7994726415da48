package org.minpro.config;

/** The rules of settings, as constructors check them: {@code name must be rule, got: value}. */
public final class Rule {
    private Rule() {}

    /** @throws IllegalArgumentException unless it holds */
    public static void check(boolean holds, String name, String rule, Object value) {
        if (!holds) {
            throw new IllegalArgumentException(name + " must be " + rule + ", got: " + value);
        }
    }

    public static void positive(String name, long value) {
        check(value >= 1, name, ">= 1", value);
    }

    public static void notNegative(String name, long value) {
        check(value >= 0, name, ">= 0", value);
    }

    /** A part of a whole, or a chance. */
    public static void share(String name, double value) {
        check(value >= 0 && value <= 1, name, "in [0, 1]", value);
    }

    public static void finite(String name, double value) {
        check(Double.isFinite(value), name, "finite", value);
    }
}
