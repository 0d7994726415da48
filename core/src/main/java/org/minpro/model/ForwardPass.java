package org.minpro.model;

import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
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
    private final Tensor last;
    private final Tensor hidden;
    private final UnaryOperator<Tensor> readOut;
    private final List<DecoderLayer.Backward> layers;

    /** @param layers those that a gradient goes back through: all, or all from the lowest on that is trained */
    ForwardPass(
            Parameters parameters,
            Tensor ids,
            Tensor last,
            UnaryOperator<Tensor> readOut,
            List<DecoderLayer.Backward> layers) {
        this.parameters = parameters;
        this.ids = ids;
        this.last = last;
        this.readOut = readOut;
        this.layers = layers;
        try (NoGradient off = NoGradient.open()) {
            this.hidden = readOut.apply(last);
        }
    }

    /** As {@link Transformer#hidden}, {@code [responseTokens, hidden]}. */
    public Tensor hidden() {
        return hidden;
    }

    /**
     * Adds the gradients of all trained weights that the hidden states depend on; once for a pass.
     *
     * @param upstream {@code dL/dhidden}, {@code [responseTokens, hidden]}
     */
    public void backward(Tensor upstream, WeightGradients gradients) {
        Tensor gradient = DecoderLayer.piece(last, readOut, result -> upstream);
        boolean toEmbedding = parameters.parameter(EMBEDDING).trainable();
        for (int i = layers.size() - 1; i >= 0; i--) {
            gradient = layers.get(i).of(gradient, gradients, i > 0 || toEmbedding);
        }
        try (NoGradient off = NoGradient.open()) {
            if (toEmbedding) {
                gradients.sum(EMBEDDING).indexAddInPlace(0, ids, gradient.to(gradients.type()));
            }
            // What autograd left at the leaves: the norms.
            parameters.trainable().forEach((name, leaf) -> {
                if (leaf.gradient() != null) {
                    gradients.add(name, Objects.requireNonNull(leaf.gradient()));
                    leaf.clearGradient();
                }
            });
        }
    }
}
