package org.minpro.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class AttentionKernelTest {
    /** The check of a CUDA kernel, with the CPU's kernel in its place: that one passes. */
    @Test
    void aKernelIsTakenThatGivesWhatThePlainOperationsGive() {
        assertThat(CudaAttention.checked(CpuAttention.KERNEL, Device.CPU)).isSameAs(CpuAttention.KERNEL);
    }

    @Test
    void aKernelWithWrongNumbersIsNotTaken() {
        AttentionKernel wrong = new AttentionKernel() {
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
        assertThat(CudaAttention.checked(wrong, Device.CPU).description())
                .isEqualTo(
                        "plain operations for attention, because the kernel's check gave numbers that differ by NaN");
    }

    /** The operator is found by its name; what it lacks here is a CUDA device. */
    @Test
    void withoutADeviceThePlainOperationsAreTakenAndSayWhy() {
        assumeTrue(Cuda.found().devices() == 0, "a CUDA device is there");
        assertThat(CudaAttention.checked(Device.CPU).description())
                .startsWith("plain operations for attention, because the kernel's check failed: ")
                .contains("_scaled_dot_product_efficient_attention");
    }
}
