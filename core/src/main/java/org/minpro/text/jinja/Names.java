package org.minpro.text.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which names of a block hide the variables given to the template, as jinja2's compiler decides it: a block that assigns a
 * name before it reads it owns the name from its start, so a loop or macro inside that runs before the assignment finds it
 * undefined. An assignment in a branch of an {@code if} hides nothing.
 */
final class Names {
    private enum Kind {
        READ,
        OWNED
    }

    /** A block whose assignments do not leave it. */
    private static final class Frame {
        final @Nullable Frame parent;
        final Map<String, Kind> names = new HashMap<>();
        final Set<String> stored = new HashSet<>();

        Frame(@Nullable Frame parent) {
            this.parent = parent;
        }

        boolean knows(String name) {
            return names.containsKey(name) || (parent != null && parent.knows(name));
        }

        void load(String name) {
            if (!knows(name)) {
                names.put(name, Kind.READ);
            }
        }

        void store(String name) {
            stored.add(name);
            if (!names.containsKey(name)) {
                names.put(name, parent != null && parent.knows(name) ? Kind.READ : Kind.OWNED);
            }
        }

        Frame copy() {
            Frame copy = new Frame(parent);
            copy.names.putAll(names);
            copy.stored.addAll(stored);
            return copy;
        }

        void merge(List<Frame> branches) {
            Set<String> storedInBranches = new HashSet<>();
            for (Frame branch : branches) {
                names.putAll(branch.names);
                storedInBranches.addAll(branch.stored);
            }
            storedInBranches.removeAll(stored);
            stored.addAll(storedInBranches);
            storedInBranches.forEach(name -> names.put(name, Kind.READ));
        }
    }

    /** A body with the names that it is entered with, whose turn comes when the frame around it is known. */
    private record Inner(List<Statement> body, List<String> parameters) {}

    private final IdentityHashMap<List<Statement>, List<String>> hiding = new IdentityHashMap<>();

    private Names() {}

    /** The names that each body hides; bodies that hide none are absent. */
    static IdentityHashMap<List<Statement>, List<String>> hidden(List<Statement> template) {
        Names names = new Names();
        names.analyze(new Inner(template, List.of()), null);
        return names.hiding;
    }

    private void analyze(Inner block, @Nullable Frame parent) {
        Frame frame = new Frame(parent);
        block.parameters().forEach(name -> frame.names.put(name, Kind.READ));
        List<Inner> inside = new ArrayList<>();
        statements(block.body(), frame, inside);
        List<String> owned = frame.names.entrySet().stream()
                .filter(entry -> entry.getValue() == Kind.OWNED)
                .map(Map.Entry::getKey)
                .toList();
        if (!owned.isEmpty()) {
            hiding.put(block.body(), owned);
        }
        inside.forEach(inner -> analyze(inner, frame));
    }

    private static void statements(List<Statement> body, Frame frame, List<Inner> inside) {
        for (Statement statement : body) {
            switch (statement) {
                case Statement.Print print -> load(print.expression(), frame);
                case Statement.If branches -> branch(branches, 0, frame, inside);
                case Statement.For loop -> {
                    load(loop.iterable(), frame);
                    List<String> parameters = new ArrayList<>(List.of("loop"));
                    collect(loop.target(), parameters);
                    inside.add(new Inner(loop.body(), parameters));
                    inside.add(new Inner(loop.otherwise(), List.of()));
                }
                case Statement.Assign assign -> {
                    load(assign.value(), frame);
                    store(assign.target(), frame);
                }
                case Statement.AssignBlock block -> {
                    store(block.target(), frame);
                    inside.add(new Inner(block.body(), List.of()));
                }
                case Statement.Macro macro -> {
                    frame.store(macro.name());
                    inside.add(new Inner(macro.body(), macro.signature().parameters()));
                }
                case Statement.CallBlock call -> {
                    load(call.call(), frame);
                    inside.add(new Inner(call.body(), call.signature().parameters()));
                }
                case Statement.FilterBlock block -> {
                    load(block.filter(), frame);
                    inside.add(new Inner(block.body(), List.of()));
                }
                case Statement.With with -> {
                    with.values().forEach(value -> load(value, frame));
                    List<String> parameters = new ArrayList<>();
                    with.targets().forEach(target -> collect(target, parameters));
                    inside.add(new Inner(with.body(), parameters));
                }
                case Statement.Generation generation -> inside.add(new Inner(generation.body(), List.of()));
                case Statement.Text text -> {}
                case Statement.Break end -> {}
                case Statement.Continue next -> {}
            }
        }
    }

    /** An {@code elif} belongs to the way past the branch before it. */
    private static void branch(Statement.If statement, int index, Frame frame, List<Inner> inside) {
        Statement.Branch branch = statement.branches().get(index);
        load(branch.test(), frame);
        Frame taken = frame.copy();
        statements(branch.body(), taken, inside);
        Frame passed = frame.copy();
        if (index + 1 < statement.branches().size()) {
            branch(statement, index + 1, passed, inside);
        } else {
            statements(statement.otherwise(), passed, inside);
        }
        frame.merge(List.of(taken, passed));
    }

    private static void store(Statement.Target target, Frame frame) {
        if (target instanceof Statement.NamespaceTarget namespace) {
            frame.load(namespace.namespace());
            return;
        }
        List<String> names = new ArrayList<>();
        collect(target, names);
        names.forEach(frame::store);
    }

    private static void collect(Statement.Target target, List<String> names) {
        switch (target) {
            case Statement.NameTarget name -> names.add(name.name());
            case Statement.TupleTarget tuple -> tuple.targets().forEach(item -> collect(item, names));
            case Statement.NamespaceTarget namespace -> {}
        }
    }

    private static void load(@Nullable Expression expression, Frame frame) {
        switch (expression) {
            case null -> {}
            case Expression.Constant constant -> {}
            case Expression.Name name -> frame.load(name.name());
            case Expression.ListLiteral list -> list.items().forEach(item -> load(item, frame));
            case Expression.TupleLiteral tuple -> tuple.items().forEach(item -> load(item, frame));
            case Expression.DictLiteral dict -> {
                dict.keys().forEach(key -> load(key, frame));
                dict.values().forEach(value -> load(value, frame));
            }
            case Expression.Attribute attribute -> load(attribute.object(), frame);
            case Expression.Item item -> {
                load(item.object(), frame);
                load(item.index(), frame);
            }
            case Expression.Slice slice -> {
                load(slice.object(), frame);
                load(slice.start(), frame);
                load(slice.stop(), frame);
                load(slice.step(), frame);
            }
            case Expression.Call call -> {
                load(call.callee(), frame);
                load(call.arguments(), frame);
            }
            case Expression.Filter filter -> {
                load(filter.input(), frame);
                load(filter.arguments(), frame);
            }
            case Expression.Test test -> {
                load(test.input(), frame);
                load(test.arguments(), frame);
            }
            case Expression.Not not -> load(not.operand(), frame);
            case Expression.Sign sign -> load(sign.operand(), frame);
            case Expression.Binary binary -> {
                load(binary.left(), frame);
                load(binary.right(), frame);
            }
            case Expression.And and -> {
                load(and.left(), frame);
                load(and.right(), frame);
            }
            case Expression.Or or -> {
                load(or.left(), frame);
                load(or.right(), frame);
            }
            case Expression.Concat concat -> concat.parts().forEach(part -> load(part, frame));
            case Expression.Compare compare -> {
                load(compare.first(), frame);
                compare.others().forEach(other -> load(other, frame));
            }
            case Expression.Conditional conditional -> {
                load(conditional.test(), frame);
                load(conditional.then(), frame);
                load(conditional.otherwise(), frame);
            }
        }
    }

    private static void load(Expression.Arguments arguments, Frame frame) {
        arguments.positional().forEach(argument -> load(argument, frame));
        arguments.named().values().forEach(argument -> load(argument, frame));
        load(arguments.star(), frame);
        load(arguments.doubleStar(), frame);
    }
}
