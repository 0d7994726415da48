package org.minpro.tensor;

import org.jspecify.annotations.Nullable;

/** {@link FlashAttention} written out in plain operations, on every device; computes bfloat16 in float32, and holds all scores. */
final class PlainAttention implements AttentionKernel {
    private final String reason;

    /** @param reason why these operations compute, for reports */
    PlainAttention(String reason) {
        this.reason = reason;
    }

    /** {@code q k^T / sqrt(d)}, minus infinity where a query does not see a key, {@code [batch, heads, queries, keys]}. */
    private static Tensor scores(Tensor query, Tensor key, @Nullable Tensor mask, boolean causal) {
        Tensor scores = query.matrixProduct(key.transpose(2, 3)).multiply(scale(query));
        if (mask != null) {
            return scores.add(mask);
        }
        if (!causal) {
            return scores;
        }
        Device device = query.device();
        Tensor queries = Tensor.range(device, 0, query.size(2)).unsqueeze(1);
        Tensor later = Tensor.range(device, 0, key.size(2)).unsqueeze(0).greater(queries);
        return scores.maskedFill(later, Double.NEGATIVE_INFINITY);
    }

    private static double scale(Tensor query) {
        return 1 / Math.sqrt((double) query.size(3));
    }

    private static Tensor wide(Tensor tensor) {
        return tensor.type() == DType.BF16 ? tensor.to(DType.F32) : tensor;
    }

    private static @Nullable Tensor wideMask(@Nullable Tensor mask) {
        return mask == null ? null : wide(mask);
    }

    @Override
    public FlashAttention.Result forward(
            Tensor query, Tensor key, Tensor value, @Nullable Tensor mask, boolean causal) {
        Tensor scores = scores(wide(query), wide(key), wideMask(mask), causal);
        Tensor logSumExp = scores.logSumExp(3, false); // [batch, heads, queries]
        Tensor probabilities = scores.subtract(logSumExp.unsqueeze(3)).exp();
        return new FlashAttention.Result(
                probabilities.matrixProduct(wide(value)).to(query.type()), logSumExp);
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
        DType type = query.type();
        Tensor slope = wide(upstream);
        Tensor probabilities = scores(wide(query), wide(key), wideMask(mask), causal)
                .subtract(result.logSumExp().unsqueeze(3))
                .exp(); // [batch, heads, queries, keys]
        Tensor toValue = probabilities.transpose(2, 3).matrixProduct(slope);
        Tensor mean = slope.multiply(wide(result.output())).sum(3, true);
        Tensor toScores = slope.matrixProduct(wide(value).transpose(2, 3))
                .subtract(mean)
                .multiply(probabilities)
                .multiply(scale(query));
        return new FlashAttention.Gradient(
                toScores.matrixProduct(wide(key)).to(type),
                toScores.transpose(2, 3).matrixProduct(wide(query)).to(type),
                toValue.to(type));
    }

    @Override
    public String description() {
        return "plain operations for attention, because " + reason;
    }
}
