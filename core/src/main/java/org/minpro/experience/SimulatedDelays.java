package org.minpro.experience;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.Philox;

/**
 * The schedule of {@link Simulated}. A batch has a place for every group; what is sampled at an iteration takes, in the order of
 * the draws, the places of this batch and later ones that are due to be sampled in it.
 */
final class SimulatedDelays implements GroupBuffer {
    private final Simulated simulated;
    private final int groups;
    /** By the iteration that trains on them, the groups of a batch in their places, as far as they are sampled. */
    private final Map<Long, @Nullable ScoredGroup[]> batches = new TreeMap<>();

    private long next;

    /** @param groups of a batch */
    SimulatedDelays(Simulated simulated, int groups) {
        this.simulated = simulated;
        this.groups = groups;
    }

    /** The iteration that samples a place of a batch. */
    private long sampledAt(long batch, int place) {
        int worker = place % simulated.workers();
        int choice = Philox.below(simulated.delays().size(), simulated.seed(), Philox.Purpose.DELAY, batch, worker, 0);
        return Math.max(0, batch - simulated.delays().get(choice));
    }

    /** Places of a batch that are sampled from one iteration on and before another. */
    private int[] places(long batch, long from, long before) {
        return IntStream.range(0, groups)
                .filter(place -> sampledAt(batch, place) >= from && sampledAt(batch, place) < before)
                .toArray();
    }

    @Override
    public int wanted(long iteration) {
        int wanted = 0;
        for (long batch = iteration; batch <= iteration + simulated.longest(); batch++) {
            wanted += places(batch, iteration, iteration + 1).length;
        }
        return wanted;
    }

    @Override
    public List<ScoredGroup> exchange(long iteration, List<ScoredGroup> fresh) {
        Iterator<ScoredGroup> sampled = fresh.iterator();
        for (long batch = iteration; batch <= iteration + simulated.longest(); batch++) {
            put(batch, places(batch, iteration, iteration + 1), sampled);
        }
        next = iteration + 1;
        return there(Objects.requireNonNull(batches.remove(iteration)));
    }

    private void put(long batch, int[] places, Iterator<ScoredGroup> sampled) {
        @Nullable ScoredGroup[] there = batches.computeIfAbsent(batch, key -> new ScoredGroup[groups]);
        for (int place : places) {
            there[place] = sampled.next();
        }
    }

    private static List<ScoredGroup> there(@Nullable ScoredGroup[] batch) {
        List<ScoredGroup> there = new ArrayList<>();
        for (ScoredGroup group : batch) {
            if (group != null) {
                there.add(group);
            }
        }
        return there;
    }

    /** What is trained on: at some iterations nothing is sampled. */
    @Override
    public List<ScoredGroup> reported(List<ScoredGroup> fresh, List<ScoredGroup> due) {
        return due;
    }

    @Override
    public List<List<ScoredGroup>> kept() {
        List<List<ScoredGroup>> kept = new ArrayList<>();
        for (long batch = next; batch < next + simulated.longest(); batch++) {
            kept.add(there(batches.getOrDefault(batch, new ScoredGroup[0])));
        }
        return kept;
    }

    @Override
    public void restore(long iteration, List<List<ScoredGroup>> stored) {
        next = iteration;
        batches.clear();
        if (iteration == 0) {
            return;
        }
        for (int i = 0; i < simulated.longest(); i++) {
            int[] places = places(iteration + i, 0, iteration);
            List<ScoredGroup> sampled = i < stored.size() ? stored.get(i) : List.of();
            if (sampled.size() != places.length || stored.size() > simulated.longest()) {
                throw new IllegalArgumentException(
                        "staleness must be the one that the run began with, got: one by which "
                                + places.length + " groups of batch " + (iteration + i) + " are sampled by now, not "
                                + sampled.size());
            }
            put(iteration + i, places, sampled.iterator());
        }
    }

    @Override
    public int waiting() {
        return batches.values().stream().mapToInt(batch -> there(batch).size()).sum();
    }
}
