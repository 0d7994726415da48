package org.minpro.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Python's {@code format % values} with the conversions s r d i u f F x X o c and %. */
final class PercentFormat {
    private static final Pattern CONVERSION =
            Pattern.compile("%(?:\\(([^)]*)\\))?([-+ 0#]*)(\\*|\\d+)?(?:\\.(\\d+))?([a-zA-Z%])?");

    private PercentFormat() {}

    static String format(String format, Object values) {
        List<Object> items = values instanceof Tuple tuple ? tuple.items() : List.of(values);
        int used = 0;
        boolean byName = false;
        StringBuilder result = new StringBuilder();
        Matcher matcher = CONVERSION.matcher(format);
        int at = 0;
        while (matcher.find()) {
            result.append(format, at, matcher.start());
            at = matcher.end();
            String conversion = matcher.group(5);
            if (conversion == null) {
                throw JinjaException.of("incomplete format");
            }
            if (conversion.equals("%")) {
                result.append('%');
                continue;
            }
            Object value;
            if (matcher.group(1) != null) {
                byName = true;
                if (!(values instanceof Map<?, ?> map)) {
                    throw JinjaException.of("format requires a mapping");
                }
                value = map.get(matcher.group(1));
                if (value == null) {
                    throw JinjaException.of("no value for the name in a format: " + matcher.group(1));
                }
            } else if (used < items.size()) {
                value = items.get(used++);
            } else {
                throw JinjaException.of("not enough arguments for format string");
            }
            result.append(one(conversion, value, matcher));
            Limits.size(result.length());
        }
        if (used < items.size()
                && !byName
                && !(values instanceof Map)
                && !(values instanceof List)
                && !(values instanceof Undefined)) {
            throw JinjaException.of("not all arguments converted during string formatting");
        }
        return result.append(format, at, format.length()).toString();
    }

    private static String one(String conversion, Object value, Matcher matcher) {
        String flags = matcher.group(2);
        int precision = matcher.group(4) == null ? -1 : size(matcher.group(4));
        String text = switch (conversion) {
            case "s" -> cut(Values.text(value), precision);
            case "r" -> cut(Values.repr(value), precision);
            case "d", "i", "u" -> whole(value).toString();
            case "x" -> (flags.contains("#") ? "0x" : "") + whole(value).toString(16);
            case "X" ->
                (flags.contains("#") ? "0X" : "") + Strings.upper(whole(value).toString(16));
            case "o" -> (flags.contains("#") ? "0o" : "") + whole(value).toString(8);
            case "f", "F" -> fixed(value, precision < 0 ? 6 : precision);
            case "c" -> value instanceof String character ? character : Character.toString(Numbers.index(value));
            default -> throw JinjaException.of("unsupported format character '" + conversion + "'");
        };
        boolean number = "diuxXofF".contains(conversion);
        if (number && !text.startsWith("-")) {
            text = (flags.contains("+") ? "+" : flags.contains(" ") ? " " : "") + text;
        }
        if ("*".equals(matcher.group(3))) {
            throw JinjaException.of("a width of * is not supported");
        }
        int width = matcher.group(3) == null ? 0 : size(matcher.group(3));
        String padding = Strings.repeat(
                number && flags.contains("0") && !flags.contains("-") ? "0" : " ", width - Strings.length(text));
        if (flags.contains("-")) {
            return text + padding;
        }
        if (padding.startsWith("0") && !text.isEmpty() && "+- ".indexOf(text.charAt(0)) >= 0) {
            return text.charAt(0) + padding + text.substring(1);
        }
        return padding + text;
    }

    private static int size(String digits) {
        if (digits.length() > 6) {
            throw JinjaException.of("a width or precision must be below 1000000, got: " + digits);
        }
        return Integer.parseInt(digits);
    }

    private static String cut(String text, int precision) {
        return precision < 0 || Strings.length(text) <= precision
                ? text
                : text.substring(0, text.offsetByCodePoints(0, precision));
    }

    private static BigInteger whole(Object value) {
        if (value instanceof Double number && Double.isFinite(number)) {
            return new BigDecimal(number).toBigInteger();
        }
        return Numbers.whole(value)
                .orElseThrow(
                        () -> JinjaException.of("%d format: a real number is required, not " + Values.typeName(value)));
    }

    /** A number with so many digits after the point, rounded half to even on its exact value. */
    static String fixed(Object value, int digits) {
        double number = Numbers.real(value);
        if (!Double.isFinite(number)) {
            return Numbers.repr(number);
        }
        BigDecimal exact = value instanceof BigInteger whole ? new BigDecimal(whole) : new BigDecimal(number);
        String text = exact.setScale(digits, RoundingMode.HALF_EVEN).toPlainString();
        boolean negative = number < 0 || (number == 0 && 1 / number < 0);
        return negative && !text.startsWith("-") ? "-" + text : text;
    }
}
