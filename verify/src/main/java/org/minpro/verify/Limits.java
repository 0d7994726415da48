package org.minpro.verify;

/**
 * The bounds within which one check must finish; beyond one of them the verdict is undecided.
 *
 * @param length characters of a reference or an extracted answer
 * @param nodes nodes of one expression tree
 * @param depth nesting of brackets, exponents and arguments
 * @param digits decimal digits of any integer that is computed
 * @param terms terms of any polynomial that is computed
 * @param steps counted elementary steps of one check, each bounded by the limits above
 */
public record Limits(int length, int nodes, int depth, int digits, int terms, int steps) {
    /** Limits under which every reference of the public mathematics sets fits. */
    public static final Limits STANDARD = new Limits(2_000, 1_000, 200, 1_000, 500, 25_000);

    public Limits {
        requirePositive("length", length);
        requirePositive("nodes", nodes);
        requirePositive("depth", depth);
        requirePositive("digits", digits);
        requirePositive("terms", terms);
        requirePositive("steps", steps);
        if (depth > 1000) {
            throw new IllegalArgumentException("depth must be <= 1000 to fit a thread's stack, got: " + depth);
        }
    }

    private static void requirePositive(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " must be >= 1, got: " + value);
        }
    }
}
