package org.minpro.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PackedWeightTest {
    private static final int IN = 576;
    private static final int OUT = 200;

    @Tag("slow")
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "BF16"})
    void theProductIsThatOfTheWeightAndLeavesNothingBehind(DType type) {
        assumePacking(type);
        // The first use makes constants that stay.
        compare(type);
        long before = Scope.nativeObjects();
        compare(type);
        assertThat(Scope.nativeObjects()).isEqualTo(before);
    }

    private static void compare(DType type) {
        for (int packedFor : new int[] {16, 64}) {
            for (int rows : new int[] {1, 16, 48, 160}) {
                compare(type, packedFor, rows);
            }
        }
    }

    private static void compare(DType type, int packedFor, int rows) {
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Tensor x = normals(1, rows, IN).to(type);
            Tensor weight = normals(2, OUT, IN).to(type);
            Tensor bias = normals(3, 1, OUT).view(OUT).to(type);
            double[] exact = x.to(DType.F64)
                    .linear(weight.to(DType.F64), bias.to(DType.F64))
                    .doubles();
            double[] withoutBias = x.to(DType.F64).linear(weight.to(DType.F64)).doubles();
            // A sum of 576 products of normals has a deviation of 24.
            double tolerance = type == DType.BF16 ? 0.5 : 3e-4;
            try (PackedWeight packed = PackedWeight.of(weight, packedFor)) {
                assertThat(packed.linear(x, bias).type()).isEqualTo(type);
                assertThat(packed.linear(x, bias).doubles())
                        .usingComparatorWithPrecision(tolerance)
                        .containsExactly(exact);
                assertThat(packed.linear(x, null).doubles())
                        .usingComparatorWithPrecision(tolerance)
                        .containsExactly(withoutBias);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "BF16"})
    void aRowDoesNotDependOnItsPlaceOrOnTheOthers(DType type) {
        assumePacking(type);
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Tensor weight = normals(2, OUT, IN).to(type);
            Tensor row = normals(4, 1, IN).to(type);
            try (PackedWeight packed = PackedWeight.of(weight, 16)) {
                double[] expected = null;
                for (int place = 0; place < 16; place++) {
                    Tensor rows = normals(5 + place, 16, IN).to(type);
                    rows.narrow(0, place, 1).copyInPlace(row);
                    double[] product =
                            packed.linear(rows, null).select(0, place).doubles();
                    expected = expected == null ? product : expected;
                    assertThat(product).as("place " + place).containsExactly(expected);
                }
            }
        }
    }

    @Test
    void float64IsNotPacked() {
        try (Scope scope = Scope.open()) {
            assertThat(PackedWeight.canPack(Tensor.ones(Device.CPU, DType.F64, 2, 2)))
                    .isFalse();
        }
    }

    private static void assumePacking(DType type) {
        try (Scope scope = Scope.open()) {
            assumeThat(PackedWeight.canPack(Tensor.ones(Device.CPU, type, 16, 16)))
                    .as("oneDNN has kernels for " + type + " on this processor")
                    .isTrue();
        }
    }

    private static Tensor normals(long seed, int rows, int width) {
        return Tensor.of(
                        Device.CPU,
                        new Random(seed)
                                .doubles((long) rows * width)
                                .map(u -> 2 * Math.sqrt(3) * (u - 0.5))
                                .toArray(),
                        rows,
                        width)
                .to(DType.F32);
    }
}
