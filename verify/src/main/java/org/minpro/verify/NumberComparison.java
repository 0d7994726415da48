package org.minpro.verify;

/** Compares two plain numbers: exactly, by the percent sign's two readings, then by the reference's precision. */
final class NumberComparison {
    private static final Rational HUNDREDTH = Rational.of(1, 100);

    private NumberComparison() {}

    static Verdict compare(PlainNumber gold, PlainNumber answer) {
        String goldForm = form(gold);
        String answerForm = form(answer);
        if (gold.value().equals(answer.value()) || applied(gold).equals(applied(answer))) {
            return Verdict.right(Reason.EXACT, goldForm, answerForm);
        }
        Rational unit = gold.unit();
        boolean rounds = unit != null
                && (roundsTo(gold.value(), unit, answer.value())
                        || gold.percent()
                                && !answer.percent()
                                && roundsTo(applied(gold), unit.times(HUNDREDTH), answer.value()));
        if (rounds) {
            return gold.fine()
                    ? Verdict.right(Reason.ROUNDED, goldForm, answerForm)
                    : Verdict.undecided(Reason.COARSE, goldForm, answerForm);
        }
        return Verdict.wrong(Reason.DIFFERENT, goldForm, answerForm);
    }

    /** Whether a value rounds, half away from zero, to a decimal that is written to a unit. */
    static boolean roundsTo(Rational written, Rational unit, Rational value) {
        if (written.signum() * value.signum() < 0) {
            return false;
        }
        Rational half = unit.times(Rational.HALF);
        Rational excess = value.abs().minus(written.abs());
        return excess.compareTo(half) < 0 && excess.compareTo(half.negate()) >= 0;
    }

    private static Rational applied(PlainNumber number) {
        return number.percent() ? number.value().times(HUNDREDTH) : number.value();
    }

    private static String form(PlainNumber number) {
        return number.value() + (number.percent() ? "%" : "");
    }
}
