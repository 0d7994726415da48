package org.minpro.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.FlashAttention;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * Attention over a block's sequences in three products at most, however many sequences there are: what a GPU wants, which
 * takes as long to launch a kernel for one sequence as for all of them.
 *
 * <p>All trunks side by side, padded at their ends to the longest, attend causally to themselves; no mask is needed, because
 * what is padded comes after all that is real. So do all branches. Then every branch attends to its trunk, with a mask where
 * trunks differ in length, and the two results are joined as in {@link LibtorchAttention}, whatever the products' type is.
 */
final class PaddedAttention implements BlockAttention {
    /** Keys under a mask are this many, or a multiple: CUDA's kernel reads masks in vectors. */
    private static final int ALIGNED = 8;

    /** What the products compute in; what comes and goes has the type of the queries. */
    private final DType type;

    private final long keyHeads;
    private final long headsPerKey;
    private final long headDim;
    private final Padded trunks;
    /** Null where no trunk has a branch. */
    private final @Nullable Padded branches;
    /** The trunk of each branch; null where there are none. */
    private final @Nullable Padded trunkOfBranch;
    /** 0 for a key of the branch's trunk, minus infinity else, {@code [branches, 1, 1, keys]}; null where all are its. */
    private final @Nullable Tensor mask;

    /**
     * Tensors of it live in the current scope.
     *
     * @param type that the products compute in
     */
    PaddedAttention(ModelConfig config, Device device, DType type, List<TokenBlock.Sequence> sequences) {
        this.type = type;
        keyHeads = config.keyValueHeads();
        headsPerKey = config.heads() / config.keyValueHeads();
        headDim = config.headDim();
        List<TokenBlock.Span> trunk = new ArrayList<>();
        List<TokenBlock.Span> branch = new ArrayList<>();
        List<TokenBlock.Span> ofBranch = new ArrayList<>();
        for (TokenBlock.Sequence sequence : sequences) {
            trunk.add(sequence.trunk());
            for (TokenBlock.Span each : sequence.branches()) {
                branch.add(each);
                ofBranch.add(sequence.trunk());
            }
        }
        trunks = new Padded(device, trunk, 1);
        branches = branch.isEmpty() ? null : new Padded(device, branch, 1);
        boolean alike =
                ofBranch.stream().mapToLong(TokenBlock.Span::length).distinct().count() == 1;
        trunkOfBranch = branch.isEmpty() ? null : new Padded(device, ofBranch, alike ? 1 : ALIGNED);
        mask = trunkOfBranch == null || alike
                ? null
                : Tensor.zeros(device, type, ofBranch.size(), 1, 1, trunkOfBranch.width)
                        .maskedFill(
                                trunkOfBranch.padding.view(ofBranch.size(), 1, 1, trunkOfBranch.width),
                                Double.NEGATIVE_INFINITY);
    }

    /** Spans side by side, padded at their ends. */
    private static final class Padded {
        private final int count;
        private final int width;
        /** Where each place's token is on the flat axis, {@code [count * width]}; some token where it is padding. */
        private final Tensor source;
        /** Whether a place is padding, {@code [count, width]}. */
        private final Tensor padding;
        /** The tokens of all spans on the flat axis, and their places, {@code [tokens]} each. */
        private final Tensor tokens;

        private final Tensor places;

        Padded(Device device, List<TokenBlock.Span> spans, int multiple) {
            count = spans.size();
            int longest = (int)
                    spans.stream().mapToLong(TokenBlock.Span::length).max().orElseThrow();
            width = (longest + multiple - 1) / multiple * multiple;
            long[] from = new long[count * width];
            boolean[] beyond = new boolean[count * width];
            int real = (int) spans.stream().mapToLong(TokenBlock.Span::length).sum();
            long[] flat = new long[real];
            long[] padded = new long[real];
            int at = 0;
            for (int row = 0; row < count; row++) {
                TokenBlock.Span span = spans.get(row);
                for (int i = 0; i < width; i++) {
                    int place = row * width + i;
                    beyond[place] = i >= span.length();
                    from[place] = span.start() + (beyond[place] ? 0 : i);
                    if (!beyond[place]) {
                        flat[at] = from[place];
                        padded[at++] = place;
                    }
                }
            }
            source = Tensor.of(device, from);
            padding = Tensor.of(device, beyond, count, width);
            tokens = Tensor.of(device, flat);
            places = Tensor.of(device, padded);
        }
    }

    /** {@code [tokens, heads, headDim]}, or flat, as {@code [count * headsPerKey, keyValueHeads, width, headDim]}. */
    private Tensor queries(Padded padded, Tensor flat) {
        long[] shape = {padded.count, padded.width, keyHeads, headsPerKey, headDim};
        return flat.view(flat.size(0), keyHeads * headsPerKey * headDim)
                .indexSelect(0, padded.source)
                .view(shape)
                .permute(0, 3, 2, 1, 4)
                .reshape(padded.count * headsPerKey, keyHeads, padded.width, headDim);
    }

    /** Keys or values likewise, repeated for the heads that share them. */
    private Tensor keys(Padded padded, Tensor flat) {
        return flat.reshape(flat.size(0), keyHeads * headDim)
                .indexSelect(0, padded.source)
                .view(padded.count, 1, padded.width, keyHeads, headDim)
                .transpose(2, 3)
                .expand(padded.count, headsPerKey, keyHeads, padded.width, headDim)
                .reshape(padded.count * headsPerKey, keyHeads, padded.width, headDim);
    }

    /** Log-sum-exps {@code [tokens, heads]} as {@code [count * headsPerKey, keyValueHeads, width]}, infinite in padding. */
    private Tensor logSumExps(Padded padded, Tensor flat) {
        return flat.indexSelect(0, padded.source)
                .maskedFill(padded.padding.view((long) padded.count * padded.width, 1), Double.POSITIVE_INFINITY)
                .view(padded.count, padded.width, keyHeads, headsPerKey)
                .permute(0, 3, 2, 1)
                .reshape(padded.count * headsPerKey, keyHeads, padded.width);
    }

    /** Upstream gradients like queries, 0 in padding. */
    private Tensor upstreams(Padded padded, Tensor flat) {
        return queries(padded, flat)
                .view(padded.count, headsPerKey, keyHeads, padded.width, headDim)
                .maskedFill(padded.padding.view(padded.count, 1, 1, padded.width, 1), 0)
                .view(padded.count * headsPerKey, keyHeads, padded.width, headDim);
    }

    /** What a product gave, in a type that sums are made in. */
    private Tensor wide(Tensor tensor) {
        return type == DType.BF16 ? tensor.to(DType.F32) : tensor;
    }

    private Tensor[] narrow(Tensor[] tensors) {
        return Arrays.stream(tensors).map(tensor -> tensor.to(type)).toArray(Tensor[]::new);
    }

    /** The reverse of {@link #queries}: rows of the padded tokens, {@code [tokens of the spans, heads * headDim]}. */
    private Tensor rows(Padded padded, Tensor byHead) {
        return byHead.view(padded.count, headsPerKey, keyHeads, padded.width, headDim)
                .permute(0, 3, 2, 1, 4)
                .reshape((long) padded.count * padded.width, keyHeads * headsPerKey * headDim)
                .indexSelect(0, padded.places);
    }

    private Tensor logSumExpRows(Padded padded, Tensor byHead) {
        return byHead.view(padded.count, headsPerKey, keyHeads, padded.width)
                .permute(0, 3, 2, 1)
                .reshape((long) padded.count * padded.width, keyHeads * headsPerKey)
                .indexSelect(0, padded.places);
    }

    /** The reverse of {@link #keys}, summed over the heads that share them: {@code [tokens of the spans, keys * headDim]}. */
    private Tensor keyRows(Padded padded, Tensor byHead) {
        return wide(byHead)
                .view(padded.count, headsPerKey, keyHeads, padded.width, headDim)
                .sum(1, false)
                .transpose(1, 2)
                .reshape((long) padded.count * padded.width, keyHeads * headDim)
                .indexSelect(0, padded.places);
    }

    /** The log-sum-exps are {@code [tokens, heads]}. */
    @Override
    public Attended forward(Tensor[] queryKeyValue) {
        Device device = queryKeyValue[0].device();
        DType outer = queryKeyValue[0].type();
        long tokens = queryKeyValue[0].size(0);
        Tensor output = Tensor.empty(device, outer, tokens, keyHeads * headsPerKey * headDim);
        Tensor logSumExp = Tensor.empty(device, outer, tokens, keyHeads * headsPerKey);
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Tensor[] given = narrow(queryKeyValue);
            Tensor query = given[0].contiguous();
            FlashAttention.Result own = FlashAttention.forward(
                    queries(trunks, query), keys(trunks, given[1]), keys(trunks, given[2]), true);
            output.indexCopyInPlace(0, trunks.tokens, rows(trunks, wide(own.output())));
            logSumExp.indexCopyInPlace(0, trunks.tokens, logSumExpRows(trunks, own.logSumExp()));
            if (branches != null && trunkOfBranch != null) {
                Tensor asking = queries(branches, query);
                own = FlashAttention.forward(asking, keys(branches, given[1]), keys(branches, given[2]), true);
                FlashAttention.Result ofTrunk = FlashAttention.forward(
                        asking, keys(trunkOfBranch, given[1]), keys(trunkOfBranch, given[2]), repeatedMask());
                Tensor weight =
                        ofTrunk.logSumExp().subtract(own.logSumExp()).sigmoid().unsqueeze(3);
                Tensor ofOwn = wide(own.output());
                Tensor joint =
                        wide(ofTrunk.output()).subtract(ofOwn).multiply(weight).add(ofOwn);
                output.indexCopyInPlace(0, branches.tokens, rows(branches, joint));
                logSumExp.indexCopyInPlace(
                        0,
                        branches.tokens,
                        logSumExpRows(branches, own.logSumExp().logAddExp(ofTrunk.logSumExp())));
            }
        }
        return new Attended(output, logSumExp);
    }

    private @Nullable Tensor repeatedMask() {
        return mask == null ? null : mask.repeatInterleave(headsPerKey, 0);
    }

    @Override
    public Tensor[] backward(Tensor upstream, Tensor[] queryKeyValue, Attended attended) {
        Tensor[] gradients = new Tensor[3];
        for (int i = 0; i < gradients.length; i++) {
            gradients[i] = Tensor.empty(upstream.device(), queryKeyValue[0].type(), queryKeyValue[i].shape());
        }
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Tensor[] given = narrow(queryKeyValue);
            Way way = new Way(
                    upstream.to(type),
                    given[0].contiguous(),
                    attended.output().to(type),
                    Objects.requireNonNull(attended.logSumExp()));
            Tensor toQuery = flat(gradients[0]);
            Tensor toKey = flat(gradients[1]);
            Tensor toValue = flat(gradients[2]);
            FlashAttention.Gradient own = way.back(trunks, trunks, given, true);
            toQuery.indexCopyInPlace(0, trunks.tokens, rows(trunks, wide(own.query())));
            toKey.indexCopyInPlace(0, trunks.tokens, keyRows(trunks, own.key()));
            toValue.indexCopyInPlace(0, trunks.tokens, keyRows(trunks, own.value()));
            if (branches != null && trunkOfBranch != null) {
                own = way.back(branches, branches, given, true);
                FlashAttention.Gradient ofTrunk = way.back(branches, trunkOfBranch, given, false);
                toQuery.indexCopyInPlace(
                        0, branches.tokens, rows(branches, wide(own.query()).add(wide(ofTrunk.query()))));
                toKey.indexCopyInPlace(0, branches.tokens, keyRows(branches, own.key()));
                toValue.indexCopyInPlace(0, branches.tokens, keyRows(branches, own.value()));
                // A trunk has a share from each of its branches.
                toKey.indexAddInPlace(0, trunkOfBranch.tokens, keyRows(trunkOfBranch, ofTrunk.key()));
                toValue.indexAddInPlace(0, trunkOfBranch.tokens, keyRows(trunkOfBranch, ofTrunk.value()));
            }
        }
        return gradients;
    }

    private static Tensor flat(Tensor gradient) {
        return gradient.view(gradient.size(0), gradient.size(1) * gradient.size(2));
    }

    /** What the way back of all parts has in common: upstream gradients, queries and joint results on the flat axis. */
    private final class Way {
        private final Tensor upstream;
        private final Tensor query;
        private final Tensor output;
        private final Tensor logSumExp;

        Way(Tensor upstream, Tensor query, Tensor output, Tensor logSumExp) {
            this.upstream = upstream.contiguous();
            this.query = query;
            this.output = output.contiguous();
            this.logSumExp = logSumExp;
        }

        FlashAttention.Gradient back(Padded asking, Padded asked, Tensor[] queryKeyValue, boolean causal) {
            Tensor upstreams = upstreams(asking, upstream);
            Tensor queries = queries(asking, query);
            Tensor keys = keys(asked, queryKeyValue[1]);
            Tensor values = keys(asked, queryKeyValue[2]);
            FlashAttention.Result result =
                    new FlashAttention.Result(queries(asking, output), logSumExps(asking, logSumExp));
            return causal
                    ? FlashAttention.backward(upstreams, queries, keys, values, result, true)
                    : FlashAttention.backward(upstreams, queries, keys, values, result, repeatedMask());
        }
    }
}
