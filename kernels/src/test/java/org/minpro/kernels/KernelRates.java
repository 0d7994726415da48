package org.minpro.kernels;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.Locale;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Engine;
import org.minpro.tensor.FlashAttention;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.PackedWeight;
import org.minpro.tensor.Philox;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * The time of each kernel beside that of libtorch's operations for the same step, one thread, in two models' shapes: CPU time of
 * the thread, both sides alternating, medians.
 *
 * <pre>
 * mvn -pl kernels -am test-compile exec:exec -Dexec.executable=java -Dexec.classpathScope=test \
 *   -Dexec.args="--enable-native-access=ALL-UNNAMED --add-modules jdk.incubator.vector -cp %classpath org.minpro.kernels.KernelRates"
 * </pre>
 */
final class KernelRates {
    private static final int SAMPLES = 15;
    private static final long NANOSECONDS_OF_SAMPLE = 2_000_000;
    private static final long NANOSECONDS_OF_WARM_UP = 600_000_000;
    private static final float EPSILON = 1e-5f;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private static long draws;

    private KernelRates() {}

    /** A model's sizes as its steps see them. */
    private record Sizes(
            String name, DType type, int slots, int tokens, int hidden, int heads, int keyHeads, int d, int inner) {
        boolean half() {
            return type == DType.BF16;
        }
    }

    public static void main(String[] arguments) {
        Engine.start();
        System.out.println(Engine.kernels() + ", vectors of " + Vectors.LANES + "; us of libtorch, own, and the ratio");
        Sizes small = new Sizes("small float32", DType.F32, 64, 513, 128, 4, 4, 32, 336);
        Sizes smol = new Sizes("SmolLM2 bfloat16", DType.BF16, 16, 579, 576, 9, 3, 64, 1536);
        for (Sizes sizes : new Sizes[] {small, smol}) {
            norms(sizes);
            gates(sizes);
            sequences(sizes);
            decoding(sizes, 107);
            decoding(sizes, 500);
        }
        for (int[] shape : new int[][] {{128, 384}, {128, 672}, {336, 128}, {576, 960}}) {
            for (int rows : new int[] {1, 16, 64, 512}) {
                products(shape[0], shape[1], rows);
            }
        }
        head(DType.F32, 16, 49152);
        head(DType.BF16, 16, 49152);
        step(1 << 16);
    }

    private static Tensor normals(DType type, long... shape) {
        int count = (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        return Tensor.of(Device.CPU, Philox.normals(count, 0, Philox.Purpose.TRIAL, draws++), shape)
                .to(type);
    }

    private static void norms(Sizes of) {
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            for (int rows : new int[] {of.slots, of.tokens}) {
                Tensor x = normals(of.type, rows, of.hidden);
                Tensor delta = normals(of.type, rows, of.hidden);
                Tensor weight = normals(of.type, of.hidden);
                Tensor sum = x.emptyLike();
                Tensor y = x.emptyLike();
                long[] at = addresses(x, delta, weight, sum, y);
                compare(
                        of.name + ", add and norm, " + rows + " rows",
                        () -> x.add(delta).rmsNorm(weight, EPSILON),
                        () -> RmsNorm.addNorm(of.half(), at[0], at[1], at[2], at[3], at[4], rows, of.hidden, EPSILON));
            }
        }
    }

    private static void gates(Sizes of) {
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            for (int rows : new int[] {of.slots, of.tokens}) {
                Tensor gateUp = normals(of.type, rows, 2L * of.inner);
                Tensor y = Tensor.empty(Device.CPU, of.type, rows, of.inner);
                long[] at = addresses(gateUp, y);
                compare(
                        of.name + ", gate, " + rows + " rows",
                        () -> {
                            Tensor[] halves = gateUp.split(1, of.inner, of.inner);
                            halves[0].silu().multiply(halves[1]);
                        },
                        () -> SwiGlu.gate(of.half(), at[0], at[1], rows, of.inner));
            }
        }
    }

    private static void sequences(Sizes of) {
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            for (int tokens : new int[] {72, of.tokens}) {
                Tensor q = normals(DType.F32, tokens, of.heads, of.d);
                Tensor k = normals(DType.F32, tokens, of.keyHeads, of.d);
                Tensor v = normals(DType.F32, tokens, of.keyHeads, of.d);
                Tensor up = normals(DType.F32, tokens, of.heads, of.d);
                Tensor out = q.emptyLike();
                Tensor toK = k.emptyLike();
                Tensor toV = v.emptyLike();
                Tensor scratch = Tensor.empty(
                        Device.CPU, DType.U8, SequenceAttention.scratchBytes(of.heads, of.keyHeads, of.d, tokens));
                long[] at = addresses(q, k, v, out, scratch, up, toK, toV);
                int[] none = {};
                Tensor queries = byHead(q, of);
                Tensor keys = byHead(k, of).expand(of.heads / of.keyHeads, -1, -1, -1);
                Tensor values = byHead(v, of).expand(of.heads / of.keyHeads, -1, -1, -1);
                compare(
                        of.name + ", attention of " + tokens + " tokens",
                        () -> FlashAttention.forward(queries, keys, values, true),
                        () -> SequenceAttention.forward(
                                at[0], at[1], at[2], at[3], of.heads, of.keyHeads, of.d, 0, tokens, none, none, at[4]));
                FlashAttention.Result result = FlashAttention.forward(queries, keys, values, true);
                compare(
                        of.name + ", its way back",
                        () -> {
                            FlashAttention.Gradient gradient =
                                    FlashAttention.backward(byHead(up, of), queries, keys, values, result, true);
                            gradient.key().sum(0, false);
                            gradient.value().sum(0, false);
                        },
                        () -> SequenceAttention.backward(
                                at[0],
                                at[1],
                                at[2],
                                at[5],
                                at[3],
                                at[6],
                                at[7],
                                of.heads,
                                of.keyHeads,
                                of.d,
                                0,
                                tokens,
                                none,
                                none,
                                at[4]));
            }
        }
    }

    /** {@code [tokens, heads, d]} as {@code [heads of a key, keyHeads, tokens, d]}. */
    private static Tensor byHead(Tensor x, Sizes of) {
        return x.view(x.size(0), of.keyHeads, x.size(1) / of.keyHeads, of.d).permute(2, 1, 0, 3);
    }

    private static void decoding(Sizes of, int seen) {
        int capacity = ScoreRow.full(seen + 20);
        int perKey = of.heads / of.keyHeads;
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Tensor q = normals(DType.F32, of.slots, of.keyHeads, perKey, of.d);
            Tensor keys = normals(DType.F32, of.slots, of.keyHeads, capacity, of.d);
            Tensor values = normals(DType.F32, of.slots, of.keyHeads, capacity, of.d);
            Tensor mask = Tensor.zeros(Device.CPU, DType.F32, of.slots, 1, 1, capacity);
            Tensor out = q.emptyLike();
            int shared = seen * 3 / 4 / 16 * 16;
            int[] slots = new int[of.slots];
            int[] sharedOfSlots = new int[of.slots];
            int[] all = new int[of.slots];
            long[] prompts = new long[of.slots];
            for (int slot = 0; slot < of.slots; slot++) {
                slots[slot] = slot;
                sharedOfSlots[slot] = shared;
                all[slot] = seen;
                // Groups of 8.
                prompts[slot] = normals(DType.F32, slot % 8 == 0 ? 2L * of.keyHeads * shared * of.d : 1)
                        .address();
                if (slot % 8 > 0) {
                    prompts[slot] = prompts[slot - 1];
                }
            }
            Tensor scratch =
                    Tensor.empty(Device.CPU, DType.U8, DecodeAttention.scratchBytes(of.heads, of.keyHeads, of.d, seen));
            long[] at = addresses(q, keys, values, out, scratch);
            Runnable libtorch = () -> Tensor.attention(q, keys, values, mask, false);
            for (boolean together : new boolean[] {false, true}) {
                DecodeAttention.Rows rows = together
                        ? DecodeAttention.Rows.of(slots, all, prompts, sharedOfSlots)
                        : DecodeAttention.Rows.apart(slots, all);
                for (boolean half : new boolean[] {false, true}) {
                    compare(
                            of.name + ", a token after " + seen + " in " + of.slots + " slots, "
                                    + (together ? shared + " shared by 8, " : "")
                                    + (half ? "bfloat16" : "float32") + " cache",
                            libtorch,
                            () -> DecodeAttention.attend(
                                    half,
                                    at[0],
                                    at[1],
                                    at[2],
                                    rows,
                                    0,
                                    at[3],
                                    of.heads,
                                    of.keyHeads,
                                    of.d,
                                    capacity,
                                    at[4]));
                }
            }
        }
    }

    private static void products(int in, int out, int rows) {
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Tensor x = normals(DType.F32, rows, in);
            Tensor weight = normals(DType.F32, out, in);
            Tensor y = Tensor.empty(Device.CPU, DType.F32, rows, out);
            Tensor packed = Tensor.empty(Device.CPU, DType.U8, PackedProduct.packedBytes(out, in));
            long[] at = addresses(x, weight, packed, y);
            PackedProduct.pack(at[1], at[2], out, in);
            try (PackedWeight theirs = PackedWeight.of(weight, rows)) {
                double[] times = compare(
                        "product, " + rows + " rows, " + in + " to " + out,
                        () -> theirs.linear(x, null),
                        () -> PackedProduct.multiply(at[0], at[2], 0, at[3], rows, in, out));
                double operations = 2e-3 * rows * in * out;
                System.out.printf(
                        Locale.ROOT,
                        "    GFLOP/s: libtorch %.0f, own %.0f%n",
                        operations / times[0],
                        operations / times[1]);
            }
        }
    }

    private static void head(DType type, int rows, int n) {
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Tensor z = normals(type, rows, n);
            long[] ids = new long[rows];
            Tensor targets = Tensor.of(Device.CPU, ids, rows, 1);
            Tensor logProbs = Tensor.empty(Device.CPU, DType.F32, rows);
            long[] at = addresses(z, targets, logProbs);
            compare(
                    "log-probs of " + rows + " rows of " + n + ", " + type,
                    () -> z.to(DType.F32).logSoftmax(1).gather(1, targets),
                    () -> TokenHead.logProbs(type == DType.BF16, at[0], rows, n, 1, at[1], at[2], 0));
        }
    }

    private static void step(int n) {
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Tensor parameter = normals(DType.F32, n);
            Tensor mean = normals(DType.F32, n);
            Tensor square = Tensor.ones(Device.CPU, DType.F32, n);
            Tensor gradient = normals(DType.F32, n);
            long[] at = addresses(parameter, mean, square, gradient);
            AdamWStep.Factors factors = new AdamWStep.Factors(1, 1, 0.9, 0.999, 1e-5, 0.5, 1e-8);
            compare(
                    "AdamW step, " + n,
                    () -> {
                        mean.multiplyInPlace(0.9).addScaledInPlace(gradient, 0.1);
                        square.multiplyInPlace(0.999).addProductInPlace(gradient, gradient, 0.001);
                        Tensor root = square.squareRoot().divideInPlace(0.5).addInPlace(1e-8);
                        parameter.addQuotientInPlace(mean, root, -1e-5);
                    },
                    () -> AdamWStep.adamw(at[0], at[1], at[2], at[3], n, factors));
        }
    }

    private static long[] addresses(Tensor... tensors) {
        return Arrays.stream(tensors).mapToLong(Tensor::address).toArray();
    }

    /** Microseconds of a call of each side. */
    private static double[] compare(String name, Runnable libtorch, Runnable own) {
        Runnable[] sides = {libtorch, own};
        int[] calls = new int[2];
        for (int side = 0; side < 2; side++) {
            long start = THREADS.getCurrentThreadCpuTime();
            long used = 0;
            int count = 0;
            int sinceHalf = 0;
            // The second half of the warm-up says how many calls make a sample.
            while (used < NANOSECONDS_OF_WARM_UP) {
                run(sides[side], 1);
                count++;
                used = THREADS.getCurrentThreadCpuTime() - start;
                sinceHalf += used > NANOSECONDS_OF_WARM_UP / 2 ? 1 : 0;
            }
            long perCall = NANOSECONDS_OF_WARM_UP / 2 / Math.max(1, Math.min(count, sinceHalf));
            calls[side] = (int) Math.max(1, NANOSECONDS_OF_SAMPLE / Math.max(1, perCall));
        }
        double[][] times = new double[2][SAMPLES];
        for (int sample = 0; sample < SAMPLES; sample++) {
            for (int side = 0; side < 2; side++) {
                long start = THREADS.getCurrentThreadCpuTime();
                run(sides[side], calls[side]);
                times[side][sample] = (THREADS.getCurrentThreadCpuTime() - start) / 1e3 / calls[side];
            }
        }
        double[] medians = new double[2];
        for (int side = 0; side < 2; side++) {
            Arrays.sort(times[side]);
            medians[side] = times[side][SAMPLES / 2];
        }
        System.out.printf(
                Locale.ROOT, "%-80s %9.1f %9.1f %6.2f%n", name, medians[0], medians[1], medians[0] / medians[1]);
        return medians;
    }

    private static void run(Runnable side, int calls) {
        for (int i = 0; i < calls; i++) {
            try (Scope scope = Scope.open()) {
                side.run();
            }
        }
    }
}
