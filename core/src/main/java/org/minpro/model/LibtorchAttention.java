package org.minpro.model;

import java.util.List;
import java.util.Objects;
import org.minpro.tensor.DType;
import org.minpro.tensor.FlashAttention;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * Libtorch's attention over a block's sequences. Memory grows with the tokens: no mask is ever made.
 *
 * <p>A trunk attends causally to itself. A branch attends to all of its trunk and causally to itself: two softmaxes with
 * log-sum-exps {@code l1} and {@code l2}, of which the joint one is {@code out = out1 + w (out2 - out1)} with {@code w =
 * sigmoid(l2 - l1)}, and its log-sum-exp {@code log(exp l1 + exp l2)}. All branches of a trunk ask it at once. Given the joint
 * result, the gradients of the two parts add up ({@link FlashAttention#backward}).
 */
final class LibtorchAttention implements BlockAttention {
    /** Numbers in the widest vector, in float32. */
    private static final long VECTOR = 16;

    private final long keyHeads;
    private final long headsPerKey;
    private final long headDim;
    private final List<TokenBlock.Sequence> sequences;

    LibtorchAttention(ModelConfig config, List<TokenBlock.Sequence> sequences) {
        keyHeads = config.keyValueHeads();
        headsPerKey = config.heads() / config.keyValueHeads();
        headDim = config.headDim();
        this.sequences = sequences;
    }

    /** The log-sum-exps are {@code [headsPerKey, keyValueHeads, tokens]}. */
    @Override
    public Attended forward(Tensor[] queryKeyValue) {
        Tensor query = queryKeyValue[0];
        long tokens = query.size(0);
        Tensor output = Tensor.empty(query.device(), query.type(), tokens, keyHeads * headsPerKey * headDim);
        Tensor logSumExp = Tensor.empty(query.device(), query.type(), headsPerKey, keyHeads, tokens);
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Heads heads = new Heads(queryKeyValue);
            Tensor outputs = byHead(output);
            for (TokenBlock.Sequence sequence : sequences) {
                TokenBlock.Span trunk = sequence.trunk();
                copy(heads.attendToItself(trunk), outputs, logSumExp, trunk);
                if (sequence.branches().isEmpty()) {
                    continue;
                }
                for (TokenBlock.Span branch : sequence.branches()) {
                    copy(heads.attendToItself(branch), outputs, logSumExp, branch);
                }
                TokenBlock.Span branches = sequence.allBranches();
                FlashAttention.Result ofTrunk = heads.attend(branches, trunk, false);
                Tensor own = tokens(logSumExp, branches);
                Tensor weight = ofTrunk.logSumExp().subtract(own).sigmoid().unsqueeze(3);
                tokens(outputs, branches).interpolateInPlace(ofTrunk.output(), weight);
                own.copyInPlace(own.logAddExp(ofTrunk.logSumExp()));
            }
        }
        return new Attended(output, logSumExp);
    }

    @Override
    public Tensor[] backward(Tensor upstream, Tensor[] queryKeyValue, Attended attended) {
        DType type = queryKeyValue[0].type();
        Tensor logSumExp = Objects.requireNonNull(attended.logSumExp());
        Tensor[] gradients = new Tensor[3];
        for (int i = 0; i < gradients.length; i++) {
            gradients[i] = Tensor.empty(upstream.device(), type, queryKeyValue[i].shape());
        }
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Heads heads = new Heads(queryKeyValue);
            Tensor upstreams = byHead(upstream.to(type));
            Tensor outputs = byHead(attended.output().to(type));
            Tensor toQueries = byHead(gradients[0]);
            Tensor toKeys = gradients[1].transpose(0, 1); // [keyValueHeads, tokens, headDim]
            Tensor toValues = gradients[2].transpose(0, 1);
            for (TokenBlock.Sequence sequence : sequences) {
                TokenBlock.Span trunk = sequence.trunk();
                FlashAttention.Gradient ofTrunk = heads.gradient(upstreams, outputs, logSumExp, trunk, trunk, true);
                tokens(toQueries, trunk).copyInPlace(ofTrunk.query());
                keys(toKeys, trunk).copyInPlace(ofTrunk.key().sum(0, false));
                keys(toValues, trunk).copyInPlace(ofTrunk.value().sum(0, false));
                if (sequence.branches().isEmpty()) {
                    continue;
                }
                TokenBlock.Span branches = sequence.allBranches();
                FlashAttention.Gradient ofBranches =
                        heads.gradient(upstreams, outputs, logSumExp, branches, trunk, false);
                tokens(toQueries, branches).copyInPlace(ofBranches.query());
                keys(toKeys, trunk).addInPlace(ofBranches.key().sum(0, false));
                keys(toValues, trunk).addInPlace(ofBranches.value().sum(0, false));
                for (TokenBlock.Span branch : sequence.branches()) {
                    FlashAttention.Gradient own = heads.gradient(upstreams, outputs, logSumExp, branch, branch, true);
                    tokens(toQueries, branch).addInPlace(own.query());
                    keys(toKeys, branch).copyInPlace(own.key().sum(0, false));
                    keys(toValues, branch).copyInPlace(own.value().sum(0, false));
                }
            }
        }
        return gradients;
    }

    /** {@code [tokens, heads, headDim]}, or flat, as {@code [heads of a key, keyValueHeads, tokens, headDim]}; a view. */
    private Tensor byHead(Tensor x) {
        long tokens = x.size(0);
        return x.view(tokens, keyHeads, x.elements() / (tokens * keyHeads * headDim), headDim)
                .permute(2, 1, 0, 3);
    }

    private static Tensor tokens(Tensor byHead, TokenBlock.Span span) {
        return byHead.narrow(2, span.start(), span.length());
    }

    private static Tensor keys(Tensor byKeyHead, TokenBlock.Span span) {
        return byKeyHead.narrow(1, span.start(), span.length());
    }

    private static void copy(FlashAttention.Result result, Tensor outputs, Tensor logSumExp, TokenBlock.Span span) {
        tokens(outputs, span).copyInPlace(result.output());
        tokens(logSumExp, span).copyInPlace(result.logSumExp());
    }

    /** Queries, keys and values by head; a key's heads see its key without a copy. */
    private final class Heads {
        private final Tensor query;
        private final Tensor key;
        private final Tensor value;

        Heads(Tensor[] queryKeyValue) {
            query = byHead(queryKeyValue[0]);
            key = byHead(queryKeyValue[1]).expand(headsPerKey, -1, -1, -1);
            value = byHead(queryKeyValue[2]).expand(headsPerKey, -1, -1, -1);
        }

        /**
         * Keys are read up to a whole vector where there are more of them: causality hides those behind the last query, and
         * what is left of a vector would be computed number by number.
         */
        FlashAttention.Result attendToItself(TokenBlock.Span span) {
            long whole = (span.length() + VECTOR - 1) / VECTOR * VECTOR;
            long length = Math.min(whole, query.size(2) - span.start());
            return attend(span, new TokenBlock.Span(span.start(), length), true);
        }

        FlashAttention.Result attend(TokenBlock.Span queries, TokenBlock.Span keys, boolean causal) {
            return FlashAttention.forward(tokens(query, queries), tokens(key, keys), tokens(value, keys), causal);
        }

        FlashAttention.Gradient gradient(
                Tensor upstreams,
                Tensor outputs,
                Tensor logSumExp,
                TokenBlock.Span queries,
                TokenBlock.Span keys,
                boolean causal) {
            return FlashAttention.backward(
                    tokens(upstreams, queries),
                    tokens(query, queries),
                    tokens(key, keys),
                    tokens(value, keys),
                    new FlashAttention.Result(tokens(outputs, queries), tokens(logSumExp, queries)),
                    causal);
        }
    }
}
