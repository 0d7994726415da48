package org.minpro.study;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Runs compared: at each place of the other axes the variants of one axis, over the seeds.
 *
 * @param axes names of the axes
 * @param compared which of them has the variants
 * @param heldOut whether curves of accuracy are those of held-out problems: where any run has evaluated them on the way; else of
 *     what was sampled
 * @param threshold accuracy whose first reach is measured; NaN where there is none
 * @param places in the order in which the runs have them
 * @param runs with their measures
 */
public record Comparison(
        List<String> axes, int compared, boolean heldOut, double threshold, List<Place> places, List<Run> runs) {
    /** A drift so little beyond the smallest or largest of a variant, as a logarithm, is taken for it: about 10 %. */
    private static final double OUTSIDE = 0.1;

    /**
     * A place of the other axes.
     *
     * @param labels on them
     * @param variants by label, in the order in which the runs have them
     */
    public record Place(List<String> labels, Map<String, Variant> variants) {
        /** Such as {@code lag 8}. */
        public String title(List<String> axes, int compared) {
            List<String> parts = new ArrayList<>();
            for (int i = 0, other = 0; i < axes.size(); i++) {
                if (i != compared) {
                    String label = labels.get(other++);
                    // A label that says what it is of needs no name of its axis.
                    parts.add(label.matches("[-0-9.e]+") ? axes.get(i) + " " + label : label);
                }
            }
            return parts.isEmpty() ? "all runs" : String.join(", ", parts);
        }

        /** The variants from the best mean at the end to the worst. */
        public List<Variant> ranked() {
            return variants.values().stream()
                    .filter(variant -> !Double.isNaN(variant.end.mean()))
                    .sorted(Comparator.comparingDouble((Variant variant) -> variant.end.mean())
                            .reversed())
                    .toList();
        }
    }

    /**
     * A variant at a place.
     *
     * @param label on the compared axis
     * @param runs by seed
     * @param end accuracy at the end, over seeds
     */
    public record Variant(String label, Map<Long, Run> runs, Interval end) {
        /** A measure's mean over the seeds that have it, with the bootstrap's interval. */
        public Interval over(Function<Measures, OptionalDouble> measure) {
            return Interval.ofPresent(runs.values().stream()
                    .map(run -> measure.apply(run.measures))
                    .toList());
        }

        /** Runs that count as collapsed. */
        public long collapsed() {
            return runs.values().stream()
                    .filter(run -> !run.measures.collapse().isEmpty())
                    .count();
        }

        /** This one minus another, seed by seed, of what was measured at the end. */
        public Difference minus(Variant other) {
            List<Double> differences = new ArrayList<>();
            runs.forEach((seed, run) -> {
                Run its = other.runs.get(seed);
                if (its != null
                        && run.measures.end().isPresent()
                        && its.measures.end().isPresent()) {
                    differences.add(run.measures.end().getAsDouble()
                            - its.measures.end().getAsDouble());
                }
            });
            return Difference.of(differences);
        }
    }

    /** A run with what is measured of it. */
    public record Run(RunResult result, Measures measures) {}

    /**
     * Compares.
     *
     * @param axes names of the axes
     * @param compared which of them has the variants
     * @param results of runs that have ended
     * @param threshold accuracy; null for the middle between the mean before and the best mean after
     * @param entropyBound nats; null for four times each run's first
     */
    public static Comparison of(
            List<String> axes,
            int compared,
            List<RunResult> results,
            @Nullable Double threshold,
            @Nullable Double entropyBound) {
        double reached = threshold == null ? middle(results) : threshold;
        boolean heldOut = results.stream().anyMatch(RunResult::evaluatedOnTheWay);
        Map<List<String>, Long> iterations = new HashMap<>();
        for (RunResult result : results) {
            iterations.merge(result.key().without(compared), result.curve().iterations(), Math::max);
        }
        List<Run> measures = new ArrayList<>();
        Map<List<String>, Map<String, Map<Long, Run>>> places = new LinkedHashMap<>();
        for (RunResult result : results) {
            Measures measured = Measures.of(
                    result,
                    heldOut,
                    iterations.getOrDefault(result.key().without(compared), 0L),
                    reached,
                    entropyBound == null ? Double.NaN : entropyBound);
            Run run = new Run(result, measured);
            measures.add(run);
            places.computeIfAbsent(result.key().without(compared), key -> new LinkedHashMap<>())
                    .computeIfAbsent(result.key().labels().get(compared), key -> new TreeMap<>())
                    .put(result.key().seed(), run);
        }
        List<Place> made = new ArrayList<>();
        places.forEach((labels, byVariant) -> {
            Map<String, Variant> variants = new LinkedHashMap<>();
            byVariant.forEach((label, runs) -> variants.put(
                    label,
                    new Variant(
                            label,
                            runs,
                            Interval.ofPresent(runs.values().stream()
                                    .map(run -> run.measures.end())
                                    .toList()))));
            made.add(new Place(labels, variants));
        });
        return new Comparison(axes, compared, heldOut, reached, made, measures);
    }

    private static double middle(List<RunResult> results) {
        Map<List<String>, List<Double>> after = new LinkedHashMap<>();
        List<Double> before = new ArrayList<>();
        for (RunResult result : results) {
            result.before().ifPresent(before::add);
            result.after()
                    .ifPresent(value -> after.computeIfAbsent(result.key().labels(), key -> new ArrayList<>())
                            .add(value));
        }
        double best = after.values().stream().mapToDouble(Interval::mean).max().orElse(Double.NaN);
        return (Interval.mean(before) + best) / 2;
    }

    /** The labels of the compared axis, in the order in which the runs have them. */
    public List<String> variants() {
        Set<String> labels = new LinkedHashSet<>();
        places.forEach(place -> labels.addAll(place.variants.keySet()));
        return List.copyOf(labels);
    }

    /**
     * Accuracy at equal drift: of each of a variant's runs with one seed, read off the line between their places, over the
     * logarithm of the drift that was measured there; a seed where that is {@value #OUTSIDE} or more of a nat outside of
     * them is left out.
     *
     * @param group places that differ along one axis
     * @param drift mean |log rho|, nats
     */
    public Interval accuracyAt(String variant, List<Place> group, double drift) {
        Map<Long, TreeMap<Double, Double>> lines = new TreeMap<>();
        for (Place place : group) {
            Variant at = place.variants.get(variant);
            if (at == null) {
                continue;
            }
            at.runs.forEach((seed, run) -> {
                double measured = run.measures.meanLogRatio().orElse(Double.NaN);
                if (measured > 0 && run.measures.end().isPresent()) {
                    lines.computeIfAbsent(seed, key -> new TreeMap<>())
                            .put(Math.log(measured), run.measures.end().getAsDouble());
                }
            });
        }
        return Interval.ofPresent(lines.values().stream()
                .map(line -> readOff(line, Math.log(drift)))
                .toList());
    }

    private static OptionalDouble readOff(TreeMap<Double, Double> ends, double drift) {
        double wanted = drift > ends.firstKey() - OUTSIDE && drift < ends.lastKey() + OUTSIDE
                ? Math.clamp(drift, ends.firstKey(), ends.lastKey())
                : drift;
        Map.Entry<Double, Double> below = ends.floorEntry(wanted);
        Map.Entry<Double, Double> above = ends.ceilingEntry(wanted);
        if (below == null || above == null) {
            return OptionalDouble.empty();
        }
        double width = above.getKey() - below.getKey();
        double share = width == 0 ? 0 : (wanted - below.getKey()) / width;
        return OptionalDouble.of(below.getValue() + share * (above.getValue() - below.getValue()));
    }
}
