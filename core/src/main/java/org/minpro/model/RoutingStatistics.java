package org.minpro.model;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * How the routers of a mixture of experts spread tokens: load of every expert, and entropy of the routers' distributions.
 *
 * <p>The load of an expert is how many tokens chose it; in each sparse layer the loads add up to {@code tokens * k}. Give an
 * instance to {@link Transformer#onRouting}, one to each thread, and {@link #add(RoutingStatistics) add} them up in order.
 */
public final class RoutingStatistics implements Consumer<Transformer.Routing> {
    private final SortedMap<Integer, long[]> loads = new TreeMap<>();
    private long rows;
    private double entropy;

    /** Adds what a layer decided. */
    @Override
    public void accept(Transformer.Routing routing) {
        int experts = Math.toIntExact(routing.probabilities().size(1));
        long[] load = loads.computeIfAbsent(routing.layer(), layer -> new long[experts]);
        for (long expert : routing.chosen().longs()) {
            load[Math.toIntExact(expert)]++;
        }
        rows += routing.probabilities().size(0);
        for (double p : routing.probabilities().doubles()) {
            entropy -= p > 0 ? p * Math.log(p) : 0;
        }
    }

    /** Adds other statistics of the same model. */
    public void add(RoutingStatistics other) {
        other.loads.forEach((layer, load) -> {
            long[] sum = loads.computeIfAbsent(layer, absent -> new long[load.length]);
            Arrays.setAll(sum, expert -> sum[expert] + load[expert]);
        });
        rows += other.rows;
        entropy += other.entropy;
    }

    /** Writes them for another process. */
    public void write(DataOutput out) throws IOException {
        out.writeLong(rows);
        out.writeDouble(entropy);
        out.writeInt(loads.size());
        for (Map.Entry<Integer, long[]> layer : loads.entrySet()) {
            out.writeInt(layer.getKey());
            out.writeInt(layer.getValue().length);
            for (long load : layer.getValue()) {
                out.writeLong(load);
            }
        }
    }

    /** Reads what {@link #write} wrote. */
    public static RoutingStatistics read(DataInput in) throws IOException {
        RoutingStatistics statistics = new RoutingStatistics();
        statistics.rows = in.readLong();
        statistics.entropy = in.readDouble();
        for (int layer = in.readInt(); layer > 0; layer--) {
            int ordinal = in.readInt();
            long[] load = new long[in.readInt()];
            for (int expert = 0; expert < load.length; expert++) {
                load[expert] = in.readLong();
            }
            statistics.loads.put(ordinal, load);
        }
        return statistics;
    }

    /** Tokens that chose each expert, by sparse layer. */
    public SortedMap<Integer, long[]> loads() {
        return loads;
    }

    /** The numbers by name for the metrics; none where no token was routed, as in a dense model. */
    public Map<String, Double> metrics() {
        Map<String, Double> metrics = new LinkedHashMap<>();
        if (rows == 0) {
            return metrics;
        }
        long choices = 0;
        double least = 1;
        double most = 0;
        for (long[] load : loads.values()) {
            long ofLayer = Arrays.stream(load).sum();
            choices += ofLayer;
            for (long tokens : load) {
                least = Math.min(least, (double) tokens / ofLayer);
                most = Math.max(most, (double) tokens / ofLayer);
            }
        }
        metrics.put("router/tokens", (double) rows / loads.size());
        metrics.put("router/choices", (double) choices);
        metrics.put("router/share_min", least);
        metrics.put("router/share_max", most);
        metrics.put("router/entropy", entropy / rows);
        return metrics;
    }
}
