package org.minpro.text.jinja;

/** What a template may use at most, far above what any chat needs. */
final class Limits {
    /** Evaluated nodes and walked items of one rendering. */
    static final long STEPS = 20_000_000;
    /** Characters of a text, items of a list. */
    static final long SIZE = 16_000_000;
    /** Bits of an integer. */
    static final int BITS = 4_096;

    private Limits() {}

    static void size(long size) {
        if (size > SIZE || size < 0) {
            throw JinjaException.of(
                    "a value of a template must have at most " + SIZE + " characters or items, got: " + size);
        }
    }
}
