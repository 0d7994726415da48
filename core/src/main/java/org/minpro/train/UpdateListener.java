package org.minpro.train;

/** Told of the updates of an iteration as they are done. */
@FunctionalInterface
public interface UpdateListener {
    /**
     * @param update ordinal of the update in its iteration, from 1
     * @param updates of the iteration
     */
    void updateFinished(int update, int updates);

    /**
     * Told of an update with all that was seen, before {@link #updateFinished}; what it has must not be changed.
     *
     * @param ordinal of the update in its iteration, from 1
     */
    default void updated(int ordinal, Update update) {}
}
