package org.minpro.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Comparator;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TokenHeadTest {
    private static final float[] TEMPERATURES = {0.6f, 1, 1.3f, 0.01f};

    private static double[] probabilities(double[] z, double temperature) {
        double max = Arrays.stream(z).max().orElseThrow();
        double[] p =
                Arrays.stream(z).map(v -> Math.exp((v - max) / temperature)).toArray();
        double sum = Arrays.stream(p).sum();
        return Arrays.stream(p).map(v -> v / sum).toArray();
    }

    private static int vocabulary(SplittableRandom random, int i) {
        return i % 20 == 0 ? random.nextInt(1000, 5000) : random.nextInt(1, 200);
    }

    /** Some rows with tokens that cannot be. */
    private static double[] logits(SplittableRandom random, boolean half, int n) {
        double[] z = Memory.normals(random, half, n);
        for (int i = 0; i < n; i++) {
            z[i] *= 4;
        }
        if (n > 3 && random.nextInt(4) == 0) {
            z[random.nextInt(n)] = Double.NEGATIVE_INFINITY;
        }
        return z;
    }

    @Test
    void logProbsEntropiesAndGradientsAgreeWithFloat64() {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 400; i++) {
            boolean half = i % 2 == 1;
            int n = vocabulary(random, i);
            float temperature = TEMPERATURES[random.nextInt(TEMPERATURES.length)];
            double[] z = logits(random, half, n);
            int id = random.nextInt(n);
            while (z[id] == Double.NEGATIVE_INFINITY) {
                id = random.nextInt(n);
            }
            double[] p = probabilities(z, temperature);
            double entropy = 0;
            double upstream = (float) random.nextGaussian();
            double[] gradient = new double[n];
            for (int v = 0; v < n; v++) {
                entropy -= p[v] > 0 ? p[v] * Math.log(p[v]) : 0;
                gradient[v] = upstream * ((v == id ? 1 : 0) - p[v]) / temperature;
            }
            double max = Arrays.stream(z).max().orElseThrow();
            double logProb = (z[id] - max) / temperature
                    - Math.log(Arrays.stream(z)
                            .map(v -> Math.exp((v - max) / temperature))
                            .sum());
            try (Memory memory = new Memory()) {
                long given = memory.of(half, z);
                long ids = memory.of(new long[] {id});
                long found = memory.floats(1);
                long entropies = memory.floats(1);
                TokenHead.logProbs(half, given, 1, n, temperature, ids, found, entropies);
                assertThat((double) Vectors.get(found)).isCloseTo(logProb, within(1e-6 + 3e-7 * Math.abs(logProb)));
                assertThat((double) Vectors.get(entropies)).isCloseTo(entropy, within(5e-6));
                TokenHead.gradient(half, given, 1, n, temperature, ids, memory.of((float) upstream));
                // However near to 1 the token's probability is.
                assertThat(Memory.distance(Memory.read(half, given, n), gradient))
                        .isLessThan(half ? 4e-3 : 1e-6);
            }
        }
    }

    @Test
    void drawsHaveTheBitsOfScores() {
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < 300; i++) {
            boolean half = i % 2 == 1;
            int n = vocabulary(random, i);
            int rows = random.nextInt(1, 6);
            float temperature = TEMPERATURES[random.nextInt(TEMPERATURES.length)];
            double[] z = logits(random, half, rows * n);
            double[] uniforms = random.doubles(rows).toArray();
            int[] ids = new int[rows];
            int[] truncated = new int[rows];
            float[] logProbs = new float[rows];
            float[] ofTruncated = new float[rows];
            float[] kept = new float[rows];
            try (Memory memory = new Memory()) {
                long given = memory.of(half, z);
                long found = memory.floats(rows);
                TokenHead.draw(half, given, rows, n, temperature, uniforms, ids, logProbs);
                TokenHead.logProbs(half, given, rows, n, temperature, memory.of(asLongs(ids)), found, 0);
                assertThat(Memory.floats(found, rows)).containsExactly(logProbs);
                TokenHead.drawTruncated(
                        half, given, rows, n, temperature, 5, 0.9, 0.05, uniforms, truncated, ofTruncated, kept);
                TokenHead.logProbs(half, given, rows, n, temperature, memory.of(asLongs(truncated)), found, 0);
                assertThat(Memory.floats(found, rows)).containsExactly(ofTruncated);
                for (int row = 0; row < rows; row++) {
                    double[] p = probabilities(Arrays.copyOfRange(z, row * n, (row + 1) * n), temperature);
                    assertThat(p[ids[row]]).isPositive();
                    double below =
                            IntStream.range(0, ids[row]).mapToDouble(v -> p[v]).sum();
                    assertThat(uniforms[row]).isBetween(below - 1e-5, below + p[ids[row]] + 1e-5);
                }
            }
        }
    }

    private static long[] asLongs(int[] ids) {
        return Arrays.stream(ids).asLongStream().toArray();
    }

    @Test
    void truncationKeepsWhatSortingKeeps() {
        SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < 300; i++) {
            int n = random.nextInt(1, i % 20 == 0 ? 3000 : 60);
            // All different, so that no rule has to choose among equals.
            double[] z = random.doubles(n, -6, 6)
                    .mapToObj(Double::valueOf)
                    .mapToDouble(v -> (double) (float) (double) v)
                    .distinct()
                    .toArray();
            n = z.length;
            int topK = random.nextInt(0, 20);
            double topP = random.nextInt(3) == 0 ? 1 : random.nextDouble(0.05, 1);
            double minP = random.nextInt(3) == 0 ? random.nextDouble(0, 0.5) : 0;
            float temperature = TEMPERATURES[random.nextInt(3)];
            boolean[] expected = kept(z, temperature, topK, topP, minP);
            double[] p = probabilities(z, temperature);
            double mass = 0;
            for (int v = 0; v < n; v++) {
                mass += expected[v] ? p[v] : 0;
            }
            try (Memory memory = new Memory()) {
                long given = memory.of(z);
                int[] ids = new int[1];
                float[] logProbs = new float[1];
                float[] logKept = new float[1];
                double before = 0;
                for (int v = 0; v < n; v++) {
                    if (expected[v] && p[v] / mass > 1e-3) {
                        double[] uniform = {before + p[v] / mass / 2};
                        TokenHead.drawTruncated(
                                false, given, 1, n, temperature, topK, topP, minP, uniform, ids, logProbs, logKept);
                        assertThat(ids[0])
                                .as("top-k %d, top-p %s, min-p %s of %d", topK, topP, minP, n)
                                .isEqualTo(v);
                        assertThat((double) logKept[0]).isCloseTo(Math.log(mass), within(1e-5));
                    }
                    before += expected[v] ? p[v] / mass : 0;
                }
            }
        }
    }

    private static boolean[] kept(double[] z, double temperature, int topK, double topP, double minP) {
        Integer[] order = IntStream.range(0, z.length).boxed().toArray(Integer[]::new);
        Arrays.sort(order, Comparator.comparingDouble(v -> -z[v]));
        double[] p = probabilities(z, temperature);
        int count = topK > 0 ? Math.min(topK, z.length) : z.length;
        double mass = 0;
        for (int i = 0; i < count; i++) {
            mass += p[order[i]];
        }
        double sum = 0;
        int nucleus = 0;
        while (nucleus < count && (topP == 1 || sum < topP * mass)) {
            sum += p[order[nucleus++]];
        }
        boolean[] kept = new boolean[z.length];
        for (int i = 0; i < nucleus; i++) {
            kept[order[i]] = p[order[i]] >= minP * p[order[0]];
        }
        return kept;
    }

    @Test
    void drawnSharesAreTheProbabilities() {
        float[] z = {0, 1, Float.NEGATIVE_INFINITY, 2};
        int[] counts = new int[4];
        int draws = 4000;
        try (Memory memory = new Memory()) {
            long given = memory.of(z);
            int[] ids = new int[1];
            for (int i = 0; i < draws; i++) {
                TokenHead.draw(false, given, 1, 4, 1, new double[] {(i + 0.5) / draws}, ids, new float[1]);
                counts[ids[0]]++;
            }
        }
        double[] p = probabilities(new double[] {0, 1, Double.NEGATIVE_INFINITY, 2}, 1);
        for (int v = 0; v < 4; v++) {
            assertThat((double) counts[v] / draws).isCloseTo(p[v], within(1e-3));
        }
        assertThat(counts[2]).isZero();
    }

    @Test
    void rowWithoutFiniteLogitsIsAnError() {
        try (Memory memory = new Memory()) {
            long z = memory.of(Float.NaN, 1, 2);
            assertThatThrownBy(() -> TokenHead.draw(false, z, 1, 3, 1, new double[] {0.5}, new int[1], new float[1]))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("are the model's weights finite?");
        }
    }

    @Test
    void wrongShapesAreRefusedBeforeAnythingIsWritten() {
        try (Memory memory = new Memory()) {
            long any = memory.of(new float[64]);
            assertThatThrownBy(() -> TokenHead.logProbs(false, any, 1, 8, 0, any, any, 0))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("temperature must be > 0 and finite, got: 0.0");
            long ids = memory.of(new long[] {3, 8});
            assertThatThrownBy(() -> TokenHead.logProbs(false, any, 2, 8, 1, ids, any, 0))
                    .hasMessage("ids must be in [0, 8), got: 8 in row 1");
            assertThatThrownBy(() -> TokenHead.gradient(false, any, 2, 8, 1, ids, any))
                    .hasMessage("ids must be in [0, 8), got: 8 in row 1");
            assertThatThrownBy(() -> TokenHead.draw(false, any, 2, 8, 1, new double[2], new int[1], new float[2]))
                    .hasMessage("ids must have at least 2 entries, got: 1");
            assertThatThrownBy(() -> TokenHead.draw(false, any, 1, 8, 1, new double[] {1}, new int[1], new float[1]))
                    .hasMessage("uniforms must be in [0, 1), got: 1.0");
            assertThat(Memory.floats(any, 64)).containsOnly(0f);
        }
    }
}
