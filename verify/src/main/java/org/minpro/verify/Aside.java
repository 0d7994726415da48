package org.minpro.verify;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The number that a last number of prose only goes with: the 27 of "27, since x &lt; 30", "27 miles in 3 days",
 * "27, which is less than 30" and "9 * 3 = 27 boxes for the 5 shops". Which of the two is the answer, the prose leaves
 * open.
 *
 * @param main the number before the aside
 * @param without the text without the aside: "27, which is less than" would take the 27 back
 * @param start where the number begins in that text
 * @param end where it ends in that text
 */
record Aside(String main, String without, int start, int end) {
    private static final int LONGEST = 160;
    private static final String OPENS =
            "\\b(?:since|because|as|which(?: is| are)?|over|out of|within|for|in|per|than|during|every|each|from|of|after|before|by|at|when"
                    + "|where|while|although|though|whereas|compared|versus|rounded|i\\.e|on|with|around|across|to(?=\\s+\\p{L}))\\b";
    /** What compares a number with the last one. */
    private static final String COMPARES =
            "(?:\\b(?:(?:more|less|fewer|greater|larger|bigger|smaller|higher|lower|older|younger|longer|shorter|taller|heavier|lighter|faster|slower"
                    + "|sooner|later|earlier|further|other|rather) (?:\\p{L}+ ){0,2}than|under|above|below|beyond|up to|nearly|almost|close to|near|short of"
                    + "|exceed(?:s|ing)?|at (?:least|most)|not)\\b|[<>\u2264\u2265\u2260\u2248]|\\\\(?:le|leq|ge|geq|lt|gt|ne|neq|approx)\\b)";

    private static final String CONCLUDES =
            "\\b(?:so|thus|hence|therefore|then|total|left|leaving|leaves|gives?|giving|makes?|making|gets?|got|has|have|equals?|implies|we|is|are)\\b";
    /** Up to the last number, without another number between. */
    private static final Pattern BEHIND_NUMBER = Pattern.compile(
            "(?:" + OPENS + "|" + COMPARES + ")(?:(?!" + CONCLUDES + "|\\band\\b)[^=\\d])*$", Pattern.CASE_INSENSITIVE);
    /** All that stands between a result and the last number. */
    private static final Pattern BEHIND_RESULT = Pattern.compile(
            "(?:(?!" + CONCLUDES + ")[^=])*?(" + OPENS + "|" + COMPARES + ")(?:(?!" + CONCLUDES + ")[^=])*",
            Pattern.CASE_INSENSITIVE);

    private static final Pattern SENTENCE_END = Pattern.compile("[.!?](?=[\\s*\"')])|[;\\n]");
    private static final Pattern RESULT = Pattern.compile("=[\\s$\\\\*(]*(?=[-\\d.\u2212])");

    /**
     * What a piece stands aside of, or null.
     *
     * @param right whether the piece is the right answer: then only the result of a calculation before a number matters
     */
    static @Nullable Aside of(Candidate candidate, boolean right) {
        if (right && candidate.policy() != ExtractionPolicy.NUMBER) {
            return null;
        }
        boolean stated = candidate.policy() == ExtractionPolicy.FORMULA
                && candidate.text().indexOf('=') >= 0;
        if (stated || candidate.policy() != ExtractionPolicy.FORMULA && candidate.policy() != ExtractionPolicy.NUMBER) {
            return null;
        }
        String text = candidate.source();
        int from = sentenceStart(text, candidate.start());
        String before = text.substring(from, candidate.start());
        int equals = before.lastIndexOf('=');
        if (right && equals < 0) {
            return null;
        }
        Matcher aside = (equals < 0 ? BEHIND_NUMBER : BEHIND_RESULT).matcher(before);
        WholeNumber number = equals < 0 ? beside(before, aside) : result(before, equals, aside);
        if (number == null) {
            return null;
        }
        int opens = from + (equals < 0 ? aside.start() : aside.start(1));
        String without = text.substring(0, opens) + text.substring(candidate.end());
        return new Aside(number.text(before), without, from + number.start(), from + number.end());
    }

    /** Whether the prose gives the number as what it says. */
    boolean isAsserted() {
        return Assertion.holds(without, start, end, true);
    }

    private static @Nullable WholeNumber beside(String before, Matcher aside) {
        return aside.find() ? WholeNumber.one(before.substring(0, aside.start()), Occurrence.LAST) : null;
    }

    private static @Nullable WholeNumber result(String before, int equals, Matcher aside) {
        Matcher start = RESULT.matcher(before).region(equals, before.length());
        WholeNumber number = start.lookingAt() ? WholeNumber.at(before, start.end()) : null;
        boolean behind =
                number != null && aside.region(number.end(), before.length()).matches();
        return behind ? number : null;
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
