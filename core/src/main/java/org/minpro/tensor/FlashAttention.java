package org.minpro.tensor;

import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.bytedeco.pytorch.IValueVector;
import org.jspecify.annotations.Nullable;

/**
 * Attention whose scores never leave the kernel (FlashAttention-2, arXiv 2307.08691): memory grows with the queries and the
 * keys, not with their product. It gives the log-sum-exp of each query's scores too, so that attention over parts of the
 * keys can be joined and differentiated; called without gradients, because autograd knows nothing of such joins.
 *
 * <p>Shapes: queries and what belongs to them {@code [batch, heads, queries, d]}, keys and values {@code [batch, heads,
 * keys, d]}, log-sum-exps {@code [batch, heads, queries]}, float32 where the rest is bfloat16; the last dimension is dense.
 * Float32 and bfloat16, on a CPU float64 too.
 *
 * <p>A CPU has libtorch's kernel for it. On a CUDA device libtorch's flash kernel is taken in bfloat16, its memory-efficient one in
 * float32, once it has given on small numbers what the plain operations give; where none has, those compute, and hold all scores.
 */
public final class FlashAttention {
    private static final ConcurrentMap<Wanted, AttentionKernel> KERNELS = new ConcurrentHashMap<>();

    /** @param headDim kernels of a GPU do not have all of them */
    private record Wanted(Device device, DType type, long headDim) {}

    private FlashAttention() {}

    /**
     * What queries found.
     *
     * @param output {@code softmax(q k^T / sqrt(d)) v}
     * @param logSumExp {@code log sum_j exp(q k_j / sqrt(d))}
     */
    public record Result(Tensor output, Tensor logSumExp) {}

    /** {@code dL/dq}, {@code dL/dk} and {@code dL/dv}. */
    public record Gradient(Tensor query, Tensor key, Tensor value) {
        /** What libtorch's operators give first, in this order. */
        static Gradient of(IValueVector results) {
            return new Gradient(
                    NamedOperator.result(results, 0),
                    NamedOperator.result(results, 1),
                    NamedOperator.result(results, 2));
        }
    }

    /** @param causal whether query i sees keys 0..i only */
    public static Result forward(Tensor query, Tensor key, Tensor value, boolean causal) {
        return kernel(query).forward(query, key, value, null, causal);
    }

    /** @param mask added to the scores, {@code [batch, 1, 1, keys]} in the queries' type; no query may see nothing */
    public static Result forward(Tensor query, Tensor key, Tensor value, @Nullable Tensor mask) {
        return kernel(query).forward(query, key, value, mask, false);
    }

    /**
     * The gradient through {@link #forward}: with {@code p = exp(s - logSumExp)} and {@code D = upstream . output} of each
     * query, {@code dv = p^T upstream} and {@code ds = p (upstream v^T - D)}. Where a query saw more keys than these, output
     * and log-sum-exp are those over all of them, and this is the share of these keys.
     *
     * @param upstream {@code dL/doutput}
     * @param result over all keys that a query saw
     */
    public static Gradient backward(
            Tensor upstream, Tensor query, Tensor key, Tensor value, Result result, boolean causal) {
        return kernel(query).backward(upstream, query, key, value, result, null, causal);
    }

    /** @param mask as it was in {@link #forward(Tensor, Tensor, Tensor, Tensor)} */
    public static Gradient backward(
            Tensor upstream, Tensor query, Tensor key, Tensor value, Result result, @Nullable Tensor mask) {
        return kernel(query).backward(upstream, query, key, value, result, mask, false);
    }

    /** What computes attention of heads of a size on a device in a type, for reports. */
    public static String description(Device device, DType type, long headDim) {
        return kernel(new Wanted(device, type, headDim)).description();
    }

    private static AttentionKernel kernel(Tensor query) {
        return kernel(new Wanted(query.device(), query.type(), query.size(3)));
    }

    private static AttentionKernel kernel(Wanted wanted) {
        return wanted.device().isCuda() ? KERNELS.computeIfAbsent(wanted, FlashAttention::ofCuda) : CpuAttention.KERNEL;
    }

    private static AttentionKernel ofCuda(Wanted wanted) {
        return AttentionCheck.first(
                wanted.device(),
                wanted.type(),
                wanted.headDim(),
                wanted.type() == DType.BF16
                        ? List.of(new CudaFlashAttention(), new CudaAttention())
                        : List.of(new CudaAttention()));
    }
}
