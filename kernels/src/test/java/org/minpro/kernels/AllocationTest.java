package org.minpro.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Compiled kernels allocate no vectors: where C2 gives up inlining in a method, every operation of it allocates one, and it is 4
 * to 40 times slower.
 */
@Tag("slow")
class AllocationTest {
    /** No vector of any loop: a single one an iteration would be more. */
    private static final long BYTES_PER_CALL = 256;

    /** Room for the few small objects that attention makes of a head and of a step, none of them in a loop over numbers. */
    private static final long BYTES_OF_ATTENTION = 4096;

    private static final int CALLS = 50;
    private static final int ROUNDS_IN_A_ROW = 5;
    private static final long LEAST_NANOSECONDS = 800_000_000L;
    private static final long MOST_NANOSECONDS = 180_000_000_000L;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final SplittableRandom random = new SplittableRandom(1);

    private static void check(String name, Runnable kernel) {
        check(name, BYTES_PER_CALL, kernel);
    }

    /** Runs a kernel until it is compiled; then so many rounds in a row may allocate no more than so many bytes a call. */
    private static void check(String name, long most, Runnable kernel) {
        long start = System.nanoTime();
        int quiet = 0;
        long perCall = 0;
        while (quiet < ROUNDS_IN_A_ROW && System.nanoTime() - start < MOST_NANOSECONDS) {
            long before = THREADS.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < CALLS; i++) {
                kernel.run();
            }
            perCall = (THREADS.getCurrentThreadAllocatedBytes() - before) / CALLS;
            boolean warm = System.nanoTime() - start > LEAST_NANOSECONDS;
            quiet = warm && perCall <= most ? quiet + 1 : 0;
        }
        assertThat(perCall).as("bytes that a call of %s allocates", name).isLessThanOrEqualTo(most);
    }

    private double[] normals(int count) {
        return Memory.normals(random, false, count);
    }

    @Test
    void norms() {
        int rows = 16;
        int n = 576 + 7;
        for (boolean half : new boolean[] {false, true}) {
            try (Memory memory = new Memory()) {
                long x = memory.of(half, normals(rows * n));
                long delta = memory.of(half, normals(rows * n));
                long weight = memory.of(half, normals(n));
                long y = memory.results(half, rows * n);
                long sum = memory.results(half, rows * n);
                long toWeight = memory.of(new double[n]);
                check("norm", () -> RmsNorm.norm(half, x, weight, y, rows, n, 1e-6f));
                check("addNorm", () -> RmsNorm.addNorm(half, x, delta, weight, sum, y, rows, n, 1e-6f));
                check("normBack", () -> {
                    RmsNorm.normBack(half, x, weight, delta, sum, y, toWeight, rows, n, 1e-6f);
                    RmsNorm.normBack(half, x, weight, delta, 0, y, 0, rows, n, 1e-6f);
                });
            }
        }
    }

    @Test
    void gates() {
        int rows = 16;
        int n = 336 + 7;
        for (boolean half : new boolean[] {false, true}) {
            try (Memory memory = new Memory()) {
                long gateUp = memory.of(half, normals(2 * rows * n));
                long y = memory.of(half, normals(rows * n));
                long to = memory.results(half, 2 * rows * n);
                check("gate", () -> SwiGlu.gate(half, gateUp, y, rows, n));
                check("gateBack", () -> SwiGlu.gateBack(half, gateUp, y, to, rows, n));
                check("addWidened", () -> HalfRows.addWidened(y, to, half ? rows * n / 2 : rows * n));
            }
        }
    }

    @Test
    void rotation() {
        int tokens = 16;
        int heads = 4;
        int keyHeads = 2;
        for (int d : new int[] {24, 64}) {
            for (boolean half : new boolean[] {false, true}) {
                try (Memory memory = new Memory()) {
                    int width = (heads + 2 * keyHeads) * d;
                    long projected = memory.of(half, normals(tokens * width));
                    long table = memory.of(normals(tokens * d));
                    long weight = memory.of(half, normals(d));
                    long q = memory.of(normals(tokens * width));
                    long k = q + 4L * tokens * heads * d;
                    long v = k + 4L * tokens * keyHeads * d;
                    long to = memory.results(half, tokens * width);
                    long toWeight = memory.of(new double[d]);
                    check("rotate", () -> {
                        Rotation.rotate(
                                half, projected, table, table, weight, weight, 1e-6f, q, k, v, tokens, heads, keyHeads,
                                d);
                        Rotation.rotate(half, projected, 0, 0, 0, 0, 1e-6f, q, k, v, tokens, heads, keyHeads, d);
                    });
                    check(
                            "rotateBack",
                            () -> Rotation.rotateBack(
                                    half, projected, table, table, weight, weight, 1e-6f, q, k, v, to, toWeight,
                                    toWeight, tokens, heads, keyHeads, d));
                }
            }
        }
    }

    @Test
    void adapters() {
        int rows = 40;
        int in = 96;
        int out = 80 + 7;
        int rank = 5;
        for (boolean half : new boolean[] {false, true}) {
            try (Memory memory = new Memory()) {
                long down = memory.of(normals(2 * rank * in));
                long packedDown = memory.bytes(PackedProduct.packedBytes(2 * rank, in));
                PackedProduct.pack(down, packedDown, 2 * rank, in);
                long up = memory.of(normals(out * rank));
                long packedUp = memory.bytes(PackedProduct.packedBytes(out, rank));
                PackedProduct.pack(up, packedUp, out, rank);
                LowRankProduct.Part first = new LowRankProduct.Part(up, packedUp, 0, 16);
                LowRankProduct.Part second = new LowRankProduct.Part(up, packedUp, 16, out - 16);
                LowRankProduct.Maps maps =
                        new LowRankProduct.Maps(in, out, rank, 0.5f, down, packedDown, List.of(first, second));
                long x = memory.of(half, normals(rows * in));
                long y = memory.of(half, normals(rows * out));
                long toX = memory.of(half, normals(rows * in));
                long toDown = memory.of(new double[2 * rank * in]);
                long[] toUps = {memory.of(new double[rank * out]), memory.of(new double[rank * out])};
                check("adapter", () -> LowRankProduct.add(half, maps, x, y, rows));
                check("adapter back", () -> LowRankProduct.back(half, maps, x, y, toX, toDown, toUps, rows));
            }
        }
    }

    @Test
    void attention() {
        int tokens = 90;
        int[] starts = {40, 60};
        int[] lengths = {20, 30};
        for (int[] shape : new int[][] {{9, 3, 64}, {4, 4, 32}, {2, 1, 40}}) {
            int heads = shape[0];
            int keyHeads = shape[1];
            int d = shape[2];
            try (Memory memory = new Memory()) {
                long q = memory.of(normals(tokens * heads * d));
                long k = memory.of(normals(tokens * keyHeads * d));
                long v = memory.of(normals(tokens * keyHeads * d));
                long out = memory.floats((long) tokens * heads * d);
                long toK = memory.floats((long) tokens * keyHeads * d);
                long toV = memory.floats((long) tokens * keyHeads * d);
                long scratch = memory.bytes(SequenceAttention.scratchBytes(heads, keyHeads, d, 70));
                check(
                        "attention forward",
                        BYTES_OF_ATTENTION,
                        () -> SequenceAttention.forward(
                                q, k, v, out, heads, keyHeads, d, 0, 40, starts, lengths, scratch));
                check(
                        "attention backward",
                        BYTES_OF_ATTENTION,
                        () -> SequenceAttention.backward(
                                q, k, v, q, out, toK, toV, heads, keyHeads, d, 0, 40, starts, lengths, scratch));
                int slots = 8;
                int capacity = 96;
                long keys = memory.floats((long) slots * keyHeads * capacity * d);
                long values = memory.floats((long) slots * keyHeads * capacity * d);
                for (int slot = 0; slot < slots; slot++) {
                    DecodeAttention.fill(false, keys, values, slot, keyHeads, d, capacity, k, v, 80);
                }
                long prompt = memory.of(normals(2 * keyHeads * 48 * d));
                DecodeAttention.Rows rows = DecodeAttention.Rows.of(
                        new int[] {7, 1, 2, 3, 4, 5, 6, 0},
                        new int[] {60, 61, 62, 63, 64, 65, 66, 67},
                        new long[] {prompt, prompt, prompt, prompt, prompt, 0, prompt, prompt},
                        new int[] {48, 48, 48, 48, 48, 0, 48, 48});
                long ofMany = memory.bytes(DecodeAttention.scratchBytes(heads, keyHeads, d, 67));
                for (boolean half : new boolean[] {false, true}) {
                    check("append", BYTES_OF_ATTENTION, () -> {
                        DecodeAttention.append(half, keys, values, rows, keyHeads, d, capacity, k, v);
                        DecodeAttention.fill(half, keys, values, 1, keyHeads, d, capacity, k, v, 20);
                    });
                    check(
                            "attend",
                            BYTES_OF_ATTENTION,
                            () -> DecodeAttention.attend(
                                    half, q, keys, values, rows, 0, out, heads, keyHeads, d, capacity, ofMany));
                }
            }
        }
    }

    @Test
    void products() {
        int out = 150;
        int rows = 17;
        // Sums of one part, and of three.
        for (int in : new int[] {128, 600}) {
            try (Memory memory = new Memory()) {
                long weight = memory.of(normals(in * out));
                long packed = memory.bytes(PackedProduct.packedBytes(out, in));
                PackedProduct.pack(weight, packed, out, in);
                long x = memory.of(normals(rows * in));
                long bias = memory.of(normals(out));
                long y = memory.floats((long) rows * out);
                check("pack", () -> PackedProduct.pack(weight, packed, out, in));
                check("multiply", () -> PackedProduct.multiply(x, packed, bias, y, rows, in, out));
                check("multiply one row", () -> PackedProduct.multiply(x, packed, bias, y, 1, in, out));
            }
        }
    }

    @Test
    void head() {
        int rows = 4;
        int n = 2500;
        for (boolean half : new boolean[] {false, true}) {
            try (Memory memory = new Memory()) {
                long z = memory.of(half, normals(rows * n));
                long ids = memory.of(new long[] {3, 4, 5, 2499});
                long upstream = memory.of(normals(rows));
                long found = memory.floats(2L * rows);
                double[] uniforms = {0.1, 0.3, 0.6, 0.9};
                int[] drawn = new int[rows];
                float[] logProbs = new float[rows];
                check("logProbs", () -> TokenHead.logProbs(half, z, rows, n, 0.9f, ids, found, found + 4L * rows));
                check("draw", () -> TokenHead.draw(half, z, rows, n, 0.9f, uniforms, drawn, logProbs));
                float[] logKeptMass = new float[rows];
                check(
                        "drawTruncated",
                        () -> TokenHead.drawTruncated(
                                half, z, rows, n, 0.9f, 50, 0.9, 0.02, uniforms, drawn, logProbs, logKeptMass));
                long changed = memory.of(half, normals(rows * n));
                check("gradient", () -> TokenHead.gradient(half, changed, rows, n, 0.9f, ids, upstream));
            }
        }
    }

    @Test
    void step() {
        int n = 5003;
        try (Memory memory = new Memory()) {
            long p = memory.of(normals(n));
            long m = memory.of(normals(n));
            long v = memory.of(new double[n]);
            long g = memory.of(normals(n));
            AdamWStep.Factors factors = new AdamWStep.Factors(0.5, 0.99, 0.9, 0.999, 1e-4, 0.1, 1e-8);
            check("adamw", () -> AdamWStep.adamw(p, m, v, g, n, factors));
        }
    }

    @Test
    void experts() {
        int tokens = 20;
        int experts = 8;
        int perToken = 2;
        int n = 150;
        for (boolean half : new boolean[] {false, true}) {
            try (Memory memory = new Memory()) {
                long logits = memory.of(half, normals(tokens * experts));
                long probabilities = memory.floats((long) tokens * experts);
                long chosen = memory.bytes(8L * tokens * perToken);
                long weights = memory.floats((long) tokens * perToken);
                long toLogits = memory.results(half, tokens * experts);
                check("route", () -> {
                    ExpertRows.route(half, logits, tokens, experts, perToken, true, probabilities, chosen, weights);
                    ExpertRows.routeBack(
                            half, probabilities, chosen, weights, weights, tokens, experts, perToken, true, toLogits);
                });
                ExpertGroups groups = ExpertGroups.of(chosen, tokens, perToken, experts);
                long y = memory.of(half, normals(tokens * perToken * n));
                long up = memory.of(half, normals(tokens * n));
                long sums = memory.of(normals(tokens * n));
                long toY = memory.results(half, tokens * perToken * n);
                long toWeights = memory.floats((long) tokens * perToken);
                check("add", () -> {
                    for (int expert = 0; expert < experts; expert++) {
                        ExpertRows.gather(half, up, groups, expert, toY, n);
                        ExpertRows.add(half, y, weights, groups, expert, sums, n);
                        ExpertRows.addBack(half, up, y, weights, groups, expert, toY, toWeights, n);
                    }
                });
            }
        }
    }
}
