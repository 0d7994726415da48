package org.minpro.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.minpro.tensor.DType;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.TestDevice;
import org.minpro.tensor.Workers;

class EuclideanNormTest {
    private static final int[] LENGTHS = {3, (1 << 20) + 7, 1};

    /** A GPU's squares are read at once, a CPU's one by one: the same pieces in the same order. */
    @Test
    void hasTheSameBitsReadAtOnceAndOneByOne() {
        Random random = new Random(3);
        double sum = 0;
        try (Workers workers = new Workers(2);
                Scope scope = Scope.open()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            for (int length : LENGTHS) {
                float[] values = new float[length];
                for (int i = 0; i < length; i++) {
                    values[i] = (float) random.nextGaussian();
                    sum += (double) values[i] * values[i];
                }
                tensors.put("of " + length, Tensor.of(TestDevice.HERE, values));
            }
            long objects = Scope.nativeObjects();
            double atOnce = EuclideanNorm.of(tensors, workers, true);
            assertThat(atOnce).isEqualTo(EuclideanNorm.of(tensors, workers, false));
            assertThat(atOnce).isCloseTo(Math.sqrt(sum), within(1e-5 * Math.sqrt(sum)));
            assertThat(Scope.nativeObjects()).isEqualTo(objects);
        }
    }

    @Test
    void whatIsNoNumberShowsAndNothingHasNoLength() {
        try (Workers workers = new Workers(1);
                Scope scope = Scope.open()) {
            Tensor one = Tensor.full(TestDevice.HERE, DType.F32, Double.NaN, 2);
            assertThat(EuclideanNorm.of(Map.of("one", one), workers, true)).isNaN();
            assertThat(EuclideanNorm.of(Map.of(), workers, true)).isZero();
        }
    }
}
