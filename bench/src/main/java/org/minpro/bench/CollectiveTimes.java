package org.minpro.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.FileStore;
import org.bytedeco.pytorch.ProcessGroupGloo;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.minpro.dist.Collectives;
import org.minpro.dist.RankContext;
import org.minpro.dist.Ranks;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Engine;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * What ranks on one machine wait for each other, over Gloo and the loopback interface, by the bytes of a float32 tensor that each of
 * them has: the exchange that gives each owner its slices, the gathering of all slices, both with the addition between them, which
 * is an all-reduce, and Gloo's own all-reduce.
 *
 * <p>Argument: PROCESSES, 2 where it is missing; it starts them itself. Milliseconds are medians of a rank's calls.
 */
public final class CollectiveTimes {
    private static final long[] BYTES = {4L << 10, 64L << 10, 1L << 20, 4L << 20, 16L << 20, 64L << 20};
    private static final int WARM = 3;
    private static final int CALLS = 15;

    private CollectiveTimes() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        RankContext context = RankContext.of(System.getenv()).orElse(null);
        if (context == null) {
            System.exit(start(arguments.length == 0 ? 2 : Integer.parseInt(arguments[0])));
            return;
        }
        Engine.start();
        Engine.setKernelThreads(1);
        String meeting = System.getenv(RankContext.MEETING_FILE);
        try (Ranks ranks = Ranks.join(context, Duration.ofMinutes(1));
                ProcessGroupGloo gloo = gloo(meeting + "-gloo", context)) {
            if (ranks.isFirst()) {
                System.out.printf(
                        Locale.ROOT,
                        "%12s %12s %12s %12s %16s   of %d processes%n",
                        "bytes",
                        "exchange ms",
                        "gather ms",
                        "both ms",
                        "Gloo's sum ms",
                        ranks.size());
            }
            for (long bytes : BYTES) {
                measure(ranks, gloo, bytes / DType.F32.bytes());
            }
        }
    }

    private static int start(int processes) throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("collectives");
        List<Process> started = new ArrayList<>();
        for (int rank = 0; rank < processes; rank++) {
            ProcessBuilder builder = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "--enable-native-access=ALL-UNNAMED",
                            "-cp",
                            System.getProperty("java.class.path"),
                            CollectiveTimes.class.getName())
                    .inheritIO();
            builder.environment().put("RANK", String.valueOf(rank));
            builder.environment().put("WORLD_SIZE", String.valueOf(processes));
            builder.environment().put("LOCAL_WORLD_SIZE", String.valueOf(processes));
            builder.environment()
                    .put(RankContext.MEETING_FILE, folder.resolve("meeting").toString());
            started.add(builder.start());
        }
        int code = 0;
        for (Process process : started) {
            code = Math.max(code, process.waitFor());
        }
        return code;
    }

    /** A group of its own, which is asked for what the program has no use for. */
    private static ProcessGroupGloo gloo(String file, RankContext context) {
        try (PointerScope scope = new PointerScope()) {
            ProcessGroupGloo.Options options = ProcessGroupGloo.Options.create();
            options.devices().push_back(ProcessGroupGloo.createDeviceForHostname("127.0.0.1"));
            FileStore store = new FileStore(file, context.size()).retainReference();
            return new ProcessGroupGloo(store, context.rank(), context.size(), options).retainReference();
        }
    }

    private static void measure(Ranks ranks, ProcessGroupGloo gloo, long elements) {
        Collectives together = ranks.learning();
        int size = ranks.size();
        long slice = elements / size;
        long[] parts = new long[size];
        Arrays.fill(parts, slice);
        try (Scope scope = Scope.open();
                PointerScope natives = new PointerScope()) {
            Tensor mine = Tensor.full(Device.CPU, DType.F32, 1, slice * size);
            Tensor received = Tensor.empty(Device.CPU, DType.F32, slice * size);
            Tensor sum = Tensor.zeros(Device.CPU, DType.F32, slice);
            TensorVector own =
                    new TensorVector(torch.ones(new long[] {elements}, new TensorOptions(torch.ScalarType.Float)));
            Runnable exchange = () -> together.exchange("an exchange", mine, parts, received, parts);
            Runnable gather = () -> together.gather("gathering", sum, received);
            double exchanging = milliseconds(exchange);
            double gathering = milliseconds(gather);
            double both = milliseconds(() -> {
                exchange.run();
                try (Scope adding = Scope.open()) {
                    sum.copyInPlace(received.narrow(0, 0, slice));
                    for (int rank = 1; rank < size; rank++) {
                        sum.addInPlace(received.narrow(0, rank * slice, slice));
                    }
                }
                gather.run();
            });
            double reducing = milliseconds(() -> gloo.allreduce(own)._wait());
            if (ranks.isFirst()) {
                System.out.printf(
                        Locale.ROOT,
                        "%12d %12.2f %12.2f %12.2f %16.2f%n",
                        elements * DType.F32.bytes(),
                        exchanging,
                        gathering,
                        both,
                        reducing);
            }
        }
    }

    private static double milliseconds(Runnable call) {
        for (int i = 0; i < WARM; i++) {
            call.run();
        }
        double[] taken = new double[CALLS];
        for (int i = 0; i < CALLS; i++) {
            long start = System.nanoTime();
            call.run();
            taken[i] = (System.nanoTime() - start) / 1e6;
        }
        Arrays.sort(taken);
        return taken[CALLS / 2];
    }
}
