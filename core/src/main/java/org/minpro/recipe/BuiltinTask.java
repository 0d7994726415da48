package org.minpro.recipe;

/** A task whose problems are generated. */
public enum BuiltinTask {
    /** Sums of two-digit numbers. */
    ARITHMETIC,
    /** A target to be made of all of some numbers. */
    COUNTDOWN,
    /** A number to be found by guesses and hints, in several turns. */
    GUESS_THE_NUMBER,
    /** A formula in words to be written as a Java method. */
    EXPRESSION
}
