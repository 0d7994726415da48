package org.minpro.experience;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * The delayed queue that makes staleness exact: what is put in at iteration i comes out at iteration i + lag.
 *
 * @param <B> a batch of rollouts
 */
public final class RolloutBuffer<B> {
    private final int lag;
    private final Deque<B> waiting = new ArrayDeque<>();

    public RolloutBuffer(int lag) {
        if (lag < 0) {
            throw new IllegalArgumentException("lag must be >= 0 iterations, got: " + lag);
        }
        this.lag = lag;
    }

    /** Puts in this iteration's batch and takes out the one of {@code lag} iterations ago; none in the first ones. */
    public Optional<B> exchange(B fresh) {
        waiting.addLast(fresh);
        return waiting.size() > lag ? Optional.of(waiting.removeFirst()) : Optional.empty();
    }

    /** What is waiting, oldest first. */
    public List<B> waiting() {
        return List.copyOf(waiting);
    }

    /** Puts back what was waiting when a run was stopped. */
    public void restore(List<B> batches) {
        if (batches.size() > lag) {
            throw new IllegalArgumentException("lag must be at least the number of batches that wait (" + batches.size()
                    + "), got: " + lag + "; continue with the lag that the run began with");
        }
        waiting.clear();
        waiting.addAll(batches);
    }
}
