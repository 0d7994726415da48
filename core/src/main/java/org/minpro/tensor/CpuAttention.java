package org.minpro.tensor;

import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.jspecify.annotations.Nullable;

/** Libtorch's flash attention for CPUs. */
final class CpuAttention implements AttentionKernel {
    static final CpuAttention KERNEL = new CpuAttention();

    private static final NamedOperator FORWARD = new NamedOperator("aten::_scaled_dot_product_flash_attention_for_cpu");
    private static final NamedOperator BACKWARD =
            new NamedOperator("aten::_scaled_dot_product_flash_attention_for_cpu_backward");

    private CpuAttention() {}

    private static IValue optional(@Nullable Tensor mask) {
        return mask == null ? NamedOperator.NONE : new IValue(mask.value);
    }

    @Override
    public FlashAttention.Result forward(
            Tensor query, Tensor key, Tensor value, @Nullable Tensor mask, boolean causal) {
        IValueVector results = FORWARD.call(
                new IValue(query.value),
                new IValue(key.value),
                new IValue(value.value),
                NamedOperator.ZERO,
                NamedOperator.of(causal),
                optional(mask),
                NamedOperator.NONE);
        return new FlashAttention.Result(NamedOperator.result(results, 0), NamedOperator.result(results, 1));
    }

    @Override
    public FlashAttention.Gradient backward(
            Tensor upstream,
            Tensor query,
            Tensor key,
            Tensor value,
            FlashAttention.Result result,
            @Nullable Tensor mask,
            boolean causal) {
        IValueVector results = BACKWARD.call(
                new IValue(upstream.value),
                new IValue(query.value),
                new IValue(key.value),
                new IValue(value.value),
                new IValue(result.output().value),
                new IValue(result.logSumExp().value),
                NamedOperator.ZERO,
                NamedOperator.of(causal),
                optional(mask),
                NamedOperator.NONE);
        return FlashAttention.Gradient.of(results);
    }

    @Override
    public String description() {
        return "libtorch's flash attention for CPUs";
    }
}
