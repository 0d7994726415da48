package org.minpro.objective;

/** What the parameters of losses must be; names in kebab-case. */
final class Rule {
    private Rule() {}

    static void positive(String name, double value) {
        if (!(value > 0 && Double.isFinite(value))) {
            throw new IllegalArgumentException(name + " must be > 0 and finite, got: " + value);
        }
    }

    static void notNegative(String name, double value) {
        if (!(value >= 0 && Double.isFinite(value))) {
            throw new IllegalArgumentException(name + " must be >= 0 and finite, got: " + value);
        }
    }

    static void finite(String name, double value) {
        if (!Double.isFinite(value)) {
            throw new IllegalArgumentException(name + " must be finite, got: " + value);
        }
    }

    static void fraction(String name, double value) {
        if (!(value >= 0 && value <= 1)) {
            throw new IllegalArgumentException(name + " must be in [0, 1], got: " + value);
        }
    }

    /** An upper bound, which may be infinite. */
    static void cap(String name, double value) {
        if (!(value > 0)) {
            throw new IllegalArgumentException(name + " must be > 0; .inf is none, got: " + value);
        }
    }

    /** An upper bound of ratios that must let 1 through. */
    static void aboveOne(String name, double value) {
        if (!(value > 1)) {
            throw new IllegalArgumentException(name + " must be > 1; .inf is none, got: " + value);
        }
    }

    /** Two bounds of a ratio, the upper one may be infinite. */
    static void window(String lowName, double low, String highName, double high) {
        notNegative(lowName, low);
        if (!(high > low)) {
            throw new IllegalArgumentException(
                    highName + " must be > " + lowName + " (" + low + "); .inf is none, got: " + high);
        }
    }

    static void atLeastOne(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " must be >= 1, got: " + value);
        }
    }
}
