package org.minpro.experience;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** The queue of {@link Delayed}: what is put in at iteration i comes out at iteration i + lag. */
final class DelayBuffer implements GroupBuffer {
    private final int lag;
    private final int groups;
    private final Deque<List<ScoredGroup>> batches = new ArrayDeque<>();

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
        batches.addLast(fresh);
        return batches.size() > lag ? batches.removeFirst() : List.of();
    }

    @Override
    public List<List<ScoredGroup>> kept() {
        return List.copyOf(batches);
    }

    @Override
    public void restore(long iteration, List<List<ScoredGroup>> stored) {
        if (stored.size() > lag) {
            throw new IllegalArgumentException("lag must be at least the number of batches that wait (" + stored.size()
                    + "), got: " + lag + "; continue with the lag that the run began with");
        }
        batches.clear();
        batches.addAll(stored);
    }

    @Override
    public int waiting() {
        return batches.stream().mapToInt(List::size).sum();
    }
}
