package org.minpro.run;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.minpro.data.Problem;
import org.minpro.experience.Journal;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;

/** The journal of a rank that keeps none: what the first rank's had when the run began, so that all find the same. */
final class KnownJournal implements Journal {
    private final Map<Long, Map<Integer, Entry>> known = new HashMap<>();

    KnownJournal(List<Entry> entries) {
        entries.forEach(entry -> known.computeIfAbsent(entry.rollout().draw(), key -> new HashMap<>())
                .put(entry.rollout().sample(), entry));
    }

    @Override
    public synchronized Optional<Entry> find(long draw, int sample) {
        return Optional.ofNullable(known.getOrDefault(draw, Map.of()).get(sample));
    }

    /** The first rank keeps it. */
    @Override
    public void append(long iteration, Problem problem, Rollout rollout, Score score) {}

    synchronized void forgetBefore(long draw) {
        known.keySet().removeIf(of -> of < draw);
    }
}
