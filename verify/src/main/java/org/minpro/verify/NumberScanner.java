package org.minpro.verify;

/** Recognises a number inside prose: sign, thousands, decimals, exponent, percent sign, a fraction of integers. */
final class NumberScanner {
    private NumberScanner() {}

    /** The end of the number that starts at a position, or -1 where none starts. */
    static int end(String text, int start) {
        int i = start;
        char first = text.charAt(i);
        if (start > 0 && continuesWord(text, start)) {
            return -1;
        }
        if (first == '-' || first == '\u2212' || first == '+') {
            if (start > 0 && closesOperand(text.charAt(start - 1))) {
                return -1;
            }
            i++;
            if (text.startsWith("\\$", i)) {
                i++;
            }
            if (i < text.length() && text.charAt(i) == '$') {
                i++;
            }
        }
        int fraction = latexFractionEnd(text, i);
        if (fraction > 0) {
            return fraction;
        }
        int end = magnitudeEnd(text, i);
        if (end < 0) {
            return -1;
        }
        if (end + 1 < text.length() && text.charAt(end) == '/' && isDigit(text.charAt(end + 1))) {
            int denominator = digitsEnd(text, end + 1);
            boolean dateOrMore = denominator < text.length()
                    && (text.charAt(denominator) == '/'
                            || text.charAt(denominator) == '.'
                                    && denominator + 1 < text.length()
                                    && isDigit(text.charAt(denominator + 1)));
            if (!dateOrMore) {
                end = denominator;
            }
        }
        if (end < text.length() && text.charAt(end) == '%') {
            return end + 1;
        }
        if (text.startsWith("\\%", end)) {
            return end + 2;
        }
        return end;
    }

    private static boolean continuesWord(String text, int at) {
        char before = text.charAt(at - 1);
        if (isWordPart(before)) {
            return isDigit(text.charAt(at)) || text.charAt(at) == '.' || before == '_';
        }
        return before == '.' && at >= 2 && isDigit(text.charAt(at - 2));
    }

    /** Whether a character written beside a digit makes one word with it; those of scripts without spaces do not. */
    static boolean isWordPart(char c) {
        return c == '_'
                || c < '\u0590' && Character.isLetterOrDigit(c) && Character.getType(c) != Character.OTHER_NUMBER;
    }

    private static boolean closesOperand(char c) {
        return isWordPart(c) || c == ')' || c == ']' || c == '}';
    }

    private static int latexFractionEnd(String text, int at) {
        for (String command : new String[] {"\\frac{", "\\dfrac{", "\\tfrac{"}) {
            if (text.startsWith(command, at)) {
                int middle = digitsEnd(text, at + command.length());
                if (middle > at + command.length() && text.startsWith("}{", middle)) {
                    int end = digitsEnd(text, middle + 2);
                    if (end > middle + 2 && end < text.length() && text.charAt(end) == '}') {
                        return end + 1;
                    }
                }
            }
        }
        return -1;
    }

    /** The end of an unsigned decimal with optional thousands and exponent, or -1. */
    private static int magnitudeEnd(String text, int at) {
        int i = digitsEnd(text, at);
        boolean any = i > at;
        if (any && i - at <= 3) {
            i = thousandsEnd(text, i);
        }
        if (i + 1 < text.length() && text.charAt(i) == '.' && isDigit(text.charAt(i + 1))) {
            i = digitsEnd(text, i + 1);
            any = true;
        }
        if (!any) {
            return -1;
        }
        if (i < text.length() && (text.charAt(i) == 'e' || text.charAt(i) == 'E')) {
            int sign = i + 1 < text.length() && "+-".indexOf(text.charAt(i + 1)) >= 0 ? i + 2 : i + 1;
            int end = digitsEnd(text, sign);
            if (end > sign && (end == text.length() || !Character.isLetter(text.charAt(end)))) {
                i = end;
            }
        }
        return i;
    }

    private static int thousandsEnd(String text, int at) {
        int i = at;
        while (i < text.length()) {
            int group = groupAfter(text, i);
            int end = group < 0 ? -1 : digitsEnd(text, group);
            if (end - group != 3 || text.charAt(i) == ' ' && end < text.length() && text.charAt(end) == '/') {
                return i;
            }
            i = end;
        }
        return i;
    }

    /** Where the digits behind a separator of thousands would begin, or -1 where none stands at a place. */
    static int groupAfter(String text, int at) {
        return switch (text.charAt(at)) {
            case ',', ' ', '\'', '\u2019', '\u00a0', '\u2009', '\u202f', '~' -> at + 1;
            case '{' -> text.startsWith("{,}", at) ? at + 3 : text.startsWith("{\\,}", at) ? at + 4 : -1;
            case '\\' ->
                text.startsWith("\\,", at)
                                || text.startsWith("\\;", at)
                                || text.startsWith("\\:", at)
                                || text.startsWith("\\ ", at)
                        ? at + 2
                        : -1;
            default -> -1;
        };
    }

    private static int digitsEnd(String text, int at) {
        int i = at;
        while (i < text.length() && isDigit(text.charAt(i))) {
            i++;
        }
        return i;
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }
}
