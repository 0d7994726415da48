package org.minpro.data;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A prompt with its reference answer.
 *
 * @param id names the problem in its data set
 * @param prompt the prompt's text; null where {@code messages} is given
 * @param messages the prompt as a conversation for the model's chat template; empty where {@code prompt} is given
 * @param answer the reference answer; may be empty where the reward needs none
 * @param fields the data set's other fields
 */
public record Problem(
        String id, @Nullable String prompt, List<Message> messages, String answer, Map<String, Object> fields) {
    public Problem {
        messages = List.copyOf(messages);
        if ((prompt == null) == messages.isEmpty()) {
            throw new IllegalArgumentException(
                    "a problem must have either a prompt or messages, got: " + (prompt == null ? "neither" : "both"));
        }
    }

    public static Problem of(String id, String prompt, String answer) {
        return new Problem(id, prompt, List.of(), answer, Map.of());
    }
}
