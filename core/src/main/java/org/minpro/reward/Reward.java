package org.minpro.reward;

import java.util.List;
import org.minpro.data.Problem;
import org.minpro.rollout.Rollout;
import org.minpro.verify.CompletionMarks;

/**
 * What a rollout is worth.
 *
 * <p>Called from several threads at once. A reward that cannot judge returns {@link Score#undecided}: the rollout then
 * leaves its group's statistics and the loss, where a zero would teach that it was wrong.
 */
@FunctionalInterface
public interface Reward extends AutoCloseable {
    Score score(Problem problem, Rollout rollout);

    /** What a person should know before a run with this reward, one line each. */
    default List<String> notices() {
        return List.of();
    }

    /**
     * The same reward for completions with these marks of thinking and answer: those of the model and its template. A reward
     * that does not look for an answer is the same for all.
     */
    default Reward reading(CompletionMarks marks) {
        return this;
    }

    /**
     * Seconds that the services which it asks may take for a response, each by its own budget; they come on top of the
     * time that a run gives a reward.
     */
    default double serviceSeconds() {
        return 0;
    }

    /** The reward as a person knows it: its name in the table, or its class. */
    default String described() {
        return Rewards.named(getClass());
    }

    /** Frees what it holds, such as processes; whoever had it made calls it once, after the last score. */
    @Override
    default void close() {}
}
