package org.minpro.tensor;

import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.jspecify.annotations.Nullable;

/** Libtorch's memory-efficient attention for CUDA devices (arXiv 2112.05682), in float32 and in bfloat16. */
final class CudaAttention implements AttentionKernel {
    /** The kernel's log-sum-exps are as long as the queries, rounded up to this; those too many are infinite. */
    private static final long ALIGNED = 32;

    private static final NamedOperator FORWARD = new NamedOperator("aten::_scaled_dot_product_efficient_attention");
    private static final NamedOperator BACKWARD =
            new NamedOperator("aten::_scaled_dot_product_efficient_attention_backward");

    /** Of queries, keys and values, not of the mask. */
    private static final IValue WANTED = BACKWARD.list(10, true, true, true, false);

    CudaAttention() {}

    /** The kernel wants the mask for every query, which a stride of 0 gives it. */
    private static @Nullable Tensor expanded(@Nullable Tensor mask, Tensor query) {
        return mask == null ? null : mask.expand(query.size(0), query.size(1), query.size(2), mask.size(3));
    }

    @Override
    public FlashAttention.Result forward(
            Tensor query, Tensor key, Tensor value, @Nullable Tensor mask, boolean causal) {
        Tensor seen = expanded(mask, query);
        IValueVector results = FORWARD.call(
                new IValue(query.value),
                new IValue(key.value),
                new IValue(value.value),
                seen == null ? NamedOperator.NONE : new IValue(seen.value),
                NamedOperator.YES,
                NamedOperator.ZERO,
                NamedOperator.of(causal),
                NamedOperator.NONE);
        return new FlashAttention.Result(
                NamedOperator.result(results, 0),
                NamedOperator.result(results, 1).narrow(2, 0, query.size(2)));
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
        Tensor seen = expanded(mask, query);
        Tensor none = Tensor.zeros(query.device(), DType.I64);
        IValueVector results = FixedOrder.strictly(() -> BACKWARD.call(
                new IValue(upstream.value),
                new IValue(query.value),
                new IValue(key.value),
                new IValue(value.value),
                new IValue(seen == null ? new org.bytedeco.pytorch.Tensor() : seen.value),
                new IValue(result.output().value),
                new IValue(aligned(result.logSumExp()).value),
                new IValue(none.value),
                new IValue(none.value),
                NamedOperator.ZERO,
                WANTED,
                NamedOperator.of(causal),
                NamedOperator.NONE));
        return FlashAttention.Gradient.of(results);
    }

    /** With infinities behind the last query, for which the kernel then finds probabilities of 0. */
    private static Tensor aligned(Tensor logSumExp) {
        long queries = logSumExp.size(2);
        long length = (queries + ALIGNED - 1) / ALIGNED * ALIGNED;
        if (length == queries) {
            return logSumExp.contiguous();
        }
        Tensor longer = Tensor.full(
                logSumExp.device(),
                logSumExp.type(),
                Double.POSITIVE_INFINITY,
                logSumExp.size(0),
                logSumExp.size(1),
                length);
        longer.narrow(2, 0, queries).copyInPlace(logSumExp);
        return longer;
    }

    @Override
    public String description() {
        return "libtorch's memory-efficient attention";
    }
}
