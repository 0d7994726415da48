package org.minpro.sandbox;

/** What is code in a text of Java, in its place: all else is blank, line ends aside. */
final class JavaCode {
    private JavaCode() {}

    /** Without literals of texts and characters, and without comments. */
    static String of(String source) {
        StringBuilder code = new StringBuilder(source);
        int at = 0;
        while (at < source.length()) {
            int end = endOfText(source, at);
            blank(code, at, end);
            at = Math.max(at + 1, end);
        }
        return code.toString();
    }

    /** Where a literal or comment that begins here ends; here where none begins. */
    private static int endOfText(String source, int at) {
        if (source.startsWith("//", at)) {
            int end = source.indexOf('\n', at);
            return end < 0 ? source.length() : end;
        }
        if (source.startsWith("/*", at)) {
            int end = source.indexOf("*/", at + 2);
            return end < 0 ? source.length() : end + 2;
        }
        if (source.startsWith("\"\"\"", at)) {
            return endOfLiteral(source, at + 3, "\"\"\"");
        }
        char mark = source.charAt(at);
        return mark == '"' || mark == '\'' ? endOfLiteral(source, at + 1, String.valueOf(mark)) : at;
    }

    private static int endOfLiteral(String source, int from, String mark) {
        for (int at = from; at < source.length(); at++) {
            if (source.charAt(at) == '\\') {
                at++;
            } else if (source.startsWith(mark, at)) {
                return at + mark.length();
            }
        }
        return source.length();
    }

    /** Code without what stands in its braces. */
    static String outsideBraces(String code) {
        StringBuilder outside = new StringBuilder(code);
        for (int open = code.indexOf('{'); open >= 0; ) {
            int close = closingBrace(code, open);
            int end = close < 0 ? code.length() : close;
            blank(outside, open + 1, end);
            open = code.indexOf('{', end);
        }
        return outside.toString();
    }

    /** Where the brace that opens here is closed; negative where it is not. */
    static int closingBrace(String code, int open) {
        int depth = 0;
        for (int at = open; at < code.length(); at++) {
            depth += code.charAt(at) == '{' ? 1 : code.charAt(at) == '}' ? -1 : 0;
            if (depth == 0) {
                return at;
            }
        }
        return -1;
    }

    private static void blank(StringBuilder text, int from, int to) {
        for (int at = from; at < to; at++) {
            if (text.charAt(at) != '\n') {
                text.setCharAt(at, ' ');
            }
        }
    }
}
