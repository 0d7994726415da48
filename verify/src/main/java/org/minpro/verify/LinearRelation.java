package org.minpro.verify;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A relation of two sides that are linear in one name, solved for it.
 *
 * @param name the name
 * @param bound what it is related to
 * @param flips whether the sides change places on the way: −x &gt; −1 is x &lt; 1
 */
record LinearRelation(String name, Node bound, boolean flips) {
    /** Solves {@code left ~ right} as {@code name ~ bound}; null where the sides are not linear in one name. */
    static @Nullable LinearRelation solve(Node left, Node right, Values values) {
        Node difference = new Node.Sum(List.of(left, new Node.Negation(right)));
        Set<String> names = Evaluator.symbols(difference);
        if (names.size() != 1) {
            return null;
        }
        String name = names.iterator().next();
        Rational slope = slope(difference, name, values);
        Node rest = slope == null ? null : atZero(difference, name);
        if (slope == null || rest == null) {
            return null;
        }
        Node bound = new Node.Quotient(new Node.Negation(rest), Node.Numeral.of(slope));
        return new LinearRelation(name, bound, slope.signum() < 0);
    }

    /** The rational coefficient of the name, where it occurs in no other way; else null. */
    private static @Nullable Rational slope(Node node, String name, Values values) {
        Form form;
        try {
            form = values.form(node);
        } catch (Refusal refusal) {
            return null;
        }
        if (!form.isPolynomial()) {
            return null;
        }
        Rational slope = null;
        for (Map.Entry<Monomial, Rational> term : form.numerator().terms().entrySet()) {
            Map<Atom, Rational> powers = term.getKey().powers();
            boolean constant = true;
            for (Atom atom : powers.keySet()) {
                constant = constant
                        && (atom.kind() == Atom.Kind.PRIME
                                || atom.kind() == Atom.Kind.PI
                                || atom.kind() == Atom.Kind.EULER);
            }
            boolean linear = powers.size() == 1
                    && powers.getOrDefault(Atom.variable(name), Rational.ZERO).isOne();
            if (linear) {
                slope = term.getValue();
            } else if (!constant) {
                return null;
            }
        }
        return slope;
    }

    /** An expression with zero in the place of a name; null where it has parts other than those of arithmetic. */
    private static @Nullable Node atZero(Node node, String name) {
        return switch (node) {
            case Node.Symbol symbol -> symbol.name().equals(name) ? Node.Numeral.of(Rational.ZERO) : symbol;
            case Node.Sum sum -> {
                List<Node> terms = atZero(sum.terms(), name);
                yield terms == null ? null : new Node.Sum(terms);
            }
            case Node.Product product -> {
                List<Node> factors = atZero(product.factors(), name);
                yield factors == null ? null : new Node.Product(factors);
            }
            case Node.Quotient quotient -> {
                List<Node> parts = atZero(List.of(quotient.numerator(), quotient.denominator()), name);
                yield parts == null ? null : new Node.Quotient(parts.get(0), parts.get(1));
            }
            case Node.Negation negation -> {
                Node inner = atZero(negation.node(), name);
                yield inner == null ? null : new Node.Negation(inner);
            }
            default -> Evaluator.symbols(node).contains(name) ? null : node;
        };
    }

    private static @Nullable List<Node> atZero(List<Node> nodes, String name) {
        List<Node> all = new ArrayList<>();
        for (Node node : nodes) {
            Node at = atZero(node, name);
            if (at == null) {
                return null;
            }
            all.add(at);
        }
        return all;
    }
}
