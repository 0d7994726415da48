package org.minpro.verify;

/** The rule that decided a {@link Verdict}; an audit groups by it. */
public enum Reason {
    /** Both are the same exact value, polynomial, rational function or structure. */
    EXACT("equal as exact normal forms"),
    /** Both agree at every seeded point to far more digits than an accident would leave. */
    NUMERIC("equal at every seeded point to 40 digits"),
    /** The answer rounds to the reference at the reference's own precision. */
    ROUNDED("rounds to the reference at the reference's precision"),
    /** Both are the same words. */
    TEXT("the same text"),

    /** Both were understood and their values differ. */
    DIFFERENT("different values"),
    /** Both were understood and are things of different kinds: a set and a number, a pair and an interval. */
    DIFFERENT_KIND("different kinds of things"),
    /** The completion holds no answer where the extractor looks for one. */
    NO_ANSWER("no answer found in the completion"),
    /** The answer is not a well-formed expression. */
    MALFORMED("the answer is not well-formed"),
    /** The answer has no value: a division by zero, a logarithm of zero, infinity minus infinity. */
    UNDEFINED("the answer has no value"),

    /** The reference could not be read as mathematics or as plain words. */
    GOLD_NOT_UNDERSTOOD("the reference is not understood"),
    /** The answer is well-formed and uses notation that is not known here. */
    ANSWER_NOT_UNDERSTOOD("the answer uses notation that is not understood"),
    /** The reference or the answer exceeds a limit of length, nodes, depth, digits or steps. */
    LIMIT("a limit of length, depth, digits or steps was reached"),
    /** The numbers agree and the units are words that cannot be compared. */
    UNITS("the numbers agree and the units cannot be compared"),
    /** Both agree where they are real and differ on another branch or domain. */
    DOMAIN("they agree on a part of their domain only"),
    /** The answer is within the rounding of a reference that has too few digits to round to. */
    COARSE("the reference is too coarse to round to"),
    /** The completion names the right answer and denies, bounds, supposes, estimates or takes it back, or breaks off in it. */
    NOT_ASSERTED("the completion does not give the right answer that it names as its answer"),
    /** The completion gives several different answers, and the one that counts is right. */
    SEVERAL("the completion gives several different answers"),
    /** The notation has two readings and they disagree. */
    AMBIGUOUS("the notation has two readings that disagree"),
    /** This package failed; please report the pair. */
    DEFECT("the checker failed on this pair");

    private final String sentence;

    Reason(String sentence) {
        this.sentence = sentence;
    }

    /** The reason in words, for reports. */
    public String sentence() {
        return sentence;
    }
}
