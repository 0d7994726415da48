package org.minpro.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Comparator;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ExpertRowsTest {
    /** A mixture whose experts multiply by a number of their own: enough to tell rows and weights apart. */
    private record Mixture(int tokens, int experts, int perToken, boolean normalised, int n) {
        static Mixture random(SplittableRandom random) {
            int experts = random.nextInt(1, 20);
            return new Mixture(
                    random.nextInt(1, 12),
                    experts,
                    random.nextInt(1, experts + 1),
                    random.nextBoolean(),
                    random.nextInt(1, 70));
        }

        double[] probabilities(double[] logits, int token) {
            double[] p = Arrays.stream(logits, token * experts, (token + 1) * experts)
                    .map(Math::exp)
                    .toArray();
            double sum = Arrays.stream(p).sum();
            return Arrays.stream(p).map(v -> v / sum).toArray();
        }

        int[] chosen(double[] logits, int token) {
            return IntStream.range(0, experts)
                    .boxed()
                    .sorted(Comparator.comparingDouble(expert -> -logits[token * experts + expert]))
                    .limit(perToken)
                    .mapToInt(Integer::intValue)
                    .toArray();
        }

        double[] weights(double[] logits, int[][] chosen) {
            double[] weights = new double[tokens * perToken];
            for (int token = 0; token < tokens; token++) {
                double[] p = probabilities(logits, token);
                double sum = Arrays.stream(chosen[token]).mapToDouble(e -> p[e]).sum();
                for (int i = 0; i < perToken; i++) {
                    weights[token * perToken + i] = p[chosen[token][i]] / (normalised ? sum : 1);
                }
            }
            return weights;
        }

        double[] outputs(double[] x, double[] weights, int[][] chosen) {
            double[] out = new double[tokens * n];
            for (int token = 0; token < tokens; token++) {
                for (int i = 0; i < perToken; i++) {
                    for (int j = 0; j < n; j++) {
                        out[token * n + j] += weights[token * perToken + i] * (chosen[token][i] + 1) * x[token * n + j];
                    }
                }
            }
            return out;
        }
    }

    @Test
    void mixtureAgreesWithFloat64AndItsDifferences() {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 250; i++) {
            boolean half = i % 2 == 1;
            Mixture one = Mixture.random(random);
            int rows = one.tokens * one.perToken;
            double tolerance = half ? 8e-3 : 1e-6;
            double[] logits = Memory.normals(random, half, one.tokens * one.experts);
            double[] x = Memory.normals(random, half, one.tokens * one.n);
            double[] upstream = Memory.normals(random, half, one.tokens * one.n);
            try (Memory memory = new Memory()) {
                long probabilities = memory.floats((long) one.tokens * one.experts);
                long chosen = memory.bytes(8L * rows);
                long weights = memory.floats(rows);
                ExpertRows.route(
                        half,
                        memory.of(half, logits),
                        one.tokens,
                        one.experts,
                        one.perToken,
                        one.normalised,
                        probabilities,
                        chosen,
                        weights);
                int[][] ids = new int[one.tokens][one.perToken];
                for (int place = 0; place < rows; place++) {
                    ids[place / one.perToken][place % one.perToken] = (int) Vectors.getLong(chosen + 8L * place);
                }
                for (int token = 0; token < one.tokens; token++) {
                    assertThat(ids[token]).containsExactly(one.chosen(logits, token));
                }
                double[] expectedWeights = one.weights(logits, ids);
                assertThat(Memory.distance(Memory.read(false, weights, rows), expectedWeights))
                        .isLessThan(1e-6);

                ExpertGroups groups = ExpertGroups.of(chosen, one.tokens, one.perToken, one.experts);
                long gathered = gathered(memory, half, one, memory.of(half, x), groups);
                double[] y = Memory.read(half, gathered, rows * one.n);
                for (int expert = 0; expert < one.experts; expert++) {
                    for (int j = groups.offsets()[expert] * one.n; j < groups.offsets()[expert + 1] * one.n; j++) {
                        y[j] *= expert + 1;
                        y[j] = half ? Memory.rounded((float) y[j]) : (float) y[j];
                    }
                }
                long ys = memory.of(half, y);
                long sums = added(memory, half, one, ys, weights, groups);
                assertThat(Memory.distance(
                                Memory.read(false, sums, one.tokens * one.n), one.outputs(x, expectedWeights, ids)))
                        .isLessThan(half ? 4e-3 : 1e-6);

                long toY = memory.results(half, rows * one.n);
                long toWeights = memory.floats(rows);
                long up = memory.of(half, upstream);
                long rowBytes = (half ? 2L : 4L) * one.n;
                for (int expert = 0; expert < one.experts; expert++) {
                    long first = groups.offsets()[expert] * rowBytes;
                    ExpertRows.addBack(half, up, ys + first, weights, groups, expert, toY + first, toWeights, one.n);
                }
                double[] foundWeights = Memory.read(false, toWeights, rows);
                for (int row = 0; row < rows; row++) {
                    double[] ofToken = Arrays.copyOfRange(
                            upstream, groups.tokens()[row] * one.n, (groups.tokens()[row] + 1) * one.n);
                    double[] ofRow = Arrays.copyOfRange(y, row * one.n, (row + 1) * one.n);
                    double size = Math.sqrt(Differences.dot(ofToken, ofToken) * Differences.dot(ofRow, ofRow));
                    assertThat(foundWeights[groups.places()[row]])
                            .isCloseTo(Differences.dot(ofToken, ofRow), within(1e-6 * size));
                }
                double[] toRows = Memory.read(half, toY, rows * one.n);
                for (int row = 0; row < rows; row++) {
                    double weight = expectedWeights[groups.places()[row]];
                    double[] expected = Arrays.stream(
                                    upstream, groups.tokens()[row] * one.n, (groups.tokens()[row] + 1) * one.n)
                            .map(u -> u * weight)
                            .toArray();
                    assertThat(Memory.distance(Arrays.copyOfRange(toRows, row * one.n, (row + 1) * one.n), expected))
                            .isLessThan(tolerance);
                }
                double[] given = Memory.normals(random, false, rows);
                long toLogits = memory.results(half, one.tokens * one.experts);
                ExpertRows.routeBack(
                        half,
                        probabilities,
                        chosen,
                        weights,
                        memory.of(given),
                        one.tokens,
                        one.experts,
                        one.perToken,
                        one.normalised,
                        toLogits);
                double[] expectedLogits =
                        Differences.gradient(logits, at -> Differences.dot(one.weights(at, ids), given));
                double[] found = Memory.read(half, toLogits, one.tokens * one.experts);
                double scale = Math.sqrt(Differences.dot(given, given));
                for (int j = 0; j < found.length; j++) {
                    assertThat(Math.abs(found[j] - expectedLogits[j])).isLessThan((half ? 4e-3 : 1e-6) * (scale + 1));
                }
            }
        }
    }

    @Test
    void tokenDependsOnItselfAloneWhateverIsBesideIt() {
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < 50; i++) {
            boolean half = i % 2 == 1;
            Mixture one = Mixture.random(random);
            double[] logits = Memory.normals(random, half, one.tokens * one.experts);
            double[] x = Memory.normals(random, half, one.tokens * one.n);
            try (Memory memory = new Memory()) {
                double[] all = run(memory, half, one, logits, x);
                int token = random.nextInt(one.tokens);
                Mixture alone = new Mixture(1, one.experts, one.perToken, one.normalised, one.n);
                double[] found = run(
                        memory,
                        half,
                        alone,
                        Arrays.copyOfRange(logits, token * one.experts, (token + 1) * one.experts),
                        Arrays.copyOfRange(x, token * one.n, (token + 1) * one.n));
                assertThat(found).containsExactly(Arrays.copyOfRange(all, token * one.n, (token + 1) * one.n));
            }
        }
    }

    private static double[] run(Memory memory, boolean half, Mixture one, double[] logits, double[] x) {
        int rows = one.tokens * one.perToken;
        long probabilities = memory.floats((long) one.tokens * one.experts);
        long chosen = memory.bytes(8L * rows);
        long weights = memory.floats(rows);
        ExpertRows.route(
                half,
                memory.of(half, logits),
                one.tokens,
                one.experts,
                one.perToken,
                one.normalised,
                probabilities,
                chosen,
                weights);
        ExpertGroups groups = ExpertGroups.of(chosen, one.tokens, one.perToken, one.experts);
        long gathered = gathered(memory, half, one, memory.of(half, x), groups);
        return Memory.read(false, added(memory, half, one, gathered, weights, groups), one.tokens * one.n);
    }

    /** The rows of all experts, one behind the other. */
    private static long gathered(Memory memory, boolean half, Mixture one, long x, ExpertGroups groups) {
        long rows = memory.results(half, one.tokens * one.perToken * one.n);
        for (int expert = 0; expert < one.experts; expert++) {
            long first = (half ? 2L : 4L) * one.n * groups.offsets()[expert];
            ExpertRows.gather(half, x, groups, expert, rows + first, one.n);
        }
        return rows;
    }

    /** The sums of all experts' rows. */
    private static long added(Memory memory, boolean half, Mixture one, long y, long weights, ExpertGroups groups) {
        long sums = memory.of(new float[one.tokens * one.n]);
        for (int expert = 0; expert < one.experts; expert++) {
            long first = (half ? 2L : 4L) * one.n * groups.offsets()[expert];
            ExpertRows.add(half, y + first, weights, groups, expert, sums, one.n);
        }
        return sums;
    }

    @Test
    void equalsAreRankedByTheirOrder() {
        try (Memory memory = new Memory()) {
            long chosen = memory.bytes(16);
            long weights = memory.floats(2);
            ExpertRows.route(false, memory.of(1, 2, 2, 2), 1, 4, 2, true, memory.floats(4), chosen, weights);
            assertThat(Vectors.getLong(chosen)).isEqualTo(1);
            assertThat(Vectors.getLong(chosen + 8)).isEqualTo(2);
            assertThat(Memory.floats(weights, 2)).containsExactly(0.5f, 0.5f);
        }
    }

    @Test
    void wrongShapesAreRefusedBeforeAnythingIsWritten() {
        try (Memory memory = new Memory()) {
            long any = memory.of(new float[64]);
            assertThatThrownBy(() -> ExpertRows.route(false, any, 1, 2, 3, true, any, any, any))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("perToken must be at most the experts (2), got: 3");
            long wrong = memory.of(new long[] {0, 2});
            assertThatThrownBy(() -> ExpertGroups.of(wrong, 1, 2, 2)).hasMessage("experts must be in [0, 2), got: 2");
            ExpertGroups groups = ExpertGroups.of(memory.of(new long[] {0, 1}), 1, 2, 2);
            assertThatThrownBy(() -> ExpertRows.add(false, any, any, groups, 2, any, 4))
                    .hasMessage("expert must be in [0, 2), got: 2");
            assertThatThrownBy(() -> ExpertRows.gather(false, any, groups, 0, any, 0))
                    .hasMessage("n must be > 0, got: 0");
            assertThat(Memory.floats(any, 64)).containsOnly(0f);
        }
    }
}
