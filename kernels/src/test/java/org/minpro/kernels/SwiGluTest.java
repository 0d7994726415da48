package org.minpro.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SwiGluTest {
    private static double[] reference(double[] gateUp, int n) {
        double[] y = new double[gateUp.length / 2];
        for (int i = 0; i < y.length; i++) {
            int at = i / n * 2 * n + i % n;
            y[i] = gateUp[at] / (1 + Math.exp(-gateUp[at])) * gateUp[at + n];
        }
        return y;
    }

    @Test
    void agreesWithFloat64AndItsDifferences() {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 300; i++) {
            boolean half = i % 2 == 1;
            int rows = random.nextInt(1, 4);
            int n = i % 50 == 49 ? random.nextInt(500, 1100) : random.nextInt(1, 100);
            double[] gateUp = Memory.normals(random, half, rows * 2 * n);
            double[] upstream = Memory.normals(random, half, rows * n);
            try (Memory memory = new Memory()) {
                long given = memory.of(half, gateUp);
                long y = memory.results(half, rows * n);
                SwiGlu.gate(half, given, y, rows, n);
                assertThat(Memory.distance(Memory.read(half, y, rows * n), reference(gateUp, n)))
                        .as("%d rows of %d, half %s", rows, n, half)
                        .isLessThan(half ? 4e-3 : 3e-7);
                if (n < 100) {
                    double[] expected = Differences.gradient(gateUp, at -> Differences.dot(reference(at, n), upstream));
                    long to = random.nextBoolean() ? given : memory.results(half, rows * 2 * n);
                    SwiGlu.gateBack(half, given, memory.of(half, upstream), to, rows, n);
                    assertThat(Memory.distance(Memory.read(half, to, rows * 2 * n), expected))
                            .as("gradients: %d rows of %d, half %s", rows, n, half)
                            .isLessThan(half ? 4e-3 : 5e-7);
                }
            }
        }
    }

    @Test
    void farFromZeroItStaysFinite() {
        try (Memory memory = new Memory()) {
            float[] gateUp = new float[80];
            for (int i = 0; i < 40; i++) {
                gateUp[i] = (i - 20) * 50;
                gateUp[40 + i] = 1;
            }
            long y = memory.floats(40);
            SwiGlu.gate(false, memory.of(gateUp), y, 1, 40);
            for (int i = 0; i < 40; i++) {
                assertThat(Vectors.get(y + 4L * i)).isBetween(i < 20 ? -1e-19f : gateUp[i], i < 20 ? 0 : gateUp[i]);
            }
        }
    }

    @Test
    void wrongShapesAreRefusedBeforeAnythingIsWritten() {
        try (Memory memory = new Memory()) {
            long any = memory.of(new float[64]);
            assertThatThrownBy(() -> SwiGlu.gate(false, any, any, 1, 0))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("n must be > 0, got: 0");
            assertThatThrownBy(() -> SwiGlu.gateBack(true, any, any, 0, 1, 4))
                    .hasMessage("toGateUp must be an address, got: 0");
            assertThat(Memory.floats(any, 64)).containsOnly(0f);
        }
    }
}
