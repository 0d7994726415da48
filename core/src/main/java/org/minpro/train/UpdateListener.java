package org.minpro.train;

/** Told of the updates of an iteration as they are done. */
@FunctionalInterface
public interface UpdateListener {
    /**
     * @param update ordinal of the update in its iteration, from 1
     * @param updates of the iteration
     */
    void updateFinished(int update, int updates);
}
