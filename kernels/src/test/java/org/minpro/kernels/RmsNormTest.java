package org.minpro.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class RmsNormTest {
    private static final double EPSILON = 1e-5;

    private static double[] reference(double[] x, double[] weight) {
        int n = weight.length;
        double[] y = new double[x.length];
        for (int row = 0; row < x.length / n; row++) {
            double squares = 0;
            for (int i = 0; i < n; i++) {
                squares += x[row * n + i] * x[row * n + i];
            }
            double s = 1 / Math.sqrt(squares / n + EPSILON);
            for (int i = 0; i < n; i++) {
                y[row * n + i] = x[row * n + i] * s * weight[i];
            }
        }
        return y;
    }

    @Test
    void agreesWithFloat64() {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 400; i++) {
            boolean half = i % 2 == 1;
            int rows = random.nextInt(1, 6);
            int n = random.nextInt(1, i < 300 ? 140 : 1200);
            double[] x = Memory.normals(random, half, rows * n);
            double[] weight = Memory.normals(random, half, n);
            double tolerance = half ? 4e-3 : 5e-7;
            try (Memory memory = new Memory()) {
                long y = memory.results(half, rows * n);
                RmsNorm.norm(half, memory.of(half, x), memory.of(half, weight), y, rows, n, (float) EPSILON);
                assertThat(Memory.distance(Memory.read(half, y, rows * n), reference(x, weight)))
                        .as("%d rows of %d, half %s", rows, n, half)
                        .isLessThan(tolerance);
            }
        }
    }

    @Test
    void sumsAreNormedAsTheyAreStored() {
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < 200; i++) {
            boolean half = i % 2 == 1;
            int rows = random.nextInt(1, 6);
            int n = random.nextInt(1, 200);
            double[] x = Memory.normals(random, half, rows * n);
            double[] delta = Memory.normals(random, half, rows * n);
            double[] weight = Memory.normals(random, half, n);
            try (Memory memory = new Memory()) {
                long weights = memory.of(half, weight);
                long sum = memory.results(half, rows * n);
                long y = memory.results(half, rows * n);
                long expected = memory.results(half, rows * n);
                RmsNorm.addNorm(
                        half, memory.of(half, x), memory.of(half, delta), weights, sum, y, rows, n, (float) EPSILON);
                double[] sums = Memory.read(half, sum, rows * n);
                for (int j = 0; j < sums.length; j++) {
                    float exact = (float) x[j] + (float) delta[j];
                    assertThat((float) sums[j]).isEqualTo(half ? Memory.rounded(exact) : exact);
                }
                RmsNorm.norm(half, sum, weights, expected, rows, n, (float) EPSILON);
                assertThat(Memory.read(half, y, rows * n)).containsExactly(Memory.read(half, expected, rows * n));
            }
        }
    }

    @Test
    void gradientsAgreeWithDifferences() {
        SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < 200; i++) {
            boolean half = i % 2 == 1;
            int rows = random.nextInt(1, 5);
            int n = random.nextInt(2, 90);
            double[] x = Memory.normals(random, half, rows * n);
            double[] weight = Memory.normals(random, half, n);
            double[] upstream = Memory.normals(random, half, rows * n);
            double[] passed = random.nextBoolean() ? Memory.normals(random, half, rows * n) : new double[0];
            double[] before = Memory.normals(random, false, n);
            double[] toX = Differences.gradient(x, at -> Differences.dot(reference(at, weight), upstream));
            double[] toWeight = Differences.gradient(weight, at -> Differences.dot(reference(x, at), upstream));
            for (int j = 0; j < passed.length; j++) {
                toX[j] += passed[j];
            }
            for (int j = 0; j < n; j++) {
                toWeight[j] += before[j];
            }
            try (Memory memory = new Memory()) {
                boolean wantsWeight = random.nextInt(4) > 0;
                long found = memory.results(half, rows * n);
                long foundWeight = memory.of(before);
                long passedOn = passed.length == 0 ? 0 : memory.of(half, passed);
                // In passedOn's place every other time.
                long to = passedOn != 0 && random.nextBoolean() ? passedOn : found;
                RmsNorm.normBack(
                        half,
                        memory.of(half, x),
                        memory.of(half, weight),
                        memory.of(half, upstream),
                        passedOn,
                        to,
                        wantsWeight ? foundWeight : 0,
                        rows,
                        n,
                        (float) EPSILON);
                assertThat(Memory.distance(Memory.read(half, to, rows * n), toX))
                        .as("%d rows of %d, half %s", rows, n, half)
                        .isLessThan(half ? 4e-3 : 1e-6);
                assertThat(Memory.distance(Memory.read(false, foundWeight, n), wantsWeight ? toWeight : before))
                        .as("weights: %d rows of %d, half %s", rows, n, half)
                        .isLessThan(1e-6);
            }
        }
    }

    @Test
    void rowDependsOnItselfAlone() {
        SplittableRandom random = new SplittableRandom(4);
        for (int i = 0; i < 40; i++) {
            boolean half = i % 2 == 1;
            int rows = random.nextInt(2, 8);
            int n = random.nextInt(1, 200);
            double[] x = Memory.normals(random, half, rows * n);
            try (Memory memory = new Memory()) {
                long weight = memory.of(half, Memory.normals(random, half, n));
                long all = memory.results(half, rows * n);
                RmsNorm.norm(half, memory.of(half, x), weight, all, rows, n, 1e-6f);
                int row = random.nextInt(rows);
                long one = memory.results(half, n);
                RmsNorm.norm(
                        half, memory.of(half, Arrays.copyOfRange(x, row * n, (row + 1) * n)), weight, one, 1, n, 1e-6f);
                assertThat(Memory.read(half, one, n))
                        .containsExactly(Memory.read(half, all + (half ? 2L : 4L) * row * n, n));
            }
        }
    }

    @Test
    void wrongShapesAreRefusedBeforeAnythingIsWritten() {
        try (Memory memory = new Memory()) {
            long any = memory.of(new float[64]);
            assertThatThrownBy(() -> RmsNorm.norm(false, any, any, any, 0, 8, 1e-6f))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("rows must be > 0, got: 0");
            assertThatThrownBy(() -> RmsNorm.addNorm(false, any, any, any, any, any, 1, -3, 1e-6f))
                    .hasMessage("n must be > 0, got: -3");
            assertThatThrownBy(() -> RmsNorm.norm(false, any, any, any, 1, 8, Float.NaN))
                    .hasMessage("epsilon must be >= 0, got: NaN");
            assertThatThrownBy(() -> RmsNorm.normBack(true, any, any, 0, any, any, any, 1, 8, 1e-6f))
                    .hasMessage("upstream must be an address, got: 0");
            assertThat(Memory.floats(any, 64)).containsOnly(0f);
        }
    }
}
