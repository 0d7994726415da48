package org.minpro.verify;

import java.util.List;

/**
 * A piece of a completion that may be its answer, with what a verdict on it depends on.
 *
 * @param text the piece without its marks
 * @param policy where it was found
 * @param rivals other pieces of the completion that stand with the same right, in order
 * @param complete whether it is known to be whole: a box that does not end is not
 * @param source the text it stands in
 * @param start where it begins in that text
 * @param end where it ends in that text
 */
record Candidate(
        String text,
        ExtractionPolicy policy,
        List<String> rivals,
        boolean complete,
        String source,
        int start,
        int end) {
    /** Whether a person marks an answer so, and does not just mention it. */
    boolean isMarked() {
        return policy == ExtractionPolicy.BOXED || policy == ExtractionPolicy.HASHES;
    }

    /** Whether the text around it gives it as the answer. */
    boolean isAsserted() {
        if (!complete) {
            return false;
        }
        if (policy == ExtractionPolicy.BOXED) {
            return Assertion.holdsBox(source, start, end) && holdsInside(text);
        }
        if (policy == ExtractionPolicy.HASHES) {
            return holdsInside(text);
        }
        if (policy == ExtractionPolicy.WHOLE) {
            return holdsInside(source);
        }
        boolean alone = policy != ExtractionPolicy.ANSWER_IS;
        return TextAnswer.hasSpeech(text) && text.indexOf("\\begin{") < 0
                ? holdsInside(source, start, end)
                : Assertion.holds(source, start, end, alone);
    }

    /** Whether a text that is the answer as a whole takes no number back that it states. */
    private static boolean holdsInside(String text) {
        if (!TextAnswer.hasWord(text)) {
            return true;
        }
        String plain = TextAnswer.unwrapped(text);
        int table = plain.indexOf("\\begin{");
        if (table > 0) {
            int end = plain.indexOf('}', plain.lastIndexOf("\\end{")) + 1;
            return Assertion.holds(plain, table, Math.max(end, table), false);
        }
        return holdsInside(plain, 0, plain.length());
    }

    /** Whether the last number between two places, read with the words beside it, is what the text says. */
    private static boolean holdsInside(String text, int from, int to) {
        String piece = text.substring(from, to);
        WholeNumber number = TextAnswer.hasSpeech(piece) ? WholeNumber.one(piece, Occurrence.LAST) : null;
        return number == null
                ? !TextAnswer.hasSpeech(piece) || Assertion.holds(text, from, to, false)
                : Assertion.holds(text, from + number.start(), from + number.end(), false);
    }
}
