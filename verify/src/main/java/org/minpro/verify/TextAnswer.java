package org.minpro.verify;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Answers in words: names, days, "even", "no solution". */
final class TextAnswer {
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

    /** The letter that an answer such as {@code (C) 12} or {@code C. twelve} chooses, or null. */
    static @Nullable String choice(String text) {
        String plain = text.replace("\\text", "")
                .replace("\\mathrm", "")
                .replace("\\mathbf", "")
                .replace("\\left", "")
                .replace("\\right", "")
                .replaceAll("[{}$*]", "")
                .strip();
        if (plain.startsWith("(")) {
            return plain.length() >= 3 && plain.charAt(2) == ')' ? letter(plain) : null;
        }
        if (plain.length() >= 3
                && Character.isUpperCase(plain.charAt(0))
                && ").:".indexOf(plain.charAt(1)) >= 0
                && Character.isWhitespace(plain.charAt(2))) {
            return plain.substring(0, 1);
        }
        return plain.length() == 1 && Character.isUpperCase(plain.charAt(0)) ? plain : null;
    }

    private static @Nullable String letter(String plain) {
        return Character.isUpperCase(plain.charAt(1)) ? plain.substring(1, 2) : null;
    }
}
