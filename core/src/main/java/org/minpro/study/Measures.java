package org.minpro.study;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What is measured of a run.
 *
 * @param end accuracy on held-out problems after training; of a run that ended early 0 where an update was not finite
 * @param peak the largest accuracy of the curve and of the held-out problems before and after; of a curve of sampled responses
 *     the largest mean of a fifth of its points that follow each other
 * @param area under the curve of accuracy over iterations, divided by their number: a mean accuracy; 0 for the iterations that a
 *     run did not come to because an update was not finite
 * @param collapse why the run counts as collapsed; empty where it does not
 * @param stepsToThreshold updates of the weights that first reach the threshold on the curve; empty where none do
 * @param entropyStart of the curve's first point, nats
 * @param entropyEnd of its last
 * @param entropyMax its largest
 * @param meanLogRatio mean of |log rho| over tokens, nats
 * @param largestLogProduct largest |sum log rho| of a response, nats
 * @param ess mean effective sample size of the tokens, a share
 * @param essMin its smallest
 * @param minimumAtEnd smallest mean of the prefix minimum in the last tenth of the responses
 */
public record Measures(
        OptionalDouble end,
        OptionalDouble peak,
        OptionalDouble area,
        String collapse,
        OptionalLong stepsToThreshold,
        OptionalDouble entropyStart,
        OptionalDouble entropyEnd,
        OptionalDouble entropyMax,
        OptionalDouble meanLogRatio,
        OptionalDouble largestLogProduct,
        OptionalDouble ess,
        OptionalDouble essMin,
        OptionalDouble minimumAtEnd) {

    /** A run has lost so much of its best. */
    private static final double HALF = 0.5;

    /** Sampled responses are few at each point: their curve is judged by means of so much of it. */
    private static final int PARTS = 5;

    /** Without a bound of the recipe's own, as many times the entropy of the first point. */
    private static final double ENTROPY_GROWTH = 4;

    /**
     * Measures a run.
     *
     * @param heldOut whether the curve of accuracy is that of held-out problems, else that of what was sampled
     * @param iterations that the runs of its place have
     * @param threshold accuracy, a share; NaN for none
     * @param entropyBound nats; NaN for {@value #ENTROPY_GROWTH} times the entropy of the first point
     */
    static Measures of(RunResult run, boolean heldOut, long iterations, double threshold, double entropyBound) {
        Curve curve = run.curve();
        Map<Long, Double> accuracy = curve.accuracy(heldOut);
        List<Curve.Point> points = curve.points();
        OptionalDouble end = run.outcome() == RunResult.Outcome.NOT_FINITE ? OptionalDouble.of(0) : run.after();
        if (end.isEmpty() && !accuracy.isEmpty()) {
            end = OptionalDouble.of(accuracy.values().stream().toList().getLast());
        }
        List<Double> values = List.copyOf(accuracy.values());
        List<Double> judged = heldOut ? values : meansOfAPart(values);
        List<Double> heldOutValues = new ArrayList<>();
        run.before().ifPresent(heldOutValues::add);
        heldOutValues.addAll(heldOut ? values : List.of());
        run.after().ifPresent(heldOutValues::add);
        OptionalDouble peak = largest(Stream.concat(judged.stream(), heldOutValues.stream()));
        OptionalDouble first = value(points, 0);
        OptionalDouble entropyMax = curve.largest(Curve.ENTROPY);
        double bound =
                Double.isNaN(entropyBound) && first.isPresent() ? ENTROPY_GROWTH * first.getAsDouble() : entropyBound;
        return new Measures(
                end,
                peak,
                area(run, accuracy, iterations),
                collapse(run, heldOutValues, heldOut ? List.of() : judged, entropyMax, bound),
                steps(points, accuracy, heldOut, threshold),
                first,
                value(points, points.size() - 1),
                entropyMax,
                curve.mean(Curve.MEAN_ABSOLUTE),
                curve.largest(Curve.LARGEST_LOG_PRODUCT),
                curve.mean(Curve.ESS),
                curve.smallest(Curve.ESS),
                curve.smallest(Curve.MINIMUM_AT_END));
    }

    private static OptionalDouble value(List<Curve.Point> points, int place) {
        List<OptionalDouble> entropies = points.stream()
                .map(point -> point.value(Curve.ENTROPY))
                .filter(OptionalDouble::isPresent)
                .toList();
        return entropies.isEmpty() ? OptionalDouble.empty() : place == 0 ? entropies.getFirst() : entropies.getLast();
    }

    /** Means of a fifth of a curve's points that follow each other, in order; of one point where there are fewer than five. */
    private static List<Double> meansOfAPart(List<Double> values) {
        int length = (values.size() + PARTS - 1) / PARTS;
        return IntStream.rangeClosed(0, values.size() - length)
                .filter(first -> length > 0)
                .mapToObj(first -> values.subList(first, first + length).stream()
                        .mapToDouble(Double::doubleValue)
                        .average()
                        .orElseThrow())
                .toList();
    }

    private static OptionalDouble largest(Stream<Double> values) {
        return values.mapToDouble(Double::doubleValue).max();
    }

    /**
     * Held-out problems are compared with held-out problems, and sampled responses with sampled ones: these are of the groups that
     * were kept, which may be right more often than all. A run whose held-out problems end well has come back.
     *
     * @param heldOut accuracies of held-out problems, in order
     * @param sampled accuracies of parts of the curve of sampled responses, in order
     */
    private static String collapse(
            RunResult run, List<Double> heldOut, List<Double> sampled, OptionalDouble entropyMax, double entropyBound) {
        if (run.outcome() == RunResult.Outcome.NOT_FINITE) {
            return "not finite";
        }
        OptionalDouble best = largest(sampled.stream());
        boolean lost = best.isPresent()
                && sampled.getLast() < HALF * best.getAsDouble()
                && (run.after().isEmpty() || run.after().getAsDouble() < HALF * best.getAsDouble());
        if (lost || endsBelowHalf(heldOut)) {
            return "below half of its peak";
        }
        return entropyMax.isPresent() && entropyMax.getAsDouble() > entropyBound ? "entropy over the bound" : "";
    }

    private static boolean endsBelowHalf(List<Double> values) {
        return !values.isEmpty()
                && values.getLast() < HALF * largest(values.stream()).orElseThrow();
    }

    /** Trapezoids from 0 iterations, where the accuracy before training stands, if it is known. */
    private static OptionalDouble area(RunResult run, Map<Long, Double> accuracy, long iterations) {
        Map<Long, Double> all = new LinkedHashMap<>();
        run.before().ifPresent(value -> all.put(0L, value));
        all.putAll(accuracy);
        long last = run.curve().iterations();
        if (run.outcome() == RunResult.Outcome.NOT_FINITE && last < iterations) {
            all.put(last + 1, 0.0);
            all.put(iterations, 0.0);
        }
        if (all.size() < 2) {
            return OptionalDouble.empty();
        }
        double area = 0;
        long from = -1;
        long begin = -1;
        double height = 0;
        for (Map.Entry<Long, Double> point : all.entrySet()) {
            if (from >= 0) {
                area += (point.getKey() - from) * (height + point.getValue()) / 2;
            } else {
                begin = point.getKey();
            }
            from = point.getKey();
            height = point.getValue();
        }
        return OptionalDouble.of(area / (from - begin));
    }

    private static OptionalLong steps(
            List<Curve.Point> points, Map<Long, Double> accuracy, boolean heldOut, double threshold) {
        long iterations = 0;
        long updates = 0;
        for (Curve.Point point : points) {
            Double reached = accuracy.get(point.iterations());
            if (reached != null && reached >= threshold) {
                // The last of the point's iterations was sampled before its own updates.
                long own = heldOut ? 0 : (point.updates() - updates) / (point.iterations() - iterations);
                return OptionalLong.of(point.updates() - own);
            }
            iterations = point.iterations();
            updates = point.updates();
        }
        return OptionalLong.empty();
    }
}
