package org.minpro.text.jinja;

import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Recursive descent over a template's tokens, with jinja2's precedences. */
final class Parser {
    private static final List<String> COMPARISONS = List.of("==", "!=", "<", "<=", ">", ">=");
    private static final Set<String> LEFT_OUT =
            Set.of("block", "extends", "include", "import", "from", "autoescape", "print", "do", "trans");

    private final List<Token> tokens;
    private int position;
    private int loops;
    /** One set of mentioned names per macro that is open. */
    private final Deque<Set<String>> mentioned = new ArrayDeque<>();

    private Parser(List<Token> tokens) {
        this.tokens = tokens;
    }

    static List<Statement> parse(String template) {
        Parser parser = new Parser(Lexer.tokens(template));
        return parser.statements(List.of(), "");
    }

    // Statements

    /** Statements up to a tag of one of the names, which is left as the current token; to the end where there is none. */
    private List<Statement> statements(List<String> endTags, String openTag) {
        List<Statement> body = new ArrayList<>();
        while (true) {
            Token token = next();
            switch (token.kind()) {
                case DATA -> body.add(new Statement.Text(token.text(), token.line()));
                case VARIABLE_BEGIN -> {
                    body.add(new Statement.Print(tuple(true, List.of()), token.line()));
                    expect(Token.Kind.VARIABLE_END);
                }
                case BLOCK_BEGIN -> {
                    Token tag = current();
                    if (tag.kind() != Token.Kind.NAME) {
                        throw fail("tag name expected", tag);
                    }
                    if (endTags.contains(tag.text())) {
                        return body;
                    }
                    next();
                    body.add(statement(tag, endTags, openTag));
                    expect(Token.Kind.BLOCK_END);
                }
                case END -> {
                    if (endTags.isEmpty()) {
                        return body;
                    }
                    throw fail(
                            "Unexpected end of template: looking for " + String.join(" or ", endTags) + " of the open "
                                    + openTag,
                            token);
                }
                default -> throw fail("unexpected '" + token.describe() + "'", token);
            }
        }
    }

    /** The body of a tag whose head has been read. */
    private List<Statement> body(String openTag, String... endTags) {
        if (current().isOperator(":")) {
            next();
        }
        expect(Token.Kind.BLOCK_END);
        return statements(Arrays.asList(endTags), openTag);
    }

    private List<Statement> bodyToEnd(String openTag, String endTag) {
        List<Statement> body = body(openTag, endTag);
        next();
        return body;
    }

    private Statement statement(Token tag, List<String> endTags, String openTag) {
        int line = tag.line();
        return switch (tag.text()) {
            case "if" -> ifStatement(line);
            case "for" -> forStatement(line);
            case "set" -> set(line);
            case "macro" -> macro(line);
            case "call" -> callBlock(line);
            case "filter" -> new Statement.FilterBlock(blockFilter(true), bodyToEnd("filter", "endfilter"), line);
            case "with" -> with(line);
            case "generation" -> new Statement.Generation(separate("generation", "endgeneration"), line);
            case "break", "continue" -> {
                if (loops == 0) {
                    throw fail("'" + tag.text() + "' outside loop", tag);
                }
                yield tag.text().equals("break") ? new Statement.Break(line) : new Statement.Continue(line);
            }
            default -> {
                if (LEFT_OUT.contains(tag.text())) {
                    throw fail("tag '" + tag.text() + "' is not supported in chat templates", tag);
                }
                throw fail(
                        "Encountered unknown tag '" + tag.text() + "'"
                                + (endTags.isEmpty()
                                        ? ""
                                        : ": looking for " + String.join(" or ", endTags) + " of the open " + openTag),
                        tag);
            }
        };
    }

    /** A body that runs as a function of its own, so that no loop around it can be left from inside. */
    private List<Statement> separate(String openTag, String endTag) {
        int outer = loops;
        loops = 0;
        List<Statement> body = bodyToEnd(openTag, endTag);
        loops = outer;
        return body;
    }

    private Statement ifStatement(int line) {
        List<Statement.Branch> branches = new ArrayList<>();
        List<Statement> otherwise = List.of();
        while (true) {
            Expression test = tuple(false, List.of());
            branches.add(new Statement.Branch(test, body("if", "elif", "else", "endif")));
            Token tag = next();
            if (tag.isName("elif")) {
                continue;
            }
            if (tag.isName("else")) {
                otherwise = bodyToEnd("if", "endif");
            }
            return new Statement.If(branches, otherwise, line);
        }
    }

    private Statement forStatement(int line) {
        Statement.Target target = target(true, List.of("in"));
        expectName("in");
        Expression iterable = tuple(false, List.of("recursive"));
        Expression filter = skipName("if") ? expression(true) : null;
        boolean recursive = skipName("recursive");
        loops++;
        List<Statement> body = body("for", "endfor", "else");
        loops--;
        List<Statement> otherwise = next().isName("else") ? bodyToEnd("for", "endfor") : List.of();
        return new Statement.For(target, iterable, filter, recursive, body, otherwise, line);
    }

    private Statement set(int line) {
        Statement.Target target = target(true, List.of());
        if (skipOperator("=")) {
            return new Statement.Assign(target, tuple(true, List.of()), line);
        }
        Expression.Filter filter = current().isOperator("|") ? blockFilter(false) : null;
        return new Statement.AssignBlock(target, filter, bodyToEnd("set", "endset"), line);
    }

    private Statement macro(int line) {
        String name = expect(Token.Kind.NAME).text();
        mentioned.push(new HashSet<>());
        Statement.Signature head = signature();
        List<Statement> body = separate("macro", "endmacro");
        return new Statement.Macro(name, complete(head), body, line);
    }

    private Statement callBlock(int line) {
        mentioned.push(new HashSet<>());
        Statement.Signature head =
                current().isOperator("(") ? signature() : new Statement.Signature(List.of(), List.of(), Set.of());
        Token start = current();
        if (!(expression(true) instanceof Expression.Call call)) {
            throw fail("expected call", start);
        }
        List<Statement> body = separate("call", "endcall");
        return new Statement.CallBlock(complete(head), call, body, line);
    }

    /** The signature with the names mentioned since it was opened, which count for the macro around it too. */
    private Statement.Signature complete(Statement.Signature head) {
        Set<String> names = mentioned.pop();
        if (!mentioned.isEmpty()) {
            mentioned.element().addAll(names);
        }
        return new Statement.Signature(head.parameters(), head.defaults(), names);
    }

    private Statement.Signature signature() {
        expectOperator("(");
        List<String> parameters = new ArrayList<>();
        List<Expression> defaults = new ArrayList<>();
        while (!current().isOperator(")")) {
            if (!parameters.isEmpty()) {
                expectOperator(",");
            }
            Token parameter = expect(Token.Kind.NAME);
            if (skipOperator("=")) {
                defaults.add(expression(true));
            } else if (!defaults.isEmpty()) {
                throw fail("non-default argument follows default argument", parameter);
            }
            parameters.add(parameter.text());
        }
        next();
        return new Statement.Signature(parameters, defaults, Set.of());
    }

    private Statement with(int line) {
        List<Statement.Target> targets = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (current().kind() != Token.Kind.BLOCK_END) {
            if (!targets.isEmpty()) {
                expectOperator(",");
            }
            targets.add(target(false, List.of()));
            expectOperator("=");
            values.add(expression(true));
        }
        return new Statement.With(targets, values, bodyToEnd("with", "endwith"), line);
    }

    /** The filters of a block, {@code | a | b(…)}, applied to what the block renders. */
    private Expression.Filter blockFilter(boolean withoutPipe) {
        Expression.Filter filter = withoutPipe ? filter(null) : null;
        while (skipOperator("|")) {
            filter = filter(filter);
        }
        if (filter == null) {
            throw fail("expected a filter", current());
        }
        return filter;
    }

    private Statement.Target target(boolean tuple, List<String> endNames) {
        Token start = current();
        List<Statement.Target> targets = new ArrayList<>();
        boolean comma = false;
        do {
            if (tuple && !targets.isEmpty() && atTupleEnd(endNames)) {
                break;
            }
            targets.add(singleTarget());
            comma |= current().isOperator(",");
        } while (tuple && skipOperator(","));
        if (targets.isEmpty()) {
            throw fail("expected a name, got '" + start.describe() + "'", start);
        }
        return comma && tuple ? new Statement.TupleTarget(targets) : targets.getFirst();
    }

    private Statement.Target singleTarget() {
        if (skipOperator("(")) {
            Statement.Target target = target(true, List.of());
            expectOperator(")");
            return target;
        }
        Token name = next();
        if (name.kind() != Token.Kind.NAME
                || List.of("true", "false", "none", "True", "False", "None").contains(name.text())) {
            throw fail("can't assign to '" + name.describe() + "'", name);
        }
        if (skipOperator(".")) {
            return new Statement.NamespaceTarget(
                    name.text(), expect(Token.Kind.NAME).text());
        }
        return new Statement.NameTarget(name.text());
    }

    // Expressions, from the loosest to the tightest

    private boolean atTupleEnd(List<String> endNames) {
        Token token = current();
        return token.kind() == Token.Kind.VARIABLE_END
                || token.kind() == Token.Kind.BLOCK_END
                || token.isOperator(")")
                || (token.kind() == Token.Kind.NAME && endNames.contains(token.text()));
    }

    private Expression tuple(boolean withConditional, List<String> endNames) {
        return tuple(withConditional, endNames, false);
    }

    private Expression tuple(boolean withConditional, List<String> endNames, boolean parentheses) {
        Token start = current();
        List<Expression> items = new ArrayList<>();
        boolean comma = false;
        while (!atTupleEnd(endNames)) {
            items.add(expression(withConditional));
            if (!skipOperator(",")) {
                break;
            }
            comma = true;
        }
        if (!comma && !items.isEmpty()) {
            return items.getFirst();
        }
        if (!comma && !parentheses) {
            throw fail("Expected an expression, got '" + start.describe() + "'", start);
        }
        return new Expression.TupleLiteral(items, start.line());
    }

    private Expression expression(boolean withConditional) {
        return withConditional ? conditional() : or();
    }

    private Expression conditional() {
        int line = current().line();
        Expression value = or();
        while (skipName("if")) {
            Expression test = or();
            Expression otherwise = skipName("else") ? conditional() : null;
            value = new Expression.Conditional(test, value, otherwise, line);
            line = current().line();
        }
        return value;
    }

    private Expression or() {
        Expression left = and();
        while (skipName("or")) {
            left = new Expression.Or(left, and(), left.line());
        }
        return left;
    }

    private Expression and() {
        Expression left = not();
        while (skipName("and")) {
            left = new Expression.And(left, not(), left.line());
        }
        return left;
    }

    private Expression not() {
        int line = current().line();
        return skipName("not") ? new Expression.Not(not(), line) : compare();
    }

    private Expression compare() {
        Expression first = sum();
        List<String> operators = new ArrayList<>();
        List<Expression> others = new ArrayList<>();
        while (true) {
            Token token = current();
            if (token.kind() == Token.Kind.OPERATOR && COMPARISONS.contains(token.text())) {
                next();
                operators.add(token.text());
            } else if (token.isName("in")) {
                next();
                operators.add("in");
            } else if (token.isName("not") && tokens.get(position + 1).isName("in")) {
                next();
                next();
                operators.add("not in");
            } else {
                return operators.isEmpty() ? first : new Expression.Compare(first, operators, others, first.line());
            }
            others.add(sum());
        }
    }

    private Expression sum() {
        Expression left = concat();
        while (current().isOperator("+") || current().isOperator("-")) {
            left = new Expression.Binary(next().text(), left, concat(), left.line());
        }
        return left;
    }

    private Expression concat() {
        Expression first = product();
        if (!current().isOperator("~")) {
            return first;
        }
        List<Expression> parts = new ArrayList<>(List.of(first));
        while (skipOperator("~")) {
            parts.add(product());
        }
        return new Expression.Concat(parts, first.line());
    }

    private Expression product() {
        Expression left = power();
        while (current().kind() == Token.Kind.OPERATOR
                && List.of("*", "/", "//", "%").contains(current().text())) {
            left = new Expression.Binary(next().text(), left, power(), left.line());
        }
        return left;
    }

    private Expression power() {
        Expression left = unary(true);
        while (skipOperator("**")) {
            left = new Expression.Binary("**", left, unary(true), left.line());
        }
        return left;
    }

    private Expression unary(boolean withFilters) {
        Token token = current();
        Expression value;
        if (token.isOperator("-") || token.isOperator("+")) {
            next();
            value = new Expression.Sign(token.text().equals("-"), unary(false), token.line());
        } else {
            value = primary();
        }
        value = postfix(value);
        return withFilters ? filtersAndTests(value) : value;
    }

    private Expression primary() {
        Token token = next();
        int line = token.line();
        switch (token.kind()) {
            case NAME -> {
                return switch (token.text()) {
                    case "true", "True" -> new Expression.Constant(true, line);
                    case "false", "False" -> new Expression.Constant(false, line);
                    case "none", "None" -> new Expression.Constant(None.NONE, line);
                    default -> {
                        if (!mentioned.isEmpty()) {
                            mentioned.element().add(token.text());
                        }
                        yield new Expression.Name(token.text(), line);
                    }
                };
            }
            case STRING -> {
                StringBuilder text = new StringBuilder(token.text());
                while (current().kind() == Token.Kind.STRING) {
                    text.append(next().text());
                }
                return new Expression.Constant(text.toString(), line);
            }
            case INTEGER -> {
                return new Expression.Constant(integer(token.text().replace("_", "")), line);
            }
            case FLOAT -> {
                return new Expression.Constant(Double.parseDouble(token.text().replace("_", "")), line);
            }
            default -> {
                if (token.isOperator("(")) {
                    Expression value = tuple(true, List.of(), true);
                    expectOperator(")");
                    return value;
                }
                if (token.isOperator("[")) {
                    return list(line);
                }
                if (token.isOperator("{")) {
                    return dict(line);
                }
                throw fail("unexpected '" + token.describe() + "'", token);
            }
        }
    }

    private static BigInteger integer(String text) {
        String digits = text.length() > 2 ? text.substring(2) : "";
        return switch (text.length() > 2 ? Character.toLowerCase(text.charAt(1)) : ' ') {
            case 'x' -> new BigInteger(digits, 16);
            case 'o' -> new BigInteger(digits, 8);
            case 'b' -> new BigInteger(digits, 2);
            default -> new BigInteger(text);
        };
    }

    private Expression list(int line) {
        List<Expression> items = new ArrayList<>();
        while (!skipOperator("]")) {
            if (!items.isEmpty()) {
                expectOperator(",");
                if (skipOperator("]")) {
                    break;
                }
            }
            items.add(expression(true));
        }
        return new Expression.ListLiteral(items, line);
    }

    private Expression dict(int line) {
        List<Expression> keys = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (!skipOperator("}")) {
            if (!keys.isEmpty()) {
                expectOperator(",");
                if (skipOperator("}")) {
                    break;
                }
            }
            keys.add(expression(true));
            expectOperator(":");
            values.add(expression(true));
        }
        return new Expression.DictLiteral(keys, values, line);
    }

    private Expression postfix(Expression start) {
        Expression value = start;
        while (true) {
            Token token = current();
            if (skipOperator(".")) {
                Token name = next();
                value = switch (name.kind()) {
                    case NAME -> new Expression.Attribute(value, name.text(), token.line());
                    case INTEGER ->
                        new Expression.Item(
                                value, new Expression.Constant(integer(name.text()), name.line()), token.line());
                    default -> throw fail("expected name or number", name);
                };
            } else if (skipOperator("[")) {
                value = subscript(value, token.line());
            } else if (token.isOperator("(")) {
                value = new Expression.Call(value, arguments(), token.line());
            } else {
                return value;
            }
        }
    }

    private Expression subscript(Expression object, int line) {
        Expression start = current().isOperator(":") ? null : expression(true);
        if (!current().isOperator(":")) {
            if (start == null) {
                throw fail("expected subscript expression", current());
            }
            if (current().isOperator(",")) {
                List<Expression> items = new ArrayList<>(List.of(start));
                while (skipOperator(",")) {
                    items.add(expression(true));
                }
                start = new Expression.TupleLiteral(items, line);
            }
            expectOperator("]");
            return new Expression.Item(object, start, line);
        }
        next();
        Expression stop = current().isOperator(":") || current().isOperator("]") ? null : expression(true);
        Expression step = skipOperator(":") && !current().isOperator("]") ? expression(true) : null;
        expectOperator("]");
        return new Expression.Slice(object, start, stop, step, line);
    }

    private Expression filtersAndTests(Expression start) {
        Expression value = start;
        while (true) {
            if (skipOperator("|")) {
                value = filter(value);
            } else if (current().isName("is")) {
                value = test(value);
            } else if (current().isOperator("(")) {
                int line = current().line();
                value = new Expression.Call(value, arguments(), line);
            } else {
                return value;
            }
        }
    }

    private Expression.Filter filter(@Nullable Expression input) {
        Token name = expect(Token.Kind.NAME);
        Expression.Arguments arguments = current().isOperator("(") ? arguments() : Expression.Arguments.NONE;
        return new Expression.Filter(input, name.text(), arguments, name.line());
    }

    private Expression test(Expression input) {
        int line = next().line();
        boolean negated = skipName("not");
        String name = expect(Token.Kind.NAME).text();
        Token token = current();
        Expression.Arguments arguments = Expression.Arguments.NONE;
        boolean argument = switch (token.kind()) {
            case STRING, INTEGER, FLOAT -> true;
            case NAME -> !List.of("else", "or", "and").contains(token.text());
            case OPERATOR -> token.isOperator("[") || token.isOperator("{");
            default -> false;
        };
        if (token.isOperator("(")) {
            arguments = arguments();
        } else if (argument) {
            if (token.isName("is")) {
                throw fail("You cannot chain multiple tests with is", token);
            }
            arguments = new Expression.Arguments(List.of(postfix(primary())), Map.of(), null, null);
        }
        Expression test = new Expression.Test(input, name, arguments, line);
        return negated ? new Expression.Not(test, line) : test;
    }

    private Expression.Arguments arguments() {
        Token open = next();
        List<Expression> positional = new ArrayList<>();
        Map<String, Expression> named = new LinkedHashMap<>();
        Expression star = null;
        Expression doubleStar = null;
        boolean first = true;
        while (!current().isOperator(")")) {
            if (!first) {
                expectOperator(",");
                if (current().isOperator(")")) {
                    break;
                }
            }
            first = false;
            boolean valid;
            if (skipOperator("*")) {
                valid = star == null && doubleStar == null;
                star = expression(true);
            } else if (skipOperator("**")) {
                valid = doubleStar == null;
                doubleStar = expression(true);
            } else if (current().kind() == Token.Kind.NAME
                    && tokens.get(position + 1).isOperator("=")) {
                String name = next().text();
                next();
                valid = doubleStar == null && !named.containsKey(name);
                named.put(name, expression(true));
            } else {
                valid = star == null && doubleStar == null && named.isEmpty();
                positional.add(expression(true));
            }
            if (!valid) {
                throw fail("invalid syntax for function call expression", open);
            }
        }
        next();
        return new Expression.Arguments(positional, named, star, doubleStar);
    }

    // Tokens

    private Token current() {
        return tokens.get(position);
    }

    private Token next() {
        Token token = tokens.get(position);
        if (token.kind() != Token.Kind.END) {
            position++;
        }
        return token;
    }

    private boolean skipName(String name) {
        boolean there = current().isName(name);
        if (there) {
            next();
        }
        return there;
    }

    private boolean skipOperator(String operator) {
        boolean there = current().isOperator(operator);
        if (there) {
            next();
        }
        return there;
    }

    private void expectName(String name) {
        if (!skipName(name)) {
            throw unexpected("'" + name + "'");
        }
    }

    private void expectOperator(String operator) {
        if (!skipOperator(operator)) {
            throw unexpected("'" + operator + "'");
        }
    }

    private Token expect(Token.Kind kind) {
        if (current().kind() != kind) {
            throw unexpected("'" + new Token(kind, "name", 0).describe() + "'");
        }
        return next();
    }

    private JinjaException unexpected(String expected) {
        Token token = current();
        return token.kind() == Token.Kind.END
                ? fail("unexpected end of template, expected " + expected, token)
                : fail("expected token " + expected + ", got '" + token.describe() + "'", token);
    }

    private static JinjaException fail(String message, Token token) {
        return new JinjaException(message, token.line());
    }
}
