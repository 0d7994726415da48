package org.minpro.tensor;

import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;

/**
 * Attention whose scores never leave the kernel (FlashAttention-2, arXiv 2307.08691): memory grows with the queries and the
 * keys, not with their product. It gives the log-sum-exp of each query's scores too, so that attention over parts of the
 * keys can be joined and differentiated; called without gradients, because autograd knows nothing of such joins.
 *
 * <p>Shapes: queries and what belongs to them {@code [batch, heads, queries, d]}, keys and values {@code [batch, heads,
 * keys, d]}, log-sum-exps {@code [batch, heads, queries]}; the last dimension is dense. Float32 or float64, on a CPU.
 */
public final class FlashAttention {
    private FlashAttention() {}

    /**
     * What queries found.
     *
     * @param output {@code softmax(q k^T / sqrt(d)) v}
     * @param logSumExp {@code log sum_j exp(q k_j / sqrt(d))}
     */
    public record Result(Tensor output, Tensor logSumExp) {}

    /** @param causal whether query i sees keys 0..i only */
    public static Result forward(Tensor query, Tensor key, Tensor value, boolean causal) {
        IValueVector results = Kernels.FORWARD.call(
                new IValue(query.value),
                new IValue(key.value),
                new IValue(value.value),
                Kernels.NO_DROPOUT,
                causal ? Kernels.CAUSAL : Kernels.NOT_CAUSAL,
                NamedOperator.NONE,
                NamedOperator.NONE);
        return new Result(NamedOperator.result(results, 0), NamedOperator.result(results, 1));
    }

    /** {@code dL/dq}, {@code dL/dk} and {@code dL/dv}. */
    public record Gradient(Tensor query, Tensor key, Tensor value) {}

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
        IValueVector results = Kernels.BACKWARD.call(
                new IValue(upstream.value),
                new IValue(query.value),
                new IValue(key.value),
                new IValue(value.value),
                new IValue(result.output.value),
                new IValue(result.logSumExp.value),
                Kernels.NO_DROPOUT,
                causal ? Kernels.CAUSAL : Kernels.NOT_CAUSAL,
                NamedOperator.NONE,
                NamedOperator.NONE);
        return new Gradient(
                NamedOperator.result(results, 0), NamedOperator.result(results, 1), NamedOperator.result(results, 2));
    }

    /** The operators and their arguments that never change. */
    private static final class Kernels {
        static final NamedOperator FORWARD = new NamedOperator("aten::_scaled_dot_product_flash_attention_for_cpu");
        static final NamedOperator BACKWARD =
                new NamedOperator("aten::_scaled_dot_product_flash_attention_for_cpu_backward");
        static final IValue NO_DROPOUT = NamedOperator.constant(new IValue(0.0));
        static final IValue CAUSAL = NamedOperator.constant(new IValue(true));
        static final IValue NOT_CAUSAL = NamedOperator.constant(new IValue(false));
    }
}
