package org.minpro.tool;

import java.math.BigDecimal;
import java.math.MathContext;

/** A calculator for sums, differences, products and quotients of decimal numbers, with parentheses. */
public record Calculator() implements Toolbox {
    private static final int LONGEST = 500;
    private static final int DEEPEST = 50;

    /** Twelve digits, without trailing zeros. */
    @Tool("Computes an arithmetic expression.")
    public String calculator(
            @Argument(name = "expression", value = "Numbers, + - * / and parentheses, such as (12+30)*2.")
                    String expression)
            throws ToolException {
        if (expression.length() > LONGEST) {
            throw new ToolException("an expression must have at most " + LONGEST + " characters");
        }
        Reader reader = new Reader(expression);
        BigDecimal value = reader.sum(0);
        reader.requireEnd();
        return value.compareTo(BigDecimal.ZERO) == 0
                ? "0"
                : value.round(new MathContext(12)).stripTrailingZeros().toPlainString();
    }

    /** Reads an expression from the left. */
    private static final class Reader {
        /** More digits than are told. */
        private static final MathContext PRECISION = new MathContext(34);

        private final String text;
        private int at;

        Reader(String text) {
            this.text = text;
        }

        BigDecimal sum(int depth) throws ToolException {
            BigDecimal value = product(depth);
            while (true) {
                if (take('+')) {
                    value = value.add(product(depth), PRECISION);
                } else if (take('-')) {
                    value = value.subtract(product(depth), PRECISION);
                } else {
                    return value;
                }
            }
        }

        private BigDecimal product(int depth) throws ToolException {
            BigDecimal value = factor(depth);
            while (true) {
                if (take('*')) {
                    value = value.multiply(factor(depth), PRECISION);
                } else if (take('/')) {
                    BigDecimal divisor = factor(depth);
                    if (divisor.signum() == 0) {
                        throw new ToolException("division by zero");
                    }
                    value = value.divide(divisor, PRECISION);
                } else {
                    return value;
                }
            }
        }

        private BigDecimal factor(int depth) throws ToolException {
            if (depth > DEEPEST) {
                throw new ToolException("too many parentheses");
            }
            if (take('-')) {
                return factor(depth + 1).negate();
            }
            if (take('(')) {
                BigDecimal value = sum(depth + 1);
                if (!take(')')) {
                    throw unexpected("a closing parenthesis");
                }
                return value;
            }
            int start = at;
            while (at < text.length() && (Character.isDigit(text.charAt(at)) || text.charAt(at) == '.')) {
                at++;
            }
            try {
                return new BigDecimal(text.substring(start, at));
            } catch (NumberFormatException e) {
                at = start;
                throw unexpected("a number");
            }
        }

        void requireEnd() throws ToolException {
            skipBlanks();
            if (at < text.length()) {
                throw unexpected("an operator");
            }
        }

        private ToolException unexpected(String wanted) {
            return new ToolException("expected " + wanted + " at character " + (at + 1) + " of '" + text + "'");
        }

        private boolean take(char c) {
            skipBlanks();
            if (at < text.length() && text.charAt(at) == c) {
                at++;
                skipBlanks();
                return true;
            }
            return false;
        }

        private void skipBlanks() {
            while (at < text.length() && text.charAt(at) == ' ') {
                at++;
            }
        }
    }
}
