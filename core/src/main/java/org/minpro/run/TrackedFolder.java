package org.minpro.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.minpro.config.FlatSettings;
import org.minpro.tracker.MetricPoint;
import org.minpro.tracker.TrackedRun;
import org.minpro.tracker.Tracker;
import org.minpro.tracker.TrackerSet;
import org.minpro.tracker.Trackers;

/** Opens the trackers of a run's recipe on its folder. */
final class TrackedFolder {
    private TrackedFolder() {}

    /**
     * Opens them, and has them told of each line that is recorded from now on.
     *
     * @param finished asked at the end: whether the run did all that it had to
     * @param notice told of a tracker that fails
     * @param files that the run records in
     */
    static TrackerSet open(
            RunFolder folder,
            List<Tracker> trackers,
            BooleanSupplier finished,
            Consumer<String> notice,
            Map<MetricPoint.Series, MetricsFile> files) {
        String recipe;
        try {
            recipe = Files.readString(folder.recipe());
        } catch (IOException e) {
            throw new UncheckedIOException("the recipe must be readable, got: " + folder.recipe(), e);
        }
        Map<String, Tracker> named = new LinkedHashMap<>();
        for (Tracker tracker : trackers) {
            String name = Trackers.table().nameOf(tracker);
            named.put(named.containsKey(name) ? name + " (" + (named.size() + 1) + ")" : name, tracker);
        }
        TrackedRun run =
                new TrackedRun(folder.path(), folder.metrics(), folder.evaluations(), recipe, FlatSettings.of(recipe));
        TrackerSet set = TrackerSet.open(named, run, finished, notice);
        files.forEach((series, file) -> file.tell(line -> set.log(MetricPoint.of(series, line))));
        return set;
    }
}
