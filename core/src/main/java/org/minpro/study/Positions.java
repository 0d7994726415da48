package org.minpro.study;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A run's ratios by position: for each tenth of the responses the means of the updates of the run's last third of iterations.
 *
 * @param values by metric the ten tenths, NaN where none has a token; what a run has not is left out
 */
public record Positions(Map<String, List<Double>> values) {
    /** Tenths of a response. */
    public static final int TENTHS = 10;

    /** Mean of the prefix minimum over the tokens. */
    public static final String MINIMUM_MEAN = "prefix/minimum_mean";

    /** Ratios that have quantiles: of the token, of its prefix with it, and the prefix minimum times the token's. */
    public static final List<String> RATIOS = List.of("ratio/token", "ratio/prefix", "ratio/minimum_prefix");

    /** Quantiles that are kept. */
    public static final List<String> QUANTILES = List.of("p05", "p50", "p95");

    /** All metrics. */
    public static final List<String> METRICS = Stream.concat(
                    RATIOS.stream().flatMap(ratio -> QUANTILES.stream().map(quantile -> ratio + "/" + quantile)),
                    Stream.of(MINIMUM_MEAN))
            .toList();

    /** Those of a run that has none. */
    public static final Positions NONE = new Positions(Map.of());

    public Positions {
        values = Map.copyOf(values);
    }

    /** @param metrics the lines of {@code metrics.jsonl} */
    static Positions of(List<JsonNode> metrics) {
        List<JsonNode> last = metrics.subList(metrics.size() * 2 / 3, metrics.size());
        List<JsonNode> updates = last.stream()
                .flatMap(iteration -> iteration.path("updates").valueStream())
                .toList();
        Map<String, List<Double>> values = new LinkedHashMap<>();
        for (String metric : METRICS) {
            List<Double> tenths = IntStream.range(0, TENTHS)
                    .mapToObj(tenth -> metric.equals(MINIMUM_MEAN)
                            ? mean(last.stream().map(node -> node.path(minimumMean(tenth))))
                            : mean(updates.stream()
                                    .map(node -> node.path(metric + "_by_tenth").path(tenth))))
                    .toList();
            if (tenths.stream().anyMatch(Double::isFinite)) {
                values.put(metric, tenths);
            }
        }
        return new Positions(values);
    }

    private static String minimumMean(int tenth) {
        return String.format(Locale.ROOT, "%s_tenth_%02d", MINIMUM_MEAN, tenth + 1);
    }

    private static double mean(Stream<JsonNode> nodes) {
        DoubleStream numbers = nodes.filter(JsonNode::isNumber).mapToDouble(JsonNode::doubleValue);
        return numbers.average().orElse(Double.NaN);
    }

    /** A metric in a tenth from 0. */
    public OptionalDouble value(String metric, int tenth) {
        @Nullable List<Double> tenths = values.get(metric);
        return tenths == null || tenths.get(tenth).isNaN()
                ? OptionalDouble.empty()
                : OptionalDouble.of(tenths.get(tenth));
    }
}
