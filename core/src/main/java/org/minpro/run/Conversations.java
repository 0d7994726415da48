package org.minpro.run;

import org.jspecify.annotations.Nullable;
import org.minpro.environment.Environment;
import org.minpro.environment.Episodes;
import org.minpro.environment.TurnLimits;
import org.minpro.experience.Continuations;
import org.minpro.reward.Reward;
import org.minpro.rollout.SamplingParams;
import org.minpro.rollout.TurnEnd;
import org.minpro.text.Tokenizer;

/** What answers the turns of a run's responses, and scores them by it; nothing where a response is one turn. */
public final class Conversations implements AutoCloseable {
    private final @Nullable Episodes episodes;

    private Conversations(@Nullable Episodes episodes) {
        this.episodes = episodes;
    }

    /**
     * @param environment null where a response is one turn
     * @param prompts of the same environment
     * @param sampling of the responses
     * @throws org.minpro.text.TextException if the model's chat template is not prefix-stable
     */
    public static Conversations of(
            @Nullable Environment environment,
            Prompts prompts,
            TurnLimits limits,
            SamplingParams sampling,
            Tokenizer tokenizer) {
        return new Conversations(
                environment == null
                        ? null
                        : new Episodes(
                                environment,
                                prompts.speech(environment.roles(), limits.keepsThinking()),
                                limits,
                                new TurnEnd(sampling, ids -> tokenizer.decode(ids, true))));
    }

    public Continuations continuations() {
        return episodes == null ? Continuations.NONE : episodes::of;
    }

    /**
     * The reward of rollouts.
     *
     * @param reward scores what an environment does not, or everything where a response is one turn
     * @param named whether it was asked for, so that it scores in place of the environment
     */
    public Reward reward(Reward reward, boolean named) {
        return episodes == null ? reward : episodes.reward(reward, named);
    }

    @Override
    public void close() {
        if (episodes != null) {
            episodes.close();
        }
    }
}
