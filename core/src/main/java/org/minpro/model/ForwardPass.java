package org.minpro.model;

import java.util.List;
import java.util.function.IntConsumer;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Tensor;

/**
 * A pass over a block that can be run backwards, made by {@link Transformer#record}.
 *
 * <p>It remembers what each layer was given and what its products gave; norms, rotation, attention and activations are
 * computed again on the way back, piece by piece, and the products' gradients are written out. So a token takes a third
 * of the memory that recording everything takes. Its tensors live in the scope in which it was made.
 */
public final class ForwardPass {
    private static final String EMBEDDING = "model.embed_tokens.weight";

    private final Parameters parameters;
    private final Tensor ids;
    private final ReadOut readOut;
    private final Tensor hidden;
    private final List<DecoderLayer.Backward> layers;
    private final int lowest;
    private final boolean tied;

    /**
     * The end of the pass: of the last layer's tokens those that predict, normed.
     *
     * @param steps of the model
     * @param norm its weight
     * @param epsilon of the norm
     * @param last what the last layer gave, {@code [tokens, hidden]}
     * @param predicting tokens that are read, {@code [responseTokens]}
     */
    record ReadOut(ModelSteps steps, Parameter norm, double epsilon, Tensor last, Tensor predicting) {
        /** {@code [responseTokens, hidden]}. */
        Tensor hidden() {
            return steps.norm(last.indexSelect(0, predicting), norm, epsilon);
        }

        private Tensor backward(Tensor upstream, WeightGradients gradients) {
            Tensor read = last.indexSelect(0, predicting);
            Tensor toRead = steps.normBackward(read, norm, epsilon, upstream, null, gradients);
            return last.zerosLike().indexAddInPlace(0, predicting, toRead);
        }
    }

    /**
     * @param layers those that a gradient goes back through: all, or all from the lowest on that is trained
     * @param lowest the index of the first of them in the model
     * @param tied whether the embedding is the head too
     */
    ForwardPass(
            Parameters parameters,
            Tensor ids,
            ReadOut readOut,
            List<DecoderLayer.Backward> layers,
            int lowest,
            boolean tied) {
        this.parameters = parameters;
        this.ids = ids;
        this.readOut = readOut;
        this.layers = layers;
        this.lowest = lowest;
        this.tied = tied;
        try (NoGradient off = NoGradient.open()) {
            this.hidden = readOut.hidden();
        }
    }

    /** As {@link Transformer#hidden}, {@code [responseTokens, hidden]}. */
    public Tensor hidden() {
        return hidden;
    }

    /**
     * Adds the gradients of all trained weights that the hidden states depend on; once for a pass, after those of the head.
     *
     * @param upstream {@code dL/dhidden}, {@code [responseTokens, hidden]}
     */
    public void backward(Tensor upstream, WeightGradients gradients) {
        backward(upstream, gradients, layer -> {});
    }

    /**
     * The same for who goes on with some gradients while the rest are computed.
     *
     * @param passed told of each layer, from the last one down, once the gradients of its parameters are added
     */
    public void backward(Tensor upstream, WeightGradients gradients, IntConsumer passed) {
        // The head's are added before the upstream is known.
        gradients.passStage();
        Tensor gradient = readOut.backward(upstream, gradients);
        gradients.passStage();
        boolean toEmbedding = parameters.parameter(EMBEDDING).trainable();
        for (int i = layers.size() - 1; i >= 0; i--) {
            gradient = layers.get(i).of(gradient, gradients, i > 0 || toEmbedding);
            gradients.passStage();
            passed.accept(lowest + i);
        }
        if (!toEmbedding) {
            return;
        }
        try (NoGradient off = NoGradient.open()) {
            if (tied) {
                gradients.addAtTheEnd(EMBEDDING, ids, gradient);
            } else {
                gradients.sum(EMBEDDING).indexAddInPlace(0, ids, gradient.to(gradients.type()));
            }
        }
    }
}
