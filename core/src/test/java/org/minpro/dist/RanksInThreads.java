package org.minpro.dist;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Ranks that are threads of this process: what they exchange goes the same way as between processes. */
public final class RanksInThreads {
    private RanksInThreads() {}

    /** What one rank does. */
    public interface Work<T> {
        T of(Ranks ranks) throws Exception;
    }

    public static RankContext context(Path meeting, int rank, int size) {
        return new RankContext(rank, size, size, 0, new RankContext.MeetingFile(meeting), null);
    }

    /**
     * Runs all ranks and returns what they give back, by rank.
     *
     * @param meeting a file that is not there yet
     */
    public static <T> List<T> run(Path meeting, int size, Duration limit, Work<T> work) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(size);
        try {
            List<Future<T>> futures = new ArrayList<>();
            for (int rank = 0; rank < size; rank++) {
                RankContext context = context(meeting, rank, size);
                futures.add(threads.submit(() -> {
                    try (Ranks ranks = Ranks.join(context, limit)) {
                        return work.of(ranks);
                    }
                }));
            }
            List<T> results = new ArrayList<>();
            for (Future<T> future : futures) {
                try {
                    results.add(future.get());
                } catch (ExecutionException e) {
                    throw e.getCause() instanceof Exception cause ? cause : e;
                }
            }
            return results;
        } finally {
            threads.shutdownNow();
        }
    }
}
