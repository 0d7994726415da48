package org.minpro.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.minpro.model.ModelConfig;
import org.minpro.model.ModelSteps;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/** Gradients are added to their sums with the bits of libtorch's addition. */
class GradientAdditionTest {
    private final ModelConfig config = Models.builtin();

    @Test
    void hasTheBitsOfLibtorchs() {
        SplittableRandom random = new SplittableRandom(1);
        for (DType type : new DType[] {DType.F32, DType.BF16}) {
            ModelSteps steps = new VectorSteps(config, Device.CPU, type, true);
            for (int i = 0; i < 100; i++) {
                int rows = random.nextInt(1, 40);
                int width = random.nextInt(1, 100);
                try (Scope scope = Scope.open();
                        NoGradient off = NoGradient.open()) {
                    Tensor gradient =
                            normals(random, rows * width).view(rows, width).to(type);
                    Tensor sum = normals(random, rows * width).view(rows, width);
                    Tensor expected = sum.copy().addInPlace(gradient);
                    steps.addGradient(sum, i % 3 == 0 ? withGaps(gradient) : gradient);
                    assertThat(sum.floats())
                            .as("%s, %d by %d", type, rows, width)
                            .isEqualTo(expected.floats());
                }
            }
        }
    }

    /** Some rows of a sum are added to alone: those of a slice, or of an expert. */
    @Test
    void leavesTheRowsBesideAlone() {
        ModelSteps steps = new VectorSteps(config, Device.CPU, DType.BF16, true);
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Tensor sum = Tensor.zeros(Device.CPU, DType.F32, 6, 5);
            steps.addGradient(sum.narrow(0, 2, 3), Tensor.ones(Device.CPU, DType.BF16, 3, 5));
            assertThat(sum.narrow(0, 2, 3).contiguous().floats()).containsOnly(1f);
            assertThat(sum.narrow(0, 0, 2).contiguous().floats()).containsOnly(0f);
            assertThat(sum.narrow(0, 5, 1).contiguous().floats()).containsOnly(0f);
        }
    }

    @Test
    void wrongShapesAreRefusedBeforeAnythingIsWritten() {
        ModelSteps steps = new VectorSteps(config, Device.CPU, DType.BF16, true);
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Tensor sum = Tensor.zeros(Device.CPU, DType.F32, 4, 5);
            assertThatThrownBy(() -> steps.addGradient(sum, Tensor.ones(Device.CPU, DType.BF16, 5, 4)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("sum must be F32 [5, 4], got: ");
            assertThatThrownBy(() -> steps.addGradient(sum.transposed(), Tensor.ones(Device.CPU, DType.BF16, 5, 4)))
                    .hasMessageStartingWith("sum must be dense to be written over, got: ");
            assertThat(sum.floats()).containsOnly(0f);
        }
    }

    private static Tensor normals(SplittableRandom random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return Tensor.of(Device.CPU, values);
    }

    /** The same numbers with others between them. */
    private static Tensor withGaps(Tensor tensor) {
        return tensor.transposed().contiguous().transposed();
    }
}
