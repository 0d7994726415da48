package org.minpro.data;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A prompt with its reference answer; exactly one of {@code prompt} and {@code messages} is given.
 *
 * @param id names the problem in samples and errors; unique within a data set
 * @param prompt the text of the prompt, or null where there are messages
 * @param messages the conversation to continue; empty where there is a prompt
 * @param answer the reference answer, what a reward compares with
 * @param fields every field of the data set's row, in the file's order: strings, numbers, booleans, lists, maps, nulls
 */
public record Problem(
        String id,
        @Nullable String prompt,
        List<Message> messages,
        String answer,
        Map<String, @Nullable Object> fields) {
    public Problem {
        messages = List.copyOf(messages);
        fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
        if ((prompt == null) == messages.isEmpty()) {
            throw new IllegalArgumentException("problem '" + id + "' must have either a prompt or messages, got: "
                    + (prompt == null ? "neither" : "both"));
        }
    }

    /** A problem with a plain prompt and no other fields. */
    public static Problem of(String id, String prompt, String answer) {
        return new Problem(id, prompt, List.of(), answer, Map.of());
    }

    /**
     * The text that tells this problem from others: the prompt, or the messages each as {@code role: content}, with runs of
     * white space written as one blank, so that copies which differ only in layout are one problem.
     */
    public String identity() {
        StringBuilder text = new StringBuilder();
        if (prompt != null) {
            text.append(prompt);
        } else {
            for (Message message : messages) {
                text.append(message.role())
                        .append(": ")
                        .append(message.content())
                        .append('\n');
            }
        }
        return withSingleBlanks(text.toString().strip());
    }

    private static String withSingleBlanks(String text) {
        StringBuilder single = new StringBuilder(text.length());
        boolean blank = false;
        for (int i = 0; i < text.length(); i++) {
            char letter = text.charAt(i);
            boolean isBlank = letter == ' ' || (letter >= '\t' && letter <= '\r');
            if (!isBlank) {
                single.append(letter);
            } else if (!blank) {
                single.append(' ');
            }
            blank = isBlank;
        }
        return single.toString();
    }
}
