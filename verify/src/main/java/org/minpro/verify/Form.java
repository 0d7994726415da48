package org.minpro.verify;

/** A quotient of polynomials; the denominator is not the zero polynomial. It is not reduced to lowest terms. */
record Form(Polynomial numerator, Polynomial denominator) {
    static final Form ZERO = of(Rational.ZERO);
    static final Form ONE = of(Rational.ONE);

    static Form of(Rational value) {
        return new Form(Polynomial.of(value), Polynomial.ONE);
    }

    static Form of(Atom atom) {
        return new Form(Polynomial.of(atom), Polynomial.ONE);
    }

    static Form of(Polynomial polynomial) {
        return new Form(polynomial, Polynomial.ONE);
    }

    boolean isRational() {
        return numerator.isConstant() && denominator.isOne();
    }

    Rational rational() {
        return numerator.constant();
    }

    boolean isPolynomial() {
        return denominator.isOne();
    }

    boolean isZero() {
        return numerator.isZero();
    }

    Form plus(Form other, Budget budget) {
        if (denominator.equals(other.denominator)) {
            return quotient(numerator.plus(other.numerator, budget), denominator, budget);
        }
        return quotient(
                numerator.times(other.denominator, budget).plus(other.numerator.times(denominator, budget), budget),
                denominator.times(other.denominator, budget),
                budget);
    }

    Form negate() {
        return new Form(numerator.negate(), denominator);
    }

    Form minus(Form other, Budget budget) {
        return plus(other.negate(), budget);
    }

    Form times(Form other, Budget budget) {
        return quotient(numerator.times(other.numerator, budget), denominator.times(other.denominator, budget), budget);
    }

    Form dividedBy(Form other, Budget budget) {
        if (other.isZero()) {
            throw Refusal.undefined();
        }
        return quotient(numerator.times(other.denominator, budget), denominator.times(other.numerator, budget), budget);
    }

    /** The quotient, with a denominator of one term moved into the numerator. */
    private static Form quotient(Polynomial numerator, Polynomial denominator, Budget budget) {
        if (denominator.isZero()) {
            throw Refusal.undefined();
        }
        if (denominator.isOne()) {
            return new Form(numerator, denominator);
        }
        if (numerator.isZero()) {
            return ZERO;
        }
        if (denominator.isMonomial()) {
            Monomial.Scaled inverse = denominator.onlyMonomial().pow(Rational.MINUS_ONE, budget);
            Rational factor = inverse.coefficient().dividedBy(denominator.onlyCoefficient());
            return of(numerator.times(Polynomial.of(budget.check(factor), inverse.monomial()), budget));
        }
        Rational lead = denominator.leadingCoefficient();
        if (!lead.isOne()) {
            Rational scale = budget.check(Rational.ONE.dividedBy(lead));
            return new Form(numerator.times(scale, budget), denominator.times(scale, budget));
        }
        return new Form(numerator, denominator);
    }

    @Override
    public String toString() {
        return denominator.isOne() ? numerator.toString() : "(" + numerator + ")/(" + denominator + ")";
    }
}
