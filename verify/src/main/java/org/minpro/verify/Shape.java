package org.minpro.verify;

import java.math.BigDecimal;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What an answer is once its notation is resolved: the things that are compared with each other. */
sealed interface Shape {
    record Value(Node node) implements Shape {}

    /** Several answers; the order does not matter. */
    record Items(List<Shape> items, boolean braces) implements Shape {}

    record Tuple(String open, String close, List<Shape> items) implements Shape {}

    /** A set of reals as disjoint intervals in ascending order. */
    record Region(List<Interval> intervals) implements Shape {}

    record Table(List<List<Shape>> rows) implements Shape {}

    /** Left equals right, or another relation of the two; {@code operator} is =, !=, &lt; or &lt;=. */
    record Relation(Node left, Node right, String operator) implements Shape {}

    /**
     * A thing with its name: {@code x = 5}, {@code f(x) = 2x}, {@code x \in [1, 2]}.
     *
     * @param equation the equation it was written as, if it was one
     */
    record Labeled(String label, Shape shape, @Nullable Relation equation) implements Shape {}

    record Words(String words) implements Shape {}

    record Residue(Node residue, Node modulus) implements Shape {}

    /**
     * An interval of reals.
     *
     * @param low its lower end, null for minus infinity
     * @param high its upper end, null for infinity
     */
    record Interval(
            @Nullable End low, boolean lowClosed, @Nullable End high, boolean highClosed) {}

    /** An end of an interval: its expression and its decimal value, which orders it. */
    record End(Node node, BigDecimal value) {}
}
