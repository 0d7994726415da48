package org.minpro.model;

import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.DType;
import org.minpro.tensor.Tensor;

/**
 * Mixture of experts: softmax router in float32, the {@code k} most probable experts of each token, their
 * probabilities divided by their sum where {@code norm_topk_prob} says so.
 */
final class Experts implements FeedForward {
    private final int layer;
    private final ModelConfig.Moe moe;
    private final LinearMap map;
    private final Tensor router;
    private final Tensor gateUp;
    private final Tensor down;

    Experts(ModelConfig config, Parameters parameters, int layer, LinearMap map) {
        this.layer = layer;
        this.map = map;
        moe = Objects.requireNonNull(config.moe());
        String prefix = "model.layers." + layer + ".mlp.";
        router = parameters.stored(prefix + "gate.weight");
        gateUp = parameters.stored(prefix + "experts.gate_up_proj.weight");
        down = parameters.stored(prefix + "experts.down_proj.weight");
    }

    @Override
    public Tensor project(Tensor x, @Nullable Consumer<Transformer.Routing> listener) {
        Tensor logits = map.apply(x, router, null);
        Tensor probabilities =
                logits.to(logits.type() == DType.F64 ? DType.F64 : DType.F32).softmax(1);
        Tensor.Ranked top = probabilities.largest(moe.expertsPerToken(), 1);
        Tensor weights = moe.normTopKProb() ? top.values().divide(top.values().sum(1, true)) : top.values();
        if (listener != null) {
            listener.accept(new Transformer.Routing(layer, probabilities.detach(), top.indices()));
        }
        long[] chosen = top.indices().longs();
        Tensor flatWeights = weights.reshape(chosen.length);
        Tensor sum = Tensor.zeros(x.type(), x.shape());
        for (int expert = 0; expert < moe.experts(); expert++) {
            Tensor[] places = places(chosen, expert);
            if (places.length == 0) {
                continue;
            }
            Tensor rows = x.indexSelect(0, places[0]);
            Tensor gated = Dense.gated(map.apply(rows, gateUp.select(0, expert), null));
            Tensor y = map.apply(gated, down.select(0, expert), null);
            Tensor weight = flatWeights.indexSelect(0, places[1]).multiply(places[2].to(flatWeights.type()));
            sum = sum.indexAdd(0, places[0], y.multiply(weight.unsqueeze(1).to(y.type())));
        }
        return sum;
    }

    @Override
    public Tensor finish(Tensor projected) {
        return projected;
    }

    /** By autograd, through the whole of it again: what each expert was given is not kept. */
    @Override
    public Tensor backward(Tensor x, Tensor projected, Tensor upstream, WeightGradients gradients) {
        Tensor leaf = x.detach().requireGradient();
        project(leaf, null).backward(upstream);
        return Objects.requireNonNull(leaf.gradient());
    }

    /**
     * Tokens that chose an expert, places of the choice, and 1; filled up to a multiple of {@link Transformer#ROW_STEP} with
     * token 0 and weight 0, so that the kernel does not depend on how many chose it.
     */
    private Tensor[] places(long[] chosen, int expert) {
        int count = 0;
        for (long choice : chosen) {
            count += choice == expert ? 1 : 0;
        }
        if (count == 0) {
            return new Tensor[0];
        }
        int padded = (count + Transformer.ROW_STEP - 1) / Transformer.ROW_STEP * Transformer.ROW_STEP;
        long[] tokens = new long[padded];
        long[] places = new long[padded];
        float[] real = new float[padded];
        int at = 0;
        for (int i = 0; i < chosen.length; i++) {
            if (chosen[i] == expert) {
                tokens[at] = i / moe.expertsPerToken();
                places[at] = i;
                real[at++] = 1;
            }
        }
        return new Tensor[] {Tensor.of(tokens), Tensor.of(places), Tensor.of(real)};
    }
}
