package org.minpro.kernels;

import org.minpro.model.ExpertChoice;
import org.minpro.model.ModelConfig;
import org.minpro.tensor.DType;
import org.minpro.tensor.Tensor;

/** {@link ExpertRows} over the tokens of a block; sums are float32. */
final class VectorChoice implements ExpertChoice {
    private final ModelConfig.Moe moe;
    private final DType type;
    private final boolean half;
    private final int tokens;
    private final Tensor probabilities;
    private final Tensor chosen;
    private final Tensor weights;
    private final ExpertGroups groups;

    /** @param logits {@code [tokens, experts]} in the model's type */
    VectorChoice(Tensor logits, DType type, ModelConfig.Moe moe) {
        this.moe = moe;
        this.type = type;
        half = type == DType.BF16;
        tokens = Math.toIntExact(logits.size(0));
        Tensor given = TensorMemory.dense("router's logits", logits, type, tokens, moe.experts());
        probabilities = Tensor.empty(logits.device(), DType.F32, tokens, moe.experts());
        chosen = Tensor.empty(logits.device(), DType.I64, tokens, moe.expertsPerToken());
        weights = Tensor.empty(logits.device(), DType.F32, tokens, moe.expertsPerToken());
        ExpertRows.route(
                half,
                given.address(),
                tokens,
                moe.experts(),
                moe.expertsPerToken(),
                moe.normTopKProb(),
                probabilities.address(),
                chosen.address(),
                weights.address());
        groups = ExpertGroups.of(chosen.address(), tokens, moe.expertsPerToken(), moe.experts());
    }

    @Override
    public Tensor probabilities() {
        return probabilities;
    }

    @Override
    public Tensor chosen() {
        return chosen;
    }

    @Override
    public int rows(int expert) {
        return groups.count(expert);
    }

    @Override
    public Tensor gather(int expert, Tensor x) {
        long n = x.size(1);
        Tensor given = TensorMemory.dense("x", x, type, tokens, n);
        Tensor rows = Tensor.empty(x.device(), type, rows(expert), n);
        ExpertRows.gather(half, given.address(), groups, expert, rows.address(), Math.toIntExact(n));
        return rows;
    }

    @Override
    public Tensor sums(Tensor x) {
        return Tensor.zeros(x.device(), DType.F32, tokens, x.size(1));
    }

    @Override
    public void addWeighted(int expert, Tensor y, Tensor sums) {
        add(expert, y, weights.address(), sums);
    }

    @Override
    public void add(int expert, Tensor rows, Tensor sums) {
        add(expert, rows, 0, sums);
    }

    private void add(int expert, Tensor rows, long weightsOf, Tensor sums) {
        long n = rows.size(1);
        Tensor given = TensorMemory.dense("expert's rows", rows, type, rows(expert), n);
        Tensor to = TensorMemory.dense("sums", sums, DType.F32, tokens, n);
        ExpertRows.add(half, given.address(), weightsOf, groups, expert, to.address(), Math.toIntExact(n));
    }

    @Override
    public Tensor weightGradients() {
        return weights.zerosLike();
    }

    @Override
    public Tensor weightedBackward(int expert, Tensor upstream, Tensor y, Tensor toWeights) {
        long n = y.size(1);
        Tensor up = TensorMemory.dense("upstream", upstream, type, tokens, n);
        Tensor given = TensorMemory.dense("expert's rows", y, type, rows(expert), n);
        Tensor toY = given.emptyLike();
        ExpertRows.addBack(
                half,
                up.address(),
                given.address(),
                weights.address(),
                groups,
                expert,
                toY.address(),
                TensorMemory.dense("weights' gradients", toWeights, DType.F32, tokens, moe.expertsPerToken())
                        .address(),
                Math.toIntExact(n));
        return toY;
    }

    @Override
    public Tensor backward(Tensor toWeights) {
        Tensor up = TensorMemory.dense("weights' gradients", toWeights, DType.F32, tokens, moe.expertsPerToken());
        Tensor toLogits = Tensor.empty(toWeights.device(), type, tokens, moe.experts());
        ExpertRows.routeBack(
                half,
                probabilities.address(),
                chosen.address(),
                weights.address(),
                up.address(),
                tokens,
                moe.experts(),
                moe.expertsPerToken(),
                moe.normTopKProb(),
                toLogits.address());
        return toLogits;
    }
}
