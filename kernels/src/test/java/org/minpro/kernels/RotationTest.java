package org.minpro.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class RotationTest {
    private static final double EPSILON = 1e-6;
    private static final int[] WIDTHS = {2, 4, 8, 10, 16, 24, 32, 34, 48, 64};

    /** A random case with its arguments; norms and tables are absent where their arrays are empty. */
    private static final class Case {
        final boolean half;
        final int tokens;
        final int heads;
        final int keyHeads;
        final int d;
        final double[] projected;
        final double[] cosines;
        final double[] sines;
        final double[] queryNorm;
        final double[] keyNorm;

        Case(SplittableRandom random, boolean half) {
            this.half = half;
            tokens = random.nextInt(1, 4);
            keyHeads = random.nextInt(1, 3);
            heads = keyHeads * random.nextInt(1, 4);
            d = WIDTHS[random.nextInt(WIDTHS.length)];
            projected = Memory.normals(random, half, tokens * (heads + 2 * keyHeads) * d);
            boolean rotates = random.nextInt(4) > 0;
            cosines = new double[rotates ? tokens * d : 0];
            sines = new double[cosines.length];
            for (int i = 0; i < cosines.length; i++) {
                int pair = i % d % (d / 2);
                double angle = (i / d + 3) * Math.pow(100, -2.0 * pair / d);
                cosines[i] = (float) Math.cos(angle);
                sines[i] = (i % d < d / 2 ? -1 : 1) * (float) Math.sin(angle);
            }
            boolean normed = random.nextBoolean();
            queryNorm = Memory.normals(random, half, normed ? d : 0);
            keyNorm = Memory.normals(random, half, normed ? d : 0);
        }

        /** Queries, keys and values one behind the other. */
        double[] reference(double[] projected, double[] queryNorm, double[] keyNorm) {
            int width = heads + 2 * keyHeads;
            double[] all = new double[projected.length];
            int queries = tokens * heads * d;
            int keys = tokens * keyHeads * d;
            for (int token = 0; token < tokens; token++) {
                for (int head = 0; head < width; head++) {
                    double[] x =
                            Arrays.copyOfRange(projected, (token * width + head) * d, (token * width + head + 1) * d);
                    int to;
                    if (head < heads) {
                        x = turned(normed(x, queryNorm), token);
                        to = (token * heads + head) * d;
                    } else if (head < heads + keyHeads) {
                        x = turned(normed(x, keyNorm), token);
                        to = queries + (token * keyHeads + head - heads) * d;
                    } else {
                        to = queries + keys + (token * keyHeads + head - heads - keyHeads) * d;
                    }
                    System.arraycopy(x, 0, all, to, d);
                }
            }
            return all;
        }

        private double[] normed(double[] x, double[] weight) {
            if (weight.length == 0) {
                return x;
            }
            double s = 1 / Math.sqrt(Arrays.stream(x).map(v -> v * v).sum() / d + EPSILON);
            double[] y = new double[d];
            for (int i = 0; i < d; i++) {
                y[i] = x[i] * s * weight[i];
            }
            return y;
        }

        private double[] turned(double[] x, int token) {
            if (cosines.length == 0) {
                return x;
            }
            double[] y = new double[d];
            for (int i = 0; i < d; i++) {
                y[i] = x[i] * cosines[token * d + i] + x[(i + d / 2) % d] * sines[token * d + i];
            }
            return y;
        }
    }

    private static long of(Memory memory, boolean half, double[] numbers) {
        return numbers.length == 0 ? 0 : memory.of(half, numbers);
    }

    @Test
    void agreesWithFloat64AndItsDifferences() {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 250; i++) {
            Case one = new Case(random, i % 2 == 1);
            int size = one.projected.length;
            int queries = one.tokens * one.heads * one.d;
            int keys = one.tokens * one.keyHeads * one.d;
            double[] upstream = Memory.normals(random, false, size);
            try (Memory memory = new Memory()) {
                long projected = memory.of(one.half, one.projected);
                long cosines = of(memory, false, one.cosines);
                long sines = of(memory, false, one.sines);
                long queryNorm = of(memory, one.half, one.queryNorm);
                long keyNorm = of(memory, one.half, one.keyNorm);
                long out = memory.floats(size);
                Rotation.rotate(
                        one.half,
                        projected,
                        cosines,
                        sines,
                        queryNorm,
                        keyNorm,
                        (float) EPSILON,
                        out,
                        out + 4L * queries,
                        out + 4L * (queries + keys),
                        one.tokens,
                        one.heads,
                        one.keyHeads,
                        one.d);
                double[] rotated = one.reference(one.projected, one.queryNorm, one.keyNorm);
                double[] written = Memory.read(false, out, size);
                for (int key = queries; one.half && key < queries + keys; key++) {
                    assertThat(written[key]).isEqualTo(Memory.rounded((float) written[key]));
                    // Half a unit in the last of bfloat16's 8 places, and what rounds otherwise in float32.
                    assertThat(written[key]).isCloseTo(rotated[key], within(Math.abs(rotated[key]) / 255 + 1e-6));
                    written[key] = rotated[key];
                }
                assertThat(Memory.distance(written, rotated)).isLessThan(5e-7);

                long up = memory.of(upstream);
                long found = memory.results(one.half, size);
                long toQueryNorm = one.queryNorm.length == 0 ? 0 : memory.of(new double[one.d]);
                long toKeyNorm = one.keyNorm.length == 0 ? 0 : memory.of(new double[one.d]);
                Rotation.rotateBack(
                        one.half,
                        projected,
                        cosines,
                        sines,
                        queryNorm,
                        keyNorm,
                        (float) EPSILON,
                        up,
                        up + 4L * queries,
                        up + 4L * (queries + keys),
                        found,
                        toQueryNorm,
                        toKeyNorm,
                        one.tokens,
                        one.heads,
                        one.keyHeads,
                        one.d);
                double[] expected = Differences.gradient(
                        one.projected, at -> Differences.dot(one.reference(at, one.queryNorm, one.keyNorm), upstream));
                assertThat(Memory.distance(Memory.read(one.half, found, size), expected))
                        .as("head dim %d, %s", one.d, one.half)
                        .isLessThan(one.half ? 4e-3 : 1e-6);
                if (toQueryNorm != 0) {
                    double[] toQuery = Differences.gradient(
                            one.queryNorm,
                            at -> Differences.dot(one.reference(one.projected, at, one.keyNorm), upstream));
                    double[] toKey = Differences.gradient(
                            one.keyNorm,
                            at -> Differences.dot(one.reference(one.projected, one.queryNorm, at), upstream));
                    assertThat(Memory.distance(Memory.read(false, toQueryNorm, one.d), toQuery))
                            .isLessThan(1e-6);
                    assertThat(Memory.distance(Memory.read(false, toKeyNorm, one.d), toKey))
                            .isLessThan(1e-6);
                }
            }
        }
    }

    @Test
    void wrongShapesAreRefusedBeforeAnythingIsWritten() {
        try (Memory memory = new Memory()) {
            long any = memory.of(new float[256]);
            assertThatThrownBy(() -> Rotation.rotate(false, any, any, 0, 0, 0, 1e-6f, any, any, any, 1, 2, 1, 8))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("cosines and sines must both be addresses or both be 0, got: no sines");
            assertThatThrownBy(() -> Rotation.rotate(false, any, any, any, 0, 0, 1e-6f, any, any, any, 1, 2, 1, 9))
                    .hasMessage("head dim must be even, got: 9");
            assertThatThrownBy(() -> Rotation.rotateBack(
                            false, any, any, any, 0, 0, 1e-6f, any, any, any, any, 0, 0, 0, 2, 1, 8))
                    .hasMessage("tokens must be > 0, got: 0");
            assertThat(Memory.floats(any, 256)).containsOnly(0f);
        }
    }
}
