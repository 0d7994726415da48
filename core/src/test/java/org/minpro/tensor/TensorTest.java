package org.minpro.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TensorTest {
    @Test
    void aTensorOutsideAScopeIsRefused() {
        assertThatThrownBy(() -> Tensor.zeros(TestDevice.HERE, DType.F32, 2))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("inside an open Scope");
    }

    @Test
    void aScopeFreesWhatWasMadeInItAndKeepsWhatItWasToldTo() {
        try (Scope outer = Scope.open()) {
            Tensor kept;
            Tensor lost;
            try (Scope inner = Scope.open()) {
                lost = Tensor.ones(TestDevice.HERE, DType.F32, 3);
                kept = inner.keep(lost.add(1));
            }
            assertThat(lost.isOpen()).isFalse();
            assertThat(kept.floats()).containsExactly(2, 2, 2);
        }
    }

    @Test
    void aThousandStepsLeaveNoNativeObject() {
        try (Scope outer = Scope.open()) {
            Tensor weight = Tensor.ones(TestDevice.HERE, DType.F32, 8, 8).requireGradient();
            step(weight);
            long before = Scope.nativeObjects();
            for (int i = 0; i < 1000; i++) {
                step(weight);
            }
            assertThat(Scope.nativeObjects()).isEqualTo(before);
        }
    }

    private static void step(Tensor weight) {
        try (Scope scope = Scope.open()) {
            Tensor input = Tensor.of(TestDevice.HERE, new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 1, 8);
            input.linear(weight).logSoftmax(1).select(1, 0).sum().backward();
            assertThat(Objects.requireNonNull(weight.gradient()).elements()).isEqualTo(64);
            try (NoGradient off = NoGradient.open()) {
                weight.addScaledInPlace(Objects.requireNonNull(weight.gradient()), -0.01);
            }
            weight.clearGradient();
        }
    }

    @Test
    void theKernelsInUseAreNamed() {
        assertThat(Engine.kernels()).matches("libtorch [A-Z0-9]+, OpenBLAS [A-Z0-9_]+");
        String forced = System.getenv("OPENBLAS_CORETYPE");
        if (forced != null) {
            assertThat(Engine.kernels()).endsWithIgnoringCase(forced);
        }
    }

    @Test
    void retainedTensorsOutliveScopesUntilClosed() {
        Tensor tensor;
        try (Scope scope = Scope.open()) {
            tensor = Tensor.ones(TestDevice.HERE, DType.F32, 2).retain();
        }
        assertThat(tensor.isOpen()).isTrue();
        tensor.close();
        assertThat(tensor.isOpen()).isFalse();
    }

    @Test
    void bytesRoundTripInEveryType() {
        try (Scope scope = Scope.open()) {
            for (DType type : DType.values()) {
                ByteBuffer bytes = ByteBuffer.allocate(6 * type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
                for (int i = 0; i < bytes.capacity(); i++) {
                    bytes.put(i, (byte) (type == DType.BOOL ? i % 2 : i));
                }
                Tensor tensor = Tensor.fromBytes(TestDevice.HERE, bytes.duplicate(), type, 2, 3);
                assertThat(tensor.type()).isEqualTo(type);
                assertThat(tensor.shape()).containsExactly(2, 3);
                assertThat(tensor.bytes()).isEqualTo(bytes.array());
                ByteBuffer part = ByteBuffer.allocate(type.bytes());
                tensor.copyBytes(2L * type.bytes(), part);
                assertThat(part.get(0)).isEqualTo(bytes.get(2 * type.bytes()));
            }
        }
    }

    @Test
    void workersReturnResultsInOrderAndThrowTheFirstFailure() {
        try (Workers workers = new Workers(3)) {
            List<Callable<Double>> tasks = IntStream.range(0, 20)
                    .<Callable<Double>>mapToObj(i -> () -> {
                        try (Scope scope = Scope.open()) {
                            return Tensor.full(TestDevice.HERE, DType.F64, i, 4)
                                    .sum()
                                    .item();
                        }
                    })
                    .toList();
            assertThat(workers.run(tasks))
                    .containsExactlyElementsOf(
                            IntStream.range(0, 20).mapToObj(i -> 4.0 * i).toList());
            assertThatThrownBy(() -> workers.run(List.<Callable<Integer>>of(() -> 1, () -> {
                        throw new IllegalArgumentException("second");
                    })))
                    .hasMessage("second");
        }
    }

    @Test
    void attentionOverRepeatedHeadsEqualsTheFormula() {
        try (Scope scope = Scope.open()) {
            Tensor query = Tensor.of(TestDevice.HERE, new double[] {1, 0, 0, 1}, 1, 1, 2, 2);
            Tensor key = Tensor.of(TestDevice.HERE, new double[] {1, 2, 3, -1}, 1, 1, 2, 2);
            Tensor value = Tensor.of(TestDevice.HERE, new double[] {1, 0, 0, 1}, 1, 1, 2, 2);
            Tensor expected = query.matrixProduct(key.transpose(2, 3))
                    .divide(Math.sqrt(2))
                    .softmax(3)
                    .matrixProduct(value);
            assertThat(Tensor.attention(query, key, value, null, false).doubles())
                    .containsExactly(expected.doubles(), org.assertj.core.api.Assertions.offset(1e-12));
        }
    }
}
