package org.minpro.reward;

import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.minpro.config.Doc;
import org.minpro.data.Problem;
import org.minpro.rollout.Rollout;

/**
 * Whether the whole completion matches a regular expression ({@code .} matches line ends too).
 *
 * <p>A pattern may backtrack without end on a text that a policy wrote; matching is therefore counted, and a text that
 * needs more than {@value #MAXIMUM_READS} characters read is undecided.
 *
 * @param pattern the expression
 * @param match value of a completion that matches
 * @param mismatch value of one that does not
 */
public record FormatReward(
        @Doc("The expression, of java.util.regex.") String pattern,
        @Doc("Value of a completion that matches.") double match,
        @Doc("Value of one that does not.") double mismatch)
        implements Reward {
    private static final long MAXIMUM_READS = 5_000_000;

    public FormatReward {
        try {
            compiled(pattern);
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException(
                    "pattern must be a regular expression of java.util.regex, got: " + pattern + " ("
                            + e.getDescription() + ")",
                    e);
        }
        Score.check("match", match);
        Score.check("mismatch", mismatch);
    }

    /** One for a completion that matches, else zero. */
    public FormatReward(String pattern) {
        this(pattern, 1, 0);
    }

    private static Pattern compiled(String pattern) {
        return Pattern.compile(pattern, Pattern.DOTALL);
    }

    @Override
    public Score score(Problem problem, Rollout rollout) {
        try {
            boolean matches =
                    compiled(pattern).matcher(new CountedText(rollout.text())).matches();
            return matches ? Score.of(match, "format") : Score.of(mismatch, "no format");
        } catch (ReadLimitException e) {
            return Score.undecided("the pattern backtracks too much on this completion");
        } catch (StackOverflowError e) {
            return Score.undecided("the pattern recurses too deeply on this completion");
        }
    }

    private static final class ReadLimitException extends RuntimeException {
        ReadLimitException() {
            super("read limit", null, false, false);
        }
    }

    private static final class CountedText implements CharSequence {
        private final String text;
        private long reads;

        CountedText(String text) {
            this.text = text;
        }

        @Override
        public char charAt(int index) {
            if (++reads > MAXIMUM_READS) {
                throw new ReadLimitException();
            }
            return text.charAt(index);
        }

        @Override
        public int length() {
            return text.length();
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return text.subSequence(start, end);
        }

        @Override
        public String toString() {
            return text;
        }
    }
}
