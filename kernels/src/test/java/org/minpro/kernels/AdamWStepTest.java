package org.minpro.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.minpro.tensor.Device;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

class AdamWStepTest {
    private static AdamWStep.Factors factors(SplittableRandom random, int steps) {
        double rate = random.nextDouble(1e-6, 1e-3);
        double decay = random.nextBoolean() ? 1 : 1 - rate * random.nextDouble(0, 0.1);
        double scale = random.nextBoolean() ? 1 : random.nextDouble(0.1, 1);
        return new AdamWStep.Factors(
                scale,
                decay,
                0.9,
                0.999,
                rate / (1 - Math.pow(0.9, steps)),
                Math.sqrt(1 - Math.pow(0.999, steps)),
                1e-8);
    }

    @Test
    void agreesWithFloat64() {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 200; i++) {
            int n = i % 20 == 0 ? random.nextInt(2000, 5000) : random.nextInt(1, 100);
            AdamWStep.Factors factors = factors(random, 1 + i);
            double[] p = Memory.normals(random, false, n);
            double[] m = Memory.normals(random, false, n);
            double[] v = Memory.normals(random, false, n);
            double[] g = Memory.normals(random, false, n);
            double[] moved = new double[n];
            for (int j = 0; j < n; j++) {
                v[j] = (float) (v[j] * v[j]);
            }
            try (Memory memory = new Memory()) {
                long parameter = memory.of(p);
                long mean = memory.of(m);
                long square = memory.of(v);
                AdamWStep.adamw(parameter, mean, square, memory.of(g), n, factors);
                double[] found = Memory.read(false, parameter, n);
                for (int j = 0; j < n; j++) {
                    double scaled = factors.scale() * g[j];
                    m[j] = factors.beta1() * m[j] + (1 - factors.beta1()) * scaled;
                    v[j] = factors.beta2() * v[j] + (1 - factors.beta2()) * scaled * scaled;
                    moved[j] = factors.decay() * p[j]
                            - factors.step() * m[j] / (Math.sqrt(v[j]) / factors.rootCorrection() + factors.epsilon());
                }
                assertThat(Memory.distance(Memory.read(false, mean, n), m)).isLessThan(2e-7);
                assertThat(Memory.distance(Memory.read(false, square, n), v)).isLessThan(2e-7);
                assertThat(Memory.distance(found, moved)).isLessThan(2e-7);
            }
        }
    }

    /** As the optimizer steps without these kernels, operation by operation. */
    @Test
    void hasTheBitsOfLibtorchsOperations() {
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < 40; i++) {
            int n = random.nextInt(1, 3000);
            AdamWStep.Factors factors = factors(random, 1 + i);
            double[] p = Memory.normals(random, false, n);
            double[] m = Memory.normals(random, false, n);
            double[] v = Memory.normals(random, false, n);
            double[] g = Memory.normals(random, false, n);
            for (int j = 0; j < n; j++) {
                v[j] = (float) (v[j] * v[j]);
            }
            try (Memory memory = new Memory();
                    Scope scope = Scope.open();
                    NoGradient off = NoGradient.open()) {
                Tensor parameter = Tensor.of(Device.CPU, Memory.narrowed(p), n);
                Tensor mean = Tensor.of(Device.CPU, Memory.narrowed(m), n);
                Tensor square = Tensor.of(Device.CPU, Memory.narrowed(v), n);
                Tensor gradient = Tensor.of(Device.CPU, Memory.narrowed(g), n);
                if (factors.scale() != 1) {
                    gradient = gradient.multiply(factors.scale());
                }
                if (factors.decay() != 1) {
                    parameter.multiplyInPlace(factors.decay());
                }
                mean.multiplyInPlace(factors.beta1()).addScaledInPlace(gradient, 1 - factors.beta1());
                square.multiplyInPlace(factors.beta2()).addProductInPlace(gradient, gradient, 1 - factors.beta2());
                Tensor denominator = square.squareRoot()
                        .divideInPlace(factors.rootCorrection())
                        .addInPlace(factors.epsilon());
                parameter.addQuotientInPlace(mean, denominator, -factors.step());

                long own = memory.of(p);
                long ownMean = memory.of(m);
                long ownSquare = memory.of(v);
                AdamWStep.adamw(own, ownMean, ownSquare, memory.of(g), n, factors);
                assertThat(Memory.floats(ownMean, n)).as("means of %s", factors).containsExactly(mean.floats());
                assertThat(Memory.floats(ownSquare, n))
                        .as("squares of %s", factors)
                        .containsExactly(square.floats());
                assertThat(Memory.floats(own, n))
                        .as("parameters of %s", factors)
                        .containsExactly(parameter.floats());
            }
        }
    }

    @Test
    void wrongShapesAreRefusedBeforeAnythingIsWritten() {
        try (Memory memory = new Memory()) {
            long any = memory.of(new float[64]);
            AdamWStep.Factors factors = factors(new SplittableRandom(3), 1);
            assertThatThrownBy(() -> AdamWStep.adamw(any, any, any, any, 0, factors))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("n must be > 0, got: 0");
            assertThatThrownBy(() -> AdamWStep.adamw(any, any, 0, any, 4, factors))
                    .hasMessage("square must be an address, got: 0");
            assertThat(Memory.floats(any, 64)).containsOnly(0f);
        }
    }
}
