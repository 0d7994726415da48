package org.minpro.study;

import java.util.ArrayList;
import java.util.List;

/**
 * Which run of a study.
 *
 * @param labels its place on each axis
 * @param seed of the run
 */
public record RunKey(List<String> labels, long seed) {
    public RunKey {
        labels = List.copyOf(labels);
    }

    /** A name for its folder. */
    public String id() {
        return String.join("_", labels).replaceAll("[^A-Za-z0-9._-]+", "-") + "_" + seed;
    }

    /** The labels but one: where a run is compared with others. */
    public List<String> without(int axis) {
        List<String> others = new ArrayList<>(labels);
        others.remove(axis);
        return others;
    }

    /** For people. */
    @Override
    public String toString() {
        return String.join(", ", labels) + ", seed " + seed;
    }
}
