package org.minpro.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.minpro.model.Kernels;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;

/** What is said of the vectors on a device, where a CPU has them. */
class KernelNoticesTest {
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "BF16"})
    void onAGpuLibtorchComputesAndOneLineSaysSo(DType type) {
        assertThat(Kernels.notices(Device.cuda(1), type))
                .containsExactly(
                        "computing with libtorch's operations instead of vectors, because the device is a GPU");
        assertThat(Kernels.exact(Device.cuda(1), type)).isFalse();
    }

    @Test
    void onACpuThereIsNothingToSayOfFloat32() {
        assumeTrue(Kernels.vectors(), Kernels.reason());
        assertThat(Kernels.notices(Device.CPU, DType.F32)).isEmpty();
        assertThat(Kernels.exact(Device.CPU, DType.F32)).isTrue();
        assertThat(Kernels.description(Device.CPU)).matches("vectors of \\d+ bits");
    }
}
