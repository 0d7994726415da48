package org.minpro.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Tensor;

/**
 * {@link ExpertChoice} by libtorch's operations. An expert's rows are filled up ({@link ModelSteps#padded}) with token 0 and weight
 * 0, so that the kernel does not depend on how many tokens chose it. Autograd can record all but the written ways back.
 */
final class LibtorchChoice implements ExpertChoice {
    private final Tensor logits;
    private final ModelConfig.Moe moe;
    private final Tensor probabilities;
    private final Tensor chosen;
    /** {@code [tokens * perToken]}. */
    private final Tensor weights;

    private final List<@Nullable Share> shares = new ArrayList<>();

    /**
     * The rows of one expert.
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

    LibtorchChoice(ModelSteps steps, Tensor logits, ModelConfig.Moe moe) {
        this.logits = logits;
        this.moe = moe;
        probabilities = probabilities(logits);
        Tensor.Ranked top = probabilities.largest(moe.expertsPerToken(), 1);
        chosen = top.indices();
        long[] experts = chosen.longs();
        weights = weights(top.values()).reshape(experts.length);
        for (int expert = 0; expert < moe.experts(); expert++) {
            shares.add(share(expert, experts, steps));
        }
    }

    private static Tensor probabilities(Tensor logits) {
        return logits.to(logits.type() == DType.F64 ? DType.F64 : DType.F32).softmax(1);
    }

    /** Of the chosen experts, from their probabilities. */
    private Tensor weights(Tensor ofChosen) {
        return moe.normTopKProb() ? ofChosen.divide(ofChosen.sum(1, true)) : ofChosen;
    }

    private @Nullable Share share(int expert, long[] experts, ModelSteps steps) {
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
                tokens[at] = i / moe.expertsPerToken();
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

    private Share of(int expert) {
        return Objects.requireNonNull(shares.get(expert), "an expert that a token chose");
    }

    @Override
    public Tensor probabilities() {
        return probabilities.detach();
    }

    @Override
    public Tensor chosen() {
        return chosen;
    }

    @Override
    public int rows(int expert) {
        Share share = shares.get(expert);
        return share == null ? 0 : Math.toIntExact(share.tokens.size(0));
    }

    @Override
    public Tensor gather(int expert, Tensor x) {
        return x.indexSelect(0, of(expert).tokens);
    }

    @Override
    public Tensor sums(Tensor x) {
        return x.zerosLike();
    }

    @Override
    public void addWeighted(int expert, Tensor y, Tensor sums) {
        add(expert, y.multiply(of(expert).column(y.type())), sums);
    }

    @Override
    public void add(int expert, Tensor rows, Tensor sums) {
        // A token chooses an expert once; rows that fill up are zero.
        sums.indexAddOnceInPlace(0, of(expert).tokens, rows);
    }

    @Override
    public Tensor weightGradients() {
        return weights.zerosLike();
    }

    @Override
    public Tensor weightedBackward(int expert, Tensor upstream, Tensor y, Tensor toWeights) {
        Share share = of(expert);
        Tensor ofRows = upstream.indexSelect(0, share.tokens);
        Tensor toShare = ofRows.multiply(y).sum(1, false).to(toWeights.type());
        toWeights.indexAddOnceInPlace(0, share.places, toShare.multiply(share.real));
        return ofRows.multiply(share.column(ofRows.type()));
    }

    @Override
    public Tensor backward(Tensor toWeights) {
        Tensor leaf = logits.detach().requireGradient();
        weights(probabilities(leaf).gather(1, chosen)).backward(toWeights.view(chosen.shape()));
        return Objects.requireNonNull(leaf.gradient());
    }
}
