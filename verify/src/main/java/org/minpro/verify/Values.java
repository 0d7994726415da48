package org.minpro.verify;

import java.math.BigDecimal;
import java.util.IdentityHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Compares expressions: exactly by normal forms, then at seeded points to forty digits; one per check. */
final class Values {
    private static final BigDecimal TOLERANCE = new BigDecimal("1e-40");
    private static final int STEP_POINTS = 24;
    private static final Rational HUNDREDTH = Rational.of(1, 100);
    private static final Units.Unit NO_UNIT = new Units.Unit(Rational.ONE, "", true);

    private final Budget budget;
    private final Normalizer normalizer;
    private final IdentityHashMap<Node, Form> forms = new IdentityHashMap<>();

    Values(Budget budget) {
        this.budget = budget;
        this.normalizer = new Normalizer(budget);
    }

    Form form(Node node) {
        Form known = forms.get(node);
        if (known != null) {
            return known;
        }
        Form form = normalizer.form(node);
        forms.put(node, form);
        return form;
    }

    /** The form, or null where it would exceed a limit. */
    private @Nullable Form formWithinLimits(Node node) {
        try {
            return form(node);
        } catch (Refusal refusal) {
            if (refusal.reason() == Reason.LIMIT) {
                return null;
            }
            throw refusal;
        }
    }

    /**
     * An expression without what stands around it.
     *
     * @param unit null where none is written
     */
    private record Amount(Node node, Units.@Nullable Unit unit, boolean percent, boolean degrees) {
        static Amount of(Node node) {
            Node inner = node;
            Units.Unit unit = null;
            boolean percent = false;
            boolean degrees = false;
            boolean negative = false;
            while (true) {
                if (inner instanceof Node.Quantity quantity && unit == null) {
                    unit = quantity.unit();
                    inner = quantity.node();
                } else if (inner instanceof Node.Percent per && !percent) {
                    percent = true;
                    inner = per.node();
                } else if (inner instanceof Node.Degrees degree && !degrees) {
                    degrees = true;
                    inner = degree.node();
                } else if (inner instanceof Node.Negation negation
                        && (negation.node() instanceof Node.Quantity
                                || negation.node() instanceof Node.Percent
                                || negation.node() instanceof Node.Degrees)) {
                    negative = !negative;
                    inner = negation.node();
                } else {
                    return new Amount(negative ? new Node.Negation(inner) : inner, unit, percent, degrees);
                }
            }
        }
    }

    Outcome compare(Node gold, Node answer) {
        Integer goldInfinity = infinity(gold);
        Integer answerInfinity = infinity(answer);
        if (goldInfinity != null || answerInfinity != null) {
            return goldInfinity != null && goldInfinity.equals(answerInfinity) ? Outcome.EXACT : Outcome.DIFFERENT;
        }
        if (gold instanceof Node.Based || answer instanceof Node.Based) {
            return compareBased(gold, answer);
        }
        if (gold instanceof Node.Ratio a && answer instanceof Node.Ratio b) {
            return compareRatios(a, b);
        }
        Amount expected = Amount.of(gold);
        Amount given = Amount.of(answer);
        Units.Unit goldUnit = expected.unit();
        Units.Unit answerUnit = given.unit();
        if (goldUnit == null || answerUnit == null) {
            boolean markedGold = expected.percent() || expected.degrees();
            boolean markedAnswer = given.percent() || given.degrees();
            if (answerUnit != null && markedGold || goldUnit != null && markedAnswer) {
                return Outcome.wrong(Reason.DIFFERENT);
            }
            return marked(expected, given);
        }
        if (goldUnit.known() && answerUnit.known()) {
            if (goldUnit.equals(answerUnit)) {
                return marked(expected, given);
            }
            if (goldUnit.dimension().equals(answerUnit.dimension())) {
                return core(expected.node(), given.node(), goldUnit.factor(), answerUnit.factor());
            }
            boolean unnamed =
                    goldUnit.dimension().equals("{}") || answerUnit.dimension().equals("{}");
            return unnamed && isLengthOrUnnamed(goldUnit) && isLengthOrUnnamed(answerUnit)
                    ? marked(expected, given)
                    : Outcome.DIFFERENT;
        }
        Outcome numbers = marked(expected, given);
        if (!numbers.isRight() || goldUnit.dimension().equals(answerUnit.dimension())) {
            return numbers;
        }
        List<String> goldWords = List.of(goldUnit.dimension().split(" "));
        List<String> answerWords = List.of(answerUnit.dimension().split(" "));
        if (goldWords.containsAll(answerWords) || answerWords.containsAll(goldWords)) {
            return numbers;
        }
        return Outcome.undecided(Reason.UNITS);
    }

    /** "Units" and "square units" stand for whatever length a figure has. */
    private static boolean isLengthOrUnnamed(Units.Unit unit) {
        return unit.dimension().equals("{}") || unit.dimension().startsWith("{length");
    }

    /** Applies the readings of a percent sign and a degree sign that only one side writes. */
    private Outcome marked(Amount gold, Amount answer) {
        if (gold.percent() && answer.degrees() || gold.degrees() && answer.percent()) {
            return Outcome.DIFFERENT;
        }
        Outcome plain = core(gold.node(), answer.node(), Rational.ONE, Rational.ONE);
        if (plain.isRight() || gold.percent() == answer.percent() && gold.degrees() == answer.degrees()) {
            return plain;
        }
        Outcome applied = core(
                gold.degrees() && !answer.degrees() ? new Node.Degrees(gold.node()) : gold.node(),
                answer.degrees() && !gold.degrees() ? new Node.Degrees(answer.node()) : answer.node(),
                gold.percent() && !answer.percent() ? HUNDREDTH : Rational.ONE,
                answer.percent() && !gold.percent() ? HUNDREDTH : Rational.ONE);
        return applied.isRight() ? applied : plain;
    }

    private static @Nullable Integer infinity(Node node) {
        if (node == Node.Constant.INFINITY) {
            return 1;
        }
        if (node instanceof Node.Negation negation && negation.node() == Node.Constant.INFINITY) {
            return -1;
        }
        return null;
    }

    /** Equal part by part, or proportional where no part is zero or has a unit, as a time of day has. */
    private Outcome compareRatios(Node.Ratio gold, Node.Ratio answer) {
        int size = gold.parts().size();
        if (size != answer.parts().size()) {
            return Outcome.DIFFERENT;
        }
        boolean equal = true;
        boolean scalable = true;
        for (int i = 0; i < size; i++) {
            Node a = gold.parts().get(i);
            Node b = answer.parts().get(i);
            equal = equal && compare(a, b).isRight();
            scalable = scalable
                    && !(a instanceof Node.Quantity)
                    && !(b instanceof Node.Quantity)
                    && !form(a).isZero()
                    && !form(b).isZero();
        }
        if (equal) {
            return Outcome.EXACT;
        }
        for (int i = 1; scalable && i < size; i++) {
            Node left = new Node.Quotient(gold.parts().get(i), gold.parts().get(0));
            Node right = new Node.Quotient(answer.parts().get(i), answer.parts().get(0));
            scalable = compare(left, right).reason() == Reason.EXACT;
        }
        return scalable ? Outcome.EXACT : Outcome.DIFFERENT;
    }

    private Outcome compareBased(Node gold, Node answer) {
        if (gold instanceof Node.Based a && answer instanceof Node.Based b) {
            if (a.base() == b.base()) {
                return a.value().equals(b.value()) ? Outcome.EXACT : Outcome.DIFFERENT;
            }
            return a.value().equals(b.value()) ? Outcome.undecided(Reason.AMBIGUOUS) : Outcome.DIFFERENT;
        }
        Node.Based based = gold instanceof Node.Based g ? g : (Node.Based) answer;
        Node other = gold instanceof Node.Based ? answer : gold;
        Form form = form(other);
        if (!form.isRational()) {
            return Outcome.DIFFERENT;
        }
        Rational value = form.rational();
        if (based.base() == 10) {
            return value.equals(based.value()) ? Outcome.EXACT : Outcome.DIFFERENT;
        }
        boolean sameDigits = value.toString().equals(based.digits());
        return sameDigits || value.equals(based.value()) ? Outcome.undecided(Reason.AMBIGUOUS) : Outcome.DIFFERENT;
    }

    /** Compares {@code gold * goldFactor} with {@code answer * answerFactor}. */
    private Outcome core(Node gold, Node answer, Rational goldFactor, Rational answerFactor) {
        Node left = scaled(gold, goldFactor);
        Node right = scaled(answer, answerFactor);
        Form a;
        try {
            a = formWithinLimits(left);
        } catch (Refusal refusal) {
            return Outcome.undecided(
                    refusal.reason() == Reason.UNDEFINED ? Reason.GOLD_NOT_UNDERSTOOD : goldReason(refusal));
        }
        Form b;
        try {
            b = formWithinLimits(right);
        } catch (Refusal refusal) {
            return refusal.reason() == Reason.UNDEFINED || refusal.reason() == Reason.MALFORMED
                    ? Outcome.wrong(refusal.reason())
                    : Outcome.undecided(refusal.reason());
        }
        Polynomial difference = null;
        if (a != null && b != null) {
            try {
                difference = a.minus(b, budget).numerator();
                if (difference.isZero()) {
                    return Outcome.EXACT;
                }
            } catch (Refusal refusal) {
                if (refusal.reason() != Reason.LIMIT) {
                    throw refusal;
                }
            }
        }
        Outcome rounding = rounding(gold, goldFactor, right, b);
        if (rounding != null) {
            return rounding;
        }
        if (difference != null && difference.isConclusive()) {
            return Outcome.DIFFERENT;
        }
        return atPoints(left, right);
    }

    private static Reason goldReason(Refusal refusal) {
        return refusal.reason() == Reason.LIMIT ? Reason.LIMIT : Reason.GOLD_NOT_UNDERSTOOD;
    }

    private static Node scaled(Node node, Rational factor) {
        return factor.isOne() ? node : new Node.Product(List.of(Node.Numeral.of(factor), node));
    }

    /** A decimal as written: its value and the unit of its last digit. */
    private record Written(Rational value, Rational unit, boolean fine) {}

    private static @Nullable Written written(Node node) {
        return switch (node) {
            case Node.Numeral number -> {
                Rational unit = number.unit();
                yield unit == null ? null : new Written(number.value(), unit, number.fine());
            }
            case Node.Negation negation -> {
                Written inner = written(negation.node());
                yield inner == null ? null : new Written(inner.value().negate(), inner.unit(), inner.fine());
            }
            case Node.Product product -> {
                // 1.3 \times 10^{5}
                boolean scientific = product.factors().size() == 2
                        && product.factors().get(0) instanceof Node.Numeral
                        && product.factors().get(1) instanceof Node.Power;
                if (!scientific
                        || !(product.factors().get(0) instanceof Node.Numeral mantissa)
                        || !(product.factors().get(1) instanceof Node.Power power)
                        || !(power.base() instanceof Node.Numeral ten)
                        || !ten.value().equals(Rational.TEN)) {
                    yield null;
                }
                Integer exponent = smallInteger(power.exponent());
                Rational unit = mantissa.unit();
                if (exponent == null || unit == null) {
                    yield null;
                }
                Rational scale = Rational.TEN.pow(exponent);
                yield new Written(mantissa.value().times(scale), unit.times(scale), mantissa.significant() >= 2);
            }
            default -> null;
        };
    }

    private static @Nullable Integer smallInteger(Node node) {
        if (node instanceof Node.Negation negation) {
            Integer inner = smallInteger(negation.node());
            return inner == null ? null : Integer.valueOf(-inner);
        }
        if (node instanceof Node.Numeral number
                && number.value().isInteger()
                && number.value().numerator().bitLength() < 9) {
            return number.value().numerator().intValueExact();
        }
        return null;
    }

    private @Nullable Outcome rounding(Node gold, Rational factor, Node answer, @Nullable Form form) {
        Written written = written(gold);
        if (written == null || !Evaluator.symbols(answer).isEmpty()) {
            return null;
        }
        Rational value;
        if (form != null && form.isRational()) {
            value = form.rational();
        } else {
            BigDecimal real = real(answer);
            if (real == null || real.precision() - real.scale() > 400 || real.scale() > 800) {
                return null;
            }
            value = real.scale() > 0
                    ? Rational.of(real.unscaledValue(), java.math.BigInteger.TEN.pow(real.scale()))
                    : Rational.of(real.toBigInteger());
        }
        if (!NumberComparison.roundsTo(
                written.value().times(factor), written.unit().times(factor), value)) {
            return null;
        }
        return written.fine() ? Outcome.ROUNDED : Outcome.undecided(Reason.COARSE);
    }

    /** The value of a constant real expression, or null where it is none. */
    @Nullable BigDecimal real(Node node) {
        if (!Evaluator.symbols(node).isEmpty()) {
            return null;
        }
        try {
            Arithmetic arithmetic = new Arithmetic(budget);
            Complex value = new Evaluator(arithmetic, budget, Evaluator.Domain.REAL, 0).value(node);
            return value.isReal() ? value.re() : null;
        } catch (Refusal refusal) {
            if (refusal.reason() == Reason.LIMIT) {
                throw refusal;
            }
            return null;
        }
    }

    /** What one point says of two expressions. */
    private enum AtPoint {
        EQUAL,
        DIFFERENT,
        ONE_UNDEFINED,
        BOTH_UNDEFINED,
        /** Equal to the last digit computed while some part was absorbed by another. */
        UNSURE
    }

    private Outcome atPoints(Node gold, Node answer) {
        boolean constant =
                Evaluator.symbols(gold).isEmpty() && Evaluator.symbols(answer).isEmpty();
        if (constant) {
            return switch (at(gold, answer, Evaluator.Domain.REAL, 1)) {
                case EQUAL -> Outcome.NUMERIC;
                case DIFFERENT -> Outcome.DIFFERENT;
                case ONE_UNDEFINED, BOTH_UNDEFINED -> Outcome.wrong(Reason.UNDEFINED);
                case UNSURE -> Outcome.undecided(Reason.LIMIT);
            };
        }
        boolean integers = Evaluator.usesIntegerFunctions(gold) || Evaluator.usesIntegerFunctions(answer);
        if (integers) {
            return agreement(gold, answer, Evaluator.Domain.INTEGER, 8, Outcome.NUMERIC, Outcome.DIFFERENT);
        }
        if (Evaluator.usesStepFunctions(gold) || Evaluator.usesStepFunctions(answer)) {
            return steps(gold, answer);
        }
        boolean reals = Evaluator.usesRealFunctions(gold) || Evaluator.usesRealFunctions(answer);
        Evaluator.Domain domain = reals ? Evaluator.Domain.REAL : Evaluator.Domain.COMPLEX;
        Outcome general = agreement(gold, answer, domain, 4, Outcome.NUMERIC, Outcome.DIFFERENT);
        if (!general.isWrong()) {
            return general;
        }
        if (reals) {
            return general;
        }
        Outcome partial = agreement(gold, answer, Evaluator.Domain.POSITIVE, 3, Outcome.NUMERIC, general);
        return partial.isRight() && !differsWhereBothAreReal(gold, answer) ? Outcome.undecided(Reason.DOMAIN) : general;
    }

    /** Step functions must agree at many reals; where they agree at integers only, the variable may be one. */
    private Outcome steps(Node gold, Node answer) {
        Outcome whole = agreement(
                gold, answer, Evaluator.Domain.LARGE_INTEGER, STEP_POINTS, Outcome.NUMERIC, Outcome.DIFFERENT);
        if (whole.isWrong()) {
            return whole;
        }
        Outcome real = agreement(gold, answer, Evaluator.Domain.WIDE, STEP_POINTS, Outcome.NUMERIC, Outcome.DIFFERENT);
        if (real.isWrong() && areWhole(Evaluator.symbols(gold)) && areWhole(Evaluator.symbols(answer))) {
            return Outcome.undecided(Reason.DOMAIN);
        }
        return real;
    }

    /** Whether every name is one that usually stands for an integer. */
    private static boolean areWhole(java.util.Set<String> names) {
        for (String name : names) {
            if ("nkmNMK".indexOf(name.charAt(0)) < 0) {
                return false;
            }
        }
        return !names.isEmpty();
    }

    private boolean differsWhereBothAreReal(Node gold, Node answer) {
        for (int point = 1; point <= 4; point++) {
            try {
                Arithmetic arithmetic = new Arithmetic(budget);
                Evaluator evaluator = new Evaluator(arithmetic, budget, Evaluator.Domain.REAL, 100 + point);
                Complex a = evaluator.value(gold);
                Complex b = evaluator.value(answer);
                if (a.isReal() && b.isReal() && !close(a, b)) {
                    return true;
                }
            } catch (Refusal refusal) {
                if (refusal.reason() == Reason.LIMIT) {
                    throw refusal;
                }
            }
        }
        return false;
    }

    private Outcome agreement(
            Node gold, Node answer, Evaluator.Domain domain, int points, Outcome equal, Outcome different) {
        int agreed = 0;
        int oneSided = 0;
        for (int point = 1; point <= points; point++) {
            switch (at(gold, answer, domain, point)) {
                case EQUAL -> agreed++;
                case DIFFERENT -> {
                    return different;
                }
                case ONE_UNDEFINED -> oneSided++;
                case BOTH_UNDEFINED -> {}
                case UNSURE -> {
                    return Outcome.undecided(Reason.LIMIT);
                }
            }
        }
        if (oneSided > 0) {
            return agreed == 0 ? different : Outcome.undecided(Reason.DOMAIN);
        }
        return agreed >= Math.max(3, points / 3) ? equal : Outcome.undecided(Reason.DOMAIN);
    }

    private AtPoint at(Node gold, Node answer, Evaluator.Domain domain, int point) {
        Arithmetic arithmetic = new Arithmetic(budget);
        Evaluator evaluator = new Evaluator(arithmetic, budget, domain, point);
        Complex a = valueOrNull(evaluator, gold);
        Complex b = valueOrNull(evaluator, answer);
        if (a == null || b == null) {
            return a == null && b == null ? AtPoint.BOTH_UNDEFINED : AtPoint.ONE_UNDEFINED;
        }
        if (!close(a, b)) {
            return AtPoint.DIFFERENT;
        }
        return arithmetic.absorbed() ? AtPoint.UNSURE : AtPoint.EQUAL;
    }

    private static @Nullable Complex valueOrNull(Evaluator evaluator, Node node) {
        try {
            return evaluator.value(node);
        } catch (Refusal refusal) {
            if (refusal.reason() == Reason.UNDEFINED) {
                return null;
            }
            throw refusal;
        }
    }

    private static boolean close(Complex a, Complex b) {
        BigDecimal scale = a.size().max(b.size());
        BigDecimal re = a.re().subtract(b.re()).abs();
        BigDecimal im = a.im().subtract(b.im()).abs();
        BigDecimal allowed = scale.multiply(TOLERANCE);
        return re.compareTo(allowed) <= 0 && im.compareTo(allowed) <= 0;
    }

    /** Whether {@code a = 0} and {@code b = 0} say the same: {@code a / b} is a constant other than zero. */
    Outcome proportional(Node a, Node b, boolean positive) {
        Form left = form(a);
        Form right = form(b);
        Polynomial x = left.numerator();
        Polynomial y = right.numerator();
        if (x.isZero() || y.isZero()) {
            return x.isZero() && y.isZero() ? Outcome.EXACT : Outcome.DIFFERENT;
        }
        boolean sameDenominators = left.denominator().equals(right.denominator());
        if (!positive || sameDenominators) {
            Polynomial cross = x.times(y.leadingCoefficient(), budget)
                    .plus(y.times(x.leadingCoefficient().negate(), budget), budget);
            if (cross.isZero()) {
                boolean sameSign = x.leadingCoefficient().signum()
                        == y.leadingCoefficient().signum();
                return !positive || sameSign ? Outcome.EXACT : Outcome.DIFFERENT;
            }
        }
        return constantRatio(a, b, positive);
    }

    private Outcome constantRatio(Node a, Node b, boolean positive) {
        Complex ratio = null;
        int agreed = 0;
        Arithmetic arithmetic = new Arithmetic(budget);
        for (int point = 1; point <= 4; point++) {
            Evaluator evaluator = new Evaluator(arithmetic, budget, Evaluator.Domain.COMPLEX, 200 + point);
            Complex x = valueOrNull(evaluator, a);
            Complex y = valueOrNull(evaluator, b);
            if (x == null || y == null || y.isZero() || x.isZero()) {
                continue;
            }
            Complex next = arithmetic.dividedBy(x, y);
            if (ratio != null && !close(ratio, next)) {
                return Outcome.DIFFERENT;
            }
            ratio = ratio == null ? next : ratio;
            agreed++;
        }
        if (ratio == null || agreed < 3) {
            return Outcome.undecided(Reason.DOMAIN);
        }
        if (arithmetic.absorbed()) {
            return Outcome.undecided(Reason.LIMIT);
        }
        if (positive) {
            // The ratio of real inequalities is real up to the last digits.
            return ratio.re().signum() > 0 ? Outcome.NUMERIC : Outcome.DIFFERENT;
        }
        return Outcome.NUMERIC;
    }

    /** The normal form in words for a report. */
    String describe(Node node) {
        Amount amount = Amount.of(node);
        String suffix = amount.percent() ? "%" : amount.degrees() ? "°" : "";
        Units.Unit unit = amount.unit() == null ? NO_UNIT : amount.unit();
        String dimension = unit.dimension();
        String unitText = dimension.isEmpty() ? "" : " [" + dimension + "]";
        String core;
        try {
            core = form(amount.node()).toString();
        } catch (Refusal refusal) {
            core = "?";
        }
        return core + suffix + unitText;
    }
}
