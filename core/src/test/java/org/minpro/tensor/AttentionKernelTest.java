package org.minpro.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AttentionKernelTest {
    /** The check of a CUDA kernel, with the CPU's kernel in its place: that one passes. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "BF16"})
    void aKernelIsTakenThatGivesWhatThePlainOperationsGive(DType type) {
        assertThat(AttentionCheck.first(Device.CPU, type, 12, List.of(CpuAttention.KERNEL)))
                .isSameAs(CpuAttention.KERNEL);
    }

    @Test
    void aKernelWithWrongNumbersIsNotTaken() {
        AttentionKernel wrong = wrong();
        assertThat(AttentionCheck.first(Device.CPU, DType.F32, 16, List.of(wrong))
                        .description())
                .isEqualTo(
                        "plain operations for attention, because the kernel's check gave numbers that differ by NaN");
        assertThat(AttentionCheck.first(Device.CPU, DType.BF16, 64, List.of(wrong, CpuAttention.KERNEL)))
                .isSameAs(CpuAttention.KERNEL);
    }

    private static AttentionKernel wrong() {
        return new AttentionKernel() {
            @Override
            public FlashAttention.Result forward(Tensor q, Tensor k, Tensor v, @Nullable Tensor mask, boolean causal) {
                return CpuAttention.KERNEL.forward(q, k, v, mask, causal);
            }

            @Override
            public FlashAttention.Gradient backward(
                    Tensor upstream,
                    Tensor q,
                    Tensor k,
                    Tensor v,
                    FlashAttention.Result result,
                    @Nullable Tensor mask,
                    boolean causal) {
                FlashAttention.Gradient right = CpuAttention.KERNEL.backward(upstream, q, k, v, result, mask, causal);
                return new FlashAttention.Gradient(right.query(), right.key().multiply(Double.NaN), right.value());
            }

            @Override
            public String description() {
                return "wrong";
            }
        };
    }

    /** The operators are found by their names; what they lack here is a CUDA device. */
    @Test
    void withoutADeviceThePlainOperationsAreTakenAndSayWhy() {
        assumeTrue(Cuda.found().devices() == 0, "a CUDA device is there");
        assertThat(AttentionCheck.first(Device.CPU, DType.F32, 16, List.of(new CudaAttention()))
                        .description())
                .startsWith("plain operations for attention, because the kernel's check failed: ")
                .contains("_scaled_dot_product_efficient_attention");
        assertThat(AttentionCheck.first(Device.CPU, DType.BF16, 64, List.of(new CudaFlashAttention()))
                        .description())
                .contains("_scaled_dot_product_flash_attention");
    }
}
