package org.minpro.dist;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * What each rank tells the others of itself once a second: that it lives, and what it is waiting for. It says who is lost or slow
 * where a collective call fails, because the call itself knows an address at best.
 */
final class Liveness implements AutoCloseable {
    private static final long BEAT_MILLISECONDS = 1000;

    /** So long without a new beat is a rank lost; others write their last words meanwhile. */
    private static final long SILENCE_MILLISECONDS = 3 * BEAT_MILLISECONDS;

    private final Meeting meeting;
    private final RankContext context;
    private final List<String> hosts;
    private final long limitMilliseconds;
    private final ScheduledExecutorService clock;
    private final ScheduledFuture<?> beating;
    /** Calls that a group of this rank has begun, by the group's name. */
    private final Map<String, Long> begun = new ConcurrentHashMap<>();

    private final Map<String, String> waiting = new ConcurrentHashMap<>();
    private long beats;

    /** @param hosts of the ranks, by rank */
    Liveness(Meeting meeting, RankContext context, List<String> hosts, long limitMilliseconds) {
        this.meeting = meeting;
        this.context = context;
        this.hosts = List.copyOf(hosts);
        this.limitMilliseconds = limitMilliseconds;
        clock = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "minpro-rank-beat");
            thread.setDaemon(true);
            return thread;
        });
        beating = clock.scheduleWithFixedDelay(this::beat, 0, BEAT_MILLISECONDS, TimeUnit.MILLISECONDS);
    }

    String named(int rank) {
        return "rank " + rank + " on " + hosts.get(rank);
    }

    private synchronized void beat() {
        StringBuilder text = new StringBuilder().append(++beats);
        begun.forEach(
                (group, calls) -> text.append('\n').append(group).append('\t').append(calls));
        try {
            meeting.put("beat-" + context.rank(), text.toString());
        } catch (RuntimeException e) {
            // Rank 0 is gone, which the next collective call says.
            return;
        }
    }

    void enter(String group, String what) {
        begun.merge(group, 1L, Long::sum);
        waiting.put(group, what);
    }

    void leave(String group) {
        waiting.remove(group);
    }

    /** The last words of this rank, for the others to repeat. */
    void failed(String message) {
        try {
            meeting.put("failed-" + context.rank(), message);
        } catch (RuntimeException e) {
            // Nobody is there to read them.
            return;
        }
    }

    /**
     * Says who is lost or slow.
     *
     * @param what the ranks were doing
     */
    RankLostException lost(String what, RuntimeException cause) {
        String detail = " (" + Collectives.firstLine(cause) + "); the run continues from its newest checkpoint";
        try {
            return new RankLostException(culprit(what) + detail, cause);
        } catch (RuntimeException e) {
            return new RankLostException(
                    named(0) + " must be alive, got: no answer from where the ranks meet, while they did: " + what
                            + detail,
                    cause);
        }
    }

    private String culprit(String what) {
        List<Optional<String>> before = beats("beat-");
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(SILENCE_MILLISECONDS);
        while (System.nanoTime() < end) {
            LockSupport.parkNanos(end - System.nanoTime());
        }
        List<Optional<String>> failures = beats("failed-");
        for (int rank = 0; rank < context.size(); rank++) {
            if (rank != context.rank() && failures.get(rank).isPresent()) {
                return named(rank) + " failed: " + failures.get(rank).get();
            }
        }
        List<Optional<String>> after = beats("beat-");
        List<String> silent = new ArrayList<>();
        for (int rank = 0; rank < context.size(); rank++) {
            if (rank != context.rank()
                    && after.get(rank)
                            .map(Liveness::count)
                            .equals(before.get(rank).map(Liveness::count))) {
                silent.add(named(rank));
            }
        }
        if (!silent.isEmpty()) {
            return String.join(", ", silent) + " must be alive, got: no sign of life, while the ranks did: " + what;
        }
        return slowest(after) + " must come within ranks.limit-seconds (" + limitMilliseconds / 1000.0
                + "), got: nothing from it, while the others did: " + what;
    }

    /** The rank that has begun the fewest calls. */
    private String slowest(List<Optional<String>> beats) {
        int slowest = context.rank();
        for (int rank = 0; rank < context.size(); rank++) {
            if (calls(beats.get(rank)) < calls(beats.get(slowest))) {
                slowest = rank;
            }
        }
        return slowest == context.rank() ? "one of the ranks" : named(slowest);
    }

    private List<Optional<String>> beats(String prefix) {
        List<Optional<String>> found = new ArrayList<>();
        for (int rank = 0; rank < context.size(); rank++) {
            found.add(meeting.find(prefix + rank));
        }
        return found;
    }

    private static String count(String beat) {
        return beat.lines().findFirst().orElse("");
    }

    private static long calls(Optional<String> beat) {
        return beat.map(text -> text.lines()
                        .skip(1)
                        .mapToLong(line -> Long.parseLong(line.substring(line.indexOf('\t') + 1)))
                        .sum())
                .orElse(0L);
    }

    @Override
    public void close() {
        beating.cancel(false);
        clock.shutdownNow();
        try {
            clock.awaitTermination(SILENCE_MILLISECONDS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
