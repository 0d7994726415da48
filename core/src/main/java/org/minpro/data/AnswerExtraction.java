package org.minpro.data;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * How the reference answer is cut out of a data set's answer field.
 *
 * @param after take what follows the last occurrence of this text (GSM8K: {@code ####}), or null for everything
 * @param pattern then take the last match of this regular expression (its first group, if it has one), or null for everything
 */
public record AnswerExtraction(
        @Nullable String after, @Nullable String pattern) {
    /** The field as it is. */
    public static final AnswerExtraction NONE = new AnswerExtraction(null, null);

    public AnswerExtraction {
        if (after != null && after.isEmpty()) {
            throw new IllegalArgumentException("after must not be empty, got: ''");
        }
        if (pattern != null) {
            try {
                Pattern.compile(pattern);
            } catch (PatternSyntaxException e) {
                throw new IllegalArgumentException(
                        "pattern must be a regular expression, got: '" + pattern + "' (" + e.getDescription() + ")", e);
            }
        }
    }

    /** The answer within a text, stripped of white space, or null where the marker or the pattern does not occur. */
    public @Nullable String extract(String text) {
        String answer = text;
        if (after != null) {
            int start = answer.lastIndexOf(after);
            if (start < 0) {
                return null;
            }
            answer = answer.substring(start + after.length());
        }
        if (pattern != null) {
            Matcher matcher = Pattern.compile(pattern).matcher(answer);
            String last = null;
            while (matcher.find()) {
                last = matcher.groupCount() > 0 ? matcher.group(1) : matcher.group();
            }
            if (last == null) {
                return null;
            }
            answer = last;
        }
        return answer.strip();
    }
}
