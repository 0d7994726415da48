package org.minpro.verify;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Cuts LaTeX or plain text into tokens; spacing, sizing and font commands disappear here. */
final class Lexer {
    private static final Set<String> IGNORED = Set.of(
            "left",
            "right",
            "big",
            "Big",
            "bigg",
            "Bigg",
            "bigl",
            "bigr",
            "Bigl",
            "Bigr",
            "biggl",
            "biggr",
            "middle",
            "displaystyle",
            "textstyle",
            "limits",
            "nolimits",
            "quad",
            "qquad",
            "mathbf",
            "boldsymbol",
            "bf",
            "bm",
            "mathit",
            "mathsf",
            "mathop",
            "rm",
            "it",
            "thinspace",
            "enspace",
            "medspace",
            "negthinspace",
            "boxed",
            "fbox",
            "pmb",
            "uline",
            "hl",
            "scriptstyle",
            "mathnormal",
            "checkmark",
            "blacksquare",
            "mathbin",
            "mathrel",
            "ensuremath",
            "tiny",
            "small",
            "normalsize",
            "large",
            "Large",
            "LARGE",
            "huge",
            "Huge",
            "bfseries");
    private static final Set<String> TEXTS = Set.of(
            "text",
            "mbox",
            "textbf",
            "textit",
            "textrm",
            "textnormal",
            "texttt",
            "textsf",
            "mathrm",
            "mathtt",
            "hbox",
            "operatorname",
            "emph");
    private static final Set<String> SKIPPED_WITH_GROUP =
            Set.of("phantom", "hspace", "vspace", "hphantom", "vphantom", "color", "textcolor");
    private static final Map<String, String> SAME_COMMAND = Map.ofEntries(
            Map.entry("dfrac", "frac"),
            Map.entry("tfrac", "frac"),
            Map.entry("cfrac", "frac"),
            Map.entry("dbinom", "binom"),
            Map.entry("tbinom", "binom"),
            Map.entry("choose", "choose"),
            Map.entry("leq", "le"),
            Map.entry("leqslant", "le"),
            Map.entry("leqq", "le"),
            Map.entry("geq", "ge"),
            Map.entry("geqslant", "ge"),
            Map.entry("geqq", "ge"),
            Map.entry("neq", "ne"),
            Map.entry("simeq", "approx"),
            Map.entry("thickapprox", "approx"),
            Map.entry("varnothing", "emptyset"),
            Map.entry("backslash", "setminus"),
            Map.entry("smallsetminus", "setminus"),
            Map.entry("degree", "circ"),
            Map.entry("ast", "cdot"),
            Map.entry("bullet", "cdot"),
            Map.entry("land", "and"),
            Map.entry("wedge", "and"),
            Map.entry("lor", "or"),
            Map.entry("vee", "or"),
            Map.entry("dots", "ldots"),
            Map.entry("cdots", "ldots"),
            Map.entry("lg", "lg"),
            Map.entry("varphi", "phi"),
            Map.entry("varepsilon", "epsilon"),
            Map.entry("vartheta", "theta"));
    private static final Map<String, String> SIGN_COMMANDS = Map.ofEntries(
            Map.entry("pounds", "pound"),
            Map.entry("euro", "euro"),
            Map.entry("lt", "<"),
            Map.entry("gt", ">"),
            Map.entry("lvert", "|"),
            Map.entry("rvert", "|"),
            Map.entry("vert", "|"),
            Map.entry("Vert", "|"),
            Map.entry("lVert", "|"),
            Map.entry("rVert", "|"),
            Map.entry("lbrace", "\\{"),
            Map.entry("rbrace", "\\}"),
            Map.entry("lbrack", "["),
            Map.entry("rbrack", "]"),
            Map.entry("colon", ":"),
            Map.entry("langle", "("),
            Map.entry("rangle", ")"));
    private static final Map<Character, String> CHARACTERS = Map.ofEntries(
            Map.entry('\u2212', "-"),
            Map.entry('\u2013', "-"),
            Map.entry('\u00d7', "\\times "),
            Map.entry('\u00b7', "\\cdot "),
            Map.entry('\u22c5', "\\cdot "),
            Map.entry('\u2217', "\\cdot "),
            Map.entry('\u00f7', "/"),
            Map.entry('\u2044', "/"),
            Map.entry('\u2215', "/"),
            Map.entry('\u221a', "\\sqrt "),
            Map.entry('\u03c0', "\\pi "),
            Map.entry('\u221e', "\\infty "),
            Map.entry('\u2264', "\\le "),
            Map.entry('\u2265', "\\ge "),
            Map.entry('\u2260', "\\ne "),
            Map.entry('\u2248', "\\approx "),
            Map.entry('\u2208', "\\in "),
            Map.entry('\u222a', "\\cup "),
            Map.entry('\u2229', "\\cap "),
            Map.entry('\u2205', "\\emptyset "),
            Map.entry('\u211d', "\\mathbb{R}"),
            Map.entry('\u00b0', "^\\circ "),
            Map.entry('\u00b1', "\\pm "),
            Map.entry('\u2213', "\\mp "),
            Map.entry('\u00b2', "^{2}"),
            Map.entry('\u00b3', "^{3}"),
            Map.entry('\u00bd', "\\frac{1}{2}"),
            Map.entry('\u00bc', "\\frac{1}{4}"),
            Map.entry('\u00be', "\\frac{3}{4}"),
            Map.entry('\u03b1', "\\alpha "),
            Map.entry('\u03b2', "\\beta "),
            Map.entry('\u03b3', "\\gamma "),
            Map.entry('\u03b8', "\\theta "),
            Map.entry('\u03bb', "\\lambda "),
            Map.entry('\u03c6', "\\phi "),
            Map.entry('\u03c9', "\\omega "),
            Map.entry('\u00a0', " "),
            Map.entry('\u2009', " "),
            Map.entry('\u202f', " "),
            Map.entry('\u3000', " "),
            Map.entry('\u3001', ","),
            Map.entry('\u2014', "-"),
            Map.entry('\u2019', "'"),
            Map.entry('\u2032', "'"));
    /** Plain names that are functions, constants or connectives. */
    static final Map<String, String> NAMES = Map.ofEntries(
            Map.entry("sin", "sin"),
            Map.entry("cos", "cos"),
            Map.entry("tan", "tan"),
            Map.entry("cot", "cot"),
            Map.entry("sec", "sec"),
            Map.entry("csc", "csc"),
            Map.entry("sinh", "sinh"),
            Map.entry("cosh", "cosh"),
            Map.entry("tanh", "tanh"),
            Map.entry("arcsin", "arcsin"),
            Map.entry("arccos", "arccos"),
            Map.entry("arctan", "arctan"),
            Map.entry("asin", "arcsin"),
            Map.entry("acos", "arccos"),
            Map.entry("atan", "arctan"),
            Map.entry("ln", "ln"),
            Map.entry("log", "log"),
            Map.entry("exp", "exp"),
            Map.entry("sqrt", "sqrt"),
            Map.entry("pi", "pi"),
            Map.entry("infinity", "infty"),
            Map.entry("infty", "infty"),
            Map.entry("oo", "infty"),
            Map.entry("abs", "abs"),
            Map.entry("floor", "floor"),
            Map.entry("ceil", "ceil"),
            Map.entry("gcd", "gcd"),
            Map.entry("lcm", "lcm"),
            Map.entry("mod", "mod"),
            Map.entry("binom", "binomial"),
            Map.entry("and", "and"),
            Map.entry("or", "or"),
            Map.entry("theta", "theta"),
            Map.entry("alpha", "alpha"),
            Map.entry("beta", "beta"));

    private static final Pattern FORMULA_IN_TEXT =
            Pattern.compile("^[-+(]*(?:\\\\?\\$)?\\.?[0-9]|^or [0-9]|^\\(or [0-9]|^[A-J](?:(?:,|,? and) ?[A-J])+$");
    private static final Pattern LETTER_UNITS =
            Pattern.compile("[a-zA-Z]{1,3}(\\^\\{?[23]}?)?(/[a-zA-Z]{1,3}(\\^\\{?[23]}?)?)?[\\s.]*");

    /** The scripts from here on write no variables. */
    private static final char WORDS_ONLY = '\u0590';

    private final String text;
    private final Reading reading;
    private final Budget budget;
    private final List<Token> tokens = new ArrayList<>();
    private boolean sawThousands;
    private boolean sawLetterUnits;
    private boolean sawDecimalComma;
    private boolean inText;
    private boolean spaced;
    private int brackets;

    Lexer(String text, Reading reading, Budget budget) {
        if (text.length() > budget.limits().length()) {
            throw Refusal.limit();
        }
        this.text = replaceCharacters(text);
        this.reading = reading;
        this.budget = budget;
    }

    /** Whether a comma was read as a thousands separator although it may separate two numbers. */
    boolean sawThousands() {
        return sawThousands;
    }

    /** Whether letters behind the last number may be units although they are read as variables. */
    boolean sawLetterUnits() {
        return sawLetterUnits;
    }

    /** Whether a comma between digits may be a decimal point. */
    boolean sawDecimalComma() {
        return sawDecimalComma;
    }

    List<Token> tokens() {
        int i = 0;
        while (i < text.length()) {
            budget.step();
            i = next(i);
        }
        while (!tokens.isEmpty() && isTrailing(tokens.get(tokens.size() - 1))) {
            tokens.remove(tokens.size() - 1);
        }
        tokens.add(new Token(Token.Type.END, "", true));
        return tokens;
    }

    private static boolean isTrailing(Token token) {
        return token.isSign(".") || token.isSign(",") || token.isSign(";");
    }

    private static String replaceCharacters(String text) {
        StringBuilder result = null;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            String replacement = c < 128 ? null : replacement(c);
            if (replacement != null && result == null) {
                result = new StringBuilder(text.length() + 16).append(text, 0, i);
            }
            if (result != null) {
                if (replacement != null) {
                    result.append(replacement);
                } else {
                    result.append(c);
                }
            }
        }
        return result == null ? text : result.toString();
    }

    private static @Nullable String replacement(char c) {
        if (c >= '\uff01' && c <= '\uff5e') {
            return String.valueOf((char) (c - 0xfee0)); // the full-width form of an ASCII character
        }
        return Character.getType(c) == Character.FORMAT ? "" : CHARACTERS.get(c);
    }

    private int next(int at) {
        char c = text.charAt(at);
        int behind = c == '~' && tokens.isEmpty() ? skipSpaces(at + 1) : text.length();
        if (behind < text.length() && isDigit(text.charAt(behind))) {
            throw Refusal.unknown(); // ~5 is about five
        }
        if (Character.isWhitespace(c) || c == '~') {
            spaced = true;
            return at + 1;
        }
        if (c == '$') {
            return at + 1;
        }
        if (c == '\\') {
            return command(at);
        }
        if (isDigit(c) || c == '.' && at + 1 < text.length() && isDigit(text.charAt(at + 1))) {
            return number(at);
        }
        if (Character.isLetter(c)) {
            return letters(at);
        }
        if (c == '*' && at + 1 < text.length() && text.charAt(at + 1) == '*') {
            add(Token.Type.SIGN, "^");
            return at + 2;
        }
        if ((c == '<' || c == '>' || c == '!') && at + 1 < text.length() && text.charAt(at + 1) == '=') {
            add(Token.Type.COMMAND, c == '<' ? "le" : c == '>' ? "ge" : "ne");
            return at + 2;
        }
        if (c == '(' || c == '[') {
            brackets++;
        } else if (c == ')' || c == ']') {
            brackets = Math.max(0, brackets - 1);
        }
        String money = money(c);
        if (money != null) {
            add(Token.Type.SIGN, money);
            return at + 1;
        }
        if ("+-*/^_=<>()[]{}|,;:.!%&'".indexOf(c) < 0) {
            throw Refusal.unknown();
        }
        add(Token.Type.SIGN, String.valueOf(c));
        return at + 1;
    }

    /** The name of a currency's sign, or null; the dollar's is LaTeX's too and is read elsewhere. */
    private static @org.jspecify.annotations.Nullable String money(char c) {
        return switch (c) {
            case '\u00a3' -> "pound";
            case '\u20ac' -> "euro";
            case '\u00a5' -> "yen";
            case '\u20b9' -> "rupee";
            case '\u20a9' -> "won";
            case '\u20bd' -> "ruble";
            default -> null;
        };
    }

    private void add(Token.Type type, String value) {
        tokens.add(new Token(type, value, spaced));
        if (tokens.size() > 4 * budget.limits().nodes()) {
            throw Refusal.limit();
        }
        spaced = false;
    }

    private int command(int at) {
        if (at + 1 >= text.length()) {
            throw Refusal.malformed();
        }
        char c = text.charAt(at + 1);
        if (!Character.isLetter(c)) {
            switch (c) {
                case ',', ';', ':', '!', ' ', '>', '(', ')', '[', ']', '\n' -> spaced = spaced || c != '!';
                case '{', '}' -> {
                    brackets = c == '{' ? brackets + 1 : Math.max(0, brackets - 1);
                    add(Token.Type.SIGN, "\\" + c);
                }
                case '$' -> add(Token.Type.SIGN, "dollar");
                case '%' -> add(Token.Type.SIGN, "%");
                case '\\' -> add(Token.Type.SIGN, "\\\\");
                case '|' -> add(Token.Type.SIGN, "|");
                case '&', '#', '_' -> throw Refusal.unknown();
                default -> throw Refusal.malformed();
            }
            return at + 2;
        }
        int end = at + 1;
        while (end < text.length() && isAsciiLetter(text.charAt(end))) {
            end++;
        }
        String name = text.substring(at + 1, end);
        if (name.isEmpty()) {
            throw Refusal.malformed();
        }
        if (IGNORED.contains(name)) {
            if (name.equals("left") || name.equals("right")) {
                if (end < text.length() && text.charAt(end) == '.') {
                    return end + 1;
                }
            } else {
                spaced = spaced || name.endsWith("quad");
            }
            return end;
        }
        if (name.equals("underline") && holdsNumber(end)) {
            return end; // emphasis of an answer, and no name of a vector
        }
        if (SKIPPED_WITH_GROUP.contains(name)) {
            return end < text.length() && text.charAt(end) == '{' ? groupEnd(end) : end;
        }
        if (TEXTS.contains(name)) {
            int open = skipSpaces(end);
            if (open >= text.length() || text.charAt(open) != '{') {
                return end;
            }
            int close = groupEnd(open);
            textGroup(name, text.substring(open + 1, close - 1));
            return close;
        }
        String sign = SIGN_COMMANDS.get(name);
        if (sign != null) {
            add(Token.Type.SIGN, sign);
            return end;
        }
        if (name.equals("mathbb") || name.equals("mathcal") || name.equals("begin") || name.equals("end")) {
            int open = skipSpaces(end);
            if (open < text.length() && text.charAt(open) == '{') {
                int close = groupEnd(open);
                add(Token.Type.COMMAND, name + text.substring(open, close).replace(" ", ""));
                return close;
            }
            throw Refusal.malformed();
        }
        add(Token.Type.COMMAND, SAME_COMMAND.getOrDefault(name, name));
        return end;
    }

    private boolean holdsNumber(int at) {
        int open = skipSpaces(at);
        int inside = skipSpaces(Math.min(open + 1, text.length()));
        return inside < text.length()
                && text.charAt(open) == '{'
                && (isDigit(text.charAt(inside)) || "-\\.({".indexOf(text.charAt(inside)) >= 0);
    }

    /** Text in a formula: connectives and single roman letters are mathematics, the rest are words. */
    private void textGroup(String command, String content) {
        String trimmed = content.replace('~', ' ').strip();
        if (trimmed.isEmpty()) {
            spaced = true;
            return;
        }
        if (command.equals("operatorname") || command.equals("mathrm")) {
            String name = NAMES.get(trimmed);
            if (name != null) {
                add(Token.Type.COMMAND, name);
                return;
            }
            if (trimmed.length() == 1 && Character.isLetter(trimmed.charAt(0))) {
                add(
                        command.equals("mathrm") && "mgsKNJWVA".contains(trimmed) ? Token.Type.TEXT : Token.Type.LETTER,
                        trimmed);
                return;
            }
        }
        if (!inText && FORMULA_IN_TEXT.matcher(trimmed).find()) {
            formula(trimmed);
            return;
        }
        String bare = trimmed.toLowerCase(java.util.Locale.ROOT);
        if (bare.endsWith(" and") || bare.endsWith(" or")) {
            int end = trimmed.lastIndexOf(' ');
            add(Token.Type.TEXT, trimmed.substring(0, end).strip());
            add(Token.Type.COMMAND, bare.substring(end + 1));
            return;
        }
        switch (bare) {
            case "mod" -> add(Token.Type.COMMAND, "mod");
            case "and", "or", "," -> add(bare.equals(",") ? Token.Type.SIGN : Token.Type.COMMAND, bare);
            case ", and", ",and" -> add(Token.Type.COMMAND, "and");
            case ", or", ",or" -> add(Token.Type.COMMAND, "or");
            default -> add(Token.Type.TEXT, trimmed);
        }
    }

    /** An amount that is set as text, {@code \text{7 apples}}, is read as if it were not. */
    private void formula(String content) {
        Lexer inner = new Lexer(content, reading, budget);
        inner.inText = true;
        inner.spaced = true;
        List<Token> read = inner.tokens();
        for (Token token : read.subList(0, read.size() - 1)) {
            spaced = token.spaced();
            add(token.type(), token.text());
        }
        sawThousands = sawThousands || inner.sawThousands;
        sawDecimalComma = sawDecimalComma || inner.sawDecimalComma;
        sawLetterUnits = sawLetterUnits || inner.sawLetterUnits;
        spaced = true;
    }

    /** The position after the brace that closes the group that opens at a position. */
    private int groupEnd(int open) {
        int depth = 0;
        for (int i = open; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\') {
                i++;
            } else if (c == '{') {
                depth++;
            } else if (c == '}') {
                depth--;
                if (depth == 0) {
                    return i + 1;
                }
            }
        }
        throw Refusal.malformed();
    }

    private int number(int at) {
        StringBuilder digits = new StringBuilder();
        int i = digits(at, digits);
        if (i > at && i - at <= 3 && text.charAt(at) != '0') {
            i = thousands(i, digits);
        }
        i = decimalComma(i, digits, i - at > digits.length());
        if (i < text.length() && text.charAt(i) == '.') {
            boolean decimal = i + 1 < text.length() && isDigit(text.charAt(i + 1));
            boolean sentenceEnd = i + 1 == text.length() || Character.isWhitespace(text.charAt(i + 1));
            boolean repeating = text.startsWith(".\\overline", i);
            if (decimal || repeating) {
                digits.append('.');
                i = digits(i + 1, digits);
            } else if (!sentenceEnd && text.charAt(i + 1) == '/') {
                i++;
            }
        }
        if (i + 1 < text.length() && (text.charAt(i) == 'e' || text.charAt(i) == 'E')) {
            int sign = "+-".indexOf(text.charAt(i + 1)) >= 0 ? i + 2 : i + 1;
            StringBuilder exponent = new StringBuilder();
            int end = digits(sign, exponent);
            if (exponent.length() > 0 && (end == text.length() || !Character.isLetter(text.charAt(end)))) {
                if (exponent.length() > 4) {
                    throw Refusal.limit();
                }
                digits.append('e').append(text, i + 1, end);
                i = end;
            }
        }
        if (digits.length() > budget.limits().digits()) {
            throw Refusal.limit();
        }
        if (endsInDots(i)) {
            throw Refusal.unknown(); // 0.333… says that digits are left out and not which
        }
        add(Token.Type.NUMBER, digits.toString());
        return i;
    }

    /**
     * Reads the digits behind a comma as decimals where it is one, or may be and is to be read so.
     *
     * @param grouped whether the digits before it were set in groups of three, {@code 12 500}
     */
    private int decimalComma(int at, StringBuilder into, boolean grouped) {
        if (at >= text.length() || ",.{".indexOf(text.charAt(at)) < 0) {
            return at;
        }
        int from = at;
        if (into.length() > 0 && text.startsWith("{,}", at) && at + 3 < text.length() && isDigit(text.charAt(at + 3))) {
            into.append('.');
            return digits(at + 3, into);
        }
        StringBuilder groups = new StringBuilder();
        while (into.length() <= 3 && from < text.length() && text.charAt(from) == '.' && threeDigits(from + 1)) {
            groups.append(text, from + 1, from + 4);
            from += 4; // 1.234,5 in countries whose decimal comma leaves the point for thousands
        }
        boolean comma = into.length() > 0
                && brackets == 0
                && (tokens.isEmpty() || !tokens.get(tokens.size() - 1).isSign(","))
                && from + 1 < text.length()
                && text.charAt(from) == ','
                && isDigit(text.charAt(from + 1));
        if (!comma) {
            return at;
        }
        StringBuilder decimals = new StringBuilder();
        int end = digits(from + 1, decimals);
        if (end + 1 < text.length() && text.charAt(end) == ',' && isDigit(text.charAt(end + 1))) {
            return at;
        }
        boolean certain = grouped && decimals.length() != 3 || groups.length() > 3; // 12 500,00 and 1.234.567,8
        sawDecimalComma = sawDecimalComma || !certain;
        if (!reading.decimalComma() && !certain) {
            return at;
        }
        into.append(groups).append('.').append(decimals);
        return end;
    }

    private boolean endsInDots(int at) {
        return text.startsWith("...", at)
                || text.startsWith("\u2026", at)
                || text.startsWith("\\ldots", at)
                || text.startsWith("\\dots", at)
                || text.startsWith("\\cdots", at);
    }

    private int digits(int at, StringBuilder into) {
        int i = at;
        while (i < text.length() && isDigit(text.charAt(i))) {
            into.append(text.charAt(i));
            i++;
        }
        return i;
    }

    /** Reads groups of three digits after an explicit separator, or after a comma where a list is unlikely. */
    private int thousands(int at, StringBuilder into) {
        int i = at;
        while (i < text.length()) {
            int from = explicitSeparator(i);
            if (from < 0 || !threeDigits(from)) {
                break;
            }
            into.append(text, from, from + 3);
            i = from + 3;
        }
        if (i > at || !reading.thousands() || brackets > 0) {
            return i;
        }
        int end = i;
        while (end < text.length() && text.charAt(end) == ',' && threeDigits(end + 1)) {
            end += 4;
        }
        boolean listFollows = end + 1 < text.length() && text.charAt(end) == ',' && isDigit(text.charAt(end + 1));
        if (end == i || listFollows) {
            return i;
        }
        sawThousands = true;
        into.append(text.substring(i, end).replace(",", ""));
        return end;
    }

    private int explicitSeparator(int at) {
        if (text.startsWith("{,}", at)) {
            return at + 3;
        }
        if (text.startsWith(",\\!", at)) {
            return skipSpaces(at + 3);
        }
        if (text.startsWith("{\\,}", at)) {
            return at + 4;
        }
        if (text.startsWith("\\,", at)
                || text.startsWith("\\;", at)
                || text.startsWith("\\:", at)
                || text.startsWith("\\ ", at)) {
            return at + 2;
        }
        if (text.startsWith("~", at) || text.startsWith("'", at)) {
            return at + 1;
        }
        if (text.startsWith(" ", at) && threeDigits(at + 1) && !text.startsWith("/", at + 4)) {
            return at + 1; // 3 100/201 is a mixed number
        }
        return -1;
    }

    private boolean threeDigits(int at) {
        if (at + 3 > text.length()) {
            return false;
        }
        for (int i = at; i < at + 3; i++) {
            if (!isDigit(text.charAt(i))) {
                return false;
            }
        }
        return at + 3 == text.length() || !isDigit(text.charAt(at + 3));
    }

    private int letters(int at) {
        int end = at;
        while (end < text.length() && isLetterOrMark(text.charAt(end))) {
            end++;
        }
        String run = text.substring(at, end);
        if (run.equals("DNE")) {
            add(Token.Type.TEXT, run);
            return end;
        }
        if ((run.equals("x") || run.equals("X")) && isTimes(at, end)) {
            add(Token.Type.COMMAND, "times");
            return end;
        }
        if (run.length() == 1 && (text.startsWith("p.m", at) || text.startsWith("a.m", at))) {
            add(Token.Type.TEXT, text.substring(at, at + 3));
            return at + (text.startsWith(".", at + 3) ? 4 : 3);
        }
        if ((run.equals("PM") || run.equals("AM")) && isAfterTime()) {
            add(Token.Type.TEXT, run.equals("PM") ? "p.m" : "a.m");
            return end;
        }
        if (isLetterUnits(run, at)) {
            sawLetterUnits = true;
            if (reading.letterUnits()) {
                add(Token.Type.TEXT, text.substring(at).strip());
                return text.length();
            }
        }
        if (end < text.length() && text.charAt(end) == '.' && run.equals("np")) {
            return end + 1; // numpy.arcsin(…)
        }
        String name = NAMES.get(run);
        if (name == null && run.length() > 1) {
            name = NAMES.get(run.toLowerCase(java.util.Locale.ROOT));
        }
        if (name != null && run.length() > 1) {
            add(Token.Type.COMMAND, name);
        } else if (run.charAt(0) < WORDS_ONLY
                && (run.length() == 1 || run.length() <= 3 && !isShortWord(run, at, end))) {
            for (int i = 0; i < run.length(); i++) {
                add(Token.Type.LETTER, run.substring(i, i + 1));
            }
        } else {
            add(Token.Type.WORD, run);
        }
        return end;
    }

    private static boolean isLetterOrMark(char c) {
        return Character.isLetter(c)
                || c >= WORDS_ONLY
                        && (Character.getType(c) == Character.NON_SPACING_MARK
                                || Character.getType(c) == Character.COMBINING_SPACING_MARK);
    }

    /** Whether an x between two numbers is a sign of multiplication: 3 x 4. */
    private boolean isTimes(int at, int end) {
        int next = skipSpaces(end);
        return at > 0
                && text.charAt(at - 1) == ' '
                && next > end
                && next < text.length()
                && isDigit(text.charAt(next))
                && !tokens.isEmpty()
                && tokens.get(tokens.size() - 1).type() == Token.Type.NUMBER;
    }

    /** Whether the tokens end in a time of day such as 5:30. */
    private boolean isAfterTime() {
        int last = tokens.size() - 1;
        return last >= 2
                && tokens.get(last).type() == Token.Type.NUMBER
                && tokens.get(last - 1).isSign(":")
                && tokens.get(last - 2).type() == Token.Type.NUMBER;
    }

    /** Whether everything from a letter behind a number on names a unit: 5 m, 9.8 m/s^2. */
    private boolean isLetterUnits(String run, int at) {
        return run.length() == 1
                && "mshgLlNJWKAVCFHTBk".contains(run)
                && !tokens.isEmpty()
                && tokens.get(tokens.size() - 1).type() == Token.Type.NUMBER
                && text.length() - at <= 12
                && LETTER_UNITS.matcher(text.substring(at)).matches();
    }

    /** Two letters are a word only where they stand alone in the text. */
    private boolean isShortWord(String run, int at, int end) {
        if (!Units.isWord(run)) {
            return false;
        }
        boolean spaceBefore = at > 0 && (text.charAt(at - 1) == ' ' || text.charAt(at - 1) == '~');
        boolean unit = end > at && at > 0 && (isDigit(text.charAt(at - 1)) || spaceBefore);
        boolean alone = (at == 0 || spaceBefore) && (end == text.length() || " .,;^/?".indexOf(text.charAt(end)) >= 0);
        return run.length() == 3 || alone || unit && isDigit(text.charAt(at - 1));
    }

    private int skipSpaces(int at) {
        int i = at;
        while (i < text.length() && Character.isWhitespace(text.charAt(i))) {
            i++;
        }
        return i;
    }

    private static boolean isAsciiLetter(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z';
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }
}
