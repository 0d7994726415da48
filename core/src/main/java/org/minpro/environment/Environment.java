package org.minpro.environment;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.minpro.data.Problem;

/**
 * What a policy talks to: a game, a user, tools.
 *
 * <p>An implementation that a recipe names is a record whose components are its parameters. It is called from several threads
 * at once; an episode is not.
 */
public interface Environment extends AutoCloseable {
    /**
     * Begins an episode: one response to a problem.
     *
     * @param draw ordinal of the group in the run
     * @param sample ordinal of the response in its group
     */
    Episode begin(Problem problem, long draw, int sample);

    /**
     * Whether an episode is a function of its problem, draw, sample and the policy's turns. Then a journaled rollout can be
     * scored again by playing it through, and a response that is generated again is the same to the byte.
     */
    default boolean replayable() {
        return true;
    }

    /** JSON schemas of the functions that prompts tell the policy of, through the model's chat template; none where empty. */
    default List<Map<String, @Nullable Object>> toolSchemas() {
        return List.of();
    }

    /**
     * The environment with everything open that its episodes need, such as connections; asked once, before a run, which closes
     * it.
     */
    default Environment opened() {
        return this;
    }

    @Override
    default void close() {}

    /** The roles that it speaks in; a model's chat template is tried with each before a run. */
    default List<String> roles() {
        return List.of("user");
    }
}
