package org.minpro.environment;

import org.minpro.config.Doc;
import org.minpro.config.Rule;

/** What bounds an episode; its tokens are those of {@code sampling.max-new-tokens}, in all turns together. */
public record TurnLimits(
        @Doc("Turns of the policy, at most; the episode ends with the last, whatever the environment says.")
        int most,

        @Doc("Time that the environment has to answer a turn, seconds, > 0; a response that waits longer is undecided.")
        double answerSeconds,

        @Doc("Longest message of the environment, characters; what is beyond is cut, and the message says so.")
        int answerCharacters,

        @Doc("Whether sequences keep the thinking of earlier turns where the model's chat template would drop it; false"
                + " refuses such a template.")
        boolean keepsThinking) {
    /** A day. */
    private static final double LONGEST_SECONDS = 86_400;

    public TurnLimits {
        Rule.positive("most", most);
        Rule.check(
                answerSeconds > 0 && answerSeconds <= LONGEST_SECONDS,
                "answer-seconds",
                "in (0, " + (long) LONGEST_SECONDS + "]",
                answerSeconds);
        Rule.positive("answer-characters", answerCharacters);
    }

    /** Ten turns, half a minute, 4,000 characters. */
    public TurnLimits() {
        this(10, 30, 4000, false);
    }
}
