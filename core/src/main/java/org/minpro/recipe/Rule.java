package org.minpro.recipe;

/** Rules of settings: {@code name must be rule, got: value}. */
final class Rule {
    private Rule() {}

    static void check(boolean holds, String name, String rule, Object value) {
        if (!holds) {
            throw new IllegalArgumentException(name + " must be " + rule + ", got: " + value);
        }
    }

    static void positive(String name, long value) {
        check(value >= 1, name, ">= 1", value);
    }

    static void notNegative(String name, long value) {
        check(value >= 0, name, ">= 0", value);
    }
}
