package org.minpro.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.PackedWeight;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;

/**
 * The machine's limit for what a transformer asks of it: GFLOP/s of {@code x W^T} by number of rows, for the shapes of
 * one model, on every core at once with one kernel thread each; with weights as they are and packed, from memory as a
 * model's are, and with one packed weight that stays in the caches.
 *
 * <p>Arguments: WORKERS, then shapes as IN:OUT.
 */
public final class MatrixRates {
    private static final int[] ROWS = {16, 32, 64, 128, 256, 512, 1024, 2048};

    private MatrixRates() {}

    public static void main(String[] arguments) {
        if (arguments.length < 2) {
            System.err.println("usage: MatrixRates WORKERS IN:OUT...");
            System.exit(2);
        }
        try (Workers workers = new Workers(Integer.parseInt(arguments[0]))) {
            reportReading(workers);
            for (DType type : List.of(DType.F32, DType.BF16)) {
                for (int i = 1; i < arguments.length; i++) {
                    String[] sizes = arguments[i].split(":");
                    for (Weights weights : Weights.values()) {
                        report(workers, type, Long.parseLong(sizes[0]), Long.parseLong(sizes[1]), weights);
                    }
                }
            }
        }
    }

    /** How the weights lie. */
    private enum Weights {
        PLAIN,
        PACKED,
        CACHED
    }

    /** How fast memory is read by adding up what it holds: what the weights of a product of few rows can come at. */
    private static void reportReading(Workers workers) {
        List<Callable<Double>> tasks = new ArrayList<>();
        for (int worker = 0; worker < workers.count(); worker++) {
            tasks.add(() -> {
                try (Scope scope = Scope.open();
                        NoGradient off = NoGradient.open()) {
                    Tensor numbers = Tensor.full(Device.CPU, DType.F32, 0.5, 1L << 27);
                    double best = 0;
                    for (int trial = 0; trial < 5; trial++) {
                        long start = System.nanoTime();
                        numbers.sum().item();
                        best = Math.max(best, numbers.elements() * 4.0 / (System.nanoTime() - start));
                    }
                    return best;
                }
            });
        }
        System.out.printf(
                Locale.ROOT,
                "reading: %.0f GB/s of all workers%n",
                workers.run(tasks).stream().mapToDouble(Double::doubleValue).sum());
    }

    private static void report(Workers workers, DType type, long in, long out, Weights kind) {
        StringBuilder line = new StringBuilder(String.format(
                Locale.ROOT, "%-5s %6d -> %6d %-6s:", type, in, out, kind.name().toLowerCase(Locale.ROOT)));
        for (int rows : ROWS) {
            List<Callable<Double>> tasks = new ArrayList<>();
            for (int worker = 0; worker < workers.count(); worker++) {
                tasks.add(() -> rate(type, rows, in, out, kind));
            }
            double sum =
                    workers.run(tasks).stream().mapToDouble(Double::doubleValue).sum();
            line.append(String.format(Locale.ROOT, "  %d rows %.0f", rows, sum));
        }
        System.out.println(line.append("  GFLOP/s of all workers"));
    }

    private static double rate(DType type, int rows, long in, long out, Weights kind) {
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Tensor x = Tensor.full(Device.CPU, type, 0.5, rows, in);
            // Several weights come from memory, as a model's layers do.
            long count = kind == Weights.CACHED ? 1 : Math.max(1, Math.min(64, (1L << 27) / (in * out * type.bytes())));
            List<Tensor> weights = new ArrayList<>();
            List<PackedWeight> packed = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                weights.add(Tensor.full(Device.CPU, type, 0.25, out, in));
                if (kind != Weights.PLAIN) {
                    packed.add(PackedWeight.of(weights.getLast(), rows));
                }
            }
            long operations = 2L * rows * in * out;
            long repeats = Math.max(weights.size(), 4_000_000_000L / operations);
            double best = 0;
            for (int trial = 0; trial < 4; trial++) {
                long start = System.nanoTime();
                for (long i = 0; i < repeats; i++) {
                    try (Scope inner = Scope.open()) {
                        int weight = (int) (i % weights.size());
                        if (kind != Weights.PLAIN) {
                            packed.get(weight).linear(x, null);
                        } else {
                            x.linear(weights.get(weight));
                        }
                    }
                }
                best = Math.max(best, operations * repeats / (double) (System.nanoTime() - start));
            }
            packed.forEach(PackedWeight::close);
            return best;
        }
    }
}
