package org.minpro.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * Mixture of experts: softmax router in float32, the {@code k} most probable experts of each token, their
 * probabilities divided by their sum where {@code norm_topk_prob} says so.
 */
final class Experts implements FeedForward {
    private final int layer;
    private final ModelConfig.Moe moe;
    private final ModelSteps steps;
    private final Projection router;
    private final List<Dense> experts = new ArrayList<>();

    Experts(ModelConfig config, Parameters parameters, int layer, ModelSteps steps, LinearMap map) {
        this.layer = layer;
        this.steps = steps;
        moe = Objects.requireNonNull(config.moe());
        String prefix = "model.layers." + layer + ".mlp.";
        router = Projection.of(parameters, prefix + "gate", steps, map);
        for (int expert = 0; expert < moe.experts(); expert++) {
            experts.add(new Dense(
                    Projection.ofExpert(parameters, prefix + "experts.gate_up_proj", expert, steps, map),
                    Projection.ofExpert(parameters, prefix + "experts.down_proj", expert, steps, map),
                    steps));
        }
    }

    @Override
    public Tensor project(Tensor x, @Nullable Consumer<Transformer.Routing> listener) {
        ExpertChoice choice = steps.choose(router.apply(x), moe);
        if (listener != null) {
            listener.accept(new Transformer.Routing(layer, choice.probabilities(), choice.chosen()));
        }
        Tensor sums = choice.sums(x);
        for (int expert = 0; expert < moe.experts(); expert++) {
            if (choice.rows(expert) > 0) {
                Dense chosen = experts.get(expert);
                choice.addWeighted(expert, chosen.finish(chosen.project(choice.gather(expert, x), null)), sums);
            }
        }
        return sums.to(x.type());
    }

    @Override
    public Tensor finish(Tensor projected) {
        return projected;
    }

    /** Computes everything again: what each expert was given is not kept. */
    @Override
    public Tensor backward(Tensor x, Tensor projected, Tensor upstream, WeightGradients gradients) {
        ExpertChoice choice;
        try (NoGradient off = NoGradient.open()) {
            choice = steps.choose(router.apply(x), moe);
        }
        Tensor toWeights = choice.weightGradients();
        Tensor toX = choice.sums(x);
        for (int expert = 0; expert < moe.experts(); expert++) {
            if (choice.rows(expert) == 0) {
                continue;
            }
            try (Scope scope = Scope.open()) {
                Dense chosen = experts.get(expert);
                Tensor rows = choice.gather(expert, x);
                Tensor inner;
                Tensor toY;
                try (NoGradient off = NoGradient.open()) {
                    inner = chosen.project(rows, null);
                    toY = choice.weightedBackward(expert, upstream, chosen.finish(inner), toWeights);
                }
                choice.add(expert, chosen.backward(rows, inner, toY, gradients), toX);
            }
        }
        return toX.to(x.type()).addInPlace(router.backward(x, choice.backward(toWeights), gradients));
    }
}
