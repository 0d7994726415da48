package org.minpro.rollout;

import java.util.Arrays;

/**
 * One sampled response: a token sequence with the behaviour policy's log-probabilities, made once and never
 * re-tokenised.
 *
 * @param draw ordinal of the group in the run
 * @param sample ordinal of this response in its group
 * @param promptIds token ids of the prompt
 * @param responseIds token ids of the response, {@code [time]}; a stop id belongs to it
 * @param responseMask true where the policy wrote the token, {@code [time]}
 * @param behaviorLogProbs log mu(y_t) of log-softmax(z / temperature) before any truncation, {@code [time]} float32,
 *     nats; 0 where the policy did not write
 * @param logKeptMass log of the probability mass that top-k, top-p and min-p kept, {@code [time]}, nats; 0 without
 *     truncation
 * @param versions number of optimizer steps in the weights that wrote the token, {@code [time]}
 * @param finish why the response ended
 * @param text the response without special tokens; empty where no tokenizer is known
 */
public record Rollout(
        long draw,
        int sample,
        int[] promptIds,
        int[] responseIds,
        boolean[] responseMask,
        float[] behaviorLogProbs,
        float[] logKeptMass,
        long[] versions,
        Finish finish,
        String text) {

    /** Why a response ended. */
    public enum Finish {
        /** The policy wrote a stop id. */
        STOP,
        /** The limit of new tokens was reached. */
        LENGTH
    }

    public Rollout {
        int time = responseIds.length;
        if (responseMask.length != time
                || behaviorLogProbs.length != time
                || logKeptMass.length != time
                || versions.length != time) {
            throw new IllegalArgumentException("a rollout's arrays must have one entry per response token, got: "
                    + time + " ids, " + responseMask.length + " mask, " + behaviorLogProbs.length + " log-probs, "
                    + logKeptMass.length + " kept masses, " + versions.length + " versions");
        }
    }

    /** The same with another text, such as that of the last turn alone. */
    public Rollout withText(String other) {
        return new Rollout(
                draw,
                sample,
                promptIds,
                responseIds,
                responseMask,
                behaviorLogProbs,
                logKeptMass,
                versions,
                finish,
                other);
    }

    /** Tokens of the response. */
    public int length() {
        return responseIds.length;
    }

    /** The version that sampled the first token. */
    public long version() {
        return versions.length == 0 ? 0 : versions[0];
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Rollout rollout
                && draw == rollout.draw
                && sample == rollout.sample
                && finish == rollout.finish
                && text.equals(rollout.text)
                && Arrays.equals(promptIds, rollout.promptIds)
                && Arrays.equals(responseIds, rollout.responseIds)
                && Arrays.equals(responseMask, rollout.responseMask)
                && Arrays.equals(behaviorLogProbs, rollout.behaviorLogProbs)
                && Arrays.equals(logKeptMass, rollout.logKeptMass)
                && Arrays.equals(versions, rollout.versions);
    }

    @Override
    public int hashCode() {
        return 31 * Long.hashCode(draw) + sample;
    }

    @Override
    public String toString() {
        return "Rollout[draw=" + draw + ", sample=" + sample + ", " + promptIds.length + " + " + length() + " tokens, "
                + finish + "]";
    }
}
