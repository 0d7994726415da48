package org.minpro.verify;

import java.math.BigInteger;
import org.jspecify.annotations.Nullable;

/**
 * What a polynomial is a polynomial in: a variable, a radical of a prime, i, π, e, or an opaque function value.
 *
 * @param kind what it is
 * @param key identifies it; equal keys are equal values
 * @param prime the prime under a radical
 * @param base the polynomial under a radical
 */
record Atom(
        Kind kind,
        String key,
        @Nullable BigInteger prime,
        @Nullable Polynomial base) implements Comparable<Atom> {
    enum Kind {
        VARIABLE,
        /** A positive prime; its exponents lie in (0, 1) unless its power is too large to write out. */
        PRIME,
        IMAGINARY,
        PI,
        EULER,
        /** A polynomial of several terms; its exponents are not integers, or negative. */
        RADICAL,
        /** A function value, or a power with a variable exponent. */
        OPAQUE
    }

    static final Atom IMAGINARY = new Atom(Kind.IMAGINARY, "i", null, null);
    static final Atom PI = new Atom(Kind.PI, "π", null, null);
    static final Atom EULER = new Atom(Kind.EULER, "e", null, null);

    static Atom variable(String name) {
        return new Atom(Kind.VARIABLE, "$" + name, null, null);
    }

    static Atom prime(BigInteger prime) {
        return new Atom(Kind.PRIME, "#" + prime, prime, null);
    }

    static Atom radical(Polynomial base) {
        return new Atom(Kind.RADICAL, "{" + base + "}", null, base);
    }

    static Atom opaque(String key) {
        return new Atom(Kind.OPAQUE, key, null, null);
    }

    @Override
    public int compareTo(Atom other) {
        return key.compareTo(other.key);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Atom atom && key.equals(atom.key);
    }

    @Override
    public int hashCode() {
        return key.hashCode();
    }

    @Override
    public String toString() {
        return switch (kind) {
            case VARIABLE, PRIME -> key.substring(1);
            default -> key;
        };
    }
}
