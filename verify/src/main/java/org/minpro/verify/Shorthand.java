package org.minpro.verify;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Short answers in notation that people write and that mathematics reads otherwise: 5k for 5000, 5th, 1.000,00, 1.234.567,
 * 1,00,000, {@code 2:30 p.m.}, "3 out of 4", and the letter of a choice among words.
 *
 * <p>It never makes an answer right: what it finds keeps one from being called wrong.
 */
final class Shorthand {
    private static final int LONGEST = 60;
    private static final int MINUTES = 60;
    private static final int NOON = 12 * MINUTES;

    private static final Pattern ORDINAL =
            Pattern.compile("(\\d+)\\s*(?:\\^\\s*)?\\{?\\s*(?:st|nd|rd|th)\\s*}?", Pattern.CASE_INSENSITIVE);
    private static final Pattern THOUSANDS = Pattern.compile("(-?(?:\\\\?\\$)?\\d+(?:\\.\\d+)?)\\s*[kK]");
    private static final Pattern PERCENT =
            Pattern.compile("(.*\\d)\\s*(?:por ciento|pour cent|por cento|per cento|procenta?|процент\\p{L}*)");
    private static final Pattern SHARE = Pattern.compile("(\\d+)\\s+(?:out of|in every|in|of)\\s+(\\d+)");
    private static final Pattern DECIMAL_COMMA = Pattern.compile("[^\\d-]*(-?\\d{1,3}(?:\\.\\d{3})+),(\\d+)\\D*");
    /** 1.234.567: thousands, where the decimal mark is a comma. A single group, 12.500, is a decimal. */
    private static final Pattern GROUPED_BY_POINTS = Pattern.compile("\\D*[1-9]\\d{0,2}(?:\\.\\d{3}){2,}\\D*");

    private static final Pattern INDIAN = Pattern.compile("[^\\d-]*(-?\\d{1,2}(?:,\\d{2})+,\\d{3}(?:\\.\\d+)?)\\D*");
    private static final Pattern LABEL = Pattern.compile("(?:\\(?(?:\\d{1,2}|[a-h])[.)]|A[:.])\\s+(\\S.*)");
    private static final Pattern PROOF_END = Pattern.compile(
            "(.*?[^\\s\\\\])\\s*(?:\\\\(?:qed|square|blacksquare|Box|qedhere|blacktriangle)|Q\\.?E\\.?D|[\\\\ ]+)");
    private static final Pattern TIME =
            Pattern.compile("(\\d{1,2})[:.](\\d{2})\\s*(?:([ap])\\.?\\s?m\\.?)?", Pattern.CASE_INSENSITIVE);
    private static final Pattern LETTER = Pattern.compile("\\(?([a-j])[).]?");

    private static final Pattern JOINED =
            Pattern.compile("(?:[A-J]\\)?\\s*,|[/&]|\\b(?:and|or|nor|unless|not))[\\s(]*$");
    private static final Pattern TAKEN_BACK =
            Pattern.compile("\\b(?:wrong|incorrect|not|unless|false|cannot|or)\\b|n['\u2019]t\\b");

    private Shorthand() {}

    /** What else a short answer may say, or null. */
    static @Nullable String of(String text) {
        if (GROUPED_BY_POINTS.matcher(text).matches()) {
            return text.replace(".", "");
        }
        if (text.length() > LONGEST || text.length() < 1 || text.indexOf('\n') >= 0) {
            return null;
        }
        String plain = text.strip();
        if (plain.indexOf('\\') >= 0) {
            int equals = plain.lastIndexOf('=');
            if (equals > 0 && plain.lastIndexOf("\\text", equals) >= 0) {
                return plain.substring(equals + 1); // \text{Area of }ABC = 5
            }
            plain = TextAnswer.unwrapped(plain);
        }
        if (plain.indexOf('$') >= 0) {
            plain = plain.replace("$", "").strip();
        }
        if (plain.endsWith(".")) {
            plain = plain.substring(0, plain.length() - 1);
        }
        if (plain.isEmpty()) {
            return null;
        }
        char last = plain.charAt(plain.length() - 1);
        String found = switch (last) {
            case 'k', 'K' -> first(THOUSANDS, plain, "*1000");
            case 't', 'd', 'h', '}', 'T', 'D', 'H' -> first(ORDINAL, plain, "");
            default -> null;
        };
        if (found == null && Character.isDigit(last)) {
            found = ofDigits(plain);
        }
        if (found == null && (Character.isLetter(last) || last == '\\' || last == ')')) {
            found = ofLetters(plain);
        }
        if (found == null && (plain.charAt(0) == '(' || plain.indexOf(' ') > 0 && plain.indexOf(' ') < 5)) {
            found = first(LABEL, plain, "");
        }
        boolean unit = found == null && Character.isDigit(plain.charAt(0)) && text.indexOf('$') > 0;
        return unit && !plain.equals(text) ? plain : found; // 27 $m^2$
    }

    private static @Nullable String ofDigits(String plain) {
        if (plain.indexOf(',') >= 0) {
            Matcher comma = DECIMAL_COMMA.matcher(plain);
            if (comma.matches()) {
                return comma.group(1).replace(".", "") + "." + comma.group(2);
            }
            Matcher indian = INDIAN.matcher(plain);
            return indian.matches() ? indian.group(1).replace(",", "") : null;
        }
        Matcher share = plain.indexOf(' ') > 0 ? SHARE.matcher(plain) : null;
        return share != null && share.matches() ? share.group(1) + "/" + share.group(2) : null;
    }

    private static @Nullable String ofLetters(String plain) {
        Matcher letter = LETTER.matcher(plain);
        if (letter.matches()) {
            return letter.group(1).toUpperCase(java.util.Locale.ROOT);
        }
        String percent = first(PERCENT, plain, "\\%");
        return percent != null ? percent : first(PROOF_END, plain, "");
    }

    private static @Nullable String first(Pattern pattern, String text, String ending) {
        Matcher matcher = pattern.matcher(text);
        return matcher.matches() ? matcher.group(1) + ending : null;
    }

    /** Whether two texts may name one time of day: 2:30 pm, 14:30 and, where only one says which half of the day, 2:30. */
    static boolean isSameTime(String gold, String answer) {
        if (gold.length() > LONGEST || answer.length() > LONGEST) {
            return false;
        }
        Matcher a = TIME.matcher(bare(gold));
        Matcher b = TIME.matcher(bare(answer));
        if (!a.matches() || !b.matches()) {
            return false;
        }
        int first = minutes(a);
        int second = minutes(b);
        boolean open = a.group(3) == null ? first < NOON + MINUTES : b.group(3) == null && second < NOON + MINUTES;
        return first == second || open && first % NOON == second % NOON;
    }

    private static String bare(String text) {
        return TextAnswer.unwrapped(text)
                .replace("$", "")
                .replace("\\ ", " ")
                .replace("\\,", " ")
                .strip();
    }

    private static int minutes(Matcher time) {
        int hours = Integer.parseInt(time.group(1));
        String half = time.group(3);
        if (half != null) {
            hours = hours % 12 + (half.equalsIgnoreCase("p") ? 12 : 0);
        }
        return hours * MINUTES + Integer.parseInt(time.group(2));
    }

    /**
     * Whether the last choice that a text names by its letter alone is this one, and no word beside it joins it to another
     * or takes it back; the A before a small word is an article.
     */
    static boolean choosesLast(String text, char letter) {
        if (letter < 'A' || letter > 'J' || text.indexOf(letter) < 0) {
            return false;
        }
        for (int at = text.length() - 1; at >= 0; at--) {
            char c = text.charAt(at);
            boolean alone = c >= 'A'
                    && c <= 'J'
                    && (at == 0 || !isPart(text.charAt(at - 1)))
                    && (at + 1 == text.length() || !isPart(text.charAt(at + 1)));
            boolean article = alone
                    && c == 'A'
                    && at + 2 < text.length()
                    && text.charAt(at + 1) == ' '
                    && Character.isLowerCase(text.charAt(at + 2))
                    && !text.startsWith("A is", at);
            if (alone && !article) {
                return c == letter
                        && !JOINED.matcher(text.substring(0, at)).find()
                        && !TAKEN_BACK.matcher(text.substring(at + 1)).find();
            }
        }
        return false;
    }

    private static boolean isPart(char c) {
        return Character.isLetterOrDigit(c) || c == '\\' || c == '\'' || c == '_' || c == '^' || c == '=' || c == '+';
    }
}
