package org.minpro.text;

import java.util.ArrayList;
import java.util.List;
import org.minpro.data.Message;

/**
 * Which parts of a conversation's text the assistant wrote: what is between the text before a turn, with the header of the
 * assistant's answer, and the text through that turn.
 */
public final class AssistantTurns {
    /**
     * A part of the text.
     *
     * @param written whether the assistant wrote it
     */
    public record Part(String text, boolean written) {}

    private AssistantTurns() {}

    /**
     * The parts, context and the assistant's in turns, through the last turn of the assistant.
     *
     * @param from turns of the assistant before this one are context
     * @throws TextException if there is no turn of the assistant, or the template is not prefix-stable: it renders a turn
     *     otherwise once others follow, so that no text has all turns as the model wrote them
     */
    public static List<Part> of(ChatTemplate template, List<Message> messages, ChatOptions options, int from) {
        String whole = render(template, messages, options, false);
        List<Part> parts = new ArrayList<>();
        int done = 0;
        for (int turn = from; turn < messages.size(); turn++) {
            if (!messages.get(turn).role().equals("assistant")) {
                continue;
            }
            if (turn == 0) {
                throw new TextException("a conversation must not begin with the assistant: there is nothing to answer");
            }
            String before = render(template, messages.subList(0, turn), options, true);
            String through = render(template, messages.subList(0, turn + 1), options, false);
            boolean stable = whole.startsWith(through) && through.startsWith(before) && before.length() >= done;
            if (!stable) {
                throw new TextException("all turns of a conversation can be learnt only with a chat template that is"
                        + " prefix-stable, got: " + template.origin() + ", which renders message " + (turn + 1) + " of "
                        + messages.size() + " otherwise "
                        + (through.startsWith(before) ? "once others follow" : "than its generation prompt begins it")
                        + "; give each answer a row of its own, as prompt and completion");
            }
            parts.add(new Part(whole.substring(done, before.length()), false));
            parts.add(new Part(whole.substring(before.length(), through.length()), true));
            done = through.length();
        }
        if (parts.isEmpty()) {
            throw new TextException("a conversation must have a turn of the assistant to learn, got: "
                    + messages.stream().map(Message::role).toList());
        }
        return parts;
    }

    private static String render(
            ChatTemplate template, List<Message> messages, ChatOptions options, boolean addGenerationPrompt) {
        return template.render(
                messages.stream().map(Message::fields).toList(),
                new ChatOptions(options.tools(), options.documents(), addGenerationPrompt, null, options.variables()));
    }
}
