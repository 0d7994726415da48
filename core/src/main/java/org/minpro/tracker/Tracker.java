package org.minpro.tracker;

import java.io.IOException;

/** A place that keeps the numbers of runs: its settings. A newcomer adds one with a record and a line in {@link Trackers}. */
public interface Tracker {
    /**
     * Opens it for a run.
     *
     * <p>The sink first writes, or compares with what it has, the points that the run's folder holds already
     * ({@link TrackedRun#recorded}); then it is given those that follow.
     *
     * @throws IOException where it cannot be reached or written; it is tried again with the next point
     */
    MetricSink open(TrackedRun run) throws IOException;
}
