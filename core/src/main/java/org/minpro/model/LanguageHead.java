package org.minpro.model;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.DType;
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
    /** Logits of a chunk, held at once by each worker in the model's type. */
    private static final long CHUNK_ELEMENTS = 1L << 25;

    /** Those of a chunk's logits that are turned into float32 probabilities at once: few, so that they stay in the caches. */
    private static final long PIECE_ELEMENTS = 1L << 21;

    /** On a GPU, whose caches hold none of it: a few launches for many tokens. */
    private static final long CUDA_ELEMENTS = 1L << 28;

    /** No fewer tokens than these at once, however large the vocabulary. */
    private static final long LEAST_TOKENS = 16;

    private final Transformer model;
    private final double temperature;
    private final long chunk;
    private final long piece;

    public LanguageHead(Transformer model, double temperature) {
        this(
                model,
                temperature,
                tokens(model.config(), chunkElements(Kernels.together(model.device()))),
                tokens(model.config(), pieceElements(Kernels.together(model.device()))));
    }

    /**
     * @param chunk tokens whose logits are held at once
     * @param piece tokens of a chunk whose probabilities are held at once
     */
    LanguageHead(Transformer model, double temperature, long chunk, long piece) {
        if (!(temperature > 0)) {
            throw new IllegalArgumentException("temperature must be > 0, got: " + temperature);
        }
        this.model = model;
        this.temperature = temperature;
        this.chunk = chunk;
        this.piece = piece;
    }

    private static long chunkElements(boolean cuda) {
        return cuda ? CUDA_ELEMENTS : CHUNK_ELEMENTS;
    }

    private static long pieceElements(boolean cuda) {
        return cuda ? CUDA_ELEMENTS : PIECE_ELEMENTS;
    }

    /** Tokens that have so many logits, roughly. */
    private static long tokens(ModelConfig config, long elements) {
        return Math.max(LEAST_TOKENS, elements / config.vocabSize());
    }

    /** Bytes that a pass over so many tokens takes beside its results, on a CUDA device or on a CPU. */
    public static long bytes(ModelConfig config, DType type, long tokens, boolean cuda) {
        long logits = Math.min(tokens, tokens(config, chunkElements(cuda))) * config.vocabSize();
        long probabilities = Math.min(tokens, tokens(config, pieceElements(cuda))) * config.vocabSize();
        // Of a piece: scores, scaled, their logarithm, its exponential and the two's product.
        return logits * type.bytes() + 5 * probabilities * DType.F32.bytes();
    }

    /**
     * @param logProbs log pi of the targets, {@code [tokens]}, nats, float32 (float64 for a float64 model)
     * @param entropies of the whole distributions, {@code [tokens]}, nats; null unless asked for
     * @param collisions {@code sum_v p_v^2} of the whole distributions, {@code [tokens]}; null unless asked for
     */
    public record Result(
            Tensor logProbs,
            @Nullable Tensor entropies,
            @Nullable Tensor collisions) {}

    /**
     * What is computed of each distribution, beside the log-probability of its target.
     *
     * @param entropy whether {@link Result#entropies} are
     * @param collision whether {@link Result#collisions} are
     */
    public record Wanted(boolean entropy, boolean collision) {
        /** The log-probability alone. */
        public static final Wanted NOTHING = new Wanted(false, false);
    }

    /**
     * @param hidden {@code [tokens, hidden]}; its history is not touched
     * @param targets {@code [tokens]}
     */
    public Result logProbs(Tensor hidden, Tensor targets, boolean withEntropy) {
        return logProbs(hidden, targets, new Wanted(withEntropy, false));
    }

    /** The same with all that is wanted. */
    public Result logProbs(Tensor hidden, Tensor targets, Wanted wanted) {
        return new Pass(hidden, targets, wanted, false).result;
    }

    /** {@link #logProbs} with its way back; what that needs lives in the current scope. */
    public Pass record(Tensor hidden, Tensor targets, boolean withEntropy) {
        return record(hidden, targets, new Wanted(withEntropy, false));
    }

    /** The same with all that is wanted. */
    public Pass record(Tensor hidden, Tensor targets, Wanted wanted) {
        return new Pass(hidden, targets, wanted, true);
    }

    /** Log-probabilities of some tokens, and the way back to their hidden states. */
    public final class Pass {
        private final Tensor hidden;
        private final Tensor targets;
        private final Result result;
        /** Where all tokens are one chunk: its logits, which the way back needs again. */
        private @Nullable Tensor kept;

        private Pass(Tensor hidden, Tensor targets, Wanted wanted, boolean keep) {
            this.hidden = hidden.detach();
            this.targets = targets;
            long tokens = hidden.size(0);
            List<Tensor> logProbs = new ArrayList<>();
            List<Tensor> entropies = new ArrayList<>();
            List<Tensor> collisions = new ArrayList<>();
            try (Scope scope = Scope.open();
                    NoGradient off = NoGradient.open()) {
                for (long start = 0; start < tokens; start += chunk) {
                    long length = Math.min(chunk, tokens - start);
                    try (Scope ofChunk = Scope.open()) {
                        Tensor logits = model.outputHead().apply(this.hidden.narrow(0, start, length));
                        for (long at = 0; at < length; at += piece) {
                            long count = Math.min(piece, length - at);
                            Result ofPiece = model.steps()
                                    .logProbs(
                                            logits.narrow(0, at, count),
                                            temperature,
                                            targets.narrow(0, start + at, count),
                                            wanted);
                            logProbs.add(ofChunk.keep(ofPiece.logProbs));
                            if (ofPiece.entropies != null) {
                                entropies.add(ofChunk.keep(ofPiece.entropies));
                            }
                            if (ofPiece.collisions != null) {
                                collisions.add(ofChunk.keep(ofPiece.collisions));
                            }
                        }
                        if (keep && length == tokens) {
                            kept = scope.keep(ofChunk.keep(logits));
                        }
                    }
                }
                result = new Result(
                        scope.keep(Tensor.concatenate(logProbs, 0)),
                        wanted.entropy ? scope.keep(Tensor.concatenate(entropies, 0)) : null,
                        wanted.collision ? scope.keep(Tensor.concatenate(collisions, 0)) : null);
            }
        }

        public Result result() {
            return result;
        }

        /**
         * The gradient through the head, written out: {@code dL/dz_v = u (1[v = y] - p_v) / temperature}; once for a pass.
         *
         * @param upstream {@code u = dL/dlog pi}, {@code [tokens]}
         * @param gradients the head's gradient, {@code [vocabulary, hidden]}, is added to them
         * @return {@code dL/dhidden}, {@code [tokens, hidden]}, in the hidden states' type
         */
        public Tensor gradient(Tensor upstream, WeightGradients gradients) {
            return gradient(upstream, null, gradients);
        }

        /**
         * The same where the loss reads the entropies too: {@code dL/dz_v = (u (1[v = y] - p_v) - e p_v (log p_v + H)) /
         * temperature} with {@code H = -sum_v p_v log p_v}.
         *
         * @param upstream {@code u = dL/dlog pi}, {@code [tokens]}
         * @param entropyUpstream {@code e = dL/dH}, {@code [tokens]}; null where it is zero
         */
        public Tensor gradient(Tensor upstream, @Nullable Tensor entropyUpstream, WeightGradients gradients) {
            try (Scope scope = Scope.open();
                    NoGradient off = NoGradient.open()) {
                long tokens = hidden.size(0);
                Tensor toHidden = scope.keep(hidden.emptyLike());
                for (long start = 0; start < tokens; start += chunk) {
                    long length = Math.min(chunk, tokens - start);
                    try (Scope ofChunk = Scope.open()) {
                        Tensor states = hidden.narrow(0, start, length);
                        Tensor logits = kept != null ? kept : model.outputHead().apply(states);
                        for (long at = 0; at < length; at += piece) {
                            long count = Math.min(piece, length - at);
                            model.steps()
                                    .logProbsBackward(
                                            logits.narrow(0, at, count),
                                            temperature,
                                            targets.narrow(0, start + at, count),
                                            upstream.narrow(0, start + at, count),
                                            entropyUpstream == null
                                                    ? null
                                                    : entropyUpstream.narrow(0, start + at, count));
                        }
                        toHidden.narrow(0, start, length)
                                .copyInPlace(model.outputHead().backward(states, logits, gradients));
                    }
                }
                // It holds dL/dz now: nobody may take it for logits.
                kept = null;
                return toHidden;
            }
        }
    }
}
