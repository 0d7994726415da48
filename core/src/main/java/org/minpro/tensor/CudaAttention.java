package org.minpro.tensor;

import java.util.List;
import org.bytedeco.pytorch.Context;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/** Libtorch's memory-efficient attention for CUDA devices (arXiv 2112.05682), which computes in float32 too. */
final class CudaAttention implements AttentionKernel {
    /** The kernel's log-sum-exps are as long as the queries, rounded up to this; those too many are infinite. */
    private static final long ALIGNED = 32;

    /** Of sums over a few numbers of order 1. */
    private static final double TOLERANCE = 1e-4;

    private static final NamedOperator FORWARD = new NamedOperator("aten::_scaled_dot_product_efficient_attention");
    private static final NamedOperator BACKWARD =
            new NamedOperator("aten::_scaled_dot_product_efficient_attention_backward");

    /** Of queries, keys and values, not of the mask. */
    private static final IValue WANTED = BACKWARD.list(10, true, true, true, false);

    private CudaAttention() {}

    /** The kernel, or the plain operations where it does not give what they give on this device. */
    static AttentionKernel checked(Device device) {
        return checked(new CudaAttention(), device);
    }

    /** @param kernel to be compared with the plain operations */
    static AttentionKernel checked(AttentionKernel kernel, Device device) {
        try {
            double far = difference(kernel, device);
            return far <= TOLERANCE
                    ? kernel
                    : new PlainAttention("the kernel's check gave numbers that differ by " + far);
        } catch (RuntimeException e) {
            return new PlainAttention("the kernel's check failed: "
                    + String.valueOf(e.getMessage()).lines().findFirst().orElse(""));
        }
    }

    /** The largest difference of results and gradients, causal and with a mask, over two lengths of which none is round. */
    private static double difference(AttentionKernel kernel, Device device) {
        AttentionKernel plain = new PlainAttention("it is the measure");
        double largest = 0;
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Tensor query = normals(device, 0, 37);
            Tensor upstream = normals(device, 1, 37);
            Tensor mask = Tensor.zeros(device, DType.F32, 2, 1, 1, 56);
            mask.narrow(0, 0, 1).narrow(3, 41, 15).fillInPlace(Double.NEGATIVE_INFINITY);
            for (boolean causal : new boolean[] {true, false}) {
                int keys = causal ? 37 : 56;
                Tensor key = normals(device, 2, keys);
                Tensor value = normals(device, 3, keys);
                Tensor seen = causal ? null : mask;
                FlashAttention.Result expected = plain.forward(query, key, value, seen, causal);
                FlashAttention.Result result = kernel.forward(query, key, value, seen, causal);
                FlashAttention.Gradient slope = plain.backward(upstream, query, key, value, expected, seen, causal);
                FlashAttention.Gradient found = kernel.backward(upstream, query, key, value, result, seen, causal);
                for (Tensor each : List.of(
                        result.output().subtract(expected.output()),
                        result.logSumExp().subtract(expected.logSumExp()),
                        found.query().subtract(slope.query()),
                        found.key().subtract(slope.key()),
                        found.value().subtract(slope.value()))) {
                    // What is no number stays so.
                    largest = Math.max(largest, each.abs().max().item());
                }
            }
        }
        return largest;
    }

    private static Tensor normals(Device device, long draw, int length) {
        return Tensor.of(device, Philox.normals(2 * 3 * length * 16, 0, Philox.Purpose.TRIAL, draw), 2, 3, length, 16)
                .to(DType.F32);
    }

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
        IValueVector results = deterministic(
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
                NamedOperator.NONE);
        return new FlashAttention.Gradient(
                NamedOperator.result(results, 0), NamedOperator.result(results, 1), NamedOperator.result(results, 2));
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

    /** The kernel adds its parts in one order only where a warning would not do. */
    private static synchronized IValueVector deterministic(IValue... arguments) {
        Context context = torch.globalContext();
        context.setDeterministicAlgorithms(true, false);
        try {
            return BACKWARD.call(arguments);
        } finally {
            context.setDeterministicAlgorithms(true, true);
        }
    }

    @Override
    public String description() {
        return "libtorch's memory-efficient attention";
    }
}
