package org.minpro.text.jinja;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts a template into tokens, with jinja2's whitespace control: {@code -} strips, {@code +} keeps, and otherwise a block
 * or comment takes the indentation before it (lstrip_blocks) and one newline after it (trim_blocks).
 */
final class Lexer {
    private static final Pattern RAW_BEGIN =
            Pattern.compile("\\{%([-+]?)\\s*raw\\s*(-%\\}\\s*|%\\})", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern RAW_END =
            Pattern.compile("\\{%([-+]?)\\s*endraw\\s*(\\+%\\}|-%\\}\\s*|%\\}\\n?)", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern FLOAT =
            Pattern.compile("(?<!\\.)(\\d+_)*\\d+((\\.(\\d+_)*\\d+)?[eE][+\\-]?(\\d+_)*\\d+|\\.(\\d+_)*\\d+)");
    private static final Pattern INTEGER =
            Pattern.compile("0[bB](_?[01])+|0[oO](_?[0-7])+|0[xX](_?[\\da-fA-F])+|[1-9](_?\\d)*|0(_?0)*");
    private static final Pattern STRING = Pattern.compile(
            "'([^'\\\\]*+(?:\\\\.[^'\\\\]*+)*+)'|\"([^\"\\\\]*+(?:\\\\.[^\"\\\\]*+)*+)\"", Pattern.DOTALL);
    /** Longest first. */
    private static final List<String> OPERATORS = List.of(
            "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<",
            "=", ".", ":", "|", ",", ";");

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int position;
    private int line = 1;
    /** Whether what was read last ended a line, so that a tag's indentation is all there is before it. */
    private boolean lineStarting = true;

    private Lexer(String source) {
        this.source = source;
    }

    static List<Token> tokens(String template) {
        String source = template.replace("\r\n", "\n").replace('\r', '\n');
        // As jinja2 does by default: the file's last newline is no part of the template.
        Lexer lexer = new Lexer(source.endsWith("\n") ? source.substring(0, source.length() - 1) : source);
        lexer.root();
        return lexer.tokens;
    }

    private void root() {
        while (position < source.length()) {
            int tag = nextTag();
            if (tag < 0) {
                add(Token.Kind.DATA, source.substring(position));
                advance(source.length());
                break;
            }
            Matcher raw = RAW_BEGIN.matcher(source).region(tag, source.length());
            if (raw.lookingAt()) {
                data(source.substring(position, tag), raw.group(1), false);
                advance(raw.end());
                raw();
                continue;
            }
            char kind = source.charAt(tag + 1);
            String sign = sign(tag + 2);
            data(source.substring(position, tag), sign, kind == '{');
            advance(tag);
            switch (kind) {
                case '#' -> comment(tag + 2 + sign.length());
                case '%' -> {
                    add(Token.Kind.BLOCK_BEGIN, "");
                    advance(tag + 2 + sign.length());
                    code('%', Token.Kind.BLOCK_END);
                }
                default -> {
                    add(Token.Kind.VARIABLE_BEGIN, "");
                    advance(tag + 2 + sign.length());
                    code('}', Token.Kind.VARIABLE_END);
                }
            }
        }
        add(Token.Kind.END, "");
    }

    private int nextTag() {
        for (int at = source.indexOf('{', position); at >= 0; at = source.indexOf('{', at + 1)) {
            if (at + 1 < source.length() && "{%#".indexOf(source.charAt(at + 1)) >= 0) {
                return at;
            }
        }
        return -1;
    }

    private String sign(int at) {
        return at < source.length() && (source.charAt(at) == '-' || source.charAt(at) == '+')
                ? source.substring(at, at + 1)
                : "";
    }

    /** The text before a tag, without what the tag's whitespace control takes. */
    private void data(String text, String sign, boolean variable) {
        String kept = text;
        if (sign.equals("-")) {
            kept = Strings.stripTrailing(text);
        } else if (sign.isEmpty() && !variable) {
            int lineStart = text.lastIndexOf('\n') + 1;
            if ((lineStart > 0 || lineStarting) && Strings.isSpace(text.substring(lineStart))) {
                kept = text.substring(0, lineStart);
            }
        }
        if (!kept.isEmpty()) {
            add(Token.Kind.DATA, kept);
        }
    }

    private void comment(int from) {
        int end = source.indexOf("#}", from);
        if (end < 0) {
            throw new JinjaException("Missing end of comment tag", line);
        }
        char before = end > from ? source.charAt(end - 1) : ' ';
        advance(after(end + 2, before));
    }

    private void raw() {
        Matcher end = RAW_END.matcher(source);
        if (!end.find(position)) {
            throw new JinjaException("Missing end of raw directive", line);
        }
        data(source.substring(position, end.start()), end.group(1), false);
        advance(end.end());
    }

    /** Where a tag that ends before {@code end} leaves off, given the sign in front of its closing bracket. */
    private int after(int end, char sign) {
        if (sign == '-') {
            return spaceEnd(end);
        }
        return sign != '+' && end < source.length() && source.charAt(end) == '\n' ? end + 1 : end;
    }

    private int spaceEnd(int from) {
        int at = from;
        while (at < source.length() && Strings.isSpace(source.charAt(at))) {
            at++;
        }
        return at;
    }

    /** The expression tokens of a tag, up to and with its closing bracket. */
    private void code(char closing, Token.Kind endKind) {
        Deque<Character> open = new ArrayDeque<>();
        while (true) {
            advance(spaceEnd(position));
            if (position >= source.length()) {
                return;
            }
            if (open.isEmpty()) {
                String sign = sign(position);
                int bracket = position + sign.length();
                boolean allowed = endKind == Token.Kind.BLOCK_END || !sign.equals("+");
                if (allowed
                        && bracket + 1 < source.length()
                        && source.charAt(bracket) == closing
                        && source.charAt(bracket + 1) == '}') {
                    add(endKind, "");
                    int end = bracket + 2;
                    boolean trims = endKind == Token.Kind.BLOCK_END || sign.equals("-");
                    advance(trims ? after(end, sign.isEmpty() ? ' ' : sign.charAt(0)) : end);
                    return;
                }
            }
            expressionToken(open);
        }
    }

    private void expressionToken(Deque<Character> open) {
        Optional<String> number = match(FLOAT);
        if (number.isPresent()) {
            take(Token.Kind.FLOAT, number.get());
            return;
        }
        number = match(INTEGER);
        if (number.isPresent()) {
            take(Token.Kind.INTEGER, number.get());
            return;
        }
        int end = position;
        while (end < source.length() && isWord(source.codePointAt(end))) {
            end += Character.charCount(source.codePointAt(end));
        }
        if (end > position) {
            take(Token.Kind.NAME, source.substring(position, end));
            return;
        }
        Optional<String> string = match(STRING);
        if (string.isPresent()) {
            String quoted = string.get();
            add(Token.Kind.STRING, unescape(quoted.substring(1, quoted.length() - 1)));
            advance(position + quoted.length());
            return;
        }
        for (String operator : OPERATORS) {
            if (source.startsWith(operator, position)) {
                balance(operator, open);
                take(Token.Kind.OPERATOR, operator);
                return;
            }
        }
        throw new JinjaException("unexpected char " + Strings.repr(source.substring(position, position + 1)), line);
    }

    private static boolean isWord(int character) {
        return character == '_'
                || Character.isLetterOrDigit(character)
                || Character.getType(character) == Character.NON_SPACING_MARK;
    }

    private Optional<String> match(Pattern pattern) {
        Matcher matcher =
                pattern.matcher(source).region(position, source.length()).useTransparentBounds(true);
        return matcher.lookingAt() ? Optional.of(matcher.group()) : Optional.empty();
    }

    private void balance(String operator, Deque<Character> open) {
        switch (operator) {
            case "{" -> open.push('}');
            case "(" -> open.push(')');
            case "[" -> open.push(']');
            case "}", ")", "]" -> {
                if (open.isEmpty()) {
                    throw new JinjaException("unexpected '" + operator + "'", line);
                }
                char expected = open.pop();
                if (expected != operator.charAt(0)) {
                    throw new JinjaException("unexpected '" + operator + "', expected '" + expected + "'", line);
                }
            }
            default -> {}
        }
    }

    private void take(Token.Kind kind, String text) {
        add(kind, text);
        advance(position + text.length());
    }

    private void add(Token.Kind kind, String text) {
        tokens.add(new Token(kind, text, line));
    }

    private void advance(int to) {
        for (int i = position; i < to; i++) {
            if (source.charAt(i) == '\n') {
                line++;
            }
        }
        if (to > position) {
            lineStarting = source.charAt(to - 1) == '\n';
        }
        position = to;
    }

    /** Python's escapes; an unknown one keeps its backslash. */
    private String unescape(String text) {
        if (text.indexOf('\\') < 0) {
            return text;
        }
        StringBuilder result = new StringBuilder();
        int i = 0;
        while (i < text.length()) {
            char c = text.charAt(i++);
            if (c != '\\') {
                result.append(c);
                continue;
            }
            char escape = text.charAt(i++);
            switch (escape) {
                case '\n' -> {}
                case '\\', '\'', '"' -> result.append(escape);
                case 'a' -> result.append('\u0007');
                case 'b' -> result.append('\b');
                case 'f' -> result.append('\f');
                case 'n' -> result.append('\n');
                case 'r' -> result.append('\r');
                case 't' -> result.append('\t');
                case 'v' -> result.append('\u000B');
                case 'x' -> i = hexadecimal(text, i, 2, result);
                case 'u' -> i = hexadecimal(text, i, 4, result);
                case 'U' -> i = hexadecimal(text, i, 8, result);
                case '0', '1', '2', '3', '4', '5', '6', '7' -> {
                    int end = i;
                    while (end < text.length() && end < i + 2 && "01234567".indexOf(text.charAt(end)) >= 0) {
                        end++;
                    }
                    result.append((char) Integer.parseInt(text.substring(i - 1, end), 8));
                    i = end;
                }
                case 'N' -> throw new JinjaException("named characters (\\N{...}) are not supported", line);
                default -> result.append('\\').append(escape);
            }
        }
        return result.toString();
    }

    private int hexadecimal(String text, int from, int digits, StringBuilder result) {
        int end = from + digits;
        if (end <= text.length()) {
            String number = text.substring(from, end);
            if (number.chars().allMatch(c -> Character.digit(c, 16) >= 0)) {
                long character = Long.parseLong(number, 16);
                if (character <= Character.MAX_CODE_POINT) {
                    result.appendCodePoint((int) character);
                    return end;
                }
            }
        }
        throw new JinjaException("truncated escape in a string: \\" + text.substring(from - 1), line);
    }
}
