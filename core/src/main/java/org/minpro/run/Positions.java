package org.minpro.run;

import org.jspecify.annotations.Nullable;
import org.minpro.model.ModelConfig;
import org.minpro.recipe.ModelSection;

/**
 * Whether sequences stay within the positions that a model was made for, {@code max_position_embeddings}. Beyond them a
 * model computes on, and what it says is worth little: it is refused unless it is asked for.
 *
 * @param model whose positions count
 * @param beyondAllowed whether longer sequences are asked for
 * @param allow what asks for them, as a person would write it
 */
public record Positions(ModelConfig model, boolean beyondAllowed, String allow) {
    /** Of a recipe, whose setting is {@code model.beyond-positions}. */
    public static Positions of(ModelSection section, ModelConfig model) {
        return new Positions(model, section.beyondPositions(), "model.beyond-positions: true");
    }

    /**
     * The longest prompt that leaves room for a response, tokens; may be negative.
     *
     * @param newTokens longest response
     */
    public long longestPrompt(int newTokens) {
        return reach() - newTokens;
    }

    /** What a prompt of so many tokens leaves for a response, tokens; may be negative. */
    public long left(int prompt) {
        return reach() - prompt;
    }

    /** Tokens of the longest sequence that is computed. A window hides what is further away, which is not supported. */
    private long reach() {
        Integer window = model.slidingWindow();
        return !beyondAllowed ? model.maxPositions() : window != null ? window : Long.MAX_VALUE;
    }

    /**
     * Refuses a prompt whose response could end beyond the positions.
     *
     * @param prompt tokens of the prompt
     * @param what the prompt, in a few words
     * @param newTokens longest response
     * @param limit the name of the setting that says so
     */
    public void require(int prompt, String what, int newTokens, String limit) {
        if (prompt > longestPrompt(newTokens)) {
            throw new IllegalArgumentException(refusal(prompt, what, newTokens, limit));
        }
    }

    /** The line that {@link #require} refuses with, or null where it does not. */
    public @Nullable String problem(int prompt, String what, int newTokens, String limit) {
        return prompt > longestPrompt(newTokens) ? refusal(prompt, what, newTokens, limit) : null;
    }

    private String refusal(int prompt, String what, int newTokens, String limit) {
        return "a prompt and its response must fit the model's positions, " + room() + ", got: "
                + ((long) prompt + newTokens) + ", which is " + prompt + " of " + what + " and " + limit + " ("
                + newTokens
                + "); lower " + limit + " or leave long prompts out" + orAllow();
    }

    /** The line that refuses a sequence of given tokens, or null where it fits. */
    public @Nullable String problem(int tokens) {
        return tokens <= reach()
                ? null
                : "a sequence must fit the model's positions, " + room() + ", got: " + tokens + " tokens; cut it"
                        + orAllow();
    }

    private String room() {
        Integer window = model.slidingWindow();
        return beyondAllowed && window != null
                ? "of which it sees no more than sliding_window (" + window + "; windows are not supported)"
                : "max_position_embeddings (" + model.maxPositions() + ")";
    }

    private String orAllow() {
        return beyondAllowed ? "" : ", or allow it with " + allow + " (the model was not made for such positions)";
    }

    /**
     * The line of a plan where sequences go beyond the positions, or null where they do not.
     *
     * @param prompt tokens of the longest prompt
     * @param newTokens longest response
     */
    public @Nullable String beyond(int prompt, int newTokens) {
        long longest = (long) prompt + newTokens;
        return longest <= model.maxPositions()
                ? null
                : "up to " + longest + " (prompts of up to " + prompt + " tokens and " + newTokens
                        + " new ones), beyond the model's max_position_embeddings (" + model.maxPositions() + "), as "
                        + allow + " allows";
    }
}
