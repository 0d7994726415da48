package org.minpro.verify;

import java.util.List;

/**
 * What a comparison of two parts found.
 *
 * @param kind right, wrong or undecided
 * @param reason the rule that decided
 */
record Outcome(Verdict.Kind kind, Reason reason) {
    static final Outcome EXACT = new Outcome(Verdict.Kind.RIGHT, Reason.EXACT);
    static final Outcome NUMERIC = new Outcome(Verdict.Kind.RIGHT, Reason.NUMERIC);
    static final Outcome ROUNDED = new Outcome(Verdict.Kind.RIGHT, Reason.ROUNDED);
    static final Outcome TEXT = new Outcome(Verdict.Kind.RIGHT, Reason.TEXT);
    static final Outcome DIFFERENT = new Outcome(Verdict.Kind.WRONG, Reason.DIFFERENT);
    static final Outcome DIFFERENT_KIND = new Outcome(Verdict.Kind.WRONG, Reason.DIFFERENT_KIND);

    static Outcome wrong(Reason reason) {
        return new Outcome(Verdict.Kind.WRONG, reason);
    }

    static Outcome undecided(Reason reason) {
        return new Outcome(Verdict.Kind.UNDECIDED, reason);
    }

    boolean isRight() {
        return kind == Verdict.Kind.RIGHT;
    }

    boolean isWrong() {
        return kind == Verdict.Kind.WRONG;
    }

    /** All parts must be right; one wrong part decides; the weakest reason stays. */
    static Outcome all(List<Outcome> parts) {
        Outcome result = EXACT;
        for (Outcome part : parts) {
            if (part.isWrong()) {
                return part;
            }
            if (!part.isRight() && result.isRight()) {
                result = part;
            } else if (part.isRight() && result.isRight() && result.reason() == Reason.EXACT) {
                result = part;
            }
        }
        return result;
    }
}
