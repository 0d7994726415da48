package org.minpro.verify;

import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Answers in words: names, days, "even", "no solution". */
final class TextAnswer {
    private static final int LONGEST_CHOICE = 400;
    private static final Pattern FONTS = Pattern.compile(
            "\\\\(?:text(?:bf|it|rm|sf|tt|normal)?|math(?:bf|rm|sf|it|tt)|mbox|left|right|boldsymbol|bm)(?![a-zA-Z])|[{}$*]");
    private static final Pattern SPACES = Pattern.compile("\\\\[,;: ~!]|\\\\q?quad|[~\\s]+");
    /** A letter in brackets or before a mark, then nothing or what is no operator. */
    private static final Pattern CHOICE = Pattern.compile(
            "(?:(?:[Tt]he )?(?:[Oo]ption|[Cc]hoice|[Aa]nswer):? )?(?:\\(([A-J])\\)|([A-J])(?:[.:)](?= |$)|$))((?: .*|[\\\\\\w.].*)?)",
            Pattern.DOTALL);

    private static final Pattern OTHER_CHOICE = Pattern.compile(
            "\\([A-J]\\)|(?<![\\w\\\\])[A-J][.:)](?![\\w])|(?:\\b(?:or|and|nor)\\b|[,/&]) *\\(?[A-J]\\b");
    private static final Pattern TAKEN_BACK = Pattern.compile(
            "^ *(?:(?:is|isn't|or|unless|and|but|[-+*/=<>^_!|])(?![a-z])|(?:not|wrong|incorrect)[. ]*$)");

    private TextAnswer() {}

    /** Whether tokens that are no formula hold words, so that they may be an answer in words. */
    static boolean isProse(List<Token> tokens) {
        for (Token token : tokens) {
            if (token.type() == Token.Type.WORD || token.type() == Token.Type.TEXT) {
                return true;
            }
        }
        return false;
    }

    /** Whether a text has a word of at least three letters, or several lines, so that an answer may stand inside it. */
    static boolean hasProse(String text) {
        int run = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\n') {
                return true;
            }
            if (c == '\\') {
                while (i + 1 < text.length() && Character.isLetter(text.charAt(i + 1))) {
                    i++;
                }
                run = 0;
            } else {
                run = Character.isLetter(c) ? run + 1 : 0;
                if (run >= 3) {
                    return true;
                }
            }
        }
        return false;
    }

    /** The words of an answer in lower case, without commands, punctuation and articles. */
    static String words(String text) {
        StringBuilder words = new StringBuilder();
        int i = 0;
        while (i < text.length()) {
            char c = text.charAt(i);
            if (c == '\\') {
                int end = i + 1;
                while (end < text.length() && Character.isLetter(text.charAt(end))) {
                    end++;
                }
                String command = text.substring(i + 1, end);
                if (!isFont(command) && !command.isEmpty()) {
                    words.append(' ').append(command).append(' ');
                }
                i = Math.max(end, i + 2);
            } else if (Character.isLetterOrDigit(c)) {
                words.append(Character.toLowerCase(c));
                i++;
            } else if (c == '-' || c == '+' || c == '=' || c == '<' || c == '>' || c == '/' || c == '^' || c == '['
                    || c == ']') {
                words.append(' ').append(c).append(' ');
                i++;
            } else {
                if (c != '\'' && c != '\u2019') {
                    words.append(' ');
                }
                i++;
            }
        }
        StringBuilder kept = new StringBuilder();
        for (String word : words.toString().toLowerCase(Locale.ROOT).split("\\s+")) {
            if (!word.isEmpty() && !word.equals("the") && !word.equals("a") && !word.equals("an")) {
                kept.append(kept.isEmpty() ? "" : " ").append(word);
            }
        }
        return kept.toString();
    }

    /** What words mean: the reals, no solution, or the words themselves. */
    static Node node(String words) {
        return switch (words) {
            case "all real numbers",
                    "all reals",
                    "all real",
                    "all real values",
                    "real numbers",
                    "all real x",
                    "all real numbers x" -> new Node.Reals();
            case "no solution",
                    "no solutions",
                    "no real solution",
                    "no real solutions",
                    "there is no solution",
                    "there are no solutions",
                    "no solution exists",
                    "no solutions exist",
                    "empty set" -> new Node.SetOf(List.of());
            default -> new Node.Text(words);
        };
    }

    private static boolean isFont(String command) {
        return command.startsWith("text")
                || command.startsWith("math")
                || command.equals("mbox")
                || command.equals("hbox")
                || command.equals("left")
                || command.equals("right")
                || command.equals("quad")
                || command.equals("qquad")
                || command.equals("boxed");
    }

    /**
     * The letter that an answer such as {@code (C) 12}, {@code C. twelve} or {@code option C} chooses; null where there is
     * none, where another letter is named beside it, or where the rest takes it back.
     */
    static @Nullable String choice(String text) {
        if (text.length() > LONGEST_CHOICE) {
            return null;
        }
        String plain = FONTS.matcher(text).replaceAll("");
        plain = SPACES.matcher(plain).replaceAll(" ").strip();
        Matcher matcher = CHOICE.matcher(plain);
        if (!matcher.matches()) {
            return null;
        }
        String letter = matcher.group(1) != null ? matcher.group(1) : matcher.group(2);
        String rest = matcher.group(3);
        return OTHER_CHOICE.matcher(rest).find() || TAKEN_BACK.matcher(rest).find() ? null : letter;
    }
}
