package org.minpro.spark;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The command line of {@link TrainOnSpark}.
 *
 * @param ranks processes of the run, one a task
 * @param restarts starts in a row that may come no iteration further before the run is given up
 * @param resume a run to go on with, or null for a new one
 * @param recipe what {@code minpro train} makes of a new run's recipe
 * @param ignoreMemory whether ranks go on where a machine's memory does not suffice for the estimate
 */
record TrainOptions(int ranks, int restarts, @Nullable Path resume, List<String> recipe, boolean ignoreMemory) {
    private static final int RESTARTS = 3;
    private static final String IGNORE_MEMORY = "--ignore-memory";

    /**
     * Reads a command line.
     *
     * @param executors that Spark is told to start, 0 if it is not told: the ranks where none are named
     * @throws IllegalArgumentException with what is wrong
     */
    static TrainOptions of(String[] arguments, int executors) {
        int ranks = executors;
        int restarts = RESTARTS;
        Path resume = null;
        boolean ignoreMemory = false;
        List<String> recipe = new ArrayList<>();
        Iterator<String> words = List.of(arguments).iterator();
        while (words.hasNext()) {
            String word = words.next();
            switch (word) {
                case "--ranks" -> ranks = number(word, words, 1);
                case "--restarts" -> restarts = number(word, words, 0);
                case "--resume" -> resume = Path.of(value(word, words));
                case IGNORE_MEMORY -> ignoreMemory = true;
                default -> recipe.add(word);
            }
        }
        if (ranks < 1) {
            throw new IllegalArgumentException(
                    "--ranks must say how many processes the run has, got: nothing, nor spark.executor.instances");
        }
        if (resume != null && !recipe.isEmpty()) {
            throw new IllegalArgumentException(
                    "--resume goes on with the recipe.yaml of the run's folder and must stand without others, got: "
                            + String.join(" ", recipe));
        }
        return new TrainOptions(ranks, restarts, resume, List.copyOf(recipe), ignoreMemory);
    }

    private static String value(String option, Iterator<String> words) {
        if (!words.hasNext()) {
            throw new IllegalArgumentException(option + " must have a value, got: nothing");
        }
        return words.next();
    }

    private static int number(String option, Iterator<String> words, int least) {
        String value = value(option, words);
        try {
            int number = Integer.parseInt(value);
            if (number >= least) {
                return number;
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(option + " must be a whole number >= " + least + ", got: " + value, e);
        }
        throw new IllegalArgumentException(option + " must be a whole number >= " + least + ", got: " + value);
    }

    /** What {@code minpro train} is told on the ranks, beside the run's folder. */
    List<String> ofRanks() {
        return ignoreMemory ? List.of(IGNORE_MEMORY) : List.of();
    }
}
