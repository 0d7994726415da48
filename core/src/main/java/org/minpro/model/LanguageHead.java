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
    /** Logits held at once, by each worker. */
    public static final long CHUNK_ELEMENTS = 1L << 23;

    /** Tokens of the vocabulary whose gradient is computed at once. */
    private static final long SLICE = 8192;

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
                    Tensor distribution = logDistribution(states.narrow(0, start, length));
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
            Tensor headGradient = gradients.sum(model.headName());
            long tokens = states.size(0);
            long chunk = chunk();
            Tensor result = scope.keep(Tensor.empty(states.type(), states.shape()));
            for (long start = 0; start < tokens; start += chunk) {
                long length = Math.min(chunk, tokens - start);
                try (Scope inner = Scope.open()) {
                    Tensor part = states.narrow(0, start, length);
                    Tensor toLogits =
                            toLogits(part, targets.narrow(0, start, length), upstream.narrow(0, start, length));
                    result.narrow(0, start, length).copyInPlace(toLogits.matrixProduct(weight));
                    addProduct(headGradient, toLogits, part);
                }
            }
            return result;
        }
    }

    /** Adds {@code toLogits^T states} by slices of the vocabulary: the whole product takes as much as the head. */
    private static void addProduct(Tensor headGradient, Tensor toLogits, Tensor states) {
        long vocabulary = toLogits.size(1);
        for (long start = 0; start < vocabulary; start += SLICE) {
            long length = Math.min(SLICE, vocabulary - start);
            try (Scope scope = Scope.open()) {
                headGradient
                        .narrow(0, start, length)
                        .addInPlace(
                                toLogits.narrow(1, start, length).transposed().matrixProduct(states));
            }
        }
    }

    // What is as large as the logits is freed as soon as it has been used: a chunk of it takes 32 MB.

    private Tensor logDistribution(Tensor states) {
        try (Scope scope = Scope.open()) {
            return scope.keep(scores(states).logSoftmax(1));
        }
    }

    /** {@code dL/dz}, {@code [tokens, vocabulary]}, in the states' type. */
    private Tensor toLogits(Tensor states, Tensor targets, Tensor upstream) {
        try (Scope scope = Scope.open()) {
            Tensor distribution = distribution(states);
            Tensor scale = upstream.divide(temperature).to(distribution.type()).unsqueeze(1);
            distribution.multiplyInPlace(scale.negate()).scatterAddInPlace(1, targets.unsqueeze(1), scale);
            return scope.keep(distribution.to(states.type()));
        }
    }

    private Tensor distribution(Tensor states) {
        try (Scope scope = Scope.open()) {
            return scope.keep(scores(states).softmax(1));
        }
    }

    private Tensor scores(Tensor states) {
        try (Scope scope = Scope.open()) {
            Tensor logits = model.logits(states);
            return scope.keep(temperature == 1 ? logits : logits.divide(temperature));
        }
    }

    private long chunk() {
        return Math.max(16, CHUNK_ELEMENTS / model.config().vocabSize());
    }
}
