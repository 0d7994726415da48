package org.minpro.text.jinja;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Python's {@code "{} {0} {name.attribute[key]:.2f}".format(…)}, with widths, alignment, and the types s d f x X %. */
final class BraceFormat {
    private static final Pattern SPECIFICATION = Pattern.compile(
            "(?:(.)?([<>^]))?([-+ ])?(0)?(\\d{1,6})?(,)?(?:\\.(\\d{1,6}))?([sdfFxX%])?", Pattern.DOTALL);
    private static final Pattern STEP = Pattern.compile("\\.([^.\\[]+)|\\[([^\\]]+)\\]");

    private final String format;
    private final CallArguments arguments;
    private int automatic;

    private BraceFormat(String format, CallArguments arguments) {
        this.format = format;
        this.arguments = arguments;
    }

    static String format(String format, CallArguments arguments) {
        return new BraceFormat(format, arguments).run();
    }

    private String run() {
        StringBuilder result = new StringBuilder();
        int i = 0;
        while (i < format.length()) {
            char c = format.charAt(i);
            boolean doubled = i + 1 < format.length() && format.charAt(i + 1) == c;
            if ((c == '{' || c == '}') && doubled) {
                result.append(c);
                i += 2;
            } else if (c == '}') {
                throw JinjaException.of("Single '}' encountered in format string");
            } else if (c == '{') {
                int end = format.indexOf('}', i);
                if (end < 0 || format.substring(i + 1, end).contains("{")) {
                    throw JinjaException.of(
                            "a field of a format string must be {name:specification}, got: " + format.substring(i));
                }
                result.append(field(format.substring(i + 1, end)));
                Limits.size(result.length());
                i = end + 1;
            } else {
                result.append(c);
                i++;
            }
        }
        return result.toString();
    }

    private String field(String field) {
        int colon = field.indexOf(':');
        String name = colon < 0 ? field : field.substring(0, colon);
        String specification = colon < 0 ? "" : field.substring(colon + 1);
        boolean representation = name.endsWith("!r");
        name = representation || name.endsWith("!s") ? name.substring(0, name.length() - 2) : name;
        Object value = value(name);
        if (representation) {
            value = Values.repr(value);
        }
        return specification.isEmpty() ? Values.text(value) : specified(value, specification);
    }

    private Object value(String name) {
        Matcher steps = STEP.matcher(name);
        int firstEnd = steps.find() ? steps.start() : name.length();
        Object value = first(name.substring(0, firstEnd));
        steps.reset();
        while (steps.find()) {
            String attribute = steps.group(1);
            String element = steps.group(2);
            value = attribute != null
                    ? Operators.attribute(value, attribute)
                    : Operators.item(
                            value,
                            element.chars().allMatch(Character::isDigit)
                                    ? Numbers.integer(Long.parseLong(element))
                                    : element);
        }
        return value;
    }

    private Object first(String name) {
        if (!name.isEmpty() && !name.chars().allMatch(Character::isDigit)) {
            Object value = arguments.named().get(name);
            if (value == null) {
                throw JinjaException.of("no value for the name in a format: " + name);
            }
            return value;
        }
        int index = name.isEmpty() ? automatic++ : Integer.parseInt(name);
        if (index >= arguments.positional().size()) {
            throw JinjaException.of("Replacement index " + index + " out of range for positional args tuple");
        }
        return arguments.positional().get(index);
    }

    private static String specified(Object value, String specification) {
        Matcher matcher = SPECIFICATION.matcher(specification);
        if (!matcher.matches()) {
            throw JinjaException.of("a format specification of this kind is not supported: " + specification);
        }
        boolean number = Numbers.isNumber(value) && !(value instanceof Boolean);
        String type = matcher.group(8) == null ? (number ? "" : "s") : matcher.group(8);
        int precision = matcher.group(7) == null ? -1 : Integer.parseInt(matcher.group(7));
        String text = switch (type) {
            case "s" -> {
                String whole = Values.text(value);
                yield precision >= 0 && Strings.length(whole) > precision
                        ? whole.substring(0, whole.offsetByCodePoints(0, precision))
                        : whole;
            }
            case "d" ->
                Numbers.whole(value)
                        .orElseThrow(() -> JinjaException.of(
                                "Unknown format code 'd' for object of type '" + Values.typeName(value) + "'"))
                        .toString();
            case "f", "F" -> PercentFormat.fixed(value, precision < 0 ? 6 : precision);
            case "%" -> PercentFormat.fixed(Numbers.real(value) * 100, precision < 0 ? 6 : precision) + "%";
            case "x", "X" -> {
                String digits = Numbers.whole(value)
                        .orElseThrow(() -> JinjaException.of("Unknown format code 'x'"))
                        .toString(16);
                yield type.equals("X") ? Strings.upper(digits) : digits;
            }
            default -> {
                if (precision >= 0) {
                    throw JinjaException.of("a precision needs the type f in a format specification: " + specification);
                }
                yield Values.text(value);
            }
        };
        if (matcher.group(6) != null) {
            text = grouped(text);
        }
        String sign = matcher.group(3);
        if (number && sign != null && !sign.equals("-") && !text.startsWith("-")) {
            text = sign + text;
        }
        boolean zeros = matcher.group(4) != null && matcher.group(2) == null;
        String fill = matcher.group(1) != null ? matcher.group(1) : zeros ? "0" : " ";
        String align = matcher.group(2) != null ? matcher.group(2) : number || zeros ? ">" : "<";
        int width = matcher.group(5) == null ? 0 : Integer.parseInt(matcher.group(5));
        int missing = Math.max(0, width - Strings.length(text));
        if (zeros && !text.isEmpty() && "+-".indexOf(text.charAt(0)) >= 0) {
            return text.charAt(0) + fill.repeat(missing) + text.substring(1);
        }
        return switch (align) {
            case "<" -> text + fill.repeat(missing);
            case ">" -> fill.repeat(missing) + text;
            default -> fill.repeat(missing / 2) + text + fill.repeat(missing - missing / 2);
        };
    }

    private static String grouped(String number) {
        int start = number.startsWith("-") ? 1 : 0;
        int end = start;
        while (end < number.length() && Character.isDigit(number.charAt(end))) {
            end++;
        }
        StringBuilder result = new StringBuilder(number);
        for (int i = end - 3; i > start; i -= 3) {
            result.insert(i, ',');
        }
        return result.toString();
    }
}
