package org.minpro.study;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.stream.DoubleStream;
import tools.jackson.databind.JsonNode;

/**
 * A run over its iterations: a point for every {@code window} of them, and one that ends at each evaluation on the way.
 *
 * @param points in order
 */
public record Curve(List<Point> points) {

    /** Accuracy on held-out problems, at the end of a point's iterations. */
    public static final String EVALUATED = "evaluated";

    /** Accuracy of the responses that were sampled, by the weights of their iteration. */
    public static final String ACCURACY = "accuracy";

    public static final String ENTROPY = "entropy";

    /** Effective sample size of the tokens, a share. */
    public static final String ESS = "rollout_corr/rollout_is_eff_sample_size";

    /** Largest |sum log rho| of a response, nats. */
    public static final String LARGEST_LOG_PRODUCT = "prefix/log_product_abs_max";

    /** Mean of (log rho)^2 / 2 over tokens, nats^2. */
    public static final String HALF_SQUARE = "rollout_corr/k2_kl";

    /** Mean of |log rho| over tokens, nats. */
    public static final String MEAN_ABSOLUTE = "ratio/log_abs_mean";

    /** Mean of the prefix minimum in the last tenth of the responses. */
    public static final String MINIMUM_AT_END = "prefix/minimum_mean_tenth_10";

    /** The metrics that a curve keeps, those of them that a run has. */
    public static final List<String> METRICS = List.of(
            ACCURACY,
            "reward",
            ENTROPY,
            "completions/mean_length",
            "grad_norm",
            "age/mean",
            ESS,
            "ratio/sequence_ess",
            MEAN_ABSOLUTE,
            HALF_SQUARE,
            "ratio/p01",
            "ratio/p05",
            "ratio/p25",
            "ratio/p50",
            "ratio/p75",
            "ratio/p95",
            "ratio/p99",
            LARGEST_LOG_PRODUCT,
            "prefix/minimum_mean",
            MINIMUM_AT_END);

    /**
     * Some iterations of a run.
     *
     * @param iterations that are done at its end
     * @param updates that are done at its end
     * @param values the mean over its iterations by metric, the largest where a metric is one already; what no iteration
     *     has is left out, and so is what was not finite
     */
    public record Point(long iterations, long updates, Map<String, Double> values) {
        public Point {
            values = Map.copyOf(values);
        }

        /** A metric's value. */
        public OptionalDouble value(String metric) {
            Double value = values.get(metric);
            return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
        }
    }

    public Curve {
        points = List.copyOf(points);
    }

    /**
     * The curve of a run.
     *
     * @param metrics the lines of {@code metrics.jsonl}
     * @param evaluated accuracy by the iterations that were done before
     * @param window iterations of a point
     */
    static Curve of(List<JsonNode> metrics, Map<Long, Double> evaluated, int window) {
        List<Point> points = new ArrayList<>();
        List<JsonNode> nodes = new ArrayList<>();
        for (int i = 0; i < metrics.size(); i++) {
            nodes.add(metrics.get(i));
            if (nodes.size() == window || i == metrics.size() - 1 || evaluated.containsKey(done(metrics.get(i)))) {
                points.add(point(nodes, evaluated));
                nodes.clear();
            }
        }
        return new Curve(points);
    }

    /** Iterations that are done after one. */
    private static long done(JsonNode iteration) {
        return iteration.path("iteration").longValue() + 1;
    }

    private static Point point(List<JsonNode> nodes, Map<Long, Double> evaluated) {
        Map<String, Double> values = new TreeMap<>();
        for (String metric : METRICS) {
            List<Double> found = nodes.stream()
                    .map(node -> node.path(metric))
                    .filter(JsonNode::isNumber)
                    .map(JsonNode::doubleValue)
                    .toList();
            boolean largest = metric.endsWith("_max");
            (largest
                            ? found.stream().mapToDouble(Double::doubleValue).max()
                            : found.stream().mapToDouble(Double::doubleValue).average())
                    .ifPresent(value -> values.put(metric, value));
        }
        long done = done(nodes.getLast());
        Double accuracy = evaluated.get(done);
        if (accuracy != null) {
            values.put(EVALUATED, accuracy);
        }
        return new Point(done, Math.round(nodes.getLast().path("version").doubleValue()), values);
    }

    /**
     * Accuracy over the iterations.
     *
     * @param heldOut whether on held-out problems, else of what was sampled
     */
    public Map<Long, Double> accuracy(boolean heldOut) {
        Map<Long, Double> accuracy = new LinkedHashMap<>();
        for (Point point : points) {
            point.value(heldOut ? EVALUATED : ACCURACY).ifPresent(value -> accuracy.put(point.iterations, value));
        }
        return accuracy;
    }

    /** Iterations that are done at its end. */
    long iterations() {
        return points.isEmpty() ? 0 : points.getLast().iterations();
    }

    /** A metric's mean over the points that have it. */
    public OptionalDouble mean(String metric) {
        return values(metric).average();
    }

    /** A metric's smallest value. */
    public OptionalDouble smallest(String metric) {
        return values(metric).min();
    }

    /** A metric's largest value. */
    public OptionalDouble largest(String metric) {
        return values(metric).max();
    }

    private DoubleStream values(String metric) {
        return points.stream()
                .map(point -> point.value(metric))
                .filter(OptionalDouble::isPresent)
                .mapToDouble(OptionalDouble::getAsDouble);
    }
}
