package org.minpro.text.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Runs a parsed template once. */
final class Interpreter {
    /** How a body was left. */
    private enum Flow {
        NORMAL,
        BREAK,
        CONTINUE
    }

    private final IdentityHashMap<List<Statement>, List<String>> hidden;
    private long steps;

    /** @param hidden the names that each body hides from the start, see {@link Names} */
    Interpreter(IdentityHashMap<List<Statement>, List<String>> hidden) {
        this.hidden = hidden;
    }

    /** What the statements print with the names of a scope. */
    String render(List<Statement> template, Scope scope) {
        StringBuilder out = new StringBuilder();
        run(template, scope, out);
        return out.toString();
    }

    /** The scope of a body inside another. */
    Scope enter(List<Statement> body, Scope around) {
        Scope scope = new Scope(around);
        hidden.getOrDefault(body, List.of()).forEach(name -> scope.set(name, Undefined.name(name)));
        return scope;
    }

    private void step() {
        if (++steps > Limits.STEPS) {
            throw JinjaException.of("a template must finish in " + Limits.STEPS + " steps");
        }
    }

    // Statements

    private Flow run(List<Statement> body, Scope scope, StringBuilder out) {
        for (Statement statement : body) {
            Flow flow;
            try {
                flow = run(statement, scope, out);
            } catch (JinjaException e) {
                throw e.at(statement.line());
            }
            if (flow != Flow.NORMAL) {
                return flow;
            }
        }
        return Flow.NORMAL;
    }

    private Flow run(Statement statement, Scope scope, StringBuilder out) {
        step();
        switch (statement) {
            case Statement.Text text -> print(text.text(), out);
            case Statement.Print print -> print(Values.text(evaluate(print.expression(), scope)), out);
            case Statement.If branches -> {
                return runIf(branches, scope, out);
            }
            case Statement.For loop -> runFor(loop, evaluate(loop.iterable(), scope), 0, scope, out);
            case Statement.Assign assign -> assign(assign.target(), evaluate(assign.value(), scope), scope);
            case Statement.AssignBlock block -> {
                Object value = block(block.body(), scope);
                Expression.Filter filter = block.filter();
                assign(block.target(), filter == null ? value : filter(filter, value, scope), scope);
            }
            case Statement.Macro macro ->
                scope.set(macro.name(), macro(macro.name(), macro.signature(), macro.body(), scope));
            case Statement.CallBlock call -> {
                CallArguments arguments = arguments(call.call().arguments(), scope);
                Map<String, Object> named = new LinkedHashMap<>(arguments.named());
                named.put("caller", macro("caller", call.signature(), call.body(), scope));
                Object callee = evaluate(call.call().callee(), scope);
                print(Values.text(call(callee, new CallArguments(arguments.positional(), named))), out);
            }
            case Statement.FilterBlock block ->
                print(Values.text(filter(block.filter(), block(block.body(), scope), scope)), out);
            case Statement.With with -> {
                Scope inner = enter(with.body(), scope);
                for (int i = 0; i < with.targets().size(); i++) {
                    assign(with.targets().get(i), evaluate(with.values().get(i), scope), inner);
                }
                return run(with.body(), inner, out);
            }
            case Statement.Generation generation -> run(generation.body(), enter(generation.body(), scope), out);
            case Statement.Break end -> {
                return Flow.BREAK;
            }
            case Statement.Continue next -> {
                return Flow.CONTINUE;
            }
        }
        return Flow.NORMAL;
    }

    private static void print(String text, StringBuilder out) {
        Limits.size((long) out.length() + text.length());
        out.append(text);
    }

    private String block(List<Statement> body, Scope scope) {
        return render(body, enter(body, scope));
    }

    private Flow runIf(Statement.If statement, Scope scope, StringBuilder out) {
        for (Statement.Branch branch : statement.branches()) {
            if (Values.truth(evaluate(branch.test(), scope))) {
                return run(branch.body(), scope, out);
            }
        }
        return run(statement.otherwise(), scope, out);
    }

    private void runFor(Statement.For statement, Object iterable, int depth, Scope scope, StringBuilder out) {
        List<Object> items = new ArrayList<>();
        Expression filter = statement.filter();
        for (Iterator<Object> all = Values.iterator(iterable); all.hasNext(); ) {
            step();
            Object item = all.next();
            if (filter != null) {
                Scope tested = new Scope(scope);
                assign(statement.target(), item, tested);
                if (!Values.truth(evaluate(filter, tested))) {
                    continue;
                }
            }
            items.add(item);
        }
        Callable recursion = statement.recursive()
                ? arguments -> {
                    StringBuilder inner = new StringBuilder();
                    Object nested = arguments.bind("loop", "iterable").get(0);
                    runFor(statement, nested, depth + 1, scope, inner);
                    return inner.toString();
                }
                : null;
        Loop loop = new Loop(items, depth, recursion);
        // As jinja2 has it: the else part runs unless some round came to its end.
        boolean completed = false;
        while (loop.hasNext()) {
            step();
            Scope round = enter(statement.body(), scope);
            round.set("loop", loop);
            assign(statement.target(), loop.next(), round);
            Flow flow = run(statement.body(), round, out);
            if (flow == Flow.BREAK) {
                break;
            }
            completed |= flow == Flow.NORMAL;
        }
        if (!completed) {
            run(statement.otherwise(), enter(statement.otherwise(), scope), out);
        }
    }

    private void assign(Statement.Target target, Object value, Scope scope) {
        switch (target) {
            case Statement.NameTarget name -> scope.set(name.name(), value);
            case Statement.NamespaceTarget attribute -> {
                if (!(lookup(attribute.namespace(), scope) instanceof Namespace namespace)) {
                    throw JinjaException.of("cannot assign attribute on non-namespace object: " + attribute.namespace()
                            + "." + attribute.attribute());
                }
                namespace.set(attribute.attribute(), value);
            }
            case Statement.TupleTarget tuple -> {
                List<Object> items = Values.list(value);
                int wanted = tuple.targets().size();
                if (items.size() != wanted) {
                    throw JinjaException.of("not the right number of values to unpack (expected " + wanted + ", got "
                            + items.size() + ")");
                }
                for (int i = 0; i < wanted; i++) {
                    assign(tuple.targets().get(i), items.get(i), scope);
                }
            }
        }
    }

    private Macro macro(String name, Statement.Signature signature, List<Statement> body, Scope defined) {
        return new Macro(name, arguments -> {
            Scope scope = enter(body, defined);
            bind(name, signature, arguments, scope);
            return render(body, scope);
        });
    }

    private void bind(String name, Statement.Signature signature, CallArguments given, Scope scope) {
        List<String> parameters = signature.parameters();
        List<Object> positional = given.positional();
        Map<String, Object> named = new LinkedHashMap<>(given.named());
        int withDefault = parameters.size() - signature.defaults().size();
        for (int i = 0; i < parameters.size(); i++) {
            String parameter = parameters.get(i);
            Object value = i < positional.size() ? positional.get(i) : named.remove(parameter);
            if (value == null) {
                value = i >= withDefault
                        ? evaluate(signature.defaults().get(i - withDefault), scope)
                        : new Undefined("parameter '" + parameter + "' was not provided");
            }
            scope.set(parameter, value);
        }
        boolean ownCaller = parameters.contains("caller");
        if (signature.mentioned().contains("caller") && !ownCaller) {
            Object caller = named.remove("caller");
            scope.set("caller", caller == null ? new Undefined("No caller defined") : caller);
        }
        if (signature.mentioned().contains("kwargs")) {
            scope.set("kwargs", new LinkedHashMap<Object, Object>(named));
        } else if (!named.isEmpty()) {
            throw JinjaException.of("macro '" + name + "' takes no keyword argument '"
                    + named.keySet().iterator().next() + "'");
        }
        int extra = Math.min(parameters.size(), positional.size());
        if (signature.mentioned().contains("varargs")) {
            scope.set("varargs", new Tuple(positional.subList(extra, positional.size())));
        } else if (positional.size() > parameters.size()) {
            throw JinjaException.of("macro '" + name + "' takes not more than " + parameters.size() + " argument(s)");
        }
    }

    // Expressions

    private static Object lookup(String name, Scope scope) {
        Object value = scope.get(name);
        return value == null ? Undefined.name(name) : value;
    }

    private Object evaluate(Expression expression, Scope scope) {
        step();
        try {
            return value(expression, scope);
        } catch (JinjaException e) {
            throw e.at(expression.line());
        }
    }

    private Object value(Expression expression, Scope scope) {
        return switch (expression) {
            case Expression.Constant constant -> constant.value();
            case Expression.Name name -> lookup(name.name(), scope);
            case Expression.ListLiteral list -> all(list.items(), scope);
            case Expression.TupleLiteral tuple -> new Tuple(all(tuple.items(), scope));
            case Expression.DictLiteral dict -> {
                Map<Object, Object> map = new LinkedHashMap<>();
                for (int i = 0; i < dict.keys().size(); i++) {
                    Values.put(
                            map,
                            evaluate(dict.keys().get(i), scope),
                            evaluate(dict.values().get(i), scope));
                }
                yield map;
            }
            case Expression.Attribute attribute ->
                Operators.attribute(evaluate(attribute.object(), scope), attribute.name());
            case Expression.Item item -> Operators.item(evaluate(item.object(), scope), evaluate(item.index(), scope));
            case Expression.Slice slice ->
                Operators.slice(
                        evaluate(slice.object(), scope),
                        optional(slice.start(), scope),
                        optional(slice.stop(), scope),
                        optional(slice.step(), scope));
            case Expression.Call call -> call(evaluate(call.callee(), scope), arguments(call.arguments(), scope));
            case Expression.Filter filter -> {
                Expression input = filter.input();
                if (input == null) {
                    throw new IllegalStateException("a filter of a block was evaluated as an expression");
                }
                yield filter(filter, evaluate(input, scope), scope);
            }
            case Expression.Test test ->
                Tests.apply(test.name(), arguments(test.arguments(), scope).after(evaluate(test.input(), scope)));
            case Expression.Not not -> !Values.truth(evaluate(not.operand(), scope));
            case Expression.Sign sign -> Operators.sign(sign.negative(), evaluate(sign.operand(), scope));
            case Expression.Binary binary ->
                Operators.binary(binary.operator(), evaluate(binary.left(), scope), evaluate(binary.right(), scope));
            case Expression.And and -> {
                Object left = evaluate(and.left(), scope);
                yield Values.truth(left) ? evaluate(and.right(), scope) : left;
            }
            case Expression.Or or -> {
                Object left = evaluate(or.left(), scope);
                yield Values.truth(left) ? left : evaluate(or.right(), scope);
            }
            case Expression.Concat concat -> {
                StringBuilder text = new StringBuilder();
                for (Object part : all(concat.parts(), scope)) {
                    print(Values.text(part), text);
                }
                yield text.toString();
            }
            case Expression.Compare compare -> compare(compare, scope);
            case Expression.Conditional conditional -> {
                Expression otherwise = conditional.otherwise();
                if (Values.truth(evaluate(conditional.test(), scope))) {
                    yield evaluate(conditional.then(), scope);
                }
                yield otherwise == null
                        ? new Undefined("the inline if-expression on line " + conditional.line()
                                + " evaluated to false and no else section was defined.")
                        : evaluate(otherwise, scope);
            }
        };
    }

    private List<Object> all(List<Expression> expressions, Scope scope) {
        List<Object> values = new ArrayList<>(expressions.size());
        for (Expression expression : expressions) {
            values.add(evaluate(expression, scope));
        }
        return values;
    }

    private @Nullable Object optional(@Nullable Expression expression, Scope scope) {
        return expression == null ? null : evaluate(expression, scope);
    }

    private boolean compare(Expression.Compare chain, Scope scope) {
        Object left = evaluate(chain.first(), scope);
        for (int i = 0; i < chain.operators().size(); i++) {
            Object right = evaluate(chain.others().get(i), scope);
            if (!Operators.compare(chain.operators().get(i), left, right)) {
                return false;
            }
            left = right;
        }
        return true;
    }

    private Object filter(Expression.Filter filter, Object value, Scope scope) {
        Object input = value;
        // The filters of a block are a chain that ends without input.
        if (filter.input() instanceof Expression.Filter inner && isBlockFilter(inner)) {
            input = filter(inner, value, scope);
        }
        return Filters.apply(filter.name(), arguments(filter.arguments(), scope).after(input));
    }

    private static boolean isBlockFilter(Expression.Filter filter) {
        return filter.input() == null || (filter.input() instanceof Expression.Filter inner && isBlockFilter(inner));
    }

    private static Object call(Object callee, CallArguments arguments) {
        return switch (callee) {
            case Callable callable -> callable.call(arguments);
            case Loop loop -> loop.recurse(arguments);
            case Undefined undefined -> throw undefined.failure();
            default -> throw JinjaException.of("'" + Values.typeName(callee) + "' object is not callable");
        };
    }

    @SuppressWarnings("ReferenceEquality") // the one constant that stands for no arguments
    private CallArguments arguments(Expression.Arguments arguments, Scope scope) {
        if (arguments == Expression.Arguments.NONE) {
            return CallArguments.EMPTY;
        }
        List<Object> positional = all(arguments.positional(), scope);
        Map<String, Object> named = new LinkedHashMap<>();
        arguments.named().forEach((name, value) -> named.put(name, evaluate(value, scope)));
        Expression star = arguments.star();
        if (star != null) {
            positional.addAll(Values.list(evaluate(star, scope)));
        }
        Expression doubleStar = arguments.doubleStar();
        if (doubleStar != null) {
            if (!(evaluate(doubleStar, scope) instanceof Map<?, ?> map)) {
                throw JinjaException.of("an argument after ** must be a mapping");
            }
            map.forEach((name, value) -> named.put(Values.text(name), value));
        }
        return new CallArguments(positional, named);
    }

    // The functions that every template has

    static Object range(CallArguments arguments) {
        CallArguments.Bound b = arguments.bind("range", "start", "stop?", "step?");
        BigInteger[] bounds = {BigInteger.ZERO, whole(b.get(0)), BigInteger.ONE};
        if (b.has(1)) {
            bounds = new BigInteger[] {whole(b.get(0)), whole(b.get(1)), b.has(2) ? whole(b.get(2)) : BigInteger.ONE};
        }
        for (BigInteger bound : bounds) {
            if (bound.bitLength() > 60) {
                throw JinjaException.of("a bound of a range must be below 2^60, got: " + bound);
            }
        }
        return new Range(bounds[0].longValue(), bounds[1].longValue(), bounds[2].longValue());
    }

    private static BigInteger whole(Object value) {
        if (value instanceof Undefined undefined) {
            throw undefined.failure();
        }
        return Numbers.whole(value)
                .orElseThrow(() -> JinjaException.of(
                        "'" + Values.typeName(value) + "' object cannot be interpreted as an integer"));
    }

    static Map<Object, Object> dict(CallArguments arguments) {
        Map<Object, Object> map = new LinkedHashMap<>();
        if (arguments.positional().size() > 1) {
            throw JinjaException.of("dict expected at most 1 argument, got "
                    + arguments.positional().size());
        }
        for (Object source : arguments.positional()) {
            if (source instanceof Map<?, ?> given) {
                map.putAll(given);
                continue;
            }
            for (Object pair : Values.list(source)) {
                List<Object> items = Values.list(pair);
                if (items.size() != 2) {
                    throw JinjaException.of(
                            "dictionary update sequence element has length " + items.size() + "; 2 is required");
                }
                Values.put(map, items.get(0), items.get(1));
            }
        }
        map.putAll(arguments.named());
        return map;
    }

    static Object namespace(CallArguments arguments) {
        Namespace namespace = new Namespace();
        dict(arguments).forEach((name, value) -> namespace.set(Values.text(name), value));
        return namespace;
    }
}
