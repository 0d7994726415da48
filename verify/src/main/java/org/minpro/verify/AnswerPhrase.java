package org.minpro.verify;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Finds the words with which prose announces its answer: {@code the answer is}, {@code Answer:}, and those of other
 * languages.
 *
 * @param start where the words begin
 * @param end where the answer begins
 */
record AnswerPhrase(int start, int end) {
    /** Parts of the words that are searched for; what stands around them is matched then. */
    private static final String[] ROOTS = {
        "nswer",
        "NSWER",
        "Ans",
        "ans:",
        "orrect option",
        "orrect choice",
        "esult is",
        "espuesta",
        "ESPUESTA",
        "éponse",
        "eponse",
        "ntwort",
        "ntwoord",
        "isposta",
        "esposta",
        "твет",
        "dpowiedź",
        "svar",
        "Cevap",
        "cevap",
        "áp án",
        "áp số",
        "awaban",
        "答案",
        "答え",
        "答",
        "正解",
        "정답",
        "답",
        "الجواب",
        "الإجابة",
        "उत\u094dतर",
        "คำตอบ"
    };

    /** From the root's end to the answer. */
    private static final Pattern LINK =
            Pattern.compile("\\p{L}{0,4}[*_\"'\u201d\u00bb)\\]]{0,4}\\s*(?:\\([^()\\n]{1,30}\\)\\s*)?"
                    + "(?:(?:(?:to|for|of|in|au|à|a|zu|zur)\\s[^.\\n:=?]{1,80}?\\s|,[^.,\\n:=?]{1,30},\\s)(?:is|are|es|est|ist)(?![\\p{L}'\u2019])"
                    + "|(?:is|are|equals?|es|est|ist|lautet|son|sont|é|è|là|adalah|jest|är|er)(?![\\p{L}'\u2019])"
                    + "|(?:это|равен|равно)(?!\\p{L})|هو|هي|ह\u0948|ค\u0e37อ"
                    + "|[:\uff1a=]|->|\u2192|\u21d2|=>|是|为|為|等于|は|が|은|는|[-\u2013\u2014](?=\\s))[:\uff1a]?[*_]{0,3}");
    /** A phrase that stands alone in its line, above the answer. */
    private static final Pattern ALONE = Pattern.compile("[a-zA-Z]{0,2}[*_#\\]]{0,4}[ \\t]*\\R\\s*(?=\\S)");

    private static final Pattern ALONE_BEFORE =
            Pattern.compile("(?i)[\\s*_#\\[>]*(?:(?:the|my|our|final|short|correct|numerical|numeric)\\s+){0,3}a?");

    /** The last phrase of a text, or null. */
    static @Nullable AnswerPhrase last(String text) {
        if (!TextAnswer.hasWord(text)) {
            return null;
        }
        AnswerPhrase best = null;
        for (String root : ROOTS) {
            int at = text.lastIndexOf(root);
            while (at >= 0) {
                AnswerPhrase phrase = at(text, at, root);
                if (phrase != null) {
                    best = best == null || phrase.end > best.end ? phrase : best;
                    break;
                }
                at = at == 0 || best != null && at + 200 < best.end ? -1 : text.lastIndexOf(root, at - 1);
            }
        }
        return best;
    }

    /** The first phrase of a text, or null. */
    static @Nullable AnswerPhrase first(String text) {
        AnswerPhrase best = null;
        for (String root : ROOTS) {
            for (int at = text.indexOf(root); at >= 0; at = text.indexOf(root, at + 1)) {
                AnswerPhrase phrase = at(text, at, root);
                if (phrase != null) {
                    best = best == null || phrase.end < best.end ? phrase : best;
                    break;
                }
            }
        }
        return best;
    }

    private static @Nullable AnswerPhrase at(String text, int at, String root) {
        int end = at + root.length();
        Matcher link =
                LINK.matcher(text).region(root.equals("ans:") || root.endsWith(" is") ? end - 1 : end, text.length());
        if (root.equals("esult is")) {
            link.region(end - 2, text.length());
        }
        boolean english = root.equalsIgnoreCase("nswer");
        if (english
                && end < text.length()
                && Character.isLetter(text.charAt(end))
                && "sS".indexOf(text.charAt(end)) < 0) {
            return null; // answered, answering
        }
        if (root.equalsIgnoreCase("ans") || root.equals("ans:")) {
            if (at > 0 && Character.isLetter(text.charAt(at - 1))) {
                return null; // cans:
            }
        }
        int start = at;
        while (start > 0 && Character.isLetter(text.charAt(start - 1)) && at - start < 3) {
            start--;
        }
        if (link.lookingAt()) {
            return new AnswerPhrase(start, link.end());
        }
        if (!english) {
            return null;
        }
        Matcher alone = ALONE.matcher(text).region(end, text.length());
        int line = text.lastIndexOf('\n', at) + 1;
        return ALONE_BEFORE.matcher(text.substring(line, at)).matches() && alone.lookingAt()
                ? new AnswerPhrase(start, alone.end())
                : null;
    }
}
