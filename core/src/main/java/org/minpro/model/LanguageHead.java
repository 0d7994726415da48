package org.minpro.model;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * Log-probabilities of target tokens from hidden states, and their gradient, without ever holding
 * {@code [tokens, vocabulary]} for more than a chunk of tokens.
 *
 * <p>{@code log pi(y_t) = log_softmax(z_t / temperature)[y_t]} in float32, before any truncation.
 */
public final class LanguageHead {
    /** Logits held at once. */
    private static final long CHUNK_ELEMENTS = 1L << 24;

    private final Transformer model;
    private final double temperature;

    public LanguageHead(Transformer model, double temperature) {
        if (!(temperature > 0)) {
            throw new IllegalArgumentException("temperature must be > 0, got: " + temperature);
        }
        this.model = model;
        this.temperature = temperature;
    }

    /**
     * @param logProbs log pi of the targets, {@code [tokens]}, nats, float32 (float64 for a float64 model)
     * @param entropies of the whole distributions, {@code [tokens]}, nats; null unless asked for
     */
    public record Result(Tensor logProbs, @Nullable Tensor entropies) {}

    /**
     * @param hidden {@code [tokens, hidden]}; its history is not touched
     * @param targets {@code [tokens]}
     */
    public Result logProbs(Tensor hidden, Tensor targets, boolean withEntropy) {
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Tensor states = hidden.detach();
            long tokens = states.size(0);
            long chunk = chunk();
            List<Tensor> logProbs = new java.util.ArrayList<>();
            List<Tensor> entropies = new java.util.ArrayList<>();
            for (long start = 0; start < tokens; start += chunk) {
                long length = Math.min(chunk, tokens - start);
                try (Scope inner = Scope.open()) {
                    Tensor distribution =
                            scores(states.narrow(0, start, length)).logSoftmax(1);
                    Tensor index = targets.narrow(0, start, length).unsqueeze(1);
                    logProbs.add(inner.keep(distribution.gather(1, index).squeeze(1)));
                    if (withEntropy) {
                        entropies.add(inner.keep(distribution
                                .multiply(distribution.exp())
                                .sum(1, false)
                                .negate()));
                    }
                }
            }
            Tensor all = scope.keep(Tensor.concatenate(logProbs, 0));
            return new Result(all, withEntropy ? scope.keep(Tensor.concatenate(entropies, 0)) : null);
        }
    }

    /**
     * The gradient through the head, written out: {@code dL/dz_v = u (1[v = y] - p_v) / temperature}.
     *
     * @param upstream {@code u = dL/dlog pi}, {@code [tokens]}
     * @param gradients the head's gradient, {@code [vocabulary, hidden]}, is added to them
     * @return {@code dL/dhidden}, {@code [tokens, hidden]}, in the hidden states' type
     */
    public Tensor gradient(Tensor hidden, Tensor targets, Tensor upstream, WeightGradients gradients) {
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Tensor states = hidden.detach();
            Tensor weight = model.head().detach();
            Tensor headGradient = gradients.sum(model.headName(), weight.shape());
            long tokens = states.size(0);
            long chunk = chunk();
            Tensor result = scope.keep(Tensor.empty(states.type(), states.shape()));
            for (long start = 0; start < tokens; start += chunk) {
                long length = Math.min(chunk, tokens - start);
                try (Scope inner = Scope.open()) {
                    Tensor part = states.narrow(0, start, length);
                    Tensor scores = scores(part);
                    Tensor scale = upstream.narrow(0, start, length)
                            .divide(temperature)
                            .to(scores.type())
                            .unsqueeze(1);
                    Tensor distribution = scores.softmax(1).multiplyInPlace(scale.negate());
                    distribution.scatterAddInPlace(
                            1, targets.narrow(0, start, length).unsqueeze(1), scale);
                    Tensor toLogits = distribution.to(part.type());
                    result.narrow(0, start, length).copyInPlace(toLogits.matrixProduct(weight));
                    headGradient.addInPlace(toLogits.transposed().matrixProduct(part));
                }
            }
            return result;
        }
    }

    private Tensor scores(Tensor states) {
        Tensor logits = model.logits(states);
        return temperature == 1 ? logits : logits.divide(temperature);
    }

    private long chunk() {
        return Math.max(16, CHUNK_ELEMENTS / model.config().vocabSize());
    }
}
