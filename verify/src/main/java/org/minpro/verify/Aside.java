package org.minpro.verify;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The number that a last number of prose only goes with: the 27 of "27, since x &lt; 30", "27 miles in 3 days" and
 * "9 * 3 = 27 boxes for the 5 shops". Which of the two is the answer, the prose leaves open.
 *
 * @param main the number before the aside
 * @param result whether a calculation ends in it
 * @param asserted whether the prose gives it as what it says
 */
record Aside(String main, boolean result, boolean asserted) {
    private static final int LONGEST = 160;
    private static final String OPENS =
            "\\b(?:since|because|as|which(?: is| are)?|over|out of|within|for|in|per|than|during|every|each|from|of|after|before|by|at|when"
                    + "|where|on|with|around|across|to(?=\\s+\\p{L}))\\b";
    private static final String CONCLUDES =
            "\\b(?:so|thus|hence|therefore|then|total|left|leaving|leaves|gives?|giving|makes?|making|gets?|got|has|have|equals?|implies|we|is|are)\\b";
    /** Up to the last number, without another number between. */
    private static final Pattern BEHIND_NUMBER =
            Pattern.compile(OPENS + "(?:(?!" + CONCLUDES + "|\\band\\b)[^=\\d])*$", Pattern.CASE_INSENSITIVE);
    /** All that stands between a result and the last number. */
    private static final Pattern BEHIND_RESULT = Pattern.compile(
            "(?:(?!" + CONCLUDES + ")[^=])*?" + OPENS + "(?:(?!" + CONCLUDES + ")[^=])*", Pattern.CASE_INSENSITIVE);

    private static final Pattern SENTENCE_END = Pattern.compile("[.!?](?=[\\s*\"')])|[;\\n]");
    private static final Pattern RESULT = Pattern.compile("=[\\s$\\\\*(]*(?=[-\\d.\u2212])");

    /** What a piece stands aside of, or null. */
    static @Nullable Aside of(Candidate candidate) {
        boolean stated = candidate.policy() == ExtractionPolicy.FORMULA
                && candidate.text().indexOf('=') >= 0;
        if (stated || candidate.policy() != ExtractionPolicy.FORMULA && candidate.policy() != ExtractionPolicy.NUMBER) {
            return null;
        }
        String text = candidate.source();
        int from = sentenceStart(text, candidate.start());
        String before = text.substring(from, candidate.start());
        int equals = before.lastIndexOf('=');
        WholeNumber number = equals < 0 ? beside(before) : result(before, equals);
        if (number == null) {
            return null;
        }
        boolean asserted = Assertion.holds(text, from + number.start(), from + number.end(), true);
        return new Aside(number.text(before), equals >= 0, asserted);
    }

    private static @Nullable WholeNumber beside(String before) {
        Matcher aside = BEHIND_NUMBER.matcher(before);
        return aside.find() ? WholeNumber.one(before.substring(0, aside.start()), Occurrence.LAST) : null;
    }

    private static @Nullable WholeNumber result(String before, int equals) {
        Matcher start = RESULT.matcher(before).region(equals, before.length());
        WholeNumber number = start.lookingAt() ? WholeNumber.at(before, start.end()) : null;
        boolean aside = number != null
                && BEHIND_RESULT
                        .matcher(before)
                        .region(number.end(), before.length())
                        .matches();
        return aside ? number : null;
    }

    private static int sentenceStart(String text, int at) {
        int from = Math.max(0, at - LONGEST);
        Matcher end = SENTENCE_END.matcher(text).region(from, at);
        while (end.find()) {
            from = end.end();
        }
        return from;
    }
}
