package org.minpro.verify;

import java.math.BigInteger;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/** A sum of rational multiples of distinct monomials, sorted; the zero polynomial has no term. */
final class Polynomial {
    static final Polynomial ZERO = new Polynomial(new TreeMap<>());
    static final Polynomial ONE = of(Rational.ONE);

    private final NavigableMap<Monomial, Rational> terms;

    private Polynomial(NavigableMap<Monomial, Rational> terms) {
        this.terms = terms;
    }

    static Polynomial of(Rational value) {
        return of(value, Monomial.ONE);
    }

    static Polynomial of(Atom atom) {
        return of(Rational.ONE, Monomial.of(atom, Rational.ONE));
    }

    static Polynomial of(Rational coefficient, Monomial monomial) {
        TreeMap<Monomial, Rational> terms = new TreeMap<>();
        if (!coefficient.isZero()) {
            terms.put(monomial, coefficient);
        }
        return new Polynomial(terms);
    }

    Map<Monomial, Rational> terms() {
        return terms;
    }

    boolean isZero() {
        return terms.isEmpty();
    }

    boolean isOne() {
        return isConstant() && !isZero() && constant().isOne();
    }

    /** Whether it is a rational number. */
    boolean isConstant() {
        return terms.isEmpty() || terms.size() == 1 && terms.firstKey().isOne();
    }

    Rational constant() {
        return terms.getOrDefault(Monomial.ONE, Rational.ZERO);
    }

    boolean isMonomial() {
        return terms.size() == 1;
    }

    Monomial onlyMonomial() {
        return terms.firstKey();
    }

    Rational onlyCoefficient() {
        return terms.firstEntry().getValue();
    }

    /** The coefficient of the first term in the canonical order. */
    Rational leadingCoefficient() {
        return terms.lastEntry().getValue();
    }

    Polynomial plus(Polynomial other, Budget budget) {
        if (other.isZero()) {
            return this;
        }
        if (isZero()) {
            return other;
        }
        TreeMap<Monomial, Rational> sum = new TreeMap<>(terms);
        for (Map.Entry<Monomial, Rational> entry : other.terms.entrySet()) {
            add(sum, entry.getKey(), entry.getValue(), budget);
        }
        return new Polynomial(sum);
    }

    private static void add(NavigableMap<Monomial, Rational> sum, Monomial monomial, Rational value, Budget budget) {
        budget.step();
        Rational old = sum.get(monomial);
        Rational total = old == null ? value : budget.check(old.plus(value));
        if (total.isZero()) {
            sum.remove(monomial);
        } else {
            sum.put(monomial, total);
            if (sum.size() > budget.limits().terms()) {
                throw Refusal.limit();
            }
        }
    }

    Polynomial negate() {
        return times(Rational.MINUS_ONE);
    }

    private Polynomial times(Rational factor) {
        TreeMap<Monomial, Rational> product = new TreeMap<>();
        terms.forEach((monomial, value) -> product.put(monomial, value.times(factor)));
        return new Polynomial(product);
    }

    Polynomial times(Rational factor, Budget budget) {
        if (factor.isZero()) {
            return ZERO;
        }
        if (factor.isOne()) {
            return this;
        }
        Polynomial product = times(factor);
        product.terms.values().forEach(budget::check);
        budget.step(terms.size());
        return product;
    }

    Polynomial times(Polynomial other, Budget budget) {
        if (other.isConstant()) {
            return times(other.constant(), budget);
        }
        if (isConstant()) {
            return other.times(constant(), budget);
        }
        TreeMap<Monomial, Rational> product = new TreeMap<>();
        Polynomial expanded = ZERO;
        for (Map.Entry<Monomial, Rational> a : terms.entrySet()) {
            for (Map.Entry<Monomial, Rational> b : other.terms.entrySet()) {
                budget.step();
                Monomial.Scaled scaled = a.getKey().times(b.getKey(), budget);
                Rational value = budget.check(a.getValue().times(b.getValue()).times(scaled.coefficient()));
                Polynomial whole = expandRadical(scaled.monomial(), value, budget);
                if (whole == null) {
                    add(product, scaled.monomial(), value, budget);
                } else {
                    expanded = expanded.plus(whole, budget);
                }
            }
        }
        return new Polynomial(product).plus(expanded, budget);
    }

    /** A monomial with a radical to a power of at least one, with the whole part of that power multiplied out. */
    private static @org.jspecify.annotations.Nullable Polynomial expandRadical(
            Monomial monomial, Rational value, Budget budget) {
        for (Map.Entry<Atom, Rational> entry : monomial.powers().entrySet()) {
            Polynomial base = entry.getKey().base();
            if (base != null && entry.getValue().compareTo(Rational.ONE) >= 0) {
                BigInteger whole = entry.getValue().floor();
                if (whole.bitLength() > 6) {
                    throw Refusal.limit();
                }
                Rational rest = entry.getValue().minus(Rational.of(whole));
                Polynomial product = of(value, monomial.without(entry.getKey()));
                if (!rest.isZero()) {
                    product = product.times(of(Rational.ONE, Monomial.of(entry.getKey(), rest)), budget);
                }
                return product.times(base.pow(whole.intValue(), budget), budget);
            }
        }
        return null;
    }

    /** The power with an exponent that is not negative. */
    Polynomial pow(int exponent, Budget budget) {
        Polynomial result = ONE;
        Polynomial square = this;
        int rest = exponent;
        while (rest > 0) {
            budget.step();
            if ((rest & 1) == 1) {
                result = result.times(square, budget);
            }
            rest >>= 1;
            if (rest > 0) {
                square = square.times(square, budget);
            }
        }
        return result;
    }

    /** The positive rational that leaves coprime integer coefficients when divided out. */
    Rational content() {
        BigInteger numerator = BigInteger.ZERO;
        BigInteger denominator = BigInteger.ONE;
        for (Rational value : terms.values()) {
            numerator = numerator.gcd(value.numerator());
            denominator =
                    denominator.divide(denominator.gcd(value.denominator())).multiply(value.denominator());
        }
        return numerator.signum() == 0 ? Rational.ONE : Rational.of(numerator, denominator);
    }

    /** Whether it is zero only if it has no term: its atoms are algebraically independent but for radicals and i. */
    boolean isConclusive() {
        boolean pi = false;
        boolean euler = false;
        for (Monomial monomial : terms.keySet()) {
            for (Map.Entry<Atom, Rational> entry : monomial.powers().entrySet()) {
                switch (entry.getKey().kind()) {
                    case VARIABLE -> {}
                    case PRIME -> {
                        // An unreduced power may equal a reduced one, and a large factor may not be prime.
                        BigInteger prime = entry.getKey().prime();
                        if (entry.getValue().compareTo(Rational.ONE) >= 0
                                || entry.getValue().signum() < 0
                                || prime == null
                                || prime.bitLength() > 19) {
                            return false;
                        }
                    }
                    case IMAGINARY -> {
                        if (!entry.getValue().isInteger()) {
                            return false;
                        }
                    }
                    case PI -> pi = true;
                    case EULER -> euler = true;
                    default -> {
                        return false;
                    }
                }
            }
        }
        return !(pi && euler);
    }

    boolean hasVariable() {
        for (Monomial monomial : terms.keySet()) {
            for (Atom atom : monomial.powers().keySet()) {
                if (atom.kind() == Atom.Kind.VARIABLE) {
                    return true;
                }
            }
        }
        return false;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Polynomial polynomial && terms.equals(polynomial.terms);
    }

    @Override
    public int hashCode() {
        return terms.hashCode();
    }

    @Override
    public String toString() {
        if (terms.isEmpty()) {
            return "0";
        }
        StringBuilder text = new StringBuilder();
        for (Map.Entry<Monomial, Rational> entry : terms.descendingMap().entrySet()) {
            Rational value = entry.getValue();
            if (text.isEmpty()) {
                text.append(value.signum() < 0 ? "-" : "");
            } else {
                text.append(value.signum() < 0 ? " - " : " + ");
            }
            if (entry.getKey().isOne()) {
                text.append(value.abs());
            } else {
                if (!value.abs().isOne()) {
                    text.append(value.abs()).append('*');
                }
                text.append(entry.getKey());
            }
        }
        return text.toString();
    }
}
