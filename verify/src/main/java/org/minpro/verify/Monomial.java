package org.minpro.verify;

import java.math.BigInteger;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** A product of powers of atoms with rational exponents, none of them zero. */
final class Monomial implements Comparable<Monomial> {
    static final Monomial ONE = new Monomial(new TreeMap<>());

    private final SortedMap<Atom, Rational> powers;
    private final String key;

    private Monomial(SortedMap<Atom, Rational> powers) {
        this.powers = powers;
        if (powers.isEmpty()) {
            this.key = "";
        } else {
            StringBuilder text = new StringBuilder();
            for (Map.Entry<Atom, Rational> entry : powers.entrySet()) {
                text.append(text.isEmpty() ? "" : "*").append(entry.getKey().key());
                if (!entry.getValue().isOne()) {
                    text.append("^(").append(entry.getValue()).append(')');
                }
            }
            this.key = text.toString();
        }
    }

    static Monomial of(Atom atom, Rational exponent) {
        TreeMap<Atom, Rational> powers = new TreeMap<>();
        powers.put(atom, exponent);
        return new Monomial(powers);
    }

    Map<Atom, Rational> powers() {
        return powers;
    }

    boolean isOne() {
        return powers.isEmpty();
    }

    /** A rational times a monomial. */
    record Scaled(Rational coefficient, Monomial monomial) {}

    /** The product, with whole powers of primes and of i moved into the coefficient. */
    Scaled times(Monomial other, Budget budget) {
        if (powers.isEmpty()) {
            return new Scaled(Rational.ONE, other);
        }
        if (other.powers.isEmpty()) {
            return new Scaled(Rational.ONE, this);
        }
        TreeMap<Atom, Rational> sum = new TreeMap<>(powers);
        for (Map.Entry<Atom, Rational> entry : other.powers.entrySet()) {
            budget.step();
            sum.merge(entry.getKey(), entry.getValue(), (a, b) -> budget.check(a.plus(b)));
        }
        return reduced(sum, budget);
    }

    /** The power with a rational exponent, valid where each atom's power is. */
    Scaled pow(Rational exponent, Budget budget) {
        TreeMap<Atom, Rational> result = new TreeMap<>();
        for (Map.Entry<Atom, Rational> entry : powers.entrySet()) {
            result.put(entry.getKey(), budget.check(entry.getValue().times(exponent)));
        }
        return reduced(result, budget);
    }

    private static Scaled reduced(SortedMap<Atom, Rational> powers, Budget budget) {
        Rational coefficient = Rational.ONE;
        TreeMap<Atom, Rational> kept = new TreeMap<>();
        for (Map.Entry<Atom, Rational> entry : powers.entrySet()) {
            Atom atom = entry.getKey();
            Rational exponent = entry.getValue();
            BigInteger prime = atom.prime();
            if (prime != null) {
                BigInteger whole = exponent.floor();
                boolean writable = whole.bitLength() < 20
                        && Math.abs(whole.intValue()) * (long) prime.bitLength() <= budget.maximumBits();
                if (writable && whole.signum() != 0) {
                    coefficient =
                            budget.check(coefficient.times(Rational.of(prime).pow(whole.intValue())));
                    exponent = exponent.minus(Rational.of(whole));
                }
            } else if (atom.kind() == Atom.Kind.IMAGINARY && exponent.isInteger()) {
                int quarter = exponent.numerator().mod(BigInteger.valueOf(4)).intValue();
                if (quarter >= 2) {
                    coefficient = coefficient.negate();
                }
                exponent = Rational.of(quarter % 2);
            }
            if (!exponent.isZero()) {
                kept.put(atom, exponent);
            }
        }
        return new Scaled(coefficient, kept.isEmpty() ? ONE : new Monomial(kept));
    }

    Monomial without(Atom atom) {
        TreeMap<Atom, Rational> rest = new TreeMap<>(powers);
        rest.remove(atom);
        return rest.isEmpty() ? ONE : new Monomial(rest);
    }

    @Override
    public int compareTo(Monomial other) {
        return key.compareTo(other.key);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Monomial monomial && key.equals(monomial.key);
    }

    @Override
    public int hashCode() {
        return key.hashCode();
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (Map.Entry<Atom, Rational> entry : powers.entrySet()) {
            text.append(text.isEmpty() ? "" : "*").append(entry.getKey());
            if (!entry.getValue().isOne()) {
                String exponent = entry.getValue().toString();
                text.append('^').append(exponent.length() == 1 ? exponent : "(" + exponent + ")");
            }
        }
        return text.toString();
    }
}
