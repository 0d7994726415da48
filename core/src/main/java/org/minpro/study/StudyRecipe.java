package org.minpro.study;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Binder;
import org.minpro.config.Doc;
import org.minpro.config.Rule;

/** Everything {@code minpro compare --config} can be told: runs in a grid, and how they are measured. */
public record StudyRecipe(
        @Doc("The axes by name; a run is made for every combination. An axis is a list of values of the setting that it"
                + " is named after, such as {lag: [0, 4]}, or settings by name, such as {objective: {capped: {objective:"
                + " {name: minpro, cap: 1.28}}}}.")
        Map<String, Object> grid,

        @Doc("What the report is called.") String title,

        @Doc("A recipe's file that every run starts from; null for the defaults of minpro train.") @Nullable Path base,

        @Doc("Settings of a recipe that all runs share; they win over base.")
        Map<String, Object> recipe,

        @Doc("Seeds; every combination is run with each, and runs of one seed are a pair.")
        List<Long> seeds,

        @Doc("The axis whose values are compared with each other, at each place of the others; null for the first.")
        @Nullable String compared,

        @Doc("Folder of the study: its tables, its report, and a folder for each run. null for studies/ and the name of"
                + " this file.")
        @Nullable Path folder,

        @Doc("Runs at a time, each a process of its own.") int processes,

        @Doc("Whether a run's folder stays when its line and its curve stand in the tables.")
        boolean keepRuns,

        @Doc("Iterations that a point of a curve is the mean of.")
        int window,

        @Doc("Accuracy whose first reach is measured; null for the middle between the mean before training and the best"
                + " mean after it.")
        @Nullable Double threshold,

        @Doc("Entropy beyond which a run has collapsed, nats; null for four times that of its first point.") @Nullable Double entropyBound,

        @Doc("Difference of accuracy for which the report says how many seeds would show it.")
        double difference) {

    public StudyRecipe {
        List<Axis> axes = axes(grid);
        Rule.check(!axes.isEmpty(), "grid", "such that there is at least one axis", grid);
        seeds = List.copyOf(seeds);
        Rule.check(
                !seeds.isEmpty() && new HashSet<>(seeds).size() == seeds.size(),
                "seeds",
                "one or more, each once",
                seeds);
        Rule.check(
                compared == null || grid.containsKey(compared),
                "compared",
                "an axis of grid " + grid.keySet(),
                "" + compared);
        Rule.positive("processes", processes);
        Rule.positive("window", window);
        Rule.check(threshold == null || threshold > 0 && threshold <= 1, "threshold", "in (0, 1]", "" + threshold);
        Rule.check(entropyBound == null || entropyBound > 0, "entropy-bound", "> 0", "" + entropyBound);
        Rule.check(difference > 0 && difference < 1, "difference", "in (0, 1)", difference);
        for (String own : List.of("seed", "runs")) {
            Rule.check(!recipe.containsKey(own), "recipe", "without " + own + ", which the study sets", own);
            Rule.check(!grid.containsKey(own), "grid", "without " + own + " (seeds has the seeds)", own);
        }
        for (Axis axis : axes) {
            Rule.check(
                    !StudyTables.LINE.contains(axis.name()),
                    "grid",
                    "such that no axis is named as a column of runs.csv is (" + String.join(", ", StudyTables.LINE)
                            + ")",
                    axis.name());
        }
    }

    /** The defaults of what need not be given. */
    public StudyRecipe(Map<String, Object> grid) {
        this(grid, "A comparison", null, Map.of(), List.of(1L, 2L, 3L), null, null, 1, true, 2, null, null, 0.03);
    }

    /** Reads studies. */
    public static Binder binder() {
        return new Binder();
    }

    /** The axes in the order of the file. */
    public List<Axis> axes() {
        return axes(grid);
    }

    private static List<Axis> axes(Map<String, Object> grid) {
        List<Axis> axes = new ArrayList<>();
        grid.forEach((name, value) -> axes.add(Axis.of(name, value)));
        return axes;
    }

    /** The place of the compared axis among {@link #axes}. */
    public int comparedAxis() {
        return compared == null ? 0 : List.copyOf(grid.keySet()).indexOf(compared);
    }
}
