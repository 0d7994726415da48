package org.minpro.tensor;

import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.jspecify.annotations.Nullable;

/**
 * Libtorch's flash attention for CUDA devices (FlashAttention-2, arXiv 2307.08691), in bfloat16. It knows no masks; what has one
 * goes to {@link CudaAttention}.
 */
final class CudaFlashAttention implements AttentionKernel {
    private static final NamedOperator FORWARD = new NamedOperator("aten::_scaled_dot_product_flash_attention");
    private static final NamedOperator BACKWARD =
            new NamedOperator("aten::_scaled_dot_product_flash_attention_backward");

    private final AttentionKernel masked = new CudaAttention();

    @Override
    public FlashAttention.Result forward(
            Tensor query, Tensor key, Tensor value, @Nullable Tensor mask, boolean causal) {
        if (mask != null) {
            return masked.forward(query, key, value, mask, causal);
        }
        IValueVector results = FORWARD.call(
                new IValue(query.value),
                new IValue(key.value),
                new IValue(value.value),
                NamedOperator.ZERO,
                NamedOperator.of(causal),
                NamedOperator.NO,
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
        if (mask != null) {
            return masked.backward(upstream, query, key, value, result, mask, causal);
        }
        // Of rows that follow each other without padding, which these are not.
        IValue starts = new IValue(new org.bytedeco.pytorch.Tensor());
        // Nothing is dropped, so nothing is drawn.
        IValue seed = new IValue(Tensor.zeros(query.device(), DType.I64, 2).value);
        IValueVector results = FixedOrder.strictly(() -> BACKWARD.call(
                new IValue(upstream.value),
                new IValue(query.value),
                new IValue(key.value),
                new IValue(value.value),
                new IValue(result.output().value),
                new IValue(result.logSumExp().contiguous().value),
                starts,
                starts,
                new IValue(query.size(2)),
                new IValue(key.size(2)),
                NamedOperator.ZERO,
                NamedOperator.of(causal),
                seed,
                seed,
                NamedOperator.NONE));
        return FlashAttention.Gradient.of(results);
    }

    @Override
    public String description() {
        return "libtorch's flash attention";
    }
}
