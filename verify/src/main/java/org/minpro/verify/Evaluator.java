package org.minpro.verify;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Evaluates an expression at one seeded point; refuses as undefined where it has no value there. */
final class Evaluator {
    /** Where variables are taken from. */
    enum Domain {
        COMPLEX,
        /** Reals of both signs. */
        REAL,
        POSITIVE,
        /** Reals of both signs up to 300, on which steps of functions such as floor are seen apart. */
        WIDE,
        /** Integers up to 300. */
        LARGE_INTEGER,
        /** Integers up to 30, on which factorials can be computed. */
        INTEGER
    }

    private static final Set<String> REAL_FUNCTIONS = Set.of("abs", "floor", "ceil", "min", "max", "gcd", "lcm");
    private static final Set<String> STEP_FUNCTIONS = Set.of("floor", "ceil", "gcd", "lcm");
    private static final Set<String> INTEGER_FUNCTIONS = Set.of("factorial", "binomial");
    private static final BigDecimal NEAR_INTEGER = new BigDecimal("1e-40");

    private final Arithmetic arithmetic;
    private final Budget budget;
    private final Domain domain;
    private final long seed;

    Evaluator(Arithmetic arithmetic, Budget budget, Domain domain, long seed) {
        this.arithmetic = arithmetic;
        this.budget = budget;
        this.domain = domain;
        this.seed = seed;
    }

    static boolean usesRealFunctions(Node node) {
        return uses(node, REAL_FUNCTIONS);
    }

    static boolean usesStepFunctions(Node node) {
        return uses(node, STEP_FUNCTIONS);
    }

    static boolean usesIntegerFunctions(Node node) {
        return uses(node, INTEGER_FUNCTIONS);
    }

    private static boolean uses(Node node, Set<String> functions) {
        if (node instanceof Node.Call call && functions.contains(call.function())) {
            return true;
        }
        for (Node child : children(node)) {
            if (uses(child, functions)) {
                return true;
            }
        }
        return false;
    }

    static Set<String> symbols(Node node) {
        Set<String> names = new TreeSet<>();
        collect(node, names);
        return names;
    }

    private static void collect(Node node, Set<String> names) {
        if (node instanceof Node.Symbol symbol) {
            names.add(symbol.name());
        }
        for (Node child : children(node)) {
            collect(child, names);
        }
    }

    static List<Node> children(Node node) {
        return switch (node) {
            case Node.Sum sum -> sum.terms();
            case Node.Product product -> product.factors();
            case Node.Quotient quotient -> List.of(quotient.numerator(), quotient.denominator());
            case Node.Power power -> List.of(power.base(), power.exponent());
            case Node.Root root -> List.of(root.degree(), root.radicand());
            case Node.Negation negation -> List.of(negation.node());
            case Node.PlusMinus sign -> List.of(sign.node());
            case Node.Call call -> call.arguments();
            case Node.Percent percent -> List.of(percent.node());
            case Node.Degrees degrees -> List.of(degrees.node());
            case Node.Quantity quantity -> List.of(quantity.node());
            case Node.Group group -> group.items();
            case Node.SetOf set -> set.items();
            case Node.ListOf list -> list.items();
            case Node.SetOperation operation -> List.of(operation.left(), operation.right());
            case Node.Matrix matrix ->
                matrix.rows().stream().flatMap(List::stream).toList();
            case Node.Relation relation -> relation.sides();
            case Node.Ratio ratio -> ratio.parts();
            case Node.Congruence congruence -> List.of(congruence.residue(), congruence.modulus());
            default -> List.of();
        };
    }

    Complex value(Node node) {
        budget.step();
        return switch (node) {
            case Node.Numeral number -> Complex.of(arithmetic.rational(number.value()));
            case Node.Based based -> Complex.of(arithmetic.rational(based.value()));
            case Node.Symbol symbol -> point(symbol.name());
            case Node.Constant constant ->
                switch (constant) {
                    case PI -> Complex.of(Arithmetic.PI);
                    case E -> Complex.of(Arithmetic.E);
                    case I -> Complex.I;
                    case INFINITY -> throw Refusal.undefined();
                };
            case Node.Sum sum -> {
                Complex total = Complex.ZERO;
                for (Node term : sum.terms()) {
                    total = arithmetic.plus(total, value(term));
                }
                yield total;
            }
            case Node.Product product -> {
                Complex total = Complex.ONE;
                for (Node factor : product.factors()) {
                    total = arithmetic.times(total, value(factor));
                }
                yield total;
            }
            case Node.Quotient quotient ->
                arithmetic.dividedBy(value(quotient.numerator()), value(quotient.denominator()));
            case Node.Negation negation -> value(negation.node()).negate();
            case Node.Power power -> power(power);
            case Node.Root root -> root(root);
            case Node.Percent percent -> arithmetic.dividedBy(value(percent.node()), Complex.of(100));
            case Node.Degrees degrees ->
                arithmetic.dividedBy(
                        arithmetic.times(value(degrees.node()), Complex.of(Arithmetic.PI)), Complex.of(180));
            case Node.Call call -> call(call);
            case Node.Ratio ratio -> {
                if (ratio.parts().size() != 2) {
                    throw Refusal.unknown();
                }
                yield arithmetic.dividedBy(
                        value(ratio.parts().get(0)), value(ratio.parts().get(1)));
            }
            default -> throw Refusal.unknown();
        };
    }

    private Complex power(Node.Power power) {
        Rational exponent = rational(power.exponent());
        Complex base = value(power.base());
        return exponent != null
                ? arithmetic.rationalPower(base, exponent)
                : arithmetic.pow(base, value(power.exponent()));
    }

    private Complex root(Node.Root root) {
        Complex radicand = value(root.radicand());
        Rational degree = rational(root.degree());
        if (degree == null) {
            return arithmetic.pow(radicand, arithmetic.dividedBy(Complex.ONE, value(root.degree())));
        }
        if (degree.signum() <= 0 || !degree.isInteger()) {
            throw Refusal.undefined();
        }
        return arithmetic.rationalPower(radicand, Rational.ONE.dividedBy(degree));
    }

    /** The value of a constant of integers and a quotient, which decides the branch of a power. */
    private @org.jspecify.annotations.Nullable Rational rational(Node node) {
        return switch (node) {
            case Node.Numeral number -> number.value();
            case Node.Negation negation -> {
                Rational inner = rational(negation.node());
                yield inner == null ? null : inner.negate();
            }
            case Node.Quotient quotient -> {
                Rational above = rational(quotient.numerator());
                Rational below = rational(quotient.denominator());
                yield above == null || below == null || below.isZero() ? null : budget.check(above.dividedBy(below));
            }
            default -> null;
        };
    }

    private Complex call(Node.Call call) {
        Complex first = value(call.arguments().get(0));
        return switch (call.function()) {
            case "sin" -> arithmetic.sin(first);
            case "cos" -> arithmetic.cos(first);
            case "tan" -> arithmetic.dividedBy(arithmetic.sin(first), arithmetic.cos(first));
            case "cot" -> arithmetic.dividedBy(arithmetic.cos(first), arithmetic.sin(first));
            case "sec" -> arithmetic.dividedBy(Complex.ONE, arithmetic.cos(first));
            case "csc" -> arithmetic.dividedBy(Complex.ONE, arithmetic.sin(first));
            case "sinh" ->
                arithmetic.dividedBy(
                        arithmetic.minus(arithmetic.exp(first), arithmetic.exp(first.negate())), Complex.of(2));
            case "cosh" ->
                arithmetic.dividedBy(
                        arithmetic.plus(arithmetic.exp(first), arithmetic.exp(first.negate())), Complex.of(2));
            case "tanh" -> arithmetic.tanh(first);
            case "arcsin" -> arithmetic.arcsin(first);
            case "arccos" -> arithmetic.arccos(first);
            case "arctan" -> arithmetic.arctan(first);
            case "ln" -> arithmetic.ln(first);
            case "log" ->
                arithmetic.dividedBy(arithmetic.ln(value(call.arguments().get(1))), arithmetic.ln(first));
            case "abs" -> Complex.of(arithmetic.magnitude(first));
            case "floor" -> rounded(first, RoundingMode.FLOOR);
            case "ceil" -> rounded(first, RoundingMode.CEILING);
            case "factorial" -> factorial(first);
            case "binomial" -> binomial(first, value(call.arguments().get(1)));
            case "min", "max", "gcd", "lcm" -> ofIntegers(call);
            default -> unknownFunction(call);
        };
    }

    private Complex rounded(Complex value, RoundingMode mode) {
        if (!value.isReal()) {
            throw Refusal.undefined();
        }
        BigDecimal nearest = value.re().setScale(0, RoundingMode.HALF_EVEN);
        BigDecimal distance = nearest.subtract(value.re()).abs();
        if (distance.signum() != 0 && distance.compareTo(NEAR_INTEGER) < 0) {
            return Complex.of(nearest);
        }
        return Complex.of(value.re().setScale(0, mode));
    }

    private static int smallInteger(Complex value) {
        if (!value.isReal()
                || value.re().stripTrailingZeros().scale() > 0
                || value.re().signum() < 0) {
            throw Refusal.undefined();
        }
        if (value.re().compareTo(BigDecimal.valueOf(1000)) > 0) {
            throw Refusal.limit();
        }
        return value.re().intValueExact();
    }

    private Complex factorial(Complex value) {
        int n = smallInteger(value);
        Complex product = Complex.ONE;
        for (int k = 2; k <= n; k++) {
            product = arithmetic.times(product, Complex.of(k));
        }
        return product;
    }

    private Complex binomial(Complex above, Complex below) {
        int n = smallInteger(above);
        int k = smallInteger(below);
        Complex product = Complex.ONE;
        for (int i = 1; i <= k; i++) {
            product = arithmetic.dividedBy(arithmetic.times(product, Complex.of(n - k + i)), Complex.of(i));
        }
        return k > n ? Complex.ZERO : product;
    }

    private Complex ofIntegers(Node.Call call) {
        BigDecimal result = null;
        for (Node argument : call.arguments()) {
            Complex value = value(argument);
            if (!value.isReal()) {
                throw Refusal.undefined();
            }
            BigDecimal next = value.re();
            if (result == null) {
                result = next;
                continue;
            }
            switch (call.function()) {
                case "min" -> result = result.min(next);
                case "max" -> result = result.max(next);
                default -> {
                    BigInteger a = BigInteger.valueOf(smallInteger(Complex.of(result)));
                    BigInteger b = BigInteger.valueOf(smallInteger(Complex.of(next)));
                    BigInteger divisor = a.gcd(b);
                    BigInteger found = call.function().equals("gcd") || divisor.signum() == 0
                            ? divisor
                            : a.divide(divisor).multiply(b);
                    result = new BigDecimal(found);
                }
            }
        }
        return Complex.of(result == null ? BigDecimal.ZERO : result);
    }

    /** An unknown function of the problem, as some fixed function of its arguments. */
    private Complex unknownFunction(Node.Call call) {
        Complex sum = point(call.function() + "()");
        for (int i = 0; i < call.arguments().size(); i++) {
            Complex weight = point(call.function() + "(" + i + ")");
            sum = arithmetic.plus(
                    sum, arithmetic.times(weight, value(call.arguments().get(i))));
        }
        return arithmetic.plus(arithmetic.times(arithmetic.times(sum, sum), sum), sum);
    }

    /** The value of a variable at this point: four decimals, away from zero. */
    private Complex point(String name) {
        long bits = mix(seed ^ mix(name.hashCode()));
        if (domain == Domain.INTEGER) {
            return Complex.of(2 + Math.floorMod(bits, 29));
        }
        if (domain == Domain.LARGE_INTEGER) {
            return Complex.of(2 + Math.floorMod(bits, 299));
        }
        if (domain == Domain.WIDE) {
            return Complex.of(BigDecimal.valueOf(Math.floorMod(bits, 6_000_000) - 3_000_000, 4));
        }
        BigDecimal re = BigDecimal.valueOf(3000 + Math.floorMod(bits, 16000), 4);
        BigDecimal im = BigDecimal.valueOf(3000 + Math.floorMod(bits >>> 20, 13000), 4);
        boolean negative = (bits >>> 50 & 1) == 1;
        boolean below = (bits >>> 51 & 1) == 1;
        return switch (domain) {
            case COMPLEX -> new Complex(negative ? re.negate() : re, below ? im.negate() : im);
            case REAL -> Complex.of(negative ? re.negate() : re);
            default -> Complex.of(re);
        };
    }

    private static long mix(long value) {
        long z = value + 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
