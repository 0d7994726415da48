package org.minpro.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
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
        router = Projection.of(parameters, prefix + "gate", map);
        for (int expert = 0; expert < moe.experts(); expert++) {
            experts.add(new Dense(
                    Projection.ofExpert(parameters, prefix + "experts.gate_up_proj", expert, map),
                    Projection.ofExpert(parameters, prefix + "experts.down_proj", expert, map),
                    steps));
        }
    }

    @Override
    public Tensor project(Tensor x, @Nullable Consumer<Transformer.Routing> listener) {
        Choice choice = choose(router.apply(x), listener);
        Tensor sum = x.zerosLike();
        for (int expert = 0; expert < moe.experts(); expert++) {
            Share share = choice.share(expert, steps);
            if (share == null) {
                continue;
            }
            Dense chosen = experts.get(expert);
            Tensor y = chosen.finish(chosen.project(x.indexSelect(0, share.tokens), null));
            sum = sum.indexAdd(0, share.tokens, y.multiply(share.column(y.type())));
        }
        return sum;
    }

    @Override
    public Tensor finish(Tensor projected) {
        return projected;
    }

    /** Computes everything again: what each expert was given is not kept. */
    @Override
    public Tensor backward(Tensor x, Tensor projected, Tensor upstream, WeightGradients gradients) {
        Tensor logits;
        try (NoGradient off = NoGradient.open()) {
            logits = router.apply(x).detach();
        }
        Choice choice = choose(logits.requireGradient(), null);
        Tensor toWeights = choice.weights.zerosLike();
        Tensor toX = x.zerosLike();
        for (int expert = 0; expert < moe.experts(); expert++) {
            try (Scope scope = Scope.open()) {
                Share share = choice.share(expert, steps);
                if (share != null) {
                    Tensor rows = x.indexSelect(0, share.tokens);
                    Tensor upstreamRows = upstream.indexSelect(0, share.tokens);
                    Tensor inner;
                    try (NoGradient off = NoGradient.open()) {
                        inner = experts.get(expert).project(rows, null);
                        Tensor y = experts.get(expert).finish(inner);
                        Tensor toShare = upstreamRows.multiply(y).sum(1, false).to(toWeights.type());
                        toWeights.indexAddInPlace(0, share.places, toShare.multiply(share.real));
                    }
                    Tensor toY = upstreamRows.multiply(
                            share.column(upstreamRows.type()).detach());
                    toX.indexAddInPlace(0, share.tokens, experts.get(expert).backward(rows, inner, toY, gradients));
                }
            }
        }
        choice.weights.backward(toWeights);
        return toX.addInPlace(router.backward(x, Objects.requireNonNull(logits.gradient()), gradients));
    }

    /** The router's choice from its logits, {@code [tokens, experts]}. */
    private Choice choose(Tensor logits, @Nullable Consumer<Transformer.Routing> listener) {
        Tensor probabilities =
                logits.to(logits.type() == DType.F64 ? DType.F64 : DType.F32).softmax(1);
        Tensor.Ranked top = probabilities.largest(moe.expertsPerToken(), 1);
        Tensor weights = moe.normTopKProb() ? top.values().divide(top.values().sum(1, true)) : top.values();
        if (listener != null) {
            listener.accept(new Transformer.Routing(layer, probabilities.detach(), top.indices()));
        }
        long[] experts = top.indices().longs();
        return new Choice(experts, weights.reshape(experts.length), moe.expertsPerToken());
    }

    /**
     * What the router chose.
     *
     * @param experts of each token, {@code perToken} in a row
     * @param weights of these experts, {@code [tokens * perToken]}
     */
    private record Choice(long[] experts, Tensor weights, int perToken) {
        /** What one expert is given; null where no token chose it. */
        @Nullable Share share(int expert, ModelSteps steps) {
            int count = 0;
            for (long choice : experts) {
                count += choice == expert ? 1 : 0;
            }
            if (count == 0) {
                return null;
            }
            int padded = steps.padded(count);
            long[] tokens = new long[padded];
            long[] places = new long[padded];
            float[] real = new float[padded];
            int at = 0;
            for (int i = 0; i < experts.length; i++) {
                if (experts[i] == expert) {
                    tokens[at] = i / perToken;
                    places[at] = i;
                    real[at++] = 1;
                }
            }
            Device device = weights.device();
            Tensor ofPlaces = Tensor.of(device, places);
            Tensor ofReal = Tensor.of(device, real).to(weights.type());
            return new Share(
                    Tensor.of(device, tokens),
                    ofPlaces,
                    ofReal,
                    weights.indexSelect(0, ofPlaces).multiply(ofReal));
        }
    }

    /**
     * The rows of one expert, filled up ({@link ModelSteps#padded}) with token 0 and weight 0, so that
     * the kernel does not depend on how many tokens chose it.
     *
     * @param tokens that chose it, {@code [rows]}
     * @param places of the choices among those of all tokens, {@code [rows]}
     * @param real 1, or 0 for a row that fills up, {@code [rows]}
     * @param weights of the rows, {@code [rows]}
     */
    private record Share(Tensor tokens, Tensor places, Tensor real, Tensor weights) {
        /** The weights as they multiply the rows of a type, {@code [rows, 1]}. */
        Tensor column(DType type) {
            return weights.unsqueeze(1).to(type);
        }
    }
}
