package org.minpro.verify;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A parsed answer: an expression, or a structure of expressions. */
sealed interface Node {
    /**
     * A rational number as written.
     *
     * @param unit one unit of the last digit of a decimal that claims a precision, else null
     * @param fine whether it is precise enough to round to
     * @param significant its significant digits
     */
    record Numeral(Rational value, @Nullable Rational unit, boolean fine, int significant) implements Node {
        static Numeral of(Rational value) {
            return new Numeral(value, null, false, 0);
        }
    }

    /** A variable, or a name that stands for one. */
    record Symbol(String name) implements Node {}

    /** A named constant. */
    enum Constant implements Node {
        PI,
        E,
        I,
        INFINITY
    }

    record Sum(List<Node> terms) implements Node {}

    record Product(List<Node> factors) implements Node {}

    record Quotient(Node numerator, Node denominator) implements Node {}

    record Power(Node base, Node exponent) implements Node {}

    /** The real root where there is one, else the principal one. */
    record Root(Node degree, Node radicand) implements Node {}

    record Negation(Node node) implements Node {}

    /** The plus-minus sign before an operand; {@code upper} is true for plus-minus and false for minus-plus. */
    record PlusMinus(Node node, boolean upper) implements Node {}

    record Call(String function, List<Node> arguments) implements Node {}

    record Percent(Node node) implements Node {}

    record Degrees(Node node) implements Node {}

    /** A number with its base written beside it. */
    record Based(String digits, int base, Rational value) implements Node {}

    record Quantity(Node node, Units.Unit unit) implements Node {}

    /** A tuple, or an interval where it has two items. */
    record Group(String open, String close, List<Node> items) implements Node {}

    record SetOf(List<Node> items) implements Node {}

    /** Answers side by side, without brackets; the joiner is {@code and}, {@code or} or a comma. */
    record ListOf(List<Node> items, String joiner) implements Node {}

    /** A union, intersection or difference of sets. */
    record SetOperation(String operator, Node left, Node right) implements Node {}

    record Matrix(List<List<Node>> rows) implements Node {}

    /** A chain of relations: {@code sides[0] operators[0] sides[1] …}. */
    record Relation(List<Node> sides, List<String> operators) implements Node {}

    record Ratio(List<Node> parts) implements Node {}

    /** An integer class {@code residue mod modulus}. */
    record Congruence(Node residue, Node modulus) implements Node {}

    record Reals() implements Node {}

    record Text(String words) implements Node {}
}
