package org.minpro.verify;

/**
 * What a check of an answer against a reference found, and why.
 *
 * @param kind right, wrong, or undecided
 * @param reason the rule that decided
 * @param gold the reference's normal form that was compared, or its text where it has none
 * @param answer the answer's normal form that was compared, or its text where it has none
 */
public record Verdict(Kind kind, Reason reason, String gold, String answer) {
    /** The three outcomes: an answer that the checker cannot judge is neither right nor wrong. */
    public enum Kind {
        RIGHT,
        WRONG,
        UNDECIDED
    }

    static Verdict right(Reason reason, String gold, String answer) {
        return new Verdict(Kind.RIGHT, reason, gold, answer);
    }

    static Verdict wrong(Reason reason, String gold, String answer) {
        return new Verdict(Kind.WRONG, reason, gold, answer);
    }

    static Verdict undecided(Reason reason, String gold, String answer) {
        return new Verdict(Kind.UNDECIDED, reason, gold, answer);
    }

    /** Whether the answer was found equal to the reference. */
    public boolean isRight() {
        return kind == Kind.RIGHT;
    }

    /** Whether the answer was found equal or different. */
    public boolean isDecided() {
        return kind != Kind.UNDECIDED;
    }
}
