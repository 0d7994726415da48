package org.minpro.verify;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Brings an expression to its exact normal form, a quotient of polynomials over the rationals in {@link Atom}s.
 *
 * <p>Every rule is an identity on the principal branch away from poles, so equal forms are equal functions; different
 * forms may still be equal where an opaque atom hides a relation.
 */
final class Normalizer {
    private static final int LARGEST_TRIAL_DIVISOR = 1000;

    private final Budget budget;

    Normalizer(Budget budget) {
        this.budget = budget;
    }

    Form form(Node node) {
        budget.step();
        return switch (node) {
            case Node.Numeral number -> Form.of(budget.check(number.value()));
            case Node.Based based -> Form.of(based.value());
            case Node.Symbol symbol -> Form.of(Atom.variable(symbol.name()));
            case Node.Constant constant ->
                switch (constant) {
                    case PI -> Form.of(Atom.PI);
                    case E -> Form.of(Atom.EULER);
                    case I -> Form.of(Atom.IMAGINARY);
                    case INFINITY -> throw Refusal.undefined();
                };
            case Node.Sum sum -> {
                Form total = Form.ZERO;
                for (Node term : sum.terms()) {
                    total = total.plus(form(term), budget);
                }
                yield total;
            }
            case Node.Product product -> {
                Form total = Form.ONE;
                for (Node factor : product.factors()) {
                    total = total.times(form(factor), budget);
                }
                yield total;
            }
            case Node.Quotient quotient -> form(quotient.numerator()).dividedBy(form(quotient.denominator()), budget);
            case Node.Negation negation -> form(negation.node()).negate();
            case Node.Power power -> pow(form(power.base()), form(power.exponent()));
            case Node.Root root -> root(form(root.degree()), form(root.radicand()));
            case Node.Percent percent -> form(percent.node()).times(Form.of(Rational.of(1, 100)), budget);
            case Node.Degrees degrees ->
                form(degrees.node()).times(Form.of(Rational.of(1, 180)), budget).times(Form.of(Atom.PI), budget);
            case Node.Call call -> call(call);
            case Node.PlusMinus ignored -> throw Refusal.unknown();
            case Node.Quantity ignored -> throw Refusal.unknown();
            case Node.Ratio ratio -> {
                if (ratio.parts().size() != 2) {
                    throw Refusal.unknown();
                }
                yield form(ratio.parts().get(0)).dividedBy(form(ratio.parts().get(1)), budget);
            }
            case Node.Group ignored -> throw Refusal.malformed();
            case Node.SetOf ignored -> throw Refusal.malformed();
            case Node.ListOf ignored -> throw Refusal.malformed();
            case Node.SetOperation ignored -> throw Refusal.malformed();
            case Node.Matrix ignored -> throw Refusal.unknown();
            case Node.Relation ignored -> throw Refusal.malformed();
            case Node.Congruence ignored -> throw Refusal.malformed();
            case Node.Reals ignored -> throw Refusal.malformed();
            case Node.Text ignored -> throw Refusal.malformed();
        };
    }

    // Powers

    private Form pow(Form base, Form exponent) {
        if (exponent.isRational()) {
            return pow(base, exponent.rational());
        }
        if (base.isZero()) {
            throw Refusal.undefined();
        }
        if (!exponent.isPolynomial()
                || !base.isPolynomial()
                || !base.numerator().isMonomial()) {
            return opaque("pow", List.of(base, exponent));
        }
        Monomial monomial = base.numerator().onlyMonomial();
        Rational coefficient = base.numerator().onlyCoefficient();
        if (monomial.isOne()) {
            Form result = Form.ONE;
            if (coefficient.signum() < 0) {
                result = exponential("-1", Form.of(Rational.MINUS_ONE), exponent.numerator());
            }
            for (Map.Entry<BigInteger, Integer> factor :
                    factors(coefficient.abs()).entrySet()) {
                Atom prime = Atom.prime(factor.getKey());
                Polynomial scaled = exponent.numerator().times(Rational.of(factor.getValue()), budget);
                result = result.times(exponential(prime.key(), Form.of(prime), scaled), budget);
            }
            return result;
        }
        boolean single = coefficient.isOne() && monomial.powers().size() == 1;
        Map.Entry<Atom, Rational> only = monomial.powers().entrySet().iterator().next();
        boolean simple = single && only.getValue().isOne() && only.getKey().kind() != Atom.Kind.IMAGINARY;
        if (!simple) {
            return opaque("pow", List.of(base, exponent));
        }
        return exponential(only.getKey().key(), base, exponent.numerator());
    }

    /** A base to a polynomial as a product of one atom per term, so that exponents of equal terms add. */
    private Form exponential(String key, Form base, Polynomial exponent) {
        Form result = Form.ONE;
        for (Map.Entry<Monomial, Rational> term : exponent.terms().entrySet()) {
            if (term.getKey().isOne()) {
                result = result.times(pow(base, term.getValue()), budget);
            } else if (key.equals("e") && isImaginaryPi(term.getKey())) {
                result = result.times(unitRoot(term.getValue()), budget);
            } else {
                Atom atom = Atom.opaque(key + "^[" + term.getKey() + "]");
                Polynomial power = Polynomial.of(Rational.ONE, Monomial.of(atom, term.getValue()));
                result = result.times(Form.of(power), budget);
            }
        }
        return result;
    }

    private static boolean isImaginaryPi(Monomial monomial) {
        return monomial.powers().size() == 2
                && monomial.powers().getOrDefault(Atom.IMAGINARY, Rational.ZERO).isOne()
                && monomial.powers().getOrDefault(Atom.PI, Rational.ZERO).isOne();
    }

    /** exp(iπc) = cos(πc) + i sin(πc). */
    private Form unitRoot(Rational c) {
        return sineOfPi(c.plus(Rational.HALF)).plus(Form.of(Atom.IMAGINARY).times(sineOfPi(c), budget), budget);
    }

    private Form pow(Form base, Rational exponent) {
        if (exponent.isZero()) {
            if (base.isZero()) {
                throw Refusal.undefined();
            }
            return Form.ONE;
        }
        if (base.isZero()) {
            if (exponent.signum() < 0) {
                throw Refusal.undefined();
            }
            return Form.ZERO;
        }
        if (exponent.isOne()) {
            return base;
        }
        if (exponent.isInteger()) {
            return integerPower(base, exponent.numerator());
        }
        if (!base.isPolynomial()) {
            return opaque("pow", List.of(base, Form.of(exponent)));
        }
        return fractionalPower(base.numerator(), exponent);
    }

    private Form integerPower(Form base, BigInteger exponent) {
        if (base.isPolynomial() && base.numerator().isMonomial()) {
            Rational power = Rational.of(exponent);
            Rational coefficient = base.numerator().onlyCoefficient();
            Monomial.Scaled scaled = base.numerator().onlyMonomial().pow(power, budget);
            Form result = Form.of(Polynomial.of(scaled.coefficient(), scaled.monomial()));
            result = result.times(rationalPower(coefficient.abs(), power), budget);
            return coefficient.signum() < 0 && exponent.testBit(0) ? result.negate() : result;
        }
        if (exponent.abs().bitLength() > 7) {
            throw Refusal.limit();
        }
        int count = exponent.abs().intValue();
        Form power =
                new Form(base.numerator().pow(count, budget), base.denominator().pow(count, budget));
        return exponent.signum() < 0 ? Form.ONE.dividedBy(power, budget) : Form.ONE.times(power, budget);
    }

    /** A positive rational to a rational power as a product of powers of primes. */
    private Form rationalPower(Rational base, Rational exponent) {
        if (base.isOne()) {
            return Form.ONE;
        }
        if (exponent.isInteger()
                && exponent.numerator().bitLength() < 20
                && Math.abs(exponent.numerator().intValue()) * (long) base.bits() <= budget.maximumBits()) {
            return Form.of(budget.check(base.pow(exponent.numerator().intValue())));
        }
        Form result = Form.ONE;
        for (Map.Entry<BigInteger, Integer> factor : factors(base).entrySet()) {
            Rational power = budget.check(exponent.times(Rational.of(factor.getValue())));
            Monomial.Scaled scaled =
                    Monomial.of(Atom.prime(factor.getKey()), Rational.ONE).pow(power, budget);
            result = result.times(Form.of(Polynomial.of(scaled.coefficient(), scaled.monomial())), budget);
        }
        return result;
    }

    private Form fractionalPower(Polynomial base, Rational exponent) {
        if (base.isMonomial()) {
            Rational coefficient = base.onlyCoefficient();
            Monomial monomial = base.onlyMonomial();
            if (isPositive(monomial)) {
                Form result = rationalPower(coefficient.abs(), exponent);
                Monomial.Scaled scaled = monomial.pow(exponent, budget);
                result = result.times(Form.of(Polynomial.of(scaled.coefficient(), scaled.monomial())), budget);
                return coefficient.signum() < 0 ? result.times(minusOneTo(exponent), budget) : result;
            }
            Map.Entry<Atom, Rational> first =
                    monomial.powers().entrySet().iterator().next();
            boolean variable = monomial.powers().size() == 1
                    && first.getValue().isOne()
                    && coefficient.signum() > 0
                    && first.getKey().kind() == Atom.Kind.VARIABLE;
            if (variable) {
                Monomial.Scaled scaled = monomial.pow(exponent, budget);
                return rationalPower(coefficient, exponent)
                        .times(Form.of(Polynomial.of(scaled.coefficient(), scaled.monomial())), budget);
            }
        }
        Rational content = base.content();
        Polynomial primitive = base.times(Rational.ONE.dividedBy(content), budget);
        BigInteger whole = exponent.floor();
        Rational fraction = exponent;
        Form result = rationalPower(content, exponent);
        if (whole.signum() > 0 && whole.bitLength() <= 6) {
            result = result.times(Form.of(primitive.pow(whole.intValue(), budget)), budget);
            fraction = exponent.minus(Rational.of(whole));
        }
        return result.times(
                Form.of(Polynomial.of(Rational.ONE, Monomial.of(Atom.radical(primitive), fraction))), budget);
    }

    /** Whether every atom is a positive real number. */
    private static boolean isPositive(Monomial monomial) {
        for (Atom atom : monomial.powers().keySet()) {
            if (atom.kind() != Atom.Kind.PRIME && atom.kind() != Atom.Kind.PI && atom.kind() != Atom.Kind.EULER) {
                return false;
            }
        }
        return true;
    }

    /** The real power of -1 where the exponent's denominator is odd, else the principal one. */
    private Form minusOneTo(Rational exponent) {
        if (exponent.denominator().testBit(0)) {
            return Form.of(exponent.numerator().testBit(0) ? Rational.MINUS_ONE : Rational.ONE);
        }
        return unitRoot(exponent);
    }

    private Form root(Form degree, Form radicand) {
        if (!degree.isRational()) {
            return pow(radicand, Form.ONE.dividedBy(degree, budget));
        }
        Rational n = degree.rational();
        if (!n.isInteger() || n.signum() <= 0) {
            throw Refusal.undefined();
        }
        return pow(radicand, Rational.ONE.dividedBy(n));
    }

    /** Prime factors with their exponents, negative in the denominator; a large rest counts as prime. */
    private SortedMap<BigInteger, Integer> factors(Rational value) {
        SortedMap<BigInteger, Integer> factors = new TreeMap<>();
        factors(value.numerator(), 1, factors);
        factors(value.denominator(), -1, factors);
        return factors;
    }

    private void factors(BigInteger value, int sign, SortedMap<BigInteger, Integer> into) {
        BigInteger rest = value;
        for (int divisor = 2; divisor <= LARGEST_TRIAL_DIVISOR; divisor += divisor == 2 ? 1 : 2) {
            if (rest.bitLength() < 32 && rest.longValue() < (long) divisor * divisor) {
                break;
            }
            BigInteger candidate = BigInteger.valueOf(divisor);
            BigInteger[] division = rest.divideAndRemainder(candidate);
            while (division[1].signum() == 0) {
                budget.step();
                into.merge(candidate, sign, Integer::sum);
                rest = division[0];
                division = rest.divideAndRemainder(candidate);
            }
        }
        budget.step(10);
        if (!rest.equals(BigInteger.ONE)) {
            BigInteger root = rest.sqrt();
            if (root.multiply(root).equals(rest)) {
                into.merge(root, 2 * sign, Integer::sum);
            } else {
                into.merge(rest, sign, Integer::sum);
            }
        }
        into.values().removeIf(power -> power == 0);
    }

    // Functions

    private Form call(Node.Call call) {
        List<Form> arguments = new ArrayList<>();
        for (Node argument : call.arguments()) {
            arguments.add(form(argument));
        }
        Form first = arguments.get(0);
        return switch (call.function()) {
            case "sin" -> sine(first);
            case "cos" -> cosine(first);
            case "tan" -> sine(first).dividedBy(cosine(first), budget);
            case "cot" -> cosine(first).dividedBy(sine(first), budget);
            case "sec" -> Form.ONE.dividedBy(cosine(first), budget);
            case "csc" -> Form.ONE.dividedBy(sine(first), budget);
            case "sinh", "tanh", "arcsin", "arctan" -> odd(call.function(), first);
            case "cosh" -> even("cosh", first);
            case "ln" -> logarithm(first);
            case "log" -> logarithm(arguments.get(1)).dividedBy(logarithm(first), budget);
            case "abs" -> absolute(first);
            case "floor" ->
                first.isRational() ? Form.of(Rational.of(first.rational().floor())) : opaque("floor", arguments);
            case "ceil" ->
                first.isRational()
                        ? Form.of(Rational.of(first.rational().negate().floor().negate()))
                        : opaque("ceil", arguments);
            case "factorial" -> factorial(first);
            case "binomial" -> binomial(first, arguments.get(1));
            case "gcd", "lcm", "min", "max" -> ofIntegers(call.function(), arguments);
            default -> opaque(call.function(), arguments);
        };
    }

    private Form opaque(String function, List<Form> arguments) {
        return Form.of(Atom.opaque(function + arguments));
    }

    private Form odd(String function, Form argument) {
        if (argument.isZero()) {
            return Form.ZERO;
        }
        return isNegative(argument)
                ? opaque(function, List.of(argument.negate())).negate()
                : opaque(function, List.of(argument));
    }

    private Form even(String function, Form argument) {
        if (argument.isZero()) {
            return Form.ONE;
        }
        return opaque(function, List.of(isNegative(argument) ? argument.negate() : argument));
    }

    private static boolean isNegative(Form form) {
        return form.numerator().leadingCoefficient().signum() < 0;
    }

    private Form sine(Form argument) {
        Rational c = multipleOfPi(argument);
        return c != null ? sineOfPi(c) : odd("sin", argument);
    }

    private Form cosine(Form argument) {
        Rational c = multipleOfPi(argument);
        return c != null ? sineOfPi(c.plus(Rational.HALF)) : even("cos", argument);
    }

    private static @org.jspecify.annotations.Nullable Rational multipleOfPi(Form argument) {
        if (argument.isZero()) {
            return Rational.ZERO;
        }
        if (!argument.isPolynomial() || !argument.numerator().isMonomial()) {
            return null;
        }
        Map<Atom, Rational> powers = argument.numerator().onlyMonomial().powers();
        return powers.size() == 1 && powers.getOrDefault(Atom.PI, Rational.ZERO).isOne()
                ? argument.numerator().onlyCoefficient()
                : null;
    }

    /** sin(πc), exactly for multiples of π/12, else by one atom per value in the first quadrant. */
    private Form sineOfPi(Rational c) {
        Rational turn = c.minus(Rational.of(c.times(Rational.HALF).floor()).times(Rational.TWO));
        if (turn.compareTo(Rational.ONE) >= 0) {
            return sineOfPi(turn.minus(Rational.ONE)).negate();
        }
        Rational angle = turn.compareTo(Rational.HALF) > 0 ? Rational.ONE.minus(turn) : turn;
        Rational twelfths = angle.times(Rational.of(12));
        if (!twelfths.isInteger()) {
            return opaque("sinπ", List.of(Form.of(angle)));
        }
        Form half = Form.of(Rational.HALF);
        return switch (twelfths.numerator().intValue()) {
            case 0 -> Form.ZERO;
            case 1 -> squareRoot(6).minus(squareRoot(2), budget).times(Form.of(Rational.of(1, 4)), budget);
            case 2 -> half;
            case 3 -> squareRoot(2).times(half, budget);
            case 4 -> squareRoot(3).times(half, budget);
            case 5 -> squareRoot(6).plus(squareRoot(2), budget).times(Form.of(Rational.of(1, 4)), budget);
            default -> Form.ONE;
        };
    }

    private Form squareRoot(long value) {
        return rationalPower(Rational.of(value), Rational.HALF);
    }

    private Form logarithm(Form argument) {
        if (argument.isZero()) {
            throw Refusal.undefined();
        }
        boolean positive = argument.isPolynomial()
                && argument.numerator().isMonomial()
                && argument.numerator().onlyCoefficient().signum() > 0
                && isPositive(argument.numerator().onlyMonomial());
        if (!positive) {
            return opaque("ln", List.of(argument));
        }
        Form sum = Form.ZERO;
        for (Map.Entry<BigInteger, Integer> factor :
                factors(argument.numerator().onlyCoefficient()).entrySet()) {
            Form term = Form.of(Atom.opaque("ln[" + factor.getKey() + "]"));
            sum = sum.plus(term.times(Form.of(Rational.of(factor.getValue())), budget), budget);
        }
        for (Map.Entry<Atom, Rational> power :
                argument.numerator().onlyMonomial().powers().entrySet()) {
            BigInteger prime = power.getKey().prime();
            Form term;
            if (prime != null) {
                term = Form.of(Atom.opaque("ln[" + prime + "]"));
            } else if (power.getKey().kind() == Atom.Kind.EULER) {
                term = Form.ONE;
            } else {
                term = Form.of(Atom.opaque("ln[π]"));
            }
            sum = sum.plus(term.times(Form.of(power.getValue()), budget), budget);
        }
        return sum;
    }

    private Form absolute(Form argument) {
        if (argument.isZero()) {
            return Form.ZERO;
        }
        boolean simple = argument.isPolynomial()
                && argument.numerator().isMonomial()
                && isPositive(argument.numerator().onlyMonomial());
        if (simple) {
            return argument.numerator().onlyCoefficient().signum() < 0 ? argument.negate() : argument;
        }
        return even("abs", argument);
    }

    private Form factorial(Form argument) {
        if (!argument.isRational()) {
            return opaque("factorial", List.of(argument));
        }
        Rational n = argument.rational();
        if (!n.isInteger() || n.signum() < 0) {
            throw Refusal.undefined();
        }
        if (n.numerator().bitLength() > 12) {
            return opaque("factorial", List.of(argument));
        }
        int count = n.numerator().intValue();
        double bits = count * Math.log(Math.max(2, count)) / Math.log(2) - count * 1.44 + 10;
        if (bits > budget.maximumBits()) {
            return opaque("factorial", List.of(argument));
        }
        BigInteger product = BigInteger.ONE;
        for (int k = 2; k <= count; k++) {
            budget.step();
            product = product.multiply(BigInteger.valueOf(k));
        }
        return Form.of(Rational.of(product));
    }

    private Form binomial(Form above, Form below) {
        boolean whole = above.isRational()
                && below.isRational()
                && above.rational().isInteger()
                && below.rational().isInteger();
        if (!whole) {
            return opaque("binomial", List.of(above, below));
        }
        BigInteger n = above.rational().numerator();
        BigInteger k = below.rational().numerator();
        if (n.signum() < 0) {
            throw Refusal.unknown();
        }
        if (k.signum() < 0 || k.compareTo(n) > 0) {
            return Form.ZERO;
        }
        BigInteger smaller = k.min(n.subtract(k));
        if (smaller.bitLength() > 10) {
            return opaque("binomial", List.of(above, Form.of(Rational.of(smaller))));
        }
        BigInteger product = BigInteger.ONE;
        for (int i = 1; i <= smaller.intValue(); i++) {
            budget.step();
            product = product.multiply(n.subtract(smaller).add(BigInteger.valueOf(i)))
                    .divide(BigInteger.valueOf(i));
            budget.check(Rational.of(product));
        }
        return Form.of(Rational.of(product));
    }

    private Form ofIntegers(String function, List<Form> arguments) {
        Rational result = null;
        for (Form argument : arguments) {
            if (!argument.isRational()) {
                return opaque(function, arguments);
            }
            Rational value = argument.rational();
            boolean whole = value.isInteger();
            if (!whole && (function.equals("gcd") || function.equals("lcm"))) {
                throw Refusal.undefined();
            }
            if (result == null) {
                result = value;
                continue;
            }
            BigInteger a = result.numerator();
            BigInteger b = value.numerator();
            result = switch (function) {
                case "gcd" -> Rational.of(a.gcd(b));
                case "lcm" ->
                    a.signum() == 0 || b.signum() == 0
                            ? Rational.ZERO
                            : budget.check(
                                    Rational.of(a.divide(a.gcd(b)).multiply(b).abs()));
                case "min" -> value.compareTo(result) < 0 ? value : result;
                default -> value.compareTo(result) > 0 ? value : result;
            };
        }
        return result == null ? Form.ZERO : Form.of(result);
    }
}
