package org.minpro.experience;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** The queue of {@link Delayed}: what is put in at iteration i comes out at iteration i + lag. */
final class DelayBuffer implements GroupBuffer {
    private final int lag;
    private final int groups;
    private final Deque<List<ScoredGroup>> waiting = new ArrayDeque<>();

    /** @param groups sampled in every iteration */
    DelayBuffer(int lag, int groups) {
        this.lag = lag;
        this.groups = groups;
    }

    @Override
    public int wanted(long iteration) {
        return groups;
    }

    @Override
    public List<ScoredGroup> exchange(long iteration, List<ScoredGroup> fresh) {
        waiting.addLast(fresh);
        return waiting.size() > lag ? waiting.removeFirst() : List.of();
    }

    @Override
    public List<List<ScoredGroup>> kept() {
        return List.copyOf(waiting);
    }

    @Override
    public void restore(long iteration, List<List<ScoredGroup>> batches) {
        if (batches.size() > lag) {
            throw new IllegalArgumentException("lag must be at least the number of batches that wait (" + batches.size()
                    + "), got: " + lag + "; continue with the lag that the run began with");
        }
        waiting.clear();
        waiting.addAll(batches);
    }

    @Override
    public int untrained() {
        return waiting.stream().mapToInt(List::size).sum();
    }
}
