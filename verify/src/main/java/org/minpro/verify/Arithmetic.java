package org.minpro.verify;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;

/** Elementary functions of complex numbers to {@value #DIGITS} significant digits, with counted steps. */
final class Arithmetic {
    static final int DIGITS = 60;
    private static final MathContext CONTEXT = new MathContext(DIGITS, RoundingMode.HALF_EVEN);
    static final BigDecimal PI = new BigDecimal("3.14159265358979323846264338327950288419716939937510582097494459"
            + "230781640628620899862803482534211706798214808651");
    static final BigDecimal E =
            new BigDecimal("2.71828182845904523536028747135266249775724709369995957496696762772407663035354759457138");
    private static final BigDecimal LN_10 = new BigDecimal("2.30258509299404568401799145468436420760110148862877297603"
            + "3327900967572609677352480235997205089598298341967784042286");
    private static final BigDecimal TWO = BigDecimal.valueOf(2);
    private static final BigDecimal HALF = new BigDecimal("0.5");
    private static final BigDecimal TINY = new BigDecimal("1e-70");
    private static final BigDecimal NEARLY_NOTHING = new BigDecimal("1e-30");
    private static final BigDecimal HUGE = new BigDecimal("1e12");
    private static final int LARGEST_EXPONENT = 20_000;

    private final Budget budget;
    private boolean absorbed;

    Arithmetic(Budget budget) {
        this.budget = budget;
    }

    /** Whether a part of a value was so small beside another that an equality of values proves nothing. */
    boolean absorbed() {
        return absorbed;
    }

    BigDecimal rational(Rational value) {
        return value.toBigDecimal(CONTEXT);
    }

    Complex plus(Complex a, Complex b) {
        budget.step();
        BigDecimal small = a.size().min(b.size());
        if (small.signum() != 0 && small.compareTo(a.size().max(b.size()).multiply(NEARLY_NOTHING, CONTEXT)) < 0) {
            absorbed = true;
        }
        return new Complex(a.re().add(b.re(), CONTEXT), a.im().add(b.im(), CONTEXT));
    }

    Complex minus(Complex a, Complex b) {
        return plus(a, b.negate());
    }

    Complex times(Complex a, Complex b) {
        budget.step();
        if (a.isReal() && b.isReal()) {
            return Complex.of(finite(a.re().multiply(b.re(), CONTEXT)));
        }
        return new Complex(
                finite(a.re().multiply(b.re(), CONTEXT).subtract(a.im().multiply(b.im(), CONTEXT), CONTEXT)),
                finite(a.re().multiply(b.im(), CONTEXT).add(a.im().multiply(b.re(), CONTEXT), CONTEXT)));
    }

    Complex dividedBy(Complex a, Complex b) {
        if (b.isZero()) {
            throw Refusal.undefined();
        }
        budget.step(3);
        if (b.isReal()) {
            return new Complex(
                    finite(a.re().divide(b.re(), CONTEXT)),
                    a.isReal() ? BigDecimal.ZERO : finite(a.im().divide(b.re(), CONTEXT)));
        }
        BigDecimal norm = norm(b);
        Complex product = times(a, b.conjugate());
        return new Complex(
                finite(product.re().divide(norm, CONTEXT)), finite(product.im().divide(norm, CONTEXT)));
    }

    private static BigDecimal finite(BigDecimal value) {
        if (Math.abs((long) value.precision() - value.scale()) > LARGEST_EXPONENT) {
            throw Refusal.limit();
        }
        return value;
    }

    private BigDecimal norm(Complex z) {
        return z.re().multiply(z.re(), CONTEXT).add(z.im().multiply(z.im(), CONTEXT), CONTEXT);
    }

    BigDecimal magnitude(Complex z) {
        if (z.isReal()) {
            return z.re().abs();
        }
        return sqrt(norm(z));
    }

    private BigDecimal sqrt(BigDecimal value) {
        budget.step(20);
        return value.sqrt(CONTEXT);
    }

    Complex exp(Complex z) {
        noteTiny(z);
        BigDecimal scale = exp(z.re());
        if (z.isReal()) {
            return Complex.of(scale);
        }
        BigDecimal[] turn = sineAndCosine(z.im());
        return new Complex(scale.multiply(turn[1], CONTEXT), scale.multiply(turn[0], CONTEXT));
    }

    private void noteTiny(Complex z) {
        if (!z.isZero() && z.size().compareTo(NEARLY_NOTHING) < 0) {
            absorbed = true;
        }
    }

    private BigDecimal exp(BigDecimal x) {
        if (x.abs().compareTo(BigDecimal.valueOf(LARGEST_EXPONENT)) > 0) {
            throw Refusal.limit();
        }
        // exp(x) = exp(x / 2^k)^(2^k) with a short series; extra digits pay for the squarings.
        MathContext wide = new MathContext(DIGITS + 12, RoundingMode.HALF_EVEN);
        int halvings = 5;
        BigDecimal reduced = x;
        while (reduced.abs().compareTo(BigDecimal.ONE) > 0) {
            reduced = reduced.multiply(HALF, wide);
            halvings++;
        }
        halvings -= 5;
        reduced = reduced.multiply(new BigDecimal("0.03125"), wide);
        halvings += 5;
        BigDecimal term = BigDecimal.ONE;
        BigDecimal sum = BigDecimal.ONE;
        BigDecimal small = new BigDecimal("1e-74");
        for (int n = 1; n < 80; n++) {
            budget.step();
            term = term.multiply(reduced, wide).divide(BigDecimal.valueOf(n), wide);
            sum = sum.add(term, wide);
            if (term.abs().compareTo(small) < 0) {
                break;
            }
        }
        for (int i = 0; i < halvings; i++) {
            budget.step();
            sum = sum.multiply(sum, wide);
        }
        return sum.round(CONTEXT);
    }

    /** {sin x, cos x}. */
    private BigDecimal[] sineAndCosine(BigDecimal x) {
        if (x.abs().compareTo(HUGE) > 0) {
            throw Refusal.limit();
        }
        MathContext wide = new MathContext(DIGITS + 16, RoundingMode.HALF_EVEN);
        BigDecimal twoPi = PI.multiply(TWO);
        BigDecimal turns = x.divide(twoPi, 0, RoundingMode.HALF_EVEN);
        BigDecimal reduced = x.subtract(turns.multiply(twoPi, wide), wide).multiply(new BigDecimal("0.0625"), wide);
        BigDecimal square = reduced.multiply(reduced, wide);
        BigDecimal sine = reduced;
        BigDecimal term = reduced;
        for (int n = 2; n < 80; n += 2) {
            budget.step();
            term = term.multiply(square, wide)
                    .divide(BigDecimal.valueOf((long) n * (n + 1)), wide)
                    .negate();
            sine = sine.add(term, wide);
            if (term.abs().compareTo(TINY) < 0) {
                break;
            }
        }
        BigDecimal cosine = BigDecimal.ONE;
        term = BigDecimal.ONE;
        for (int n = 1; n < 80; n += 2) {
            budget.step();
            term = term.multiply(square, wide)
                    .divide(BigDecimal.valueOf((long) n * (n + 1)), wide)
                    .negate();
            cosine = cosine.add(term, wide);
            if (term.abs().compareTo(TINY) < 0) {
                break;
            }
        }
        for (int i = 0; i < 4; i++) {
            budget.step(2);
            BigDecimal doubled = sine.multiply(cosine, wide).multiply(TWO, wide);
            cosine = BigDecimal.ONE.subtract(sine.multiply(sine, wide).multiply(TWO, wide), wide);
            sine = doubled;
        }
        return new BigDecimal[] {sine.round(CONTEXT), cosine.round(CONTEXT)};
    }

    Complex sin(Complex z) {
        if (z.isReal()) {
            return Complex.of(sineAndCosine(z.re())[0]);
        }
        Complex turn = times(Complex.I, z);
        Complex difference = minus(exp(turn), exp(turn.negate()));
        return dividedBy(difference, new Complex(BigDecimal.ZERO, TWO));
    }

    Complex cos(Complex z) {
        noteTiny(z);
        if (z.isReal()) {
            return Complex.of(sineAndCosine(z.re())[1]);
        }
        Complex turn = times(Complex.I, z);
        return dividedBy(plus(exp(turn), exp(turn.negate())), Complex.of(2));
    }

    Complex ln(Complex z) {
        if (z.isZero()) {
            throw Refusal.undefined();
        }
        if (z.isReal() && z.re().signum() > 0) {
            return Complex.of(ln(z.re()));
        }
        return new Complex(ln(magnitude(z)), argument(z));
    }

    private BigDecimal ln(BigDecimal x) {
        int tens = x.precision() - x.scale() - 1;
        BigDecimal mantissa = x.scaleByPowerOfTen(-tens);
        BigDecimal y = new BigDecimal(Math.log(mantissa.doubleValue()), CONTEXT);
        for (int i = 0; i < 2; i++) {
            BigDecimal power = exp(y);
            BigDecimal step = mantissa.subtract(power, CONTEXT)
                    .multiply(TWO, CONTEXT)
                    .divide(mantissa.add(power, CONTEXT), CONTEXT);
            y = y.add(step, CONTEXT);
        }
        return y.add(LN_10.multiply(BigDecimal.valueOf(tens), CONTEXT), CONTEXT);
    }

    /** The angle of a complex number in (-π, π]. */
    private BigDecimal argument(Complex z) {
        if (z.isReal()) {
            return z.re().signum() < 0 ? PI.round(CONTEXT) : BigDecimal.ZERO;
        }
        if (z.re().signum() == 0) {
            BigDecimal quarter = PI.multiply(HALF, CONTEXT);
            return z.im().signum() > 0 ? quarter : quarter.negate();
        }
        BigDecimal angle = arctan(z.im().divide(z.re(), CONTEXT));
        if (z.re().signum() > 0) {
            return angle;
        }
        return z.im().signum() > 0 ? angle.add(PI, CONTEXT) : angle.subtract(PI, CONTEXT);
    }

    private BigDecimal arctan(BigDecimal x) {
        if (x.abs().compareTo(HUGE) > 0) {
            absorbed = true;
            BigDecimal rest = arctan(BigDecimal.ONE.divide(x, CONTEXT));
            BigDecimal quarter = PI.multiply(HALF, CONTEXT);
            return (x.signum() > 0 ? quarter : quarter.negate()).subtract(rest, CONTEXT);
        }
        BigDecimal y = new BigDecimal(Math.atan(x.doubleValue()), CONTEXT);
        for (int i = 0; i < 2; i++) {
            BigDecimal[] turn = sineAndCosine(y);
            BigDecimal d = x.multiply(turn[1], CONTEXT)
                    .subtract(turn[0], CONTEXT)
                    .divide(turn[1].add(x.multiply(turn[0], CONTEXT), CONTEXT), CONTEXT);
            BigDecimal cube = d.multiply(d, CONTEXT).multiply(d, CONTEXT);
            y = y.add(d, CONTEXT).subtract(cube.divide(BigDecimal.valueOf(3), CONTEXT), CONTEXT);
        }
        return y;
    }

    Complex sqrt(Complex z) {
        if (z.isReal()) {
            return z.re().signum() >= 0
                    ? Complex.of(sqrt(z.re()))
                    : new Complex(BigDecimal.ZERO, sqrt(z.re().negate()));
        }
        return exp(dividedBy(ln(z), Complex.of(2)));
    }

    Complex pow(Complex base, Complex exponent) {
        if (exponent.isReal()) {
            BigDecimal power = exponent.re();
            if (power.stripTrailingZeros().scale() <= 0 && power.abs().compareTo(BigDecimal.valueOf(2000)) <= 0) {
                return integerPower(base, power.intValueExact());
            }
        }
        if (base.isZero()) {
            if (exponent.isReal() && exponent.re().signum() > 0) {
                return Complex.ZERO;
            }
            throw Refusal.undefined();
        }
        return exp(times(exponent, ln(base)));
    }

    private Complex integerPower(Complex base, int exponent) {
        if (base.isZero() && exponent <= 0) {
            throw Refusal.undefined();
        }
        Complex result = Complex.ONE;
        Complex square = base;
        int rest = Math.abs(exponent);
        while (rest > 0) {
            if ((rest & 1) == 1) {
                result = times(result, square);
            }
            rest >>= 1;
            if (rest > 0) {
                square = times(square, square);
            }
        }
        return exponent < 0 ? dividedBy(Complex.ONE, result) : result;
    }

    /** The power with a rational exponent: real for a negative base and an odd denominator. */
    Complex rationalPower(Complex base, Rational exponent) {
        if (exponent.isInteger() && exponent.numerator().bitLength() < 12) {
            return integerPower(base, exponent.numerator().intValue());
        }
        if (base.isZero()) {
            if (exponent.signum() < 0) {
                throw Refusal.undefined();
            }
            return Complex.ZERO;
        }
        if (exponent.equals(Rational.HALF)) {
            return sqrt(base);
        }
        Complex power = Complex.of(rational(exponent));
        if (base.isReal() && base.re().signum() < 0 && exponent.denominator().testBit(0)) {
            Complex size = exp(times(power, ln(base.negate())));
            return exponent.numerator().testBit(0) ? size.negate() : size;
        }
        return exp(times(power, ln(base)));
    }

    Complex arctan(Complex z) {
        if (z.isReal()) {
            return Complex.of(arctan(z.re()));
        }
        Complex turn = times(Complex.I, z);
        Complex difference = minus(ln(minus(Complex.ONE, turn)), ln(plus(Complex.ONE, turn)));
        return times(new Complex(BigDecimal.ZERO, HALF), difference);
    }

    Complex arcsin(Complex z) {
        if (z.isReal() && z.re().abs().compareTo(BigDecimal.ONE) <= 0) {
            BigDecimal rest = BigDecimal.ONE.subtract(z.re().multiply(z.re(), CONTEXT), CONTEXT);
            if (rest.signum() == 0) {
                BigDecimal quarter = PI.multiply(HALF, CONTEXT);
                return Complex.of(z.re().signum() > 0 ? quarter : quarter.negate());
            }
            return Complex.of(arctan(z.re().divide(sqrt(rest), CONTEXT)));
        }
        Complex root = sqrt(minus(Complex.ONE, times(z, z)));
        Complex log = ln(plus(times(Complex.I, z), root));
        return times(log, Complex.I.negate());
    }

    Complex arccos(Complex z) {
        return minus(Complex.of(PI.multiply(HALF, CONTEXT)), arcsin(z));
    }

    Complex tanh(Complex z) {
        if (z.re().abs().compareTo(BigDecimal.valueOf(30)) > 0) {
            absorbed = true;
        }
        Complex up = exp(z);
        Complex down = exp(z.negate());
        return dividedBy(minus(up, down), plus(up, down));
    }
}
