package org.minpro.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class PackedProductTest {
    @Test
    void agreesWithFloat64WhateverTheShape() {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 300; i++) {
            // Now and then sums of several parts.
            boolean wide = i % 10 == 0;
            int rows = wide ? random.nextInt(1, 60) : random.nextInt(1, 20);
            int in = wide ? random.nextInt(200, 1100) : random.nextInt(1, 100);
            int out = random.nextInt(1, wide ? 40 : 150);
            double[] x = Memory.normals(random, false, rows * in);
            double[] weight = Memory.normals(random, false, out * in);
            double[] bias = random.nextBoolean() ? Memory.normals(random, false, out) : new double[0];
            double[] expected = new double[rows * out];
            for (int row = 0; row < rows; row++) {
                for (int o = 0; o < out; o++) {
                    double sum = bias.length == 0 ? 0 : bias[o];
                    for (int j = 0; j < in; j++) {
                        sum += x[row * in + j] * weight[o * in + j];
                    }
                    expected[row * out + o] = sum;
                }
            }
            try (Memory memory = new Memory()) {
                long packed = memory.bytes(PackedProduct.packedBytes(out, in));
                PackedProduct.pack(memory.of(weight), packed, out, in);
                long y = memory.floats((long) rows * out);
                PackedProduct.multiply(memory.of(x), packed, bias.length == 0 ? 0 : memory.of(bias), y, rows, in, out);
                assertThat(Memory.distance(Memory.read(false, y, rows * out), expected))
                        .as("%d rows, %d to %d", rows, in, out)
                        .isLessThan(1e-6);
            }
        }
    }

    @Test
    void longSumsKeepTheirDigits() {
        SplittableRandom random = new SplittableRandom(4);
        int in = 8192;
        int out = 32;
        double[] x = Memory.normals(random, false, in);
        double[] weight = Memory.normals(random, false, out * in);
        double[] expected = new double[out];
        for (int i = 0; i < out * in; i++) {
            expected[i / in] += x[i % in] * weight[i];
        }
        try (Memory memory = new Memory()) {
            long packed = memory.bytes(PackedProduct.packedBytes(out, in));
            PackedProduct.pack(memory.of(weight), packed, out, in);
            long y = memory.floats(out);
            PackedProduct.multiply(memory.of(x), packed, 0, y, 1, in, out);
            assertThat(Memory.distance(Memory.read(false, y, out), expected)).isLessThan(6e-7);
        }
    }

    @Test
    void rowHasTheSameBitsAmongAnyNumberOfRows() {
        SplittableRandom random = new SplittableRandom(2);
        for (int[] shape : new int[][] {{128, 384}, {336, 128}, {576, 960}, {64, 19}, {1536, 48}}) {
            int in = shape[0];
            int out = shape[1];
            int most = 33;
            double[] x = Memory.normals(random, false, most * in);
            try (Memory memory = new Memory()) {
                long packed = memory.bytes(PackedProduct.packedBytes(out, in));
                PackedProduct.pack(memory.of(Memory.normals(random, false, out * in)), packed, out, in);
                long bias = memory.of(Memory.normals(random, false, out));
                long all = memory.floats((long) most * out);
                PackedProduct.multiply(memory.of(x), packed, bias, all, most, in, out);
                for (int rows = 1; rows < most; rows++) {
                    int first = random.nextInt(most - rows);
                    long y = memory.floats((long) rows * out);
                    long part = memory.of(Arrays.copyOfRange(x, first * in, (first + rows) * in));
                    PackedProduct.multiply(part, packed, bias, y, rows, in, out);
                    assertThat(Memory.floats(y, rows * out))
                            .containsExactly(Memory.floats(all + 4L * first * out, rows * out));
                }
            }
        }
    }

    @Test
    void wrongShapesAreRefusedBeforeAnythingIsWritten() {
        try (Memory memory = new Memory()) {
            long any = memory.of(new float[64]);
            assertThatThrownBy(() -> PackedProduct.pack(any, any, 0, 4))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("out must be > 0, got: 0");
            assertThatThrownBy(() -> PackedProduct.multiply(any, any, 0, any, 2, 0, 4))
                    .hasMessage("in must be > 0, got: 0");
            assertThatThrownBy(() -> PackedProduct.multiply(any, any, 0, any, -1, 2, 4))
                    .hasMessage("rows must be > 0, got: -1");
            assertThat(Memory.floats(any, 64)).containsOnly(0f);
        }
    }
}
