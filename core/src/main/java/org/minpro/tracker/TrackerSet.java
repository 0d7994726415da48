package org.minpro.tracker;

import java.io.IOException;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The trackers of a run, each on a thread of its own: a slow one delays nobody, and one that fails stops nothing.
 *
 * <p>A tracker that fails says so once. With the next point it is opened anew and gets what the run's folder holds, so
 * nothing is lost where it comes back.
 */
public final class TrackerSet implements AutoCloseable {
    /** How long the end of a run waits for a tracker. */
    private static final long PATIENCE_SECONDS = 15;

    private final List<Worker> workers;
    private final BooleanSupplier finished;

    private TrackerSet(List<Worker> workers, BooleanSupplier finished) {
        this.workers = workers;
        this.finished = finished;
    }

    /**
     * Opens trackers; a failure comes later, as a notice.
     *
     * @param named trackers by what a person calls them
     * @param finished asked at the end: whether the run did all that it had to
     * @param notice told of each tracker that fails, once, in one line, from any thread
     */
    public static TrackerSet open(
            Map<String, Tracker> named, TrackedRun run, BooleanSupplier finished, Consumer<String> notice) {
        List<Worker> workers = named.entrySet().stream()
                .map(tracker -> new Worker(tracker.getKey(), tracker.getValue(), run, notice))
                .toList();
        workers.forEach(worker -> worker.executor.execute(worker::reach));
        return new TrackerSet(workers, finished);
    }

    /** Gives a point to all of them, and returns at once. */
    public void log(MetricPoint point) {
        workers.forEach(worker -> worker.executor.execute(() -> worker.log(point)));
    }

    /** Waits until each has what it was given, though not for long. */
    @Override
    public void close() {
        MetricSink.End end = finished.getAsBoolean() ? MetricSink.End.FINISHED : MetricSink.End.STOPPED;
        for (Worker worker : workers) {
            worker.executor.execute(() -> worker.end(end));
            worker.executor.shutdown();
        }
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        for (Worker worker : workers) {
            try {
                if (!worker.executor.awaitTermination(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                    worker.executor.shutdownNow();
                    worker.failed(new IOException("it took longer than " + PATIENCE_SECONDS + " s at the end"));
                }
            } catch (InterruptedException e) {
                worker.executor.shutdownNow();
                Thread.currentThread().interrupt();
            }
        }
    }

    /** One tracker and its thread. */
    private static final class Worker {
        private final String name;
        private final Tracker tracker;
        private final TrackedRun run;
        private final Consumer<String> notice;
        private final ExecutorService executor;
        private final Map<MetricPoint.Series, Long> taken = new EnumMap<>(MetricPoint.Series.class);
        private @Nullable MetricSink sink;
        private volatile boolean said;

        Worker(String name, Tracker tracker, TrackedRun run, Consumer<String> notice) {
            this.name = name;
            this.tracker = tracker;
            this.run = run;
            this.notice = notice;
            // A daemon: a service that does not answer must not keep the process.
            executor = Executors.newSingleThreadExecutor(
                    Thread.ofPlatform().name("tracker " + name).daemon(true).factory());
        }

        /** The open sink, which has all that the folder held when it was opened. */
        @Nullable MetricSink reach() {
            if (sink == null) {
                MetricSink opened = null;
                try {
                    opened = tracker.open(run);
                    taken.clear();
                    for (MetricPoint point : run.recorded()) {
                        give(opened, point);
                    }
                    sink = opened;
                } catch (IOException | RuntimeException e) {
                    abandon(opened);
                    failed(e);
                }
            }
            return sink;
        }

        void log(MetricPoint point) {
            MetricSink open = reach();
            if (open == null) {
                return;
            }
            try {
                give(open, point);
            } catch (IOException | RuntimeException e) {
                abandon(open);
                failed(e);
            }
        }

        /** A point that was read from the folder and is given too counts once. */
        private void give(MetricSink open, MetricPoint point) throws IOException {
            if (point.step() > taken.getOrDefault(point.series(), -1L)) {
                open.log(point);
                taken.put(point.series(), point.step());
            }
        }

        private void abandon(@Nullable MetricSink failing) {
            sink = null;
            if (failing != null) {
                try {
                    failing.close(MetricSink.End.SINK_FAILED);
                } catch (IOException | RuntimeException e) {
                    // It failed before, which is what is told.
                }
            }
        }

        void end(MetricSink.End end) {
            MetricSink open = reach();
            if (open != null) {
                try {
                    open.close(end);
                } catch (IOException | RuntimeException e) {
                    failed(e);
                }
            }
        }

        void failed(Exception e) {
            if (!said) {
                said = true;
                String reason = e.getMessage() == null ? e.toString() : e.getMessage();
                notice.accept(
                        "warning: the tracker " + name + " failed: " + reason.replaceAll("\\s*\\R\\s*", " ")
                                + ". The run goes on; it is tried again with each iteration, and metrics.jsonl has every number");
            }
        }
    }
}
