package org.minpro.verify;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Compares two shapes; one per check. */
final class Comparison {
    private final Values values;
    private final Budget budget;

    Comparison(Values values, Budget budget) {
        this.values = values;
        this.budget = budget;
    }

    Outcome compare(Shape gold, Shape answer) {
        budget.step();
        if (gold instanceof Shape.Labeled a && answer instanceof Shape.Labeled b) {
            return labeled(a, b);
        }
        if (gold instanceof Shape.Labeled a) {
            if (answer instanceof Shape.Relation relation) {
                return a.equation() != null ? equation(a, relation) : unsolved(a.shape(), relation);
            }
            return compare(a.shape(), answer);
        }
        if (answer instanceof Shape.Labeled b) {
            if (gold instanceof Shape.Relation relation) {
                Shape.Relation equation = b.equation();
                return equation != null ? relations(relation, equation) : unsolved(b.shape(), relation);
            }
            return compare(gold, b.shape());
        }
        if (answer instanceof Shape.Relation relation && !(gold instanceof Shape.Relation)) {
            return solved(gold, relation);
        }
        Outcome letters = letters(gold, answer);
        if (letters != null) {
            return letters;
        }
        return switch (gold) {
            case Shape.Value a -> value(a, answer);
            case Shape.Items a -> items(a, answer);
            case Shape.Tuple a -> tuple(a, answer);
            case Shape.Region a -> region(a, answer);
            case Shape.Table a -> table(a, answer);
            case Shape.Relation a -> answer instanceof Shape.Relation b ? relations(a, b) : Outcome.DIFFERENT_KIND;
            case Shape.Words a ->
                answer instanceof Shape.Words b && areSameWords(a.words(), b.words())
                        ? Outcome.TEXT
                        : answer instanceof Shape.Words ? Outcome.DIFFERENT : Outcome.DIFFERENT_KIND;
            case Shape.Residue a -> residue(a, answer);
            case Shape.Labeled ignored -> Outcome.DIFFERENT_KIND;
        };
    }

    /** Choices written as one word on one side and as a list on the other: ABD and A, B, D; null where they are none. */
    private static @Nullable Outcome letters(Shape gold, Shape answer) {
        boolean list = gold instanceof Shape.Items && answer instanceof Shape.Value
                || gold instanceof Shape.Value && answer instanceof Shape.Items;
        if (!list) {
            return null;
        }
        String expected = choices(gold);
        String given = expected == null ? null : choices(answer);
        if (expected == null || given == null) {
            return null;
        }
        String word = gold instanceof Shape.Value ? expected : given;
        for (int i = 1; i < word.length(); i++) {
            if (word.charAt(i - 1) >= word.charAt(i)) {
                return null; // DAB names no choices
            }
        }
        TreeSet<Character> one = new TreeSet<>();
        TreeSet<Character> other = new TreeSet<>();
        expected.chars().forEach(letter -> one.add((char) letter));
        given.chars().forEach(letter -> other.add((char) letter));
        return one.equals(other) && expected.length() == given.length() ? Outcome.TEXT : Outcome.DIFFERENT;
    }

    /** At least two letters from A to J that a shape names, in its order, or null. */
    private static @Nullable String choices(Shape shape) {
        StringBuilder letters = new StringBuilder();
        if (shape instanceof Shape.Items items) {
            for (Shape item : items.items()) {
                if (!(item instanceof Shape.Value value)
                        || !(value.node() instanceof Node.Symbol symbol)
                        || symbol.name().length() != 1) {
                    return null;
                }
                letters.append(symbol.name());
            }
        } else if (shape instanceof Shape.Value value && value.node() instanceof Node.Symbol symbol) {
            letters.append(symbol.name());
        } else if (shape instanceof Shape.Value value && value.node() instanceof Node.Product product) {
            for (Node factor : product.factors()) {
                if (!(factor instanceof Node.Symbol symbol) || symbol.name().length() != 1) {
                    return null;
                }
                letters.append(symbol.name());
            }
        }
        boolean choices = letters.length() >= 2 && letters.chars().allMatch(letter -> letter >= 'A' && letter <= 'J');
        return choices ? letters.toString() : null;
    }

    /**
     * An equation for an answer that is no equation. {@code m + n = 5} states 5; {@code x^2 = 5} may state 5 or ask for a
     * root of it.
     */
    private Outcome solved(Shape gold, Shape.Relation answer) {
        if (gold instanceof Shape.Tuple && answer.left() instanceof Node.Group) {
            return Outcome.undecided(Reason.AMBIGUOUS); // (y, x) = (3, 2)
        }
        if (!answer.operator().equals("=")) {
            return unsolved(gold, answer);
        }
        boolean constant = Evaluator.symbols(answer.right()).isEmpty();
        if (!constant || !compare(gold, new Shape.Value(answer.right())).isRight()) {
            LinearRelation solved = constant && gold instanceof Shape.Value
                    ? LinearRelation.solve(answer.left(), answer.right(), values)
                    : null;
            boolean right = solved != null
                    && compare(gold, new Shape.Value(solved.bound())).isRight();
            return right ? Outcome.undecided(Reason.AMBIGUOUS) : Outcome.DIFFERENT_KIND;
        }
        return isNamed(answer.left())
                ? compare(gold, new Shape.Value(answer.right()))
                : Outcome.undecided(Reason.AMBIGUOUS);
    }

    /** An inequality that is not solved for its name beside a set of reals: x^2 < 4 may be (-2, 2). */
    private static Outcome unsolved(Shape set, Shape.Relation relation) {
        boolean open = (set instanceof Shape.Region
                        || set instanceof Shape.Tuple tuple && tuple.items().size() == 2)
                && !relation.operator().equals("=")
                && Evaluator.symbols(new Node.Sum(List.of(relation.left(), relation.right())))
                                .size()
                        == 1;
        return open ? Outcome.undecided(Reason.AMBIGUOUS) : Outcome.DIFFERENT_KIND;
    }

    /** Whether words are the same, or the same two things in another order. */
    private static boolean areSameWords(String gold, String answer) {
        if (gold.equals(answer)) {
            return true;
        }
        int and = gold.indexOf(" and ");
        return and > 0 && answer.equals(gold.substring(and + 5) + " and " + gold.substring(0, and));
    }

    /** Whether a side names a thing by its parts, m + n, AB/CD or V_1:V_2, and is no equation for one of them. */
    private static boolean isNamed(Node node) {
        if (node instanceof Node.Negation) {
            return false; // -x = 5 is solved by -5
        }
        List<Node> names = new ArrayList<>();
        return names(node, names) && names.stream().distinct().count() == names.size()
                || node instanceof Node.Quotient && names(node, new ArrayList<>());
    }

    private static boolean names(Node node, List<Node> found) {
        return switch (node) {
            case Node.Symbol symbol -> found.add(symbol);
            case Node.Sum sum -> sum.terms().stream().allMatch(term -> names(term, found));
            case Node.Negation negation -> names(negation.node(), found);
            case Node.Product product -> product.factors().stream().allMatch(factor -> names(factor, found));
            case Node.Quotient quotient -> names(quotient.numerator(), found) && names(quotient.denominator(), found);
            case Node.Ratio ratio -> ratio.parts().stream().allMatch(part -> names(part, new ArrayList<>()));
            default -> false;
        };
    }

    private Outcome labeled(Shape.Labeled gold, Shape.Labeled answer) {
        if (gold.label().equals(answer.label())) {
            return compare(gold.shape(), answer.shape());
        }
        Shape.Relation a = gold.equation();
        Shape.Relation b = answer.equation();
        boolean functions = a != null
                && b != null
                && !Evaluator.symbols(a.right()).isEmpty()
                && !Evaluator.symbols(b.right()).isEmpty();
        if (functions && a != null && b != null) {
            Outcome same = relations(a, b);
            // f(x) and f(t) name one function, whose variable would have to be renamed.
            return same.isWrong() && isOneFunction(gold.label(), answer.label())
                    ? Outcome.undecided(Reason.AMBIGUOUS)
                    : same;
        }
        return Outcome.DIFFERENT;
    }

    private static boolean isOneFunction(String gold, String answer) {
        int open = gold.indexOf('(');
        return open > 0 && answer.startsWith(gold.substring(0, open + 1));
    }

    /** A named reference against an equation that is not solved for the name: the same curve, or unsolved. */
    private Outcome equation(Shape.Labeled gold, Shape.Relation answer) {
        Shape.Relation equation = gold.equation();
        if (equation == null) {
            return Outcome.DIFFERENT_KIND;
        }
        Outcome same = relations(equation, answer);
        boolean constant = Evaluator.symbols(equation.right()).isEmpty();
        return same.isRight() && constant ? Outcome.undecided(Reason.AMBIGUOUS) : same;
    }

    private Outcome value(Shape.Value gold, Shape answer) {
        if (answer instanceof Shape.Value b) {
            return values.compare(gold.node(), b.node());
        }
        if (answer instanceof Shape.Items items
                && items.braces()
                && items.items().size() == 1) {
            return compare(gold, items.items().get(0));
        }
        if (answer instanceof Shape.Residue residue
                && values.compare(gold.node(), residue.residue()).isRight()) {
            return Outcome.undecided(Reason.AMBIGUOUS);
        }
        return Outcome.DIFFERENT_KIND;
    }

    private Outcome items(Shape.Items gold, Shape answer) {
        if (answer instanceof Shape.Items b) {
            return multisets(distinct(gold), distinct(b));
        }
        if (gold.items().size() == 1 && gold.braces()) {
            return compare(gold.items().get(0), answer);
        }
        if (answer instanceof Shape.Tuple tuple
                && !gold.braces()
                && tuple.items().size() == gold.items().size()) {
            List<Shape> named = inOrderOfNames(gold.items());
            if (named != null) {
                return each(named, tuple.items());
            }
            Outcome ordered = each(gold.items(), tuple.items());
            return ordered.isRight() ? Outcome.undecided(Reason.AMBIGUOUS) : Outcome.DIFFERENT_KIND;
        }
        return Outcome.DIFFERENT_KIND;
    }

    /** A set without its repetitions; a list keeps them, as roots are counted. */
    private List<Shape> distinct(Shape.Items items) {
        if (!items.braces()) {
            return items.items();
        }
        List<Shape> kept = new ArrayList<>();
        for (Shape item : items.items()) {
            boolean repeated = false;
            for (Shape other : kept) {
                repeated = repeated || quietly(other, item).reason() == Reason.EXACT;
            }
            if (!repeated) {
                kept.add(item);
            }
        }
        return kept;
    }

    private Outcome quietly(Shape gold, Shape answer) {
        try {
            return compare(gold, answer);
        } catch (Refusal refusal) {
            if (refusal.reason() == Reason.LIMIT) {
                throw refusal;
            }
            return Outcome.undecided(refusal.reason());
        }
    }

    private Outcome multisets(List<Shape> gold, List<Shape> answer) {
        if (gold.size() != answer.size()) {
            return Outcome.DIFFERENT;
        }
        List<Shape> left = new ArrayList<>(answer);
        List<Outcome> found = new ArrayList<>();
        boolean undecided = false;
        for (Shape item : gold) {
            int match = -1;
            Outcome best = Outcome.DIFFERENT;
            for (int i = 0; i < left.size() && match < 0; i++) {
                Outcome outcome = quietly(item, left.get(i));
                if (outcome.isRight()) {
                    match = i;
                    best = outcome;
                } else if (!outcome.isWrong()) {
                    best = outcome;
                }
            }
            if (match >= 0) {
                left.remove(match);
            } else if (best.isWrong()) {
                return Outcome.DIFFERENT;
            } else {
                undecided = true;
            }
            found.add(best);
        }
        Outcome all = Outcome.all(found);
        return undecided && all.isRight() ? Outcome.undecided(Reason.AMBIGUOUS) : all;
    }

    private Outcome each(List<Shape> gold, List<Shape> answer) {
        List<Outcome> outcomes = new ArrayList<>();
        for (int i = 0; i < gold.size(); i++) {
            Outcome outcome = compare(gold.get(i), answer.get(i));
            if (outcome.isWrong()) {
                return outcome;
            }
            outcomes.add(outcome);
        }
        return Outcome.all(outcomes);
    }

    private Outcome tuple(Shape.Tuple gold, Shape answer) {
        if (answer instanceof Shape.Tuple b) {
            if (gold.items().size() != b.items().size()) {
                return Outcome.DIFFERENT;
            }
            boolean sameBrackets = gold.open().equals(b.open()) && gold.close().equals(b.close());
            boolean matched = gold.open().equals("(") == gold.close().equals(")")
                    && b.open().equals("(") == b.close().equals(")");
            if (!sameBrackets && (gold.items().size() == 2 || !matched)) {
                return Outcome.DIFFERENT;
            }
            return each(gold.items(), b.items());
        }
        if (answer instanceof Shape.Region region) {
            return tupleAndRegion(gold, region);
        }
        if (answer instanceof Shape.Items items
                && items.items().size() == gold.items().size()
                && !items.braces()) {
            List<Shape> named = inOrderOfNames(items.items());
            Outcome ordered = each(gold.items(), named == null ? items.items() : named);
            if (named != null) {
                return ordered;
            }
            return ordered.isRight() ? Outcome.undecided(Reason.AMBIGUOUS) : Outcome.DIFFERENT_KIND;
        }
        if (answer instanceof Shape.Table table) {
            Outcome entries = each(gold.items(), table.rows(), gold.items().size());
            return entries.isRight() ? Outcome.undecided(Reason.AMBIGUOUS) : Outcome.DIFFERENT_KIND;
        }
        return Outcome.DIFFERENT_KIND;
    }

    private Outcome each(List<Shape> items, List<List<Shape>> rows, int size) {
        List<Shape> cells = new ArrayList<>();
        for (List<Shape> row : rows) {
            cells.addAll(row);
        }
        boolean vector = rows.size() == 1 || rows.get(0).size() == 1;
        return vector && cells.size() == size ? each(items, cells) : Outcome.DIFFERENT_KIND;
    }

    /** x = 1, y = 2 as (1, 2): the values in alphabetical order of their names; null where not each has its own name. */
    private static @Nullable List<Shape> inOrderOfNames(List<Shape> items) {
        TreeMap<String, Shape> named = new TreeMap<>();
        for (Shape item : items) {
            if (!(item instanceof Shape.Labeled labeled)
                    || !(labeled.shape() instanceof Shape.Value)
                    || named.put(labeled.label(), labeled.shape()) != null) {
                return null;
            }
        }
        return List.copyOf(named.values());
    }

    /** (1, 2) may be meant as the open interval that the other side writes unmistakably. */
    private Outcome tupleAndRegion(Shape.Tuple tuple, Shape.Region region) {
        if (tuple.items().size() != 2
                || !tuple.open().equals("(")
                || !tuple.close().equals(")")
                || region.intervals().size() != 1) {
            return Outcome.DIFFERENT_KIND;
        }
        Shape.Interval interval = region.intervals().get(0);
        Shape.End low = interval.low();
        Shape.End high = interval.high();
        if (low == null || high == null || interval.lowClosed() || interval.highClosed()) {
            return Outcome.DIFFERENT;
        }
        return each(tuple.items(), List.of(new Shape.Value(low.node()), new Shape.Value(high.node())));
    }

    private Outcome region(Shape.Region gold, Shape answer) {
        if (answer instanceof Shape.Tuple tuple) {
            return tupleAndRegion(tuple, gold);
        }
        if (answer instanceof Shape.Items items) {
            return points(gold, items);
        }
        if (!(answer instanceof Shape.Region b)) {
            return Outcome.DIFFERENT_KIND;
        }
        if (gold.intervals().size() != b.intervals().size()) {
            return Outcome.DIFFERENT;
        }
        List<Outcome> outcomes = new ArrayList<>();
        for (int i = 0; i < gold.intervals().size(); i++) {
            Shape.Interval x = gold.intervals().get(i);
            Shape.Interval y = b.intervals().get(i);
            if (x.lowClosed() != y.lowClosed() || x.highClosed() != y.highClosed()) {
                return Outcome.DIFFERENT;
            }
            outcomes.add(end(x.low(), y.low()));
            outcomes.add(end(x.high(), y.high()));
        }
        return Outcome.all(outcomes);
    }

    private Outcome points(Shape.Region gold, Shape.Items answer) {
        if (gold.intervals().isEmpty() && answer.items().isEmpty()) {
            return Outcome.EXACT;
        }
        List<Shape> points = new ArrayList<>();
        for (Shape.Interval interval : gold.intervals()) {
            Shape.End low = interval.low();
            if (low == null || !low.equals(interval.high())) {
                return Outcome.DIFFERENT_KIND;
            }
            points.add(new Shape.Value(low.node()));
        }
        return multisets(points, distinct(answer));
    }

    private Outcome end(Shape.@Nullable End gold, Shape.@Nullable End answer) {
        if (gold == null || answer == null) {
            return gold == null && answer == null ? Outcome.EXACT : Outcome.DIFFERENT;
        }
        return values.compare(gold.node(), answer.node());
    }

    private Outcome table(Shape.Table gold, Shape answer) {
        if (answer instanceof Shape.Tuple tuple) {
            Outcome entries = each(tuple.items(), gold.rows(), tuple.items().size());
            return entries.isRight() ? Outcome.undecided(Reason.AMBIGUOUS) : Outcome.DIFFERENT_KIND;
        }
        if (!(answer instanceof Shape.Table b)) {
            return Outcome.DIFFERENT_KIND;
        }
        boolean sameSize = gold.rows().size() == b.rows().size()
                && gold.rows().get(0).size() == b.rows().get(0).size();
        if (!sameSize) {
            return Outcome.DIFFERENT;
        }
        List<Outcome> outcomes = new ArrayList<>();
        for (int i = 0; i < gold.rows().size(); i++) {
            Outcome row = each(gold.rows().get(i), b.rows().get(i));
            if (row.isWrong()) {
                return row;
            }
            outcomes.add(row);
        }
        return Outcome.all(outcomes);
    }

    private Outcome relations(Shape.Relation gold, Shape.Relation answer) {
        if (!gold.operator().equals(answer.operator())) {
            return Outcome.DIFFERENT;
        }
        Node a = difference(gold);
        Node b = difference(answer);
        boolean directed = gold.operator().startsWith("<");
        return values.proportional(a, b, directed);
    }

    private static Node difference(Shape.Relation relation) {
        return new Node.Sum(List.of(relation.right(), new Node.Negation(relation.left())));
    }

    private Outcome residue(Shape.Residue gold, Shape answer) {
        if (!(answer instanceof Shape.Residue b)) {
            return Outcome.DIFFERENT_KIND;
        }
        Outcome modulus = values.compare(gold.modulus(), b.modulus());
        if (!modulus.isRight()) {
            return modulus;
        }
        Form form = values.form(new Node.Quotient(
                new Node.Sum(List.of(gold.residue(), new Node.Negation(b.residue()))), gold.modulus()));
        return form.isRational() && form.rational().isInteger() ? Outcome.EXACT : Outcome.DIFFERENT;
    }

    /** The normal form of a shape in words for a report. */
    String describe(Shape shape) {
        return switch (shape) {
            case Shape.Value value -> values.describe(value.node());
            case Shape.Items items -> "{" + describe(items.items()) + "}";
            case Shape.Tuple tuple -> tuple.open() + describe(tuple.items()) + tuple.close();
            case Shape.Region region -> {
                StringBuilder text = new StringBuilder();
                for (Shape.Interval interval : region.intervals()) {
                    text.append(text.isEmpty() ? "" : " U ")
                            .append(interval.lowClosed() ? '[' : '(')
                            .append(
                                    interval.low() == null
                                            ? "-oo"
                                            : values.describe(interval.low().node()))
                            .append(", ")
                            .append(
                                    interval.high() == null
                                            ? "oo"
                                            : values.describe(interval.high().node()))
                            .append(interval.highClosed() ? ']' : ')');
                }
                yield text.toString();
            }
            case Shape.Table table -> {
                StringBuilder text = new StringBuilder();
                for (List<Shape> row : table.rows()) {
                    text.append(text.isEmpty() ? "[" : "; ").append(describe(row));
                }
                yield text.append(']').toString();
            }
            case Shape.Relation relation ->
                values.describe(relation.left()) + " " + relation.operator() + " " + values.describe(relation.right());
            case Shape.Labeled labeled -> labeled.label() + ": " + describe(labeled.shape());
            case Shape.Words words -> "\"" + words.words() + "\"";
            case Shape.Residue residue ->
                values.describe(residue.residue()) + " mod " + values.describe(residue.modulus());
        };
    }

    private String describe(List<Shape> items) {
        StringBuilder text = new StringBuilder();
        for (Shape item : items) {
            text.append(text.isEmpty() ? "" : ", ").append(describe(item));
        }
        return text.toString();
    }
}
