package org.minpro.text.jinja;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A node of a template's expressions. */
sealed interface Expression {
    int line();

    record Constant(Object value, int line) implements Expression {}

    record Name(String name, int line) implements Expression {}

    record ListLiteral(List<Expression> items, int line) implements Expression {}

    record TupleLiteral(List<Expression> items, int line) implements Expression {}

    record DictLiteral(List<Expression> keys, List<Expression> values, int line) implements Expression {}

    record Attribute(Expression object, String name, int line) implements Expression {}

    record Item(Expression object, Expression index, int line) implements Expression {}

    record Slice(
            Expression object,
            @Nullable Expression start,
            @Nullable Expression stop,
            @Nullable Expression step,
            int line)
            implements Expression {}

    record Call(Expression callee, Arguments arguments, int line) implements Expression {}

    /** {@code input|name(arguments)}; without input it filters a block. */
    record Filter(@Nullable Expression input, String name, Arguments arguments, int line) implements Expression {}

    record Test(Expression input, String name, Arguments arguments, int line) implements Expression {}

    record Not(Expression operand, int line) implements Expression {}

    record Sign(boolean negative, Expression operand, int line) implements Expression {}

    record Binary(String operator, Expression left, Expression right, int line) implements Expression {}

    record And(Expression left, Expression right, int line) implements Expression {}

    record Or(Expression left, Expression right, int line) implements Expression {}

    record Concat(List<Expression> parts, int line) implements Expression {}

    /** A chain: {@code a < b <= c}. */
    record Compare(Expression first, List<String> operators, List<Expression> others, int line) implements Expression {}

    record Conditional(
            Expression test, Expression then, @Nullable Expression otherwise, int line) implements Expression {}

    /** What stands between the parentheses of a call. */
    record Arguments(
            List<Expression> positional,
            Map<String, Expression> named,
            @Nullable Expression star,
            @Nullable Expression doubleStar) {
        static final Arguments NONE = new Arguments(List.of(), Map.of(), null, null);
    }
}
