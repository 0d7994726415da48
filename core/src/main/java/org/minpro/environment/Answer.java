package org.minpro.environment;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.minpro.data.Message;

/**
 * What an environment says to a turn.
 *
 * @param messages what is said, put to the model through its chat template; none where the episode has ended
 * @param reward of the turn, credited to its last token; null where turns have none
 */
public record Answer(List<Message> messages, @Nullable Double reward) {
    public Answer {
        messages = List.copyOf(messages);
        if (reward != null && !Double.isFinite(reward)) {
            throw new IllegalArgumentException("the reward of a turn must be finite, got: " + reward);
        }
    }

    /** A message of a user. */
    public static Answer says(String text) {
        return new Answer(List.of(new Message("user", text)), null);
    }

    /** Messages, such as those of tools; at least one. */
    public static Answer says(List<Message> messages) {
        if (messages.isEmpty()) {
            throw new IllegalArgumentException("an answer must have a message, got: none; an episode ends with end()");
        }
        return new Answer(messages, null);
    }

    /** The episode has ended. */
    public static Answer end() {
        return new Answer(List.of(), null);
    }

    /** The same, with a reward for the turn that it answers. */
    public Answer withReward(double ofTurn) {
        return new Answer(messages, ofTurn);
    }
}
