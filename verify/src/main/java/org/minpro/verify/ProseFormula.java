package org.minpro.verify;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Finds the formula that prose states last, or first: one between dollar signs or in LaTeX's other marks, a matrix, or the
 * run of numbers, letters, operators and brackets that a number stands in. It keeps the 3 of {@code 2\sqrt{3}} and the 1 of
 * {@code x^2 + 2x + 1} from being answers.
 */
final class ProseFormula {
    private static final List<String> CLOSES = List.of("$", "$$", "\\)", "\\]");
    private static final int LONGEST = 1000;
    private static final Pattern FONT = Pattern.compile(
            "\\\\(?:text|textbf|textit|textrm|mathrm|mathbf|mbox|operatorname|begin|end)\\*?\\{[^{}]*}(?:\\{[lcr|]*})?");
    private static final Pattern SYMBOL = Pattern.compile(
            "\\\\(?:pi|sqrt|frac|dfrac|emptyset|varnothing|infty|mathbb|alpha|beta|theta|phi|sin|cos|tan|log|ln|binom)(?![a-zA-Z])");
    private static final Pattern BETWEEN = Pattern.compile("[\\s,;/|*]{0,8}");
    private static final Pattern JOINS = Pattern.compile(
            "[\\s*]*(?:,|,?[\\s*]*(?:\\\\text\\{)?\\s*(?:and|or|und|oder|et|ou|y|\u548c|\u6216)\\s*}?)[\\s*]*|\\\\q?quad\\s*(?:,|(?:\\\\text\\{)?\\s*(?:and|or)\\s*}?)\\s*\\\\q?quad|[\u3001\uff0c]");
    private static final Set<String> OPERATORS = Set.of(
            "+",
            "-",
            "\u2212",
            "*",
            "/",
            "\u00d7",
            "\u00b7",
            "\u22c5",
            "\u00f7",
            "=",
            "<",
            ">",
            "<=",
            ">=",
            "!=",
            "==",
            "\u2264",
            "\u2265",
            "\u2260",
            "\u2248",
            "\u00b1",
            "^",
            "**",
            ":",
            "\\cdot",
            "\\times",
            "\\div",
            "\\pm",
            "\\mp",
            "\\le",
            "\\leq",
            "\\ge",
            "\\geq",
            "\\neq",
            "\\ne",
            "\\approx",
            "\\lt",
            "\\gt",
            "\\cup",
            "\\cap",
            "\\in",
            "\u222a",
            "\u2229",
            "\u2208");
    private static final String OPERATOR_SIGNS =
            "+*/\u00d7\u00b7\u22c5\u00f7=<>\u2264\u2265\u2260\u2248\u00b1^\u222a\u2229\u2208";
    private static final Set<String> FUNCTIONS = Set.of(
            "sin", "cos", "tan", "cot", "sec", "csc", "log", "ln", "exp", "sqrt", "pi", "gcd", "lcm", "max", "min",
            "mod");
    /** A function whose argument stands behind a space. */
    private static final Pattern APPLIED = Pattern.compile(
            "(?:\\\\(?:sqrt|frac|dfrac|sin|cos|tan|cot|log|ln|lg|binom|arcsin|arccos|arctan|sec|csc)|(?<!\\p{L})(?:sqrt|sin|cos|tan|log|ln|arcsin|arccos|arctan))(?:[_^](?:\\{[^{}]*}|\\w))?$|\u221a$");

    private static final Pattern RELATION =
            Pattern.compile("[<>\u2264\u2265\u2260\u2208]|\\\\(?:l|g|n)e?(?:q|t|eq)?(?![a-zA-Z])|\\\\in(?![a-z])");

    private ProseFormula() {}

    /** The formula, or null where the text states none, or only a plain number. */
    static @Nullable Piece find(String text, Occurrence occurrence) {
        boolean last = occurrence == Occurrence.LAST;
        WholeNumber number = WholeNumber.one(text, occurrence);
        List<Piece> spans = spans(text);
        if (!spans.isEmpty()) {
            int chosen = last ? spans.size() - 1 : 0;
            Piece span = spans.get(chosen);
            boolean holdsNumber =
                    number == null || (last ? number.end() <= span.end() : number.start() >= span.start());
            if (holdsNumber) {
                return last ? joined(text, spans) : span;
            }
        }
        int symbol = last ? lastSymbol(text) : -1;
        boolean beyond = symbol >= 0 && (number == null || symbol >= number.to());
        if (number == null && !beyond) {
            return null;
        }
        Piece run = number == null || beyond
                ? run(text, chunkStart(text, symbol), chunkEnd(text, symbol))
                : run(
                        text,
                        number.plain() ? number.start() : number.from(),
                        number.plain() ? number.end() : number.to());
        String found = run.text();
        return found.length() < 300 && !isPlain(found) ? run : null;
    }

    /** Where the last constant, root or command of mathematics stands outside words, or -1. */
    private static int lastSymbol(String text) {
        for (int i = text.length() - 1; i >= 0; i--) {
            char c = text.charAt(i);
            if (c == '\u03c0' || c == '\u221a' || c == '\u2205' || c == '\u221e' || c == '\u211d') {
                return i;
            }
            if (c == '\\' && SYMBOL.matcher(text).region(i, text.length()).lookingAt()) {
                return i;
            }
        }
        return -1;
    }

    /** The last formula, in one list with those before it that only a comma, {@code and} or {@code or} separates from it. */
    private static Piece joined(String text, List<Piece> spans) {
        int last = spans.size() - 1;
        int first = last;
        while (first > 0 && isBetween(JOINS, text, spans.get(first - 1), spans.get(first))) {
            first--;
        }
        List<String> contents = new ArrayList<>();
        for (Piece span : spans.subList(first, last + 1)) {
            contents.add(span.text());
        }
        List<String> rivals = new ArrayList<>();
        int before = first;
        while (before > 0 && isBetween(BETWEEN, text, spans.get(before - 1), spans.get(before))) {
            before--;
            String rival = spans.get(before).text();
            if (rival.indexOf('=') >= 0) {
                break; // a step, and no other answer
            }
            rivals.add(0, rival);
        }
        return new Piece(
                String.join(", ", contents),
                spans.get(first).start(),
                spans.get(last).end(),
                rivals);
    }

    private static boolean isBetween(Pattern pattern, String text, Piece left, Piece right) {
        return right.start() - left.end() <= 60
                && pattern.matcher(text).region(left.end(), right.start()).matches();
    }

    /** The formulas between marks, without those that hold words: {@code $5 to $7} is money. */
    private static List<Piece> spans(String text) {
        List<Piece> spans = new ArrayList<>();
        int[] next = new int[CLOSES.size()]; // where the next mark of each kind stands, so that none is sought twice
        int i = 0;
        while (i + 1 < text.length()) {
            char c = text.charAt(i);
            if (c != '$' && c != '\\') {
                i++;
                continue;
            }
            if (c == '\\' && text.startsWith("\\begin{", i)) {
                int end = environmentEnd(text, i);
                if (end > 0) {
                    spans.add(environment(text, i, end));
                    i = end;
                    continue;
                }
            }
            String close = null;
            int from = i + 1;
            if (c == '$') {
                boolean display = text.charAt(i + 1) == '$';
                close = display ? "$$" : "$";
                from = display ? i + 2 : i + 1;
            } else {
                char mark = text.charAt(i + 1);
                close = mark == '(' ? "\\)" : mark == '[' ? "\\]" : null;
                from = i + 2;
            }
            if (close == null) {
                i += 2;
                continue;
            }
            int kind = CLOSES.indexOf(close);
            if (next[kind] < from) {
                next[kind] = closeAfter(text, close, from);
            }
            int until = next[kind] - from > LONGEST || next[kind] == text.length() ? -1 : next[kind];
            String content = until < 0 ? "" : text.substring(from, until);
            if (content.isBlank()
                    || close.equals("$") && content.contains("\n\n")
                    || TextAnswer.hasSentenceWord(FONT.matcher(content).replaceAll(""))) {
                i = from;
            } else {
                spans.add(new Piece(withoutAlignment(content.strip()), i, until + close.length()));
                i = until + close.length();
            }
        }
        return spans;
    }

    /** The position of a mark that closes a formula, or the text's length. */
    private static int closeAfter(String text, String close, int from) {
        int at = text.indexOf(close, from);
        while (at > 0 && close.equals("$") && text.charAt(at - 1) == '\\') {
            at = text.indexOf(close, at + 1);
        }
        return at < 0 ? text.length() : at;
    }

    private static int environmentEnd(String text, int begin) {
        int open = begin + "\\begin".length();
        int close = text.indexOf('}', open);
        if (close < 0 || close - open > 20) {
            return -1;
        }
        String end = "\\end" + text.substring(open, close + 1);
        int at = text.indexOf(end, close);
        return at < 0 || at - begin > LONGEST ? -1 : at + end.length();
    }

    /** A matrix with the bracket commands around it; of aligned lines the last. */
    private static Piece environment(String text, int begin, int end) {
        int from = begin;
        int to = end;
        if (begin >= 6 && text.startsWith("\\left", begin - 6)) {
            from = begin - 6;
            int right = text.indexOf("\\right", end);
            to = right >= 0 && text.substring(end, right).isBlank() ? Math.min(text.length(), right + 7) : end;
        }
        return new Piece(withoutAlignment(text.substring(from, to)), from, to);
    }

    /** The last line of aligned equations, without the marks of alignment; any other formula as it is. */
    private static String withoutAlignment(String content) {
        if (!content.startsWith("\\begin{")) {
            return content;
        }
        int name = content.indexOf('}');
        String environment = name < 0 ? "" : content.substring(7, name).replace("*", "");
        boolean lines = switch (environment) {
            case "align", "aligned", "equation", "gather", "gathered", "split", "multline", "eqnarray" -> true;
            default -> false;
        };
        int end = content.lastIndexOf("\\end{");
        if (!lines || end < name) {
            return content;
        }
        String inner = content.substring(name + 1, end).strip();
        if (inner.contains("\\begin{")) {
            return inner;
        }
        String[] rows = inner.split("\\\\\\\\");
        for (int i = rows.length - 1; i >= 0; i--) {
            String row = rows[i].replace("&", " ").strip();
            if (!row.isEmpty()) {
                return row.startsWith("=")
                        ? row.substring(row.lastIndexOf('=') + 1).strip()
                        : row;
            }
        }
        return content;
    }

    /** What a number stands in, grown over operators to what they join, behind its last equals sign. */
    private static Piece run(String text, int start, int end) {
        int[] run = {start, end};
        boolean grown = true;
        while (grown && run[1] - run[0] < 300) {
            grown = closeBrackets(text, run) || growLeft(text, run) || growRight(text, run);
        }
        int from = run[0];
        int to = run[1];
        int equals = -1;
        int depth = 0;
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            depth += "([{".indexOf(c) >= 0 ? 1 : ")]}".indexOf(c) >= 0 ? -1 : 0;
            boolean sign = c == '=' && i > from && "<>!:=".indexOf(text.charAt(i - 1)) < 0;
            if ((sign || c == '\u2248' || text.startsWith("\\approx", i)) && depth <= 0) {
                equals = c == '\\' ? i + 6 : i;
            }
        }
        if (equals > 0 && hasDigit(text, equals + 1, to)) {
            from = equals + 1;
        } else if (equals > 0 && hasDigit(text, from, equals)) {
            to = equals; // 10 = b
            from = Math.max(from, text.lastIndexOf('=', equals - 1) + 1);
        }
        while (from < to && Character.isWhitespace(text.charAt(from))) {
            from++;
        }
        while (to > from && ",;:. ".indexOf(text.charAt(to - 1)) >= 0) {
            to--;
        }
        return new Piece(text.substring(from, to), from, to);
    }

    /** Whether a formula is an inequality. */
    static boolean isBound(String formula) {
        return RELATION.matcher(formula).find();
    }

    private static boolean hasDigit(String text, int from, int to) {
        for (int i = from; i < to; i++) {
            if (Character.isDigit(text.charAt(i)) || "\\\u03c0\u221a\u2205\u221e".indexOf(text.charAt(i)) >= 0) {
                return true;
            }
        }
        return false;
    }

    /** Grows a run over the other end of a bracket that it holds one end of. */
    private static boolean closeBrackets(String text, int[] run) {
        int depth = 0;
        int lowest = 0;
        for (int i = run[0]; i < run[1]; i++) {
            char c = text.charAt(i);
            depth += "([{".indexOf(c) >= 0 ? 1 : ")]}".indexOf(c) >= 0 ? -1 : 0;
            lowest = Math.min(lowest, depth);
        }
        int open = depth - lowest;
        if (lowest == 0 && open == 0) {
            return isInside(text, run);
        }
        if (lowest < 0) {
            int from = openBracket(text, run[0], -lowest);
            if (from >= 0) {
                run[0] = from;
                return true;
            }
            return false;
        }
        int to = closeBracket(text, run[1], open);
        if (to >= 0) {
            run[1] = to;
            return true;
        }
        return false;
    }

    /** Grows a run that is an item of a bracketed list, (1, 2), to the list. */
    private static boolean isInside(String text, int[] run) {
        int from = openBracket(text, run[0], 1);
        int to = from < 0 ? -1 : closeBracket(text, run[1], 1);
        if (to < 0) {
            return false;
        }
        String inside = text.substring(run[0], run[1]);
        boolean alone = isPlain(inside)
                && text.substring(from, to)
                                .replaceAll("[()\\[\\]{}\\\\]", "")
                                .strip()
                                .length()
                        == inside.length();
        boolean function = from > 0 && NumberScanner.isWordPart(text.charAt(from - 1));
        if (alone && !function) {
            return false; // (27) is 27
        }
        run[0] = from;
        run[1] = to;
        return true;
    }

    private static int openBracket(String text, int from, int count) {
        int depth = count;
        int letters = 0;
        for (int i = from - 1; i >= 0 && i > from - 200; i--) {
            char c = text.charAt(i);
            if (c == '\n' || c == '$' || c > 0x2e80) {
                return -1;
            }
            letters = Character.isLetter(c) ? letters + 1 : 0;
            if (letters > 2 && !isCommandOrFunction(text, i)) {
                return -1;
            }
            if (")]}".indexOf(c) >= 0) {
                depth++;
            } else if ("([{".indexOf(c) >= 0 && --depth == 0) {
                return WholeNumber.headStart(text, i);
            }
        }
        return -1;
    }

    private static boolean isCommandOrFunction(String text, int at) {
        int start = at;
        while (start > 0 && Character.isLetter(text.charAt(start - 1))) {
            start--;
        }
        int end = at;
        while (end < text.length() && Character.isLetter(text.charAt(end))) {
            end++;
        }
        return start > 0 && text.charAt(start - 1) == '\\' || FUNCTIONS.contains(text.substring(start, end));
    }

    private static int closeBracket(String text, int from, int count) {
        int depth = count;
        int letters = 0;
        for (int i = from; i < text.length() && i < from + 200; i++) {
            char c = text.charAt(i);
            if (c == '\n' || c == '$' || c > 0x2e80) {
                return -1;
            }
            letters = Character.isLetter(c) ? letters + 1 : 0;
            if (letters > 2 && !isCommandOrFunction(text, i)) {
                return -1;
            }
            if ("([{".indexOf(c) >= 0) {
                depth++;
            } else if (")]}".indexOf(c) >= 0 && --depth == 0) {
                return i + 1;
            }
        }
        return -1;
    }

    private static boolean growLeft(String text, int[] run) {
        int i = run[0];
        while (i > 0 && text.charAt(i - 1) == ' ') {
            i--;
        }
        if (i == run[0] || i == 0 || text.charAt(i - 1) == '\n') {
            return false;
        }
        int start = chunkStart(text, i);
        String chunk = text.substring(start, i);
        if (chunk.isEmpty()
                || startsLine(text, start) && (chunk.equals("-") || chunk.equals("*") || chunk.equals("+"))) {
            return false;
        }
        boolean crossed = isOperator(chunk, text, start) || endsInOperator(chunk);
        if (!crossed
                && !startsWithOperator(text, run[0])
                && !APPLIED.matcher(chunk).find()) {
            return false;
        }
        if (isOperator(chunk, text, start)) {
            int before = start;
            while (before > 0 && text.charAt(before - 1) == ' ') {
                before--;
            }
            int operand = chunkStart(text, before);
            String left = text.substring(operand, before);
            boolean relation = RELATION.matcher(chunk).find();
            if (left.isEmpty() || !isMathematics(left)) {
                if (relation) {
                    run[0] = start;
                    return true;
                }
                return false;
            }
            run[0] = operand;
            return true;
        }
        if (!isMathematics(chunk)) {
            return false;
        }
        run[0] = start;
        return true;
    }

    private static boolean growRight(String text, int[] run) {
        int i = run[1];
        while (i < text.length() && text.charAt(i) == ' ') {
            i++;
        }
        if (i == text.length() || text.charAt(i) == '\n') {
            return false;
        }
        int end = chunkEnd(text, i);
        String chunk = text.substring(i, end);
        if (chunk.isEmpty() || chunk.equals(":")) {
            return false;
        }
        if (OPERATORS.contains(chunk)) {
            int after = end;
            while (after < text.length() && text.charAt(after) == ' ') {
                after++;
            }
            int operand = chunkEnd(text, after);
            String right = text.substring(after, operand);
            if (right.isEmpty() || !isMathematics(right)) {
                return false;
            }
            run[1] = operand;
            return true;
        }
        boolean joined = startsWithOperator(text, i) || endsInOperator(text.substring(run[0], run[1]));
        if (!joined || !isMathematics(chunk)) {
            return false;
        }
        run[1] = end;
        return true;
    }

    private static boolean startsLine(String text, int at) {
        return at == 0 || text.charAt(at - 1) == '\n';
    }

    /** A run of characters without space; a dollar sign ends it too. */
    private static int chunkStart(String text, int end) {
        int i = end;
        while (i > 0
                && !Character.isWhitespace(text.charAt(i - 1))
                && text.charAt(i - 1) != '$'
                && text.charAt(i - 1) <= 0x2e80) {
            i--;
        }
        return i;
    }

    private static int chunkEnd(String text, int start) {
        int i = start;
        while (i < text.length()
                && !Character.isWhitespace(text.charAt(i))
                && text.charAt(i) != '$'
                && text.charAt(i) <= 0x2e80) {
            i++;
        }
        while (i > start + 1 && ".,;:!?".indexOf(text.charAt(i - 1)) >= 0) {
            i--;
        }
        return i;
    }

    private static boolean isOperator(String chunk, String text, int at) {
        if (chunk.equals("x") || chunk.equals("X")) { // 3 x 4
            int before = at - 1;
            while (before > 0 && text.charAt(before) == ' ') {
                before--;
            }
            return before >= 0 && Character.isDigit(text.charAt(before));
        }
        return OPERATORS.contains(chunk);
    }

    private static boolean endsInOperator(String chunk) {
        char last = chunk.charAt(chunk.length() - 1);
        return chunk.length() > 1
                && (OPERATOR_SIGNS.indexOf(last) >= 0
                        || last == '-' && Character.isDigit(chunk.charAt(chunk.length() - 2)));
    }

    private static boolean startsWithOperator(String text, int at) {
        return at < text.length() && OPERATOR_SIGNS.indexOf(text.charAt(at)) >= 0;
    }

    /** Whether a chunk holds no word: at most two letters in a row that are no command and no function. */
    private static boolean isMathematics(String chunk) {
        int letters = 0;
        boolean any = false;
        for (int i = 0; i < chunk.length(); i++) {
            char c = chunk.charAt(i);
            if (Character.isLetter(c)) {
                letters++;
                if (letters >= 2 && !isCommandOrFunction(chunk, i)) {
                    return false;
                }
            } else {
                letters = 0;
            }
            any = any || Character.isLetterOrDigit(c) || ")]}".indexOf(c) >= 0;
            if (c == '"' || c == '\u201c' || c == '\u201d') {
                return false;
            }
        }
        return any;
    }

    /** Whether a piece is a number that needs no formula to be read. */
    private static boolean isPlain(String text) {
        if (text.isEmpty() || PlainNumber.read(text, 400) != null) {
            return true;
        }
        WholeNumber number = text.length() > 400 ? null : WholeNumber.one(text, Occurrence.FIRST);
        return number != null && number.plain() && number.start() == 0 && number.to() == text.length();
    }
}
