package org.minpro.tracker;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * A run as trackers know it.
 *
 * @param folder its folder
 * @param metrics its {@code metrics.jsonl}
 * @param evaluations its {@code evaluations.jsonl}, which need not exist
 * @param recipe the text of its recipe
 * @param settings each setting of the recipe, by its name with dots
 */
public record TrackedRun(Path folder, Path metrics, Path evaluations, String recipe, Map<String, String> settings) {
    /** The name of its folder. */
    public String name() {
        Path name = folder.toAbsolutePath().normalize().getFileName();
        return name == null ? "run" : name.toString();
    }

    /** What the folder holds now, by the time at which it was recorded. */
    public List<MetricPoint> recorded() throws IOException {
        List<MetricPoint> points = new ArrayList<>(MetricPoint.read(MetricPoint.Series.TRAINING, metrics));
        points.addAll(MetricPoint.read(MetricPoint.Series.EVALUATION, evaluations));
        points.sort(Comparator.comparingDouble(MetricPoint::time));
        return points;
    }
}
