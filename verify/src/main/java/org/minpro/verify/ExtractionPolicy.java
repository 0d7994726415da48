package org.minpro.verify;

/** A place where a completion states its answer. */
public enum ExtractionPolicy {
    /**
     * The content of {@code \boxed{…}} with balanced braces. Boxes that only {@code and}, {@code or} or a comma
     * separates are one list.
     */
    BOXED,
    /** The rest of the line after {@code ####}. */
    HASHES,
    /** The phrase after {@code answer is}, {@code answers are} or {@code answer:}. */
    ANSWER_IS,
    /** The whole text. */
    WHOLE,
    /**
     * A formula between dollar signs, or in LaTeX's other brackets, after which no number comes; else a number with what is
     * written to it without a space, where that is mathematics.
     */
    FORMULA,
    /** A number, with its sign, its percent sign and the fraction it begins. */
    NUMBER
}
