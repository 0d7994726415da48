package org.minpro.verify;

/** A place where a completion states its answer. */
public enum ExtractionPolicy {
    /**
     * The content of {@code \boxed{…}} with balanced braces. Several different boxes are
     * several answers, whatever stands between them.
     */
    BOXED,
    /** The rest of the line after {@code ####}, unless it is a heading above more text. */
    HASHES,
    /** The phrase after {@code answer is}, {@code answer:} and their like in other languages. */
    ANSWER_IS,
    /** The whole text. */
    WHOLE,
    /**
     * A formula between dollar signs, or in LaTeX's other brackets, after which no number comes; else a number with what is
     * written to it without a space, where that is mathematics.
     */
    FORMULA,
    /** A number, with its sign, its percent sign and all that makes one thing with it. */
    NUMBER
}
