package org.minpro.experience;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.minpro.tensor.Philox;

/** The window of {@link Replay}; what is drawn from it is a function of (seed, iteration). */
final class ReplayBuffer implements GroupBuffer {
    private final Replay replay;
    private final int groups;
    private final long seed;
    /** Oldest first. */
    private final Deque<List<ScoredGroup>> window = new ArrayDeque<>();

    /** @param groups sampled in every iteration */
    ReplayBuffer(Replay replay, int groups, long seed) {
        this.replay = replay;
        this.groups = groups;
        this.seed = seed;
    }

    @Override
    public int wanted(long iteration) {
        return groups;
    }

    @Override
    public List<ScoredGroup> exchange(long iteration, List<ScoredGroup> fresh) {
        window.addLast(fresh);
        if (window.size() < replay.capacity()) {
            return List.of();
        }
        List<ScoredGroup> due = switch (replay.order()) {
            case UNIFORM -> drawn(iteration);
            case NEWEST -> window.reversed().stream().flatMap(List::stream).toList();
        };
        window.removeFirst();
        return due;
    }

    private List<ScoredGroup> drawn(long iteration) {
        List<ScoredGroup> pool = window.stream().flatMap(List::stream).toList();
        int[] order = Philox.permutation(pool.size(), seed, Philox.Purpose.REPLAY, iteration, 0);
        List<ScoredGroup> drawn = new ArrayList<>();
        for (int i = 0; i < replay.uses() * groups; i++) {
            drawn.add(pool.get(order[i]));
        }
        return drawn;
    }

    @Override
    public List<List<ScoredGroup>> kept() {
        return List.copyOf(window);
    }

    @Override
    public void restore(long iteration, List<List<ScoredGroup>> batches) {
        if (batches.size() != Math.min(iteration, replay.capacity() - 1)) {
            throw new IllegalArgumentException("staleness.capacity must be the one that the run began with, got: "
                    + replay.capacity() + ", and a buffer that keeps " + batches.size() + " batches after "
                    + iteration + " iterations");
        }
        window.clear();
        window.addAll(batches);
    }

    @Override
    public int waiting() {
        return 0;
    }
}
