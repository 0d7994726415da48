package org.minpro.environment;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;

/** One response's conversation with an environment; called by one thread at a time. */
public interface Episode extends AutoCloseable {
    /** What the environment says to a turn of the policy, or that the episode has ended with it. */
    Answer answer(Turn turn);

    /**
     * What the whole episode is worth, without the rewards of its turns, which are added to it.
     *
     * @param rollout all of it; the last turn was not answered where the limit of tokens cut it off
     * @return null to leave it to the recipe's reward
     */
    default @Nullable Score score(Rollout rollout) {
        return null;
    }

    /** Numbers for the log, by name, beside those of the score: how many calls there were, for instance. */
    default Map<String, Double> parts() {
        return Map.of();
    }

    /** Frees what the episode holds; it is called once, after the score or without one. */
    @Override
    default void close() {}
}
