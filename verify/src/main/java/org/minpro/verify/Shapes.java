package org.minpro.verify;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Resolves the notation of a parsed answer into a {@link Shape}. */
final class Shapes {
    private static final Set<String> NAMED_BY_ARGUMENT = Set.of("sin", "cos", "tan", "cot", "sec", "csc", "abs");
    private static final Set<String> ANGLES = Set.of("theta", "alpha", "beta", "gamma", "phi");
    private static final List<String> SPHERICAL = List.of("rho", "theta", "phi");

    private final Values values;
    private final Budget budget;

    Shapes(Values values, Budget budget) {
        this.values = values;
        this.budget = budget;
    }

    Shape shape(Node node) {
        budget.step();
        return switch (node) {
            case Node.Text text -> new Shape.Words(text.words());
            case Node.ListOf list -> list(list);
            case Node.SetOf set -> new Shape.Items(items(set.items()), true);
            case Node.Group group -> group(group);
            case Node.SetOperation operation -> operation(operation);
            case Node.Reals ignored -> Regions.reals();
            case Node.Relation relation -> relation(relation);
            case Node.Congruence congruence -> new Shape.Residue(congruence.residue(), congruence.modulus());
            case Node.Matrix matrix -> table(matrix, null);
            case Node.Product product -> product(product);
            case Node.Quotient quotient
            when quotient.numerator() instanceof Node.Matrix matrix ->
                table(matrix, new Node.Quotient(Node.Numeral.of(Rational.ONE), quotient.denominator()));
            case Node.Negation negation
            when negation.node() instanceof Node.Matrix matrix -> table(matrix, Node.Numeral.of(Rational.MINUS_ONE));
            case Node.Sum sum -> sum(sum);
            default -> value(node);
        };
    }

    private Shape value(Node node) {
        if (!hasPlusMinus(node)) {
            return new Shape.Value(node);
        }
        return new Shape.Items(
                List.of(new Shape.Value(signed(node, true)), new Shape.Value(signed(node, false))), false);
    }

    private static boolean hasPlusMinus(Node node) {
        if (node instanceof Node.PlusMinus) {
            return true;
        }
        for (Node child : Evaluator.children(node)) {
            if (hasPlusMinus(child)) {
                return true;
            }
        }
        return false;
    }

    /** The expression with every plus-minus sign taken as its upper, or its lower, sign. */
    private Node signed(Node node, boolean upper) {
        budget.step();
        return switch (node) {
            case Node.PlusMinus sign -> {
                Node inner = signed(sign.node(), upper);
                yield sign.upper() == upper ? inner : new Node.Negation(inner);
            }
            case Node.Sum sum -> new Node.Sum(signed(sum.terms(), upper));
            case Node.Product product -> new Node.Product(signed(product.factors(), upper));
            case Node.Quotient quotient ->
                new Node.Quotient(signed(quotient.numerator(), upper), signed(quotient.denominator(), upper));
            case Node.Power power -> new Node.Power(signed(power.base(), upper), signed(power.exponent(), upper));
            case Node.Root root -> new Node.Root(root.degree(), signed(root.radicand(), upper));
            case Node.Negation negation -> new Node.Negation(signed(negation.node(), upper));
            case Node.Call call -> new Node.Call(call.function(), signed(call.arguments(), upper));
            case Node.Quantity quantity -> new Node.Quantity(signed(quantity.node(), upper), quantity.unit());
            case Node.Percent percent -> new Node.Percent(signed(percent.node(), upper));
            case Node.Degrees degrees -> new Node.Degrees(signed(degrees.node(), upper));
            case Node.Group group -> new Node.Group(group.open(), group.close(), signed(group.items(), upper));
            case Node.Relation relation -> new Node.Relation(signed(relation.sides(), upper), relation.operators());
            default -> node;
        };
    }

    private List<Node> signed(List<Node> nodes, boolean upper) {
        List<Node> result = new ArrayList<>();
        for (Node node : nodes) {
            result.add(signed(node, upper));
        }
        return result;
    }

    private List<Shape> items(List<Node> nodes) {
        List<Shape> items = new ArrayList<>();
        for (Node node : nodes) {
            Shape shape = shape(node);
            boolean signs = shape instanceof Shape.Items && !(node instanceof Node.SetOf);
            if (signs && shape instanceof Shape.Items both) {
                items.addAll(both.items());
            } else {
                items.add(shape);
            }
        }
        if (items.size() > 100) {
            throw Refusal.limit();
        }
        return items;
    }

    private Shape list(Node.ListOf list) {
        List<Shape> items = items(list.items());
        Shape.Region region = null;
        String label = null;
        boolean regions = true;
        for (Shape item : list.joiner().equals("or") ? withPoints(items) : items) {
            if (item instanceof Shape.Labeled labeled
                    && labeled.shape() instanceof Shape.Region part
                    && (label == null || label.equals(labeled.label()))) {
                label = labeled.label();
                if (region == null) {
                    region = part;
                } else {
                    region = list.joiner().equals("or")
                            ? Regions.union(region, part)
                            : Regions.intersection(region, part);
                }
            } else {
                regions = false;
            }
        }
        if (regions && region != null && label != null && !list.joiner().equals(",")) {
            return new Shape.Labeled(label, region, null);
        }
        return oneLabel(items);
    }

    /** Where one item is a region of a name, its values are points: x &lt; 1 or x = 1. */
    private List<Shape> withPoints(List<Shape> items) {
        boolean region = items.stream()
                .anyMatch(item -> item instanceof Shape.Labeled one && one.shape() instanceof Shape.Region);
        if (!region) {
            return items;
        }
        List<Shape> all = new ArrayList<>();
        for (Shape item : items) {
            Shape.End end = item instanceof Shape.Labeled one && one.shape() instanceof Shape.Value value
                    ? end(value.node())
                    : null;
            all.add(
                    end != null && item instanceof Shape.Labeled one
                            ? new Shape.Labeled(one.label(), Regions.point(end), null)
                            : item);
        }
        return all;
    }

    /** x = 1, x = 2 and x = 1 or 2 are values of one name. */
    private static Shape oneLabel(List<Shape> items) {
        String label = null;
        List<Shape> bare = new ArrayList<>();
        for (int i = 0; i < items.size(); i++) {
            if (items.get(i) instanceof Shape.Labeled labeled && !(labeled.shape() instanceof Shape.Region)) {
                if (label == null && i == 0) {
                    label = labeled.label();
                }
                if (!labeled.label().equals(label)) {
                    return new Shape.Items(items, false);
                }
                bare.add(labeled.shape());
            } else if (label != null && items.get(i) instanceof Shape.Value) {
                bare.add(items.get(i));
            } else {
                return new Shape.Items(items, false);
            }
        }
        return label == null
                ? new Shape.Items(items, false)
                : new Shape.Labeled(label, new Shape.Items(bare, false), null);
    }

    private Shape group(Node.Group group) {
        if (hasPlusMinus(group)) {
            Node.Group upper = (Node.Group) signed(group, true);
            Node.Group lower = (Node.Group) signed(group, false);
            return new Shape.Items(List.of(group(upper), group(lower)), false);
        }
        boolean parentheses = group.open().equals("(") && group.close().equals(")");
        if (group.items().size() == 2) {
            boolean infinite =
                    isInfinite(group.items().get(0)) || isInfinite(group.items().get(1));
            if (!parentheses || infinite) {
                Shape.Region region = interval(group);
                if (region != null) {
                    return region;
                }
            }
        }
        if (group.open().equals("[") && group.close().equals("]") && areRows(group.items())) {
            List<List<Node>> rows = new ArrayList<>();
            for (Node row : group.items()) {
                rows.add(((Node.Group) row).items());
            }
            return table(new Node.Matrix(rows), null);
        }
        List<Shape> items = new ArrayList<>();
        for (Node item : group.items()) {
            items.add(shape(item));
        }
        return new Shape.Tuple(group.open(), group.close(), items);
    }

    private static boolean areRows(List<Node> items) {
        int width = -1;
        for (Node item : items) {
            if (!(item instanceof Node.Group row)
                    || !row.open().equals("[")
                    || !row.close().equals("]")
                    || width >= 0 && row.items().size() != width) {
                return false;
            }
            width = row.items().size();
        }
        return true;
    }

    private static boolean isInfinite(Node node) {
        return node == Node.Constant.INFINITY
                || node instanceof Node.Negation negation && negation.node() == Node.Constant.INFINITY;
    }

    /** The interval between two constant ends, or null where an end is no real constant. */
    Shape.@Nullable Region interval(Node.Group group) {
        Node low = group.items().get(0);
        Node high = group.items().get(1);
        boolean lowInfinite = low instanceof Node.Negation && isInfinite(low);
        boolean highInfinite = high == Node.Constant.INFINITY;
        if (isInfinite(low) && !lowInfinite || isInfinite(high) && !highInfinite) {
            throw Refusal.malformed();
        }
        if (lowInfinite && group.open().equals("[")
                || highInfinite && group.close().equals("]")) {
            throw Refusal.malformed();
        }
        Shape.End from = lowInfinite ? null : end(low);
        Shape.End to = highInfinite ? null : end(high);
        if (from == null && !lowInfinite || to == null && !highInfinite) {
            return null;
        }
        boolean lowClosed = group.open().equals("[");
        boolean highClosed = group.close().equals("]");
        if (from != null && to != null) {
            int order = Regions.compare(from.value(), to.value());
            if (order > 0 || order == 0 && !(lowClosed && highClosed)) {
                return null;
            }
        }
        return new Shape.Region(List.of(new Shape.Interval(from, lowClosed, to, highClosed)));
    }

    private Shape.@Nullable End end(Node node) {
        BigDecimal value = isExpression(node) ? values.real(node) : null;
        return value == null ? null : new Shape.End(node, value);
    }

    private static boolean isExpression(Node node) {
        return switch (node) {
            case Node.Group ignored -> false;
            case Node.SetOf ignored -> false;
            case Node.ListOf ignored -> false;
            case Node.Relation ignored -> false;
            case Node.Text ignored -> false;
            case Node.Matrix ignored -> false;
            case Node.SetOperation ignored -> false;
            default -> true;
        };
    }

    private Shape operation(Node.SetOperation operation) {
        Shape.Region left = region(operation.left());
        Shape.Region right = region(operation.right());
        if (left == null || right == null) {
            if (operation.operator().equals("cup")
                    && shape(operation.left()) instanceof Shape.Items a
                    && shape(operation.right()) instanceof Shape.Items b) {
                List<Shape> all = new ArrayList<>(a.items());
                all.addAll(b.items());
                return new Shape.Items(all, true);
            }
            throw Refusal.unknown();
        }
        return switch (operation.operator()) {
            case "cup" -> Regions.union(left, right);
            case "cap" -> Regions.intersection(left, right);
            default -> Regions.difference(left, right);
        };
    }

    private Shape.@Nullable Region region(Node node) {
        if (node instanceof Node.Group group && group.items().size() == 2) {
            return interval(group);
        }
        Shape shape = shape(node);
        if (shape instanceof Shape.Region region) {
            return region;
        }
        if (shape instanceof Shape.Items items) {
            Shape.Region points = new Shape.Region(List.of());
            for (Shape item : items.items()) {
                Shape.End end = item instanceof Shape.Value value ? end(value.node()) : null;
                if (end == null) {
                    return null;
                }
                points = Regions.union(points, Regions.point(end));
            }
            return points;
        }
        return null;
    }

    private Shape product(Node.Product product) {
        Node.Matrix matrix = null;
        List<Node> scalars = new ArrayList<>();
        for (Node factor : product.factors()) {
            if (factor instanceof Node.Matrix found && matrix == null) {
                matrix = found;
            } else {
                scalars.add(factor);
            }
        }
        return matrix == null ? value(product) : table(matrix, new Node.Product(scalars));
    }

    private Shape sum(Node.Sum sum) {
        if (sum.terms().size() == 2
                && sum.terms().get(1) instanceof Node.Negation negation
                && (sum.terms().get(0) instanceof Node.Reals || negation.node() instanceof Node.SetOf)) {
            return operation(new Node.SetOperation("setminus", sum.terms().get(0), negation.node()));
        }
        return value(sum);
    }

    private Shape table(Node.Matrix matrix, @Nullable Node scalar) {
        List<List<Shape>> rows = new ArrayList<>();
        for (List<Node> row : matrix.rows()) {
            List<Shape> cells = new ArrayList<>();
            for (Node cell : row) {
                cells.add(scalar == null ? shape(cell) : new Shape.Value(new Node.Product(List.of(scalar, cell))));
            }
            rows.add(cells);
        }
        return new Shape.Table(rows);
    }

    private Shape relation(Node.Relation relation) {
        List<Node> sides = new ArrayList<>(relation.sides());
        List<String> operators = new ArrayList<>(relation.operators());
        if (hasPlusMinus(relation) && operators.size() == 1) {
            Shape upper = relation((Node.Relation) signed(relation, true));
            Shape lower = relation((Node.Relation) signed(relation, false));
            return oneLabel(List.of(upper, lower));
        }
        dropApproximation(sides, operators);
        if (operators.isEmpty()) {
            return shape(sides.get(0));
        }
        String first = operators.get(0);
        if (first.equals("in")) {
            return membership(sides, operators);
        }
        boolean equations = operators.stream().allMatch(operator -> operator.equals("="));
        if (equations) {
            return equation(sides);
        }
        if (operators.contains("=") || operators.contains("in")) {
            throw Refusal.unknown();
        }
        return inequality(sides, operators);
    }

    /** Takes x = 2/3 ≈ 0.67 as x = 2/3, and a lone x ≈ 3.5 as x = 3.5; a false approximation is malformed. */
    private void dropApproximation(List<Node> sides, List<String> operators) {
        int at = operators.indexOf("~");
        if (at < 0) {
            return;
        }
        if (operators.lastIndexOf("~") != at) {
            throw Refusal.unknown();
        }
        BigDecimal exact = isExpression(sides.get(at)) ? values.real(stripped(sides.get(at))) : null;
        if (exact == null) {
            operators.set(at, "=");
            return;
        }
        for (int i = at + 1; i < sides.size(); i++) {
            BigDecimal approximate = values.real(stripped(sides.get(i)));
            Rational unit = stripped(sides.get(i)) instanceof Node.Numeral number ? number.unit() : null;
            BigDecimal allowed = unit == null
                    ? exact.abs().multiply(new BigDecimal("0.02"))
                    : unit.toBigDecimal(java.math.MathContext.DECIMAL64);
            if (approximate == null || approximate.subtract(exact).abs().compareTo(allowed) > 0) {
                throw Refusal.malformed();
            }
        }
        while (operators.size() > at) {
            operators.remove(operators.size() - 1);
            sides.remove(sides.size() - 1);
        }
    }

    private static Node stripped(Node node) {
        return node instanceof Node.Quantity quantity ? quantity.node() : node;
    }

    private Shape membership(List<Node> sides, List<String> operators) {
        String label = labelOf(sides.get(0));
        Node set = sides.get(1);
        if (label == null && operators.size() == 1 && areCoordinates(sides.get(0))) {
            return shape(set);
        }
        if (label == null || operators.size() != 1) {
            throw Refusal.unknown();
        }
        Shape.Region region = set instanceof Node.Group group && group.items().size() == 2 ? interval(group) : null;
        return new Shape.Labeled(label, region != null ? region : shape(set), null);
    }

    /** The name of a side that is only a name: a symbol, f(x), or capital letters such as AB; else null. */
    private static @Nullable String labelOf(Node node) {
        return switch (node) {
            case Node.Symbol symbol -> symbol.name();
            case Node.Call call when call.function().length() == 1 -> call.toString();
            case Node.Call call
            when NAMED_BY_ARGUMENT.contains(call.function()) -> {
                String argument = labelOf(call.arguments().get(0));
                boolean length = call.function().equals("abs");
                // |x| = 3 is an equation for x, |z| = 3 the length of a complex number; an equation is \sin x = 1/2.
                boolean named = argument != null
                        && (length
                                ? argument.equals("z")
                                        || argument.length() > 1 && Character.isUpperCase(argument.charAt(0))
                                : ANGLES.contains(argument)
                                        || argument.startsWith("angle")
                                        || Character.isUpperCase(argument.charAt(0)) && argument.length() == 1);
                yield named ? call.function() + " " + argument : null;
            }
            case Node.Product product -> {
                StringBuilder name = new StringBuilder();
                for (Node factor : product.factors()) {
                    if (name.isEmpty()
                            && product.factors().size() > 1
                            && factor instanceof Node.Symbol measure
                            && measure.name().equals("m")
                            && product.factors().get(1) instanceof Node.Symbol angle
                            && angle.name().equals("angle")) {
                        continue; // the measure of an angle is named like the angle
                    }
                    boolean part = factor instanceof Node.Symbol symbol
                            && (Character.isUpperCase(symbol.name().charAt(0))
                                    || symbol.name().equals("angle")
                                    || symbol.name().equals("triangle"));
                    if (!part) {
                        yield null;
                    }
                    name.append(((Node.Symbol) factor).name());
                }
                yield name.toString();
            }
            default -> null;
        };
    }

    private Shape equation(List<Node> sides) {
        Node first = sides.get(0);
        Node last = sides.get(sides.size() - 1);
        String label = labelOf(first);
        if (label != null && isFree(first, sides.subList(1, sides.size()))) {
            if (sides.size() == 3 && labelOf(last) != null && isFree(last, sides.subList(0, 2))) {
                throw Refusal.unknown(); // x = 5 = y
            }
            requireEqual(comparable(sides.subList(1, sides.size())));
            Shape.Relation equation = isExpression(last) ? new Shape.Relation(first, last, "=") : null;
            return new Shape.Labeled(label, shape(last), equation);
        }
        if (sides.size() == 2
                && first instanceof Node.Group names
                && last instanceof Node.Group point
                && names.items().size() == point.items().size()
                && areCoordinates(first)) {
            return group(point);
        }
        boolean constants = true;
        for (Node side : sides) {
            constants = constants && Evaluator.symbols(side).isEmpty();
        }
        if (constants) {
            requireEqual(sides);
            return shape(last);
        }
        if (sides.size() == 2) {
            String right = labelOf(last);
            if (right != null && isFree(last, List.of(first))) {
                return new Shape.Labeled(right, shape(first), new Shape.Relation(last, first, "="));
            }
            return new Shape.Relation(first, last, "=");
        }
        throw Refusal.unknown();
    }

    /** Whether a side is (x, y) and the like, its names in the order in which coordinates are given. */
    private static boolean areCoordinates(Node node) {
        if (!(node instanceof Node.Group group)) {
            return false;
        }
        List<String> names = new ArrayList<>();
        for (Node item : group.items()) {
            if (!(item instanceof Node.Symbol symbol)) {
                return false;
            }
            names.add(symbol.name());
        }
        return names.equals(SPHERICAL) || names.equals(List.copyOf(new TreeSet<>(names)));
    }

    private static boolean isFree(Node label, List<Node> others) {
        Set<String> names = Evaluator.symbols(label);
        for (Node other : others) {
            for (String name : Evaluator.symbols(other)) {
                if (names.contains(name)) {
                    return false;
                }
            }
        }
        return true;
    }

    /** The sides that tell a value, where the last one does: A = \pi r^2 = 9\pi states 9\pi by a formula for it. */
    private static List<Node> comparable(List<Node> sides) {
        if (!Evaluator.symbols(sides.get(sides.size() - 1)).isEmpty()) {
            return sides;
        }
        return sides.stream().filter(side -> Evaluator.symbols(side).isEmpty()).toList();
    }

    /** Refuses a chain a = b = c whose sides are not equal. */
    private void requireEqual(List<Node> sides) {
        for (int i = 1; i < sides.size(); i++) {
            if (!isExpression(sides.get(i - 1))
                    || !isExpression(sides.get(i))
                    || !values.compare(sides.get(i - 1), sides.get(i)).isRight()) {
                throw Refusal.malformed();
            }
        }
    }

    private Shape inequality(List<Node> sides, List<String> operators) {
        int variable = -1;
        for (int i = 0; i < sides.size(); i++) {
            if (labelOf(sides.get(i)) != null) {
                variable = variable < 0 ? i : -2;
            }
        }
        if (variable >= 0 && sides.size() <= 3) {
            Shape.Region region = Regions.reals();
            for (int i = 0; i < operators.size() && region != null; i++) {
                Node bound = i < variable ? sides.get(i) : sides.get(i + 1);
                boolean adjacent = i == variable || i + 1 == variable;
                Shape.Region half = adjacent ? half(bound, operators.get(i), i == variable) : null;
                region = half == null ? null : Regions.intersection(region, half);
            }
            String label = labelOf(sides.get(variable));
            if (region != null && label != null) {
                return new Shape.Labeled(label, region, null);
            }
        }
        Shape solved = linear(sides, operators);
        if (solved != null) {
            return solved;
        }
        if (operators.size() != 1) {
            throw Refusal.unknown();
        }
        Shape distance = distance(sides, operators.get(0));
        if (distance != null) {
            return distance;
        }
        String operator = operators.get(0);
        boolean swap = operator.startsWith(">");
        return new Shape.Relation(
                swap ? sides.get(1) : sides.get(0),
                swap ? sides.get(0) : sides.get(1),
                swap ? operator.replace('>', '<') : operator);
    }

    /** Relations between sides that are linear in one name, solved for it: {@code 2x \\ge 6} as {@code x \\ge 3}; else null. */
    private @Nullable Shape linear(List<Node> sides, List<String> operators) {
        Shape.Region region = Regions.reals();
        String name = null;
        for (int i = 0; i < operators.size(); i++) {
            LinearRelation solved = LinearRelation.solve(sides.get(i), sides.get(i + 1), values);
            Shape.Region half = solved == null ? null : half(solved.bound(), operators.get(i), !solved.flips());
            if (solved == null || half == null || name != null && !name.equals(solved.name())) {
                return null;
            }
            name = solved.name();
            region = Regions.intersection(region, half);
        }
        return name == null ? null : new Shape.Labeled(name, region, null);
    }

    /** {@code |x| < 2} as the interval or the two rays that it names; null where it is anything else. */
    private @Nullable Shape distance(List<Node> sides, String operator) {
        boolean first = sides.get(0) instanceof Node.Call;
        Node bound = sides.get(first ? 1 : 0);
        if (!(sides.get(first ? 0 : 1) instanceof Node.Call call)
                || !call.function().equals("abs")
                || !(call.arguments().get(0) instanceof Node.Symbol name)) {
            return null;
        }
        Shape.Region below = half(bound, operator, first);
        Shape.End end = end(bound);
        if (below == null || end == null || operator.equals("!=") || end.value().signum() <= 0) {
            return null;
        }
        boolean inside = operator.startsWith("<") == first;
        String mirrored = operator.startsWith("<") ? operator.replace('<', '>') : operator.replace('>', '<');
        Shape.Region above = half(new Node.Negation(bound), mirrored, first);
        if (above == null) {
            return null;
        }
        Shape.Region both = inside ? Regions.intersection(below, above) : Regions.union(below, above);
        return new Shape.Labeled(name.name(), both, null);
    }

    /** The reals x with {@code x operator bound}, or {@code bound operator x}. */
    private Shape.@Nullable Region half(Node bound, String operator, boolean variableFirst) {
        Shape.End end = end(stripped(bound));
        if (end == null) {
            return null;
        }
        if (operator.equals("!=")) {
            return Regions.complement(Regions.point(end));
        }
        boolean closed = operator.endsWith("=");
        boolean below = operator.startsWith("<") == variableFirst;
        return new Shape.Region(List.of(
                below ? new Shape.Interval(null, false, end, closed) : new Shape.Interval(end, closed, null, false)));
    }
}
