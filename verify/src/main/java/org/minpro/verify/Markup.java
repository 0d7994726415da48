package org.minpro.verify;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Takes the marks of Markdown and HTML from prose, which change how it looks and not what it says; what is struck through
 * is withdrawn and goes with them.
 */
final class Markup {
    private static final Pattern STRUCK = Pattern.compile(
            "~~[^~]{1,2000}~~|<(del|s|strike)>.{0,2000}?</\\1>|\\\\(?:sout|st)\\{[^{}]*}",
            Pattern.CASE_INSENSITIVE | Pattern.DOTALL);
    private static final Pattern TAG = Pattern.compile(
            "</?(p|br|hr|div|li|ul|ol|h[1-6]|tr|td|table|center|section|blockquote|pre|b|strong|i|em|u|span|code|mark|font|small|big"
                    + "|tt|kbd|q|ins|var|samp|math|body|html|output|result|response|solution|final|a)(?:\\s[^<>]{0,200})?\\s*/?>",
            Pattern.CASE_INSENSITIVE);
    /** What a calculator was asked, as GSM8K writes it: {@code <<48+24=72>>}. */
    private static final Pattern CALCULATED = Pattern.compile("<<[^<>\\n]{1,100}>>");

    private static final Pattern RAISED = Pattern.compile("<(sup|sub)>([^<>]{1,50})</\\1>", Pattern.CASE_INSENSITIVE);
    private static final Pattern LINE_START =
            Pattern.compile("(?m)^[ \\t]*(?:(?:#{1,3}|#{5,6})[ \\t]+|[*\u2022\u2023\u25e6\u25aa\u25cf][ \\t]+(?=\\S))");
    private static final Pattern QUOTED_LINE = Pattern.compile("(?m)^[ \\t]*>[> \\t]*+(?=[^\\n]*\\p{L}{2})");
    private static final Pattern FENCE = Pattern.compile("(?m)^[ \\t]*```[^\\n`]*$|```");
    private static final Pattern HIGHLIGHT =
            Pattern.compile("(?<![=<>!:])==([^=\\s](?:[^=\\n]{0,198}[^=\\s])?)==(?!=)");
    /** One class, not a repeated group: the matcher would call itself once for each repetition. */
    private static final String SIGNS =
            "\u2713\u2714\u2611\u2705\u2234\u220e\u2728\u2b50\\x{1F389}\\x{1F38A}\\x{1F3AF}\\x{1F449}\\x{1F44D}\\x{1F44F}\\x{1F600}-\\x{1F60F}\\x{1F64C}\\x{1F64F}"
                    + "\\x{1F31F}\\x{1F4A1}\\x{1F4CC}\\x{1F4DD}\\x{1F525}\\x{1F680}\\x{1F973}\\x{1F929}";

    /** Signs that affirm, point or please, and arrows that begin a line or signs of a proof's end that end one. */
    private static final Pattern SYMBOL = Pattern.compile(
            "[" + SIGNS + "][" + SIGNS + "\ufe0f\\h]*+"
                    + "|(?m:^)\\h*[\u21d2\u2192\u27a1\u27a4\u279c\u25b6\u27f9]\ufe0f?\\h*|[\u25a0\u25a1\u25fb\u25fc\u2b1b]\\h*(?=\\R|$)");

    private static final String BLOCKS = " p br hr div li ul ol tr td table center section blockquote pre ";

    private Markup() {}

    /** The text without marks, in ASCII digits. */
    static String strip(String text) {
        int found = marks(text);
        if (found == 0) {
            return text;
        }
        String plain = text;
        if ((found & DIGITS) != 0) {
            plain = withAsciiDigits(plain);
        }
        if ((found & STRIKES) != 0) {
            plain = STRUCK.matcher(plain).replaceAll(" ");
        }
        if ((found & TAGS) != 0) {
            plain = withoutTags(plain);
        }
        if ((found & QUOTES) != 0) {
            plain = QUOTED_LINE.matcher(plain).replaceAll("");
        }
        if ((found & CODE) != 0) {
            plain = FENCE.matcher(plain)
                    .replaceAll("")
                    .replaceAll("``([^`'\\n]{1,200})''", "$1")
                    .replace("`", "");
        }
        if ((found & LINES) != 0) {
            plain = LINE_START.matcher(plain).replaceAll("");
        }
        if ((found & HIGHLIGHTS) != 0) {
            plain = HIGHLIGHT.matcher(plain).replaceAll("$1");
        }
        if ((found & SYMBOLS) != 0) {
            plain = SYMBOL.matcher(plain).replaceAll(" ").strip();
        }
        if ((found & EMPHASIS) != 0) {
            plain = withoutEmphasis(plain);
        }
        return plain;
    }

    private static final int DIGITS = 1;
    private static final int STRIKES = 2;
    private static final int TAGS = 4;
    private static final int QUOTES = 8;
    private static final int CODE = 16;
    private static final int LINES = 32;
    private static final int EMPHASIS = 64;
    private static final int HIGHLIGHTS = 128;
    private static final int SYMBOLS = 256;

    /** Which marks there may be; most answers have none. */
    private static int marks(String text) {
        int found = 0;
        int length = text.length();
        // Whether nothing but quotation marks and spaces came since the line began.
        boolean leads = true;
        for (int i = 0; i < length; i++) {
            char c = text.charAt(i);
            leads = c == '\n' || leads && (c == '>' || c == ' ' || c == '\t');
            if (c > 'z' || c < 'A' && c < '0' || c > '9' && c < 'A' || c > 'Z' && c < 'a') {
                switch (c) {
                    case '*' -> found |= EMPHASIS | (i + 1 < length && text.charAt(i + 1) == ' ' ? LINES : 0);
                    case '_' -> found |= EMPHASIS;
                    case '`' -> found |= CODE;
                    case '#', '\u2022', '\u2023', '\u25e6', '\u25aa', '\u25cf' -> found |= LINES;
                    case '~' -> found |= i + 1 < length && text.charAt(i + 1) == '~' ? STRIKES : 0;
                    case '<' ->
                        found |= i + 2 < length
                                        && ("/<".indexOf(text.charAt(i + 1)) >= 0
                                                || Character.isLetter(text.charAt(i + 1)))
                                ? TAGS | STRIKES
                                : 0;
                    case '&' -> found |= i + 1 < length && Character.isLetter(text.charAt(i + 1)) ? TAGS : 0;
                    case '>' -> found |= leads ? QUOTES : 0;
                    case '\\' -> found |= text.startsWith("\\sout", i) || text.startsWith("\\st{", i) ? STRIKES : 0;
                    case '=' ->
                        found |= i + 2 < length && text.charAt(i + 1) == '=' && text.charAt(i + 2) != ' '
                                ? HIGHLIGHTS
                                : 0;
                    default -> found |= c <= 127 ? 0 : Character.isDigit(c) ? DIGITS : mayDecorate(c) ? SYMBOLS : 0;
                }
            }
        }
        return found;
    }

    private static boolean mayDecorate(char c) {
        return c >= '\u2190' && c <= '\u2b50' || c == '\ufe0f' || c >= '\ud83c' && c <= '\ud83e';
    }

    private static String withAsciiDigits(String text) {
        char[] characters = text.toCharArray();
        for (int i = 0; i < characters.length; i++) {
            int digit = characters[i] > 127 ? Character.digit(characters[i], 10) : -1;
            if (digit >= 0) {
                characters[i] = (char) ('0' + digit);
            }
        }
        return new String(characters);
    }

    private static String withoutTags(String text) {
        String plain = text;
        if (plain.indexOf('&') >= 0) {
            plain = plain.replace("&nbsp;", " ")
                    .replace("&lt;", "<")
                    .replace("&gt;", ">")
                    .replace("&times;", "\u00d7")
                    .replace("&minus;", "-")
                    .replace("&quot;", "\"");
        }
        plain = CALCULATED.matcher(plain).replaceAll("");
        if (!plain.contains("</") && !plain.contains("<br") && !plain.contains("<p>") && !plain.contains("<hr")) {
            return plain;
        }
        plain = RAISED.matcher(plain)
                .replaceAll(match -> Matcher.quoteReplacement(
                        (match.group(1).equalsIgnoreCase("sup") ? "^{" : "_{") + match.group(2) + "}"));
        return TAG.matcher(plain).replaceAll(match -> isBlock(match.group(1)) ? "\n" : "");
    }

    private static boolean isBlock(String name) {
        String lower = name.toLowerCase(java.util.Locale.ROOT);
        return BLOCKS.contains(" " + lower + " ") || lower.length() == 2 && lower.charAt(0) == 'h';
    }

    /** Takes pairs of one to three stars or underscores that stand around something, and are no operators. */
    private static String withoutEmphasis(String text) {
        StringBuilder plain = null;
        int copied = 0;
        int misses = 0;
        int i = 0;
        while (i < text.length()) {
            char c = text.charAt(i);
            if (c != '*' && c != '_') {
                i++;
                continue;
            }
            int run = run(text, i);
            int close = run <= 3 && opens(text, i, run) && misses < 50 ? close(text, i + run, c, run) : -1;
            if (close < 0) {
                misses++;
                i += run;
                continue;
            }
            if (plain == null) {
                plain = new StringBuilder(text.length());
            }
            // The inside may hold marks of its own, so it is looked at by a second pass over the result.
            plain.append(text, copied, i).append(withoutEmphasis(text.substring(i + run, close)));
            i = close + run;
            copied = i;
        }
        return plain == null ? text : plain.append(text, copied, text.length()).toString();
    }

    private static int run(String text, int at) {
        int end = at;
        while (end < text.length() && text.charAt(end) == text.charAt(at)) {
            end++;
        }
        return end - at;
    }

    private static boolean opens(String text, int at, int run) {
        int inside = at + run;
        if (inside >= text.length() || Character.isWhitespace(text.charAt(inside))) {
            return false;
        }
        return at == 0 || isEdge(text.charAt(at - 1), text.charAt(at));
    }

    /** Whether what stands beside a mark is neither an operand nor an operator. */
    private static boolean isEdge(char c, char mark) {
        return Character.isWhitespace(c)
                || ".,;:!?\"'([{=>*_~|\u2014\u2013\u201c\u201d\u2019".indexOf(c) >= 0 && c != mark
                || ")]}".indexOf(c) >= 0
                || c > 0x2e80;
    }

    private static int close(String text, int from, char mark, int run) {
        int limit = Math.min(text.length(), from + 1000);
        for (int i = from + 1; i < limit; i++) {
            char c = text.charAt(i);
            if (c == '\n' && text.charAt(i - 1) == '\n') {
                return -1;
            }
            if (c == mark && text.charAt(i - 1) != mark) {
                int length = run(text, i);
                int after = i + length;
                boolean edge = after == text.length() || isEdge(text.charAt(after), mark) || text.charAt(after) == '$';
                if (length == run && !Character.isWhitespace(text.charAt(i - 1)) && (edge || run > 1 && mark == '*')) {
                    return i;
                }
            }
        }
        return -1;
    }
}
