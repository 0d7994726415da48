package org.minpro.verify;

import java.util.ArrayList;
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

    private static final Pattern CHINESE_NUMBER = Pattern.compile("[零一二三四五六七八九十百千万]{2,}|[为是：:][零一二三四五六七八九十]");
    private static final Pattern BEGINNING = Pattern.compile(
            "^(?:\\p{L}\\p{Ll}+|I(?=\\s\\p{Ll}{3})|\\p{Lu}{3,}|[\\u0590-\\uffff&&\\p{L}]+)(?=[\\s,.:'\u2019]|[\\u2e80-\\uffff]|$)");
    private static final Pattern WORD =
            Pattern.compile("(?<![\\p{L}\\\\])(?:\\p{Lu}?\\p{Ll}{2,}|[\\u0590-\\uffff&&\\p{L}]+)(?!\\p{L})");
    private static final Pattern SENTENCE_WORD =
            Pattern.compile("(?<![\\p{L}\\\\])(?:\\p{Lu}\\p{Ll}{2,}|\\p{Ll}{3,}|[\\u2e80-\\uffff&&\\p{L}])");
    private static final Pattern WORDS_SET = Pattern.compile(
            "\\\\(?:text(?:bf|it|rm|sf|tt|normal)?|math(?:bf|rm|sf|it|tt)|mbox|hbox|emph)\\s*\\{([^{}]*)}");

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
        return text.indexOf('\n') >= 0 || hasWord(text);
    }

    /** Whether a text has three letters in a row, or one of a script without spaces, outside the names of commands. */
    static boolean hasWord(String text) {
        int run = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\') {
                while (i + 1 < text.length() && Character.isLetter(text.charAt(i + 1))) {
                    i++;
                }
                run = 0;
            } else {
                run = Character.isLetter(c) ? run + 1 : 0;
                if (run >= 3 || run > 0 && c >= 0x0590) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Whether a text holds a word that is no name, no function and no product of variables. */
    static boolean hasSpeech(String text) {
        Matcher words = WORD.matcher(text);
        while (words.find()) {
            if (!Lexer.NAMES.containsKey(words.group())
                    && (words.start() == 0 || text.charAt(words.start() - 1) != '\\')) {
                return true;
            }
        }
        return false;
    }

    /** Whether a formula holds a word of at least three letters, one of them small, that is no function: no formula then. */
    static boolean hasSentenceWord(String text) {
        Matcher words = SENTENCE_WORD.matcher(text);
        while (words.find()) {
            if (!Lexer.NAMES.containsKey(words.group())) {
                return true;
            }
        }
        return false;
    }

    /** A text without the commands that set words in a formula, and their braces. */
    static String unwrapped(String text) {
        String plain = text;
        for (int round = 0; round < 3 && plain.indexOf('\\') >= 0; round++) {
            String next = WORDS_SET.matcher(plain).replaceAll("$1");
            if (next.equals(plain)) {
                break;
            }
            plain = next;
        }
        return plain;
    }

    /** Whether the words of a formula deny it, bound it or name another answer. */
    static boolean takesBack(String text) {
        Matcher words = WORDS_SET.matcher(text);
        while (words.find()) {
            for (String word : words.group(1).toLowerCase(Locale.ROOT).split("[^a-z]+")) {
                if (!word.equals("is") && Units.qualifies(word)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** What words of a formula announce as the answer: {@code \\text{Answer: }58}; null where they announce none. */
    static @Nullable String announced(String text) {
        String plain = unwrapped(text);
        AnswerPhrase phrase = AnswerPhrase.last(plain);
        String rest = phrase == null ? "" : plain.substring(phrase.end()).strip();
        return rest.isEmpty() ? null : rest;
    }

    /** Whether a text without digits has words, or signs, for a number. */
    static boolean namesNumber(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isDigit(text.charAt(i))) {
                return false;
            }
        }
        for (String word : text.toLowerCase(Locale.ROOT).split("[^\\p{L}]+")) {
            if (NumberWords.isNumber(word) || word.equals("half") || word.equals("zero")) {
                return true;
            }
        }
        return CHINESE_NUMBER.matcher(text).find();
    }

    /** Whether a text begins with a word of at least two letters that is no function, so that it may be a sentence. */
    static boolean beginsSentence(String text) {
        if (text.isEmpty() || !Character.isLetter(text.charAt(0))) {
            return false;
        }
        Matcher word = BEGINNING.matcher(text);
        return word.find() && !Lexer.NAMES.containsKey(word.group().strip()) && text.indexOf(' ') > 0;
    }

    /** What stands between the words of a formula, and behind each of them, up to the end. */
    static List<String> betweenWords(String text) {
        List<String> parts = new ArrayList<>();
        for (String part : WORDS_SET.matcher(text).replaceAll("\u0000").split("\u0000")) {
            String bare = part.strip();
            if (!bare.isEmpty() && parts.size() < 10) {
                parts.add(bare);
            }
        }
        String plain = unwrapped(text);
        WholeNumber number = WholeNumber.one(plain, Occurrence.LAST);
        if (number != null) {
            parts.add(number.text(plain));
        }
        return parts;
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
            case "dne", "do not exist", "doesnt exist", "it does not exist", "limit does not exist" ->
                new Node.Text("does not exist");
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
