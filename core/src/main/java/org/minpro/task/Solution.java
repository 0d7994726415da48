package org.minpro.task;

import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a response to a {@link Sum} says: steps that add one number to the running total, then the marker {@code #} and
 * the answer.
 *
 * <p>A step is either worked out through an intermediate total, {@code 112+49>152>161;}, or written down at once,
 * {@code 112+49=161,}; a semicolon or a comma ends it.
 *
 * @param wellFormed whether the whole response has this form, whether or not its arithmetic is right
 * @param steps how many steps it shows
 * @param workedSteps how many of them go through an intermediate total
 * @param answer the number after the marker that closes the response, empty if there is none
 */
public record Solution(boolean wellFormed, int steps, int workedSteps, OptionalInt answer) {

    /** Stands before the final answer. */
    public static final char ANSWER_MARKER = '#';

    private static final Pattern FORM = Pattern.compile("([0-9]+\\+[0-9]+(=|>[0-9]+>)[0-9]+[;,])+#[0-9]+");
    private static final Pattern STEP = Pattern.compile("[0-9]+\\+[0-9]+(=|>[0-9]+>)[0-9]+[;,]");
    private static final Pattern ANSWER = Pattern.compile("#([0-9]{1,6})$");

    /** Reads a response, without its stop token; never fails, whatever the text. */
    public static Solution parse(String response) {
        int steps = 0;
        int workedSteps = 0;
        Matcher step = STEP.matcher(response);
        while (step.find()) {
            steps++;
            if (!step.group(1).equals("=")) {
                workedSteps++;
            }
        }
        Matcher answer = ANSWER.matcher(response);
        return new Solution(
                FORM.matcher(response).matches(),
                steps,
                workedSteps,
                answer.find() ? OptionalInt.of(Integer.parseInt(answer.group(1))) : OptionalInt.empty());
    }
}
