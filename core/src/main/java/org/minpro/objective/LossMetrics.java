package org.minpro.objective;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a loss says of one update, or of several that belong together.
 *
 * @param loss the update's loss
 * @param weights of {@link ObjectiveResult#weights} over the update's tokens, or null where there are none
 * @param tokenMeans means over the update's valid tokens of what the parts of the loss report, such as {@code
 *     clip_ratio/high_mean} or {@code weight/at_cap}; with {@code _positive} and {@code _negative} at the end, those over
 *     the tokens whose advantage has that sign, where there is one
 * @param updateMetrics numbers of the whole update, such as {@code m2po/tau}
 */
public record LossMetrics(
        double loss,
        @Nullable Weights weights,
        SortedMap<String, Double> tokenMeans,
        SortedMap<String, Double> updateMetrics) {
    public LossMetrics {
        tokenMeans = Collections.unmodifiableSortedMap(new TreeMap<>(tokenMeans));
        updateMetrics = Collections.unmodifiableSortedMap(new TreeMap<>(updateMetrics));
    }

    /**
     * The weights of an update's tokens.
     *
     * @param ess {@code (sum w)^2 / (n sum w^2)} in (0, 1], the share of the tokens that count
     */
    public record Weights(double mean, double min, double max, double ess) {}

    /**
     * The metrics of an update from those of its rows.
     *
     * @param rows in the order of the update; means over tokens are left out where there is no valid token
     */
    public static LossMetrics of(List<RowMetrics> rows, Map<String, Double> updateMetrics) {
        double loss = 0;
        long count = 0;
        double sum = 0;
        double squares = 0;
        double min = Double.POSITIVE_INFINITY;
        double max = Double.NEGATIVE_INFINITY;
        boolean weighted = false;
        SortedMap<String, Double> means = new TreeMap<>();
        for (RowMetrics row : rows) {
            loss += row.loss();
            count += row.tokens();
            RowMetrics.WeightSums ofRow = row.weights();
            if (ofRow != null && row.tokens() > 0) {
                weighted = true;
                sum += ofRow.sum();
                squares += ofRow.squares();
                min = Math.min(min, ofRow.min());
                max = Math.max(max, ofRow.max());
            }
            row.tokenSums().forEach((name, value) -> means.merge(name, value, Double::sum));
        }
        double tokens = count;
        means.replaceAll((name, total) -> total / tokens);
        means.putAll(means(rows.stream().map(RowMetrics::positive).toList(), "_positive"));
        means.putAll(means(rows.stream().map(RowMetrics::negative).toList(), "_negative"));
        Weights weights =
                weighted ? new Weights(sum / tokens, min, max, squares > 0 ? sum * sum / (tokens * squares) : 0) : null;
        return new LossMetrics(
                loss, weights, count == 0 ? Collections.emptySortedMap() : means, new TreeMap<>(updateMetrics));
    }

    private static SortedMap<String, Double> means(List<RowMetrics.Part> parts, String suffix) {
        double tokens = parts.stream().mapToInt(RowMetrics.Part::tokens).sum();
        SortedMap<String, Double> means = new TreeMap<>();
        if (tokens > 0) {
            parts.forEach(part -> part.sums().forEach((name, value) -> means.merge(name + suffix, value, Double::sum)));
            means.replaceAll((name, total) -> total / tokens);
        }
        return means;
    }

    /**
     * The metrics of several updates: means over them, but for the smallest and the largest weight. Not every update has
     * every number (m2po has a tau only where it needs one), and a mean is over those that have it.
     *
     * @param updates at least one
     */
    public static LossMetrics of(List<LossMetrics> updates) {
        List<Weights> weights = updates.stream()
                .map(LossMetrics::weights)
                .filter(Objects::nonNull)
                .toList();
        return new LossMetrics(
                mean(updates.stream().map(LossMetrics::loss).toList()),
                weights.isEmpty()
                        ? null
                        : new Weights(
                                mean(weights.stream().map(Weights::mean).toList()),
                                weights.stream().mapToDouble(Weights::min).min().orElseThrow(),
                                weights.stream().mapToDouble(Weights::max).max().orElseThrow(),
                                mean(weights.stream().map(Weights::ess).toList())),
                means(updates.stream().map(LossMetrics::tokenMeans).toList()),
                means(updates.stream().map(LossMetrics::updateMetrics).toList()));
    }

    private static SortedMap<String, Double> means(List<? extends Map<String, Double>> updates) {
        Map<String, List<Double>> values = new TreeMap<>();
        updates.forEach(update -> update.forEach((name, value) ->
                values.computeIfAbsent(name, absent -> new ArrayList<>()).add(value)));
        SortedMap<String, Double> means = new TreeMap<>();
        values.forEach((name, ofName) -> means.put(name, mean(ofName)));
        return means;
    }

    /** In order and without compensation, so that one value is its own mean and the bits are those of a plain sum. */
    private static double mean(List<Double> values) {
        double sum = 0;
        for (double value : values) {
            sum += value;
        }
        return sum / values.size();
    }

    /** The numbers by the names that they have in the metrics: TRL's and verl's where they have one. */
    public Map<String, Double> metrics() {
        Map<String, Double> metrics = new TreeMap<>(updateMetrics);
        metrics.putAll(tokenMeans);
        metrics.put("loss", loss);
        if (weights != null) {
            metrics.put("weight/mean", weights.mean());
            metrics.put("weight/min", weights.min());
            metrics.put("weight/max", weights.max());
            metrics.put("weight/ess", weights.ess());
        }
        return metrics;
    }
}
