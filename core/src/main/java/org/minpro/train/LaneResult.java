package org.minpro.train;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.minpro.model.RoutingStatistics;
import org.minpro.objective.RowMetrics;
import org.minpro.tensor.Tensor;

/**
 * What a lane gives back.
 *
 * @param rows of its blocks
 * @param gradients the sum of its blocks' gradients; none where only log-probabilities were asked for
 * @param routing what the sparse layers decided
 */
record LaneResult(List<Row> rows, SequencedMap<String, Tensor> gradients, RoutingStatistics routing) {
    /**
     * What was seen of a row.
     *
     * @param row its ordinal in the update
     * @param logProbs log pi_theta, {@code [time]}, nats
     * @param entropies {@code [time]}, nats; empty unless asked for
     * @param collisions {@code [time]}; empty unless asked for
     * @param weights of the loss, {@code [time]}; empty where there are none
     * @param metrics of the loss; null where the loss was not evaluated row by row
     */
    record Row(
            int row,
            float[] logProbs,
            float[] entropies,
            float[] collisions,
            float[] weights,
            @Nullable RowMetrics metrics) {}

    /** Everything of some lanes but their gradients, for another process. */
    static byte[] bytes(List<LaneResult> lanes) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeInt(lanes.size());
            for (LaneResult lane : lanes) {
                out.writeInt(lane.rows.size());
                for (Row row : lane.rows) {
                    out.writeInt(row.row);
                    write(out, row.logProbs);
                    write(out, row.entropies);
                    write(out, row.collisions);
                    write(out, row.weights);
                    write(out, row.metrics);
                }
                lane.routing.write(out);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    /** The lanes that {@link #bytes} was given, without gradients. */
    static List<LaneResult> of(byte[] bytes) {
        List<LaneResult> lanes = new ArrayList<>();
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
            for (int lane = in.readInt(); lane > 0; lane--) {
                List<Row> rows = new ArrayList<>();
                for (int row = in.readInt(); row > 0; row--) {
                    rows.add(new Row(in.readInt(), floats(in), floats(in), floats(in), floats(in), metrics(in)));
                }
                lanes.add(new LaneResult(rows, new LinkedHashMap<>(), RoutingStatistics.read(in)));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return lanes;
    }

    private static void write(DataOutputStream out, float[] values) throws IOException {
        out.writeInt(values.length);
        for (float value : values) {
            out.writeInt(Float.floatToRawIntBits(value));
        }
    }

    private static float[] floats(DataInputStream in) throws IOException {
        float[] values = new float[in.readInt()];
        for (int i = 0; i < values.length; i++) {
            values[i] = Float.intBitsToFloat(in.readInt());
        }
        return values;
    }

    private static void write(DataOutputStream out, @Nullable RowMetrics metrics) throws IOException {
        out.writeBoolean(metrics != null);
        if (metrics == null) {
            return;
        }
        out.writeDouble(metrics.loss());
        out.writeInt(metrics.tokens());
        RowMetrics.WeightSums weights = metrics.weights();
        out.writeBoolean(weights != null);
        if (weights != null) {
            out.writeDouble(weights.sum());
            out.writeDouble(weights.squares());
            out.writeDouble(weights.min());
            out.writeDouble(weights.max());
        }
        write(out, metrics.tokenSums());
        write(out, metrics.positive());
        write(out, metrics.negative());
    }

    private static @Nullable RowMetrics metrics(DataInputStream in) throws IOException {
        if (!in.readBoolean()) {
            return null;
        }
        double loss = in.readDouble();
        int tokens = in.readInt();
        RowMetrics.WeightSums weights = in.readBoolean()
                ? new RowMetrics.WeightSums(in.readDouble(), in.readDouble(), in.readDouble(), in.readDouble())
                : null;
        return new RowMetrics(loss, tokens, weights, sums(in), part(in), part(in));
    }

    private static void write(DataOutputStream out, RowMetrics.Part part) throws IOException {
        out.writeInt(part.tokens());
        write(out, part.sums());
    }

    private static RowMetrics.Part part(DataInputStream in) throws IOException {
        return new RowMetrics.Part(in.readInt(), sums(in));
    }

    private static void write(DataOutputStream out, Map<String, Double> sums) throws IOException {
        out.writeInt(sums.size());
        for (Map.Entry<String, Double> sum : new TreeMap<>(sums).entrySet()) {
            out.writeUTF(sum.getKey());
            out.writeDouble(sum.getValue());
        }
    }

    private static Map<String, Double> sums(DataInputStream in) throws IOException {
        Map<String, Double> sums = new TreeMap<>();
        for (int sum = in.readInt(); sum > 0; sum--) {
            sums.put(in.readUTF(), in.readDouble());
        }
        return sums;
    }
}
