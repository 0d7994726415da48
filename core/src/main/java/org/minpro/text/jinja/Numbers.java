package org.minpro.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Optional;

/** Python's numbers: whole numbers of any size as {@code BigInteger}, floats as {@code Double}, booleans as 0 and 1. */
final class Numbers {
    private Numbers() {}

    static BigInteger integer(long value) {
        return BigInteger.valueOf(value);
    }

    static boolean isNumber(Object value) {
        return value instanceof BigInteger || value instanceof Double || value instanceof Boolean;
    }

    /** A whole number or boolean as whole number. */
    static Optional<BigInteger> whole(Object value) {
        return switch (value) {
            case BigInteger number -> Optional.of(number);
            case Boolean truth -> Optional.of(truth ? BigInteger.ONE : BigInteger.ZERO);
            default -> Optional.empty();
        };
    }

    /** A whole number that counts or indexes. */
    static int index(Object value) {
        BigInteger number = whole(value)
                .orElseThrow(() -> JinjaException.of(
                        "'" + Values.typeName(value) + "' object cannot be interpreted as an integer"));
        if (number.bitLength() > 31) {
            throw JinjaException.of("cannot fit the integer into an index: " + number);
        }
        return number.intValue();
    }

    static double real(Object value) {
        return switch (value) {
            case Double number -> number;
            case BigInteger number -> number.doubleValue();
            case Boolean truth -> truth ? 1 : 0;
            default -> throw JinjaException.of("must be real number, not " + Values.typeName(value));
        };
    }

    static int compare(Object left, Object right) {
        Optional<BigInteger> wholeLeft = whole(left);
        Optional<BigInteger> wholeRight = whole(right);
        if (wholeLeft.isPresent() && wholeRight.isPresent()) {
            return wholeLeft.get().compareTo(wholeRight.get());
        }
        double realLeft = real(left);
        double realRight = real(right);
        if (Double.isFinite(realLeft) && Double.isFinite(realRight)) {
            return exact(left).compareTo(exact(right));
        }
        return Double.compare(realLeft, realRight);
    }

    static boolean equal(Object left, Object right) {
        boolean notANumber = (left instanceof Double a && a.isNaN()) || (right instanceof Double b && b.isNaN());
        return !notANumber && compare(left, right) == 0;
    }

    private static BigDecimal exact(Object value) {
        return value instanceof Double number
                ? new BigDecimal(number)
                : new BigDecimal(whole(value).orElseThrow());
    }

    /** {@code + - * / // % **} of two numbers. */
    static Object arithmetic(String operator, Object left, Object right) {
        Optional<BigInteger> a = whole(left);
        Optional<BigInteger> b = whole(right);
        if (a.isPresent() && b.isPresent()) {
            return whole(operator, a.get(), b.get());
        }
        return real(operator, real(left), real(right));
    }

    private static Object whole(String operator, BigInteger a, BigInteger b) {
        boolean divides = operator.equals("/") || operator.equals("//") || operator.equals("%");
        if (divides && b.signum() == 0) {
            throw JinjaException.of("division by zero");
        }
        return switch (operator) {
            case "+" -> a.add(b);
            case "-" -> a.subtract(b);
            case "*" -> {
                bits((long) a.bitLength() + b.bitLength());
                yield a.multiply(b);
            }
            case "/" -> a.doubleValue() / b.doubleValue();
            case "//" -> {
                BigInteger[] parts = a.divideAndRemainder(b);
                yield parts[1].signum() != 0 && parts[1].signum() != b.signum()
                        ? parts[0].subtract(BigInteger.ONE)
                        : parts[0];
            }
            case "%" -> {
                BigInteger rest = a.remainder(b);
                yield rest.signum() != 0 && rest.signum() != b.signum() ? rest.add(b) : rest;
            }
            default -> {
                if (b.signum() < 0) {
                    yield real("**", a.doubleValue(), b.doubleValue());
                }
                if (a.abs().bitLength() > 1) {
                    bits(b.bitLength() > 20 ? Long.MAX_VALUE : (long) a.bitLength() * b.intValue());
                    yield a.pow(b.intValue());
                }
                // 0, 1 and -1 take any power.
                yield b.signum() == 0 ? BigInteger.ONE : a.signum() < 0 && !b.testBit(0) ? a.negate() : a;
            }
        };
    }

    private static void bits(long bits) {
        if (bits > Limits.BITS) {
            throw JinjaException.of("an integer of a template must have at most " + Limits.BITS + " bits");
        }
    }

    private static Object real(String operator, double a, double b) {
        boolean divides = operator.equals("/") || operator.equals("//") || operator.equals("%");
        if (divides && b == 0) {
            throw JinjaException.of(operator.equals("/") ? "float division by zero" : "float floor division by zero");
        }
        return switch (operator) {
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "/" -> a / b;
            case "//" -> Math.rint((a - modulo(a, b)) / b);
            case "%" -> modulo(a, b);
            default -> {
                if (a == 0 && b < 0) {
                    throw JinjaException.of("0.0 cannot be raised to a negative power");
                }
                yield Math.pow(a, b);
            }
        };
    }

    private static double modulo(double a, double b) {
        double rest = a % b;
        if (rest == 0) {
            return Math.copySign(0.0, b);
        }
        return (rest < 0) == (b < 0) ? rest : rest + b;
    }

    /** Python's {@code repr} of a float: the shortest digits that give it back, an exponent below 1e-4 and from 1e16. */
    static String repr(double value) {
        if (Double.isNaN(value)) {
            return "nan";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "inf" : "-inf";
        }
        if (value == 0) {
            return 1 / value < 0 ? "-0.0" : "0.0";
        }
        BigDecimal shortest = new BigDecimal(Double.toString(Math.abs(value))).stripTrailingZeros();
        if (shortest.precision() == 2) {
            // Java writes at least two digits, Python one where one is enough.
            BigDecimal one = shortest.round(new java.math.MathContext(1));
            if (one.doubleValue() == Math.abs(value)) {
                shortest = one.stripTrailingZeros();
            }
        }
        String digits = shortest.unscaledValue().toString();
        int exponent = digits.length() - 1 - shortest.scale();
        String sign = value < 0 ? "-" : "";
        if (exponent < -4 || exponent >= 16) {
            String fraction = digits.length() > 1 ? "." + digits.substring(1) : "";
            String size = Math.abs(exponent) < 10 ? "0" + Math.abs(exponent) : "" + Math.abs(exponent);
            return sign + digits.charAt(0) + fraction + "e" + (exponent < 0 ? "-" : "+") + size;
        }
        String plain = shortest.toPlainString();
        return sign + (plain.indexOf('.') < 0 ? plain + ".0" : plain);
    }
}
