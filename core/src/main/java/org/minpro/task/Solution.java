package org.minpro.task;

import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a response to a {@link Sum} says: steps such as {@code 27+85=112;}, each adding one number or several to the
 * running total, then the marker {@code #} and the answer.
 *
 * @param wellFormed whether the whole response has this form, whether or not its arithmetic is right
 * @param steps how many steps it shows
 * @param singleSteps how many of them add one number only
 * @param answer the number after the last marker, empty if none ends the response
 */
public record Solution(boolean wellFormed, int steps, int singleSteps, OptionalInt answer) {

    /** Stands before the final answer. */
    public static final char ANSWER_MARKER = '#';

    private static final Pattern FORM = Pattern.compile("([0-9]+(\\+[0-9]+)+=[0-9]+;)+#[0-9]+");
    private static final Pattern STEP = Pattern.compile("[0-9]+(\\+[0-9]+)(\\+[0-9]+)*=[0-9]+;");
    private static final Pattern ANSWER = Pattern.compile("#([0-9]{1,6})$");

    /** Reads a response, without its stop token; never fails, whatever the text. */
    public static Solution parse(String response) {
        int steps = 0;
        int singleSteps = 0;
        Matcher step = STEP.matcher(response);
        while (step.find()) {
            steps++;
            if (step.group(2) == null) {
                singleSteps++;
            }
        }
        Matcher answer = ANSWER.matcher(response);
        return new Solution(
                FORM.matcher(response).matches(),
                steps,
                singleSteps,
                answer.find() ? OptionalInt.of(Integer.parseInt(answer.group(1))) : OptionalInt.empty());
    }
}
