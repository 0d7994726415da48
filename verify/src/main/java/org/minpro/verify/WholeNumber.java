package org.minpro.verify;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A number of prose with all that makes one thing with it: 10:30, 3-5, 2024-05-01, 12,5, f(3) and 2^10 are none of the
 * numbers they hold.
 *
 * @param start where the number begins
 * @param end where it ends
 * @param from where the whole begins
 * @param to where the whole ends
 * @param plain whether the whole is the number, with at most a unit
 */
record WholeNumber(int start, int end, int from, int to, boolean plain) {
    /** Letters behind a number that are a unit or an ending: 27cm, 27th, 5m. A single other letter is a variable. */
    private static final Pattern UNIT =
            Pattern.compile("(?:[a-zA-Z\u00b5]{2,}|[dghlms])?(?:/[a-zA-Z]{2,})?\\.?|/[a-zA-Z]{2,}\\.?");
    /** What may stand between numbers that are one list: they have nothing to themselves. */
    private static final Pattern BETWEEN = Pattern.compile(
            "[\\s$*,;&/|()]{0,8}(?:(?:and|und|et|y|e|\u548c|\u3068|\u0438)[\\s$*(]{1,4})?[\u3001\uff0c]?");

    private static final Pattern ALTERNATIVE =
            Pattern.compile("[$*\\s,(]{0,4}(?:or|oder|ou|o|\u0438\u043b\u0438|\u6216|\u6216\u8005)[$*\\s(]{0,4}");
    private static final Pattern POWER =
            Pattern.compile("[a-zA-Z]{1,4}(?:\\^\\{?-?\\d}?)?(?:/[a-zA-Z]{1,4}(?:\\^\\{?-?\\d}?)?)?[.]?");
    private static final Pattern SCALE =
            Pattern.compile("[ \\u00a0-]?(?:dozen|hundred|thousand|million|billion|trillion)(?![a-zA-Z])");
    private static final int MOST_RIVALS = 20;

    String text(String source) {
        if (!plain) {
            return source.substring(from, to);
        }
        boolean negative = start >= 9 && source.regionMatches(true, start - 9, "negative ", 0, 9);
        return (negative ? "-" : "") + source.substring(start, end);
    }

    /** The number that begins at a place, or null. */
    static @Nullable WholeNumber at(String text, int start) {
        int end = NumberScanner.end(text, start);
        if (end <= start) {
            return null;
        }
        int from = from(text, start);
        int to = to(text, end);
        if (from < start && isUnitPower(text, from, to)) {
            return null;
        }
        boolean plain = from == start
                && (to == end || UNIT.matcher(text).region(end, to).matches());
        Matcher scale = SCALE.matcher(text).region(end, text.length());
        if (plain && to == end && scale.lookingAt()) {
            end = scale.end(); // 3 million
            to = end;
        }
        return new WholeNumber(start, end, from, to, plain);
    }

    /** The first or last number that a text does not deny, with those that stand beside it; null where there is none. */
    static @Nullable Piece find(String text, Occurrence occurrence) {
        List<WholeNumber> chain = new ArrayList<>();
        boolean alternative = false;
        for (WholeNumber number = next(text, 0); number != null; number = next(text, number.after())) {
            if (!chain.isEmpty()) {
                int last = chain.get(chain.size() - 1).shownEnd();
                int until = beforeName(text, chain.get(chain.size() - 1).from, number.from);
                boolean near = until >= last && until - last <= 16;
                boolean either =
                        near && ALTERNATIVE.matcher(text).region(last, until).matches();
                boolean beside = either
                        || near && BETWEEN.matcher(text).region(last, until).matches();
                if (!beside) {
                    if (occurrence == Occurrence.FIRST) {
                        break;
                    }
                    chain.clear();
                    alternative = false;
                }
                alternative = alternative || either;
            }
            if (chain.size() < MOST_RIVALS) {
                chain.add(number);
            } else {
                chain.set(MOST_RIVALS - 1, number);
            }
        }
        return chain.isEmpty() ? null : piece(text, chain, alternative, occurrence);
    }

    /** Whether a whole such as {@code cm^2} is the unit of a number before it. */
    private static boolean isUnitPower(String text, int from, int to) {
        if (from < 2 || to - from > 20 || !POWER.matcher(text).region(from, to).matches()) {
            return false;
        }
        int i = from;
        while (i > 0 && " \\,~$".indexOf(text.charAt(i - 1)) >= 0) {
            i--;
        }
        boolean amount =
                i > 0 && i < from && (isDigit(text.charAt(i - 1)) || "})\u03c0".indexOf(text.charAt(i - 1)) >= 0);
        return amount && Units.parse(text.substring(from, to)).known();
    }

    /** Where {@code x =} begins before a number, where the number before it is of the same name; else the number's place. */
    private static int beforeName(String text, int first, int second) {
        int name = nameBefore(text, second);
        int other = name < 0 ? -1 : nameBefore(text, first);
        return other >= 0 && text.charAt(name) == text.charAt(other) ? name : second;
    }

    /** The place of the letter in {@code x =} before a number, or -1. */
    private static int nameBefore(String text, int at) {
        int i = at;
        while (i > 0 && " $=".indexOf(text.charAt(i - 1)) >= 0) {
            i--;
        }
        boolean equals = text.substring(i, at).indexOf('=') >= 0;
        boolean letter = equals
                && i > 0
                && Character.isLetter(text.charAt(i - 1))
                && (i == 1
                        || !Character.isLetterOrDigit(text.charAt(i - 2)) && "*^/+-_".indexOf(text.charAt(i - 2)) < 0);
        return letter ? i - 1 : -1;
    }

    private int shownEnd() {
        return plain ? end : to;
    }

    private static Piece piece(String text, List<WholeNumber> chain, boolean alternative, Occurrence occurrence) {
        WholeNumber first = chain.get(0);
        WholeNumber last = chain.get(chain.size() - 1);
        if (alternative) {
            // "6 or 7" is one answer of two numbers, and not the last of them.
            List<String> all = chain.stream().map(number -> number.text(text)).toList();
            return new Piece(String.join(", ", all), first.from, last.shownEnd());
        }
        WholeNumber chosen = occurrence == Occurrence.FIRST ? first : last;
        List<String> rivals = new ArrayList<>();
        for (WholeNumber number : chain) {
            String rival = number.text(text);
            if (!rival.equals(chosen.text(text)) && !rivals.contains(rival)) {
                rivals.add(rival);
            }
        }
        return new Piece(chosen.text(text), chosen.plain ? chosen.start : chosen.from, chosen.shownEnd(), rivals);
    }

    /** The last number of a text as {@link #find} counts them, or the first; without regard to its neighbours. */
    static @Nullable WholeNumber one(String text, Occurrence occurrence) {
        WholeNumber found = null;
        for (WholeNumber number = next(text, 0); number != null; number = next(text, number.after())) {
            found = number;
            if (occurrence == Occurrence.FIRST) {
                return found;
            }
        }
        return found;
    }

    /** The first number from a place on that the text does not deny, or null. */
    private static @Nullable WholeNumber next(String text, int from) {
        int i = from;
        while (i < text.length()) {
            WholeNumber number = mayBegin(text.charAt(i)) ? at(text, i) : null;
            if (number == null) {
                i++;
            } else if (Assertion.isDenied(text, number.from)) {
                i = number.after();
            } else {
                return number;
            }
        }
        return null;
    }

    /** Where the search goes on behind this number. */
    private int after() {
        return Math.max(to, end);
    }

    private static boolean mayBegin(char c) {
        return c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' || c == '\\' || c == '\u2212';
    }

    private static int from(String text, int start) {
        int i = start;
        while (i > 0) {
            char c = text.charAt(i - 1);
            char before = i > 1 ? text.charAt(i - 2) : ' ';
            boolean group = i < start && (c == '}' || c == ')' && "^_/*".indexOf(text.charAt(i)) >= 0);
            int open = group ? openOf(text, i - 1) : -1;
            if (open >= 0) {
                i = headStart(text, open);
                continue;
            }
            boolean joined = switch (c) {
                case ':', ',', '.', '\'', '\u2019', '\u2013' -> isDigit(before);
                case '-', '\u2212', '\u2011' -> NumberScanner.isWordPart(before) || before == ')' || before == '}';
                case '/', '*', '+', '\u00d7', '\u00b7', '\u22c5' ->
                    NumberScanner.isWordPart(before) || before == ')' || before == '}' || before == ']';
                case '^', '_', '\\' -> true;
                case '<', '>' ->
                    before != c
                            && before != '/'
                            && (before == ' ' || NumberScanner.isWordPart(before) && !endsTag(text, i - 1));
                case '\u2264', '\u2265', '\u2260' -> true;
                case '(', '{', '[' ->
                    NumberScanner.isWordPart(before) || before == '^' || before == '_' || before == '}';
                case '\u221a', '\u00b1' -> true;
                default -> NumberScanner.isWordPart(c);
            };
            if (!joined) {
                break;
            }
            i--;
        }
        return i;
    }

    /** Whether {@code >} ends a tag such as {@code <x>}. */
    private static boolean endsTag(String text, int at) {
        int open = text.lastIndexOf('<', at);
        return open >= 0 && at - open < 30 && text.substring(open, at).indexOf(' ') < 0;
    }

    /** The opening bracket of a closing one, or -1. */
    private static int openOf(String text, int close) {
        int depth = 0;
        for (int i = close; i >= 0 && i > close - 200; i--) {
            char c = text.charAt(i);
            depth += ")]}".indexOf(c) >= 0 ? 1 : "([{".indexOf(c) >= 0 ? -1 : 0;
            if (depth == 0) {
                return i;
            }
        }
        return -1;
    }

    /** Where the command or function begins whose argument a bracket opens; where the bracket stands if there is none. */
    static int headStart(String text, int open) {
        int i = open;
        while (i > 0) {
            char c = text.charAt(i - 1);
            if (c == '}' || c == ']') {
                int other = openOf(text, i - 1);
                if (other < 0) {
                    return i;
                }
                i = other;
            } else if (c == '\\' || NumberScanner.isWordPart(c) || c == '^') {
                i--;
            } else {
                return i;
            }
        }
        return i;
    }

    private static int to(String text, int end) {
        int i = end;
        while (i < text.length()) {
            char c = text.charAt(i);
            char after = i + 1 < text.length() ? text.charAt(i + 1) : ' ';
            boolean joined = switch (c) {
                case ':', ',', '\'', '\u2019', '\u2013' -> isDigit(after);
                case '.' ->
                    isDigit(after) || after == '.' && text.lastIndexOf('.', i - 1) >= i - 20 && isDecimal(text, i);
                case '-', '\u2212', '\u2011' -> isDigit(after) || isLone(text, i + 1);
                case '^', '_' -> true;
                case '*', '+', '/', '\u00d7', '\u00b7', '\u22c5' ->
                    NumberScanner.isWordPart(after) || after == '\\' || after == '(';
                case '<', '>' -> after != c && (isDigit(after) || isLone(text, i + 1));
                case '\\' -> Character.isLetter(after) && !text.startsWith("\\text", i) && !text.startsWith("\\)", i);
                case '!' -> i == end;
                case '\u00b2', '\u00b3', '\u221a', '\u03c0' -> true;
                default -> NumberScanner.isWordPart(c);
            };
            if (c == '(' || c == '{' || c == '[') {
                int close = close(text, i);
                if (close < 0) {
                    break;
                }
                i = close;
            } else if (!joined) {
                break;
            } else {
                i++;
            }
        }
        return i;
    }

    private static boolean isDecimal(String text, int at) {
        int i = at;
        while (i > 0 && isDigit(text.charAt(i - 1))) {
            i--;
        }
        return i > 0 && i < at && text.charAt(i - 1) == '.';
    }

    /** The end of a bracket whose content is mathematics, or -1. */
    private static int close(String text, int open) {
        int depth = 0;
        int letters = 0;
        for (int i = open; i < text.length() && i < open + 100; i++) {
            char c = text.charAt(i);
            letters = Character.isLetter(c) ? letters + 1 : 0;
            if (letters > 2 || c == '\n') {
                return -1;
            }
            if ("({[".indexOf(c) >= 0) {
                depth++;
            } else if (")}]".indexOf(c) >= 0 && --depth == 0) {
                return i + 1;
            } else if (c == '\\') {
                while (i + 1 < text.length() && Character.isLetter(text.charAt(i + 1))) {
                    i++;
                }
            }
        }
        return -1;
    }

    /** Whether a single letter stands at a place, and not the first of a word. */
    private static boolean isLone(String text, int at) {
        return at < text.length()
                && Character.isLetter(text.charAt(at))
                && (at + 1 == text.length() || !Character.isLetter(text.charAt(at + 1)));
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }
}
