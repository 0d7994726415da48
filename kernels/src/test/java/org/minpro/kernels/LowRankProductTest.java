package org.minpro.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.minpro.model.ModelSteps;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

class LowRankProductTest {
    /** An adapter with its numbers. */
    private record Adapter(double[] down, List<double[]> ups, LowRankProduct.Maps maps) {
        static Adapter of(SplittableRandom random, Memory memory, int in, int rank, int... lengths) {
            int narrow = lengths.length * rank;
            double[] down = Memory.normals(random, false, narrow * in);
            long packedDown = memory.bytes(PackedProduct.packedBytes(narrow, in));
            long ofDown = memory.of(down);
            PackedProduct.pack(ofDown, packedDown, narrow, in);
            List<double[]> ups = new ArrayList<>();
            List<LowRankProduct.Part> parts = new ArrayList<>();
            int start = 0;
            for (int length : lengths) {
                double[] up = Memory.normals(random, false, length * rank);
                long packedUp = memory.bytes(PackedProduct.packedBytes(length, rank));
                long ofUp = memory.of(up);
                PackedProduct.pack(ofUp, packedUp, length, rank);
                ups.add(up);
                parts.add(new LowRankProduct.Part(ofUp, packedUp, start, length));
                start += length;
            }
            // One column that no map has.
            return new Adapter(
                    down, ups, new LowRankProduct.Maps(in, start + 1, rank, 0.7f, ofDown, packedDown, parts));
        }

        double down(int i, int j) {
            return down[i * maps.in() + j];
        }

        double up(int part, int o, int i) {
            return ups.get(part)[o * maps.rank() + i];
        }

        double[] narrowed(double[] x, int row) {
            double[] narrowed = new double[down.length / maps.in()];
            for (int i = 0; i < narrowed.length; i++) {
                for (int j = 0; j < maps.in(); j++) {
                    narrowed[i] += 0.7f * x[row * maps.in() + j] * down(i, j);
                }
            }
            return narrowed;
        }
    }

    private static Adapter any(SplittableRandom random, Memory memory) {
        int[] lengths = random.ints(random.nextInt(1, 4), 1, random.nextInt(8) == 0 ? 700 : 70)
                .toArray();
        int in = random.nextInt(8) == 0 ? random.nextInt(200, 700) : random.nextInt(1, 60);
        return Adapter.of(random, memory, in, random.nextInt(1, random.nextInt(4) == 0 ? 70 : 20), lengths);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatIsAddedAgreesWithFloat64WhateverTheShape(boolean half) {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 150; i++) {
            try (Memory memory = new Memory()) {
                Adapter adapter = any(random, memory);
                LowRankProduct.Maps maps = adapter.maps;
                int rows = random.nextInt(1, 60);
                double[] x = Memory.normals(random, half, rows * maps.in());
                double[] y = Memory.normals(random, half, rows * maps.out());
                double[] expected = y.clone();
                for (int row = 0; row < rows; row++) {
                    double[] narrowed = adapter.narrowed(x, row);
                    for (int p = 0; p < maps.parts().size(); p++) {
                        LowRankProduct.Part part = maps.parts().get(p);
                        for (int o = 0; o < part.length(); o++) {
                            for (int k = 0; k < maps.rank(); k++) {
                                expected[row * maps.out() + part.start() + o] +=
                                        narrowed[p * maps.rank() + k] * adapter.up(p, o, k);
                            }
                        }
                    }
                }
                long given = memory.of(half, y);
                LowRankProduct.add(half, maps, memory.of(half, x), given, rows);
                double[] found = Memory.read(half, given, rows * maps.out());
                assertThat(Memory.distance(found, expected))
                        .as("%s, %d rows", maps, rows)
                        .isLessThan(half ? 3e-3 : 2e-6);
                for (int row = 0; row < rows; row++) {
                    assertThat(found[(row + 1) * maps.out() - 1]).isEqualTo(y[(row + 1) * maps.out() - 1]);
                }
                memory.checkGuards();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theWayBackAgreesWithFloat64WhateverTheShape(boolean half) {
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < 150; i++) {
            try (Memory memory = new Memory()) {
                Adapter adapter = any(random, memory);
                LowRankProduct.Maps maps = adapter.maps;
                int rows = random.nextInt(1, i % 50 == 0 ? 3000 : 60);
                int in = maps.in();
                int out = maps.out();
                int rank = maps.rank();
                int count = maps.parts().size();
                double[] x = Memory.normals(random, half, rows * in);
                double[] upstream = Memory.normals(random, half, rows * out);
                double[] toX = Memory.normals(random, half, rows * in);
                double[] expectedToX = toX.clone();
                double[] expectedToDown = new double[count * rank * in];
                List<double[]> expectedToUps = new ArrayList<>();
                maps.parts().forEach(part -> expectedToUps.add(new double[rank * part.length()]));
                for (int row = 0; row < rows; row++) {
                    double[] narrowed = adapter.narrowed(x, row);
                    for (int p = 0; p < count; p++) {
                        LowRankProduct.Part part = maps.parts().get(p);
                        for (int k = 0; k < rank; k++) {
                            double toNarrow = 0;
                            for (int o = 0; o < part.length(); o++) {
                                double u = upstream[row * out + part.start() + o];
                                expectedToUps.get(p)[k * part.length() + o] += u * narrowed[p * rank + k];
                                toNarrow += 0.7f * u * adapter.up(p, o, k);
                            }
                            for (int j = 0; j < in; j++) {
                                expectedToDown[(p * rank + k) * in + j] += toNarrow * x[row * in + j];
                                expectedToX[row * in + j] += toNarrow * adapter.down(p * rank + k, j);
                            }
                        }
                    }
                }
                long ofX = memory.of(half, toX);
                long ofDown = memory.of(new double[expectedToDown.length]);
                long[] ofUps = expectedToUps.stream()
                        .mapToLong(each -> memory.of(new double[each.length]))
                        .toArray();
                LowRankProduct.back(
                        half, maps, memory.of(half, x), memory.of(half, upstream), ofX, ofDown, ofUps, rows);
                String shape = maps + ", " + rows + " rows";
                assertThat(Memory.distance(Memory.read(half, ofX, toX.length), expectedToX))
                        .as(shape)
                        .isLessThan(half ? 3e-3 : 2e-6);
                assertThat(Memory.distance(Memory.read(false, ofDown, expectedToDown.length), expectedToDown))
                        .as(shape)
                        .isLessThan(2e-6);
                for (int p = 0; p < count; p++) {
                    double[] expected = expectedToUps.get(p);
                    assertThat(Memory.distance(Memory.read(false, ofUps[p], expected.length), expected))
                            .as(shape)
                            .isLessThan(2e-6);
                }
                memory.checkGuards();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aRowHasTheSameBitsAmongAnyNumberOfRows(boolean half) {
        SplittableRandom random = new SplittableRandom(3);
        int rows = 61;
        try (Memory memory = new Memory()) {
            Adapter adapter = Adapter.of(random, memory, 576, 16, 576, 192, 192);
            LowRankProduct.Maps maps = adapter.maps;
            double[] x = Memory.normals(random, half, rows * maps.in());
            double[] y = Memory.normals(random, half, rows * maps.out());
            long whole = memory.of(half, y);
            LowRankProduct.add(half, maps, memory.of(half, x), whole, rows);
            double[] together = Memory.read(half, whole, rows * maps.out());
            for (int row = 0; row < rows; row++) {
                int from = row * maps.out();
                long one = memory.of(half, Arrays.copyOfRange(y, from, from + maps.out()));
                long alone = memory.of(half, Arrays.copyOfRange(x, row * maps.in(), (row + 1) * maps.in()));
                LowRankProduct.add(half, maps, alone, one, 1);
                assertThat(Memory.read(half, one, maps.out()))
                        .isEqualTo(Arrays.copyOfRange(together, from, from + maps.out()));
            }
        }
    }

    @Test
    void aWrongShapeIsRefusedBeforeAnyWrite() {
        assertThatThrownBy(() ->
                        new LowRankProduct.Maps(8, 16, 2, 1, 64, 64, List.of(new LowRankProduct.Part(64, 64, 10, 7))))
                .hasMessage("a part must lie within the outputs (16), got: 7 from 10");
        assertThatThrownBy(() -> new LowRankProduct.Maps(8, 16, 2, 1, 64, 64, List.of()))
                .hasMessageContaining("parts must have at least 1");
        try (Memory memory = new Memory()) {
            LowRankProduct.Maps maps = Adapter.of(new SplittableRandom(4), memory, 8, 2, 15).maps;
            float[] numbers = Memory.narrowed(Memory.normals(new SplittableRandom(5), false, 64));
            long there = memory.of(numbers);
            assertThatThrownBy(() -> LowRankProduct.add(false, maps, there, 0, 1))
                    .hasMessage("y must be an address, got: 0");
            assertThatThrownBy(() -> LowRankProduct.add(false, maps, there, there, 0))
                    .hasMessage("rows must be > 0, got: 0");
            assertThatThrownBy(() -> LowRankProduct.back(false, maps, there, there, there, there, new long[0], 1))
                    .hasMessageContaining("dL/dB must have at least 1");
            assertThat(Memory.floats(there, 64)).containsExactly(numbers);
        }
    }

    /** Kernels are given addresses: that numbers of the right shape are there, only the steps can know. */
    @Test
    void packedMatricesOfAnotherShapeAreRefusedBeforeAnyWrite() {
        ModelSteps steps = new VectorSteps(Models.builtin(), Device.CPU, DType.F32, true);
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open();
                FloatMatrix down = new FloatMatrix(Tensor.ones(Device.CPU, DType.F32, 2, 8));
                FloatMatrix up = new FloatMatrix(Tensor.ones(Device.CPU, DType.F32, 15, 2));
                FloatMatrix few = new FloatMatrix(Tensor.ones(Device.CPU, DType.F32, 1, 8));
                FloatMatrix narrow = new FloatMatrix(Tensor.ones(Device.CPU, DType.F32, 15, 1))) {
            Tensor x = Tensor.ones(Device.CPU, DType.F32, 3, 8);
            Tensor y = Tensor.ones(Device.CPU, DType.F32, 3, 15);
            assertThatThrownBy(() -> steps.addLowRank(maps(few, up), x, y))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("packed A must be [2, 8], got: [1, 8]");
            assertThatThrownBy(() -> steps.addLowRank(maps(down, narrow), x, y))
                    .hasMessage("packed B must be [15, 2], got: [15, 1]");
            assertThatThrownBy(() -> steps.lowRankBackward(maps(down, narrow), x, y, x))
                    .hasMessage("packed B must be [15, 2], got: [15, 1]");
            assertThat(x.floats()).containsOnly(1);
            assertThat(y.floats()).containsOnly(1);
            assertThat(steps.addLowRank(maps(down, up), x, y)).isTrue();
            assertThat(y.floats()).containsOnly(17);
        }
    }

    private static ModelSteps.LowRank maps(FloatMatrix down, FloatMatrix up) {
        return new ModelSteps.LowRank(
                2,
                1,
                Tensor.ones(Device.CPU, DType.F32, 2, 8),
                down,
                List.of(new ModelSteps.LowRank.Part(Tensor.ones(Device.CPU, DType.F32, 15, 2), up, 0, 15)));
    }
}
