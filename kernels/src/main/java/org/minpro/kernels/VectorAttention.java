package org.minpro.kernels;

import java.util.List;
import org.minpro.model.BlockAttention;
import org.minpro.model.ModelConfig;
import org.minpro.model.TokenBlock;
import org.minpro.tensor.DType;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/** {@link SequenceAttention} over the sequences of a block. */
final class VectorAttention implements BlockAttention {
    private final int heads;
    private final int keyHeads;
    private final int headDim;
    private final List<Sequence> sequences;
    private final long scratchBytes;

    /** A sequence as the kernel is told of it. */
    private record Sequence(int start, int length, int[] branchStarts, int[] branchLengths) {
        static Sequence of(TokenBlock.Sequence sequence) {
            int branches = sequence.branches().size();
            int[] starts = new int[branches];
            int[] lengths = new int[branches];
            for (int i = 0; i < branches; i++) {
                starts[i] = Math.toIntExact(sequence.branches().get(i).start());
                lengths[i] = Math.toIntExact(sequence.branches().get(i).length());
            }
            return new Sequence(
                    Math.toIntExact(sequence.trunk().start()),
                    Math.toIntExact(sequence.trunk().length()),
                    starts,
                    lengths);
        }

        int longest() {
            int longest = 0;
            for (int branch : branchLengths) {
                longest = Math.max(longest, branch);
            }
            return length + longest;
        }

        int end() {
            int end = start + length;
            for (int i = 0; i < branchStarts.length; i++) {
                end = Math.max(end, branchStarts[i] + branchLengths[i]);
            }
            return end;
        }
    }

    VectorAttention(ModelConfig config, List<TokenBlock.Sequence> sequences) {
        heads = config.heads();
        keyHeads = config.keyValueHeads();
        headDim = config.headDim();
        this.sequences = sequences.stream().map(Sequence::of).toList();
        long bytes = 0;
        for (Sequence sequence : this.sequences) {
            bytes = Math.max(bytes, SequenceAttention.scratchBytes(heads, keyHeads, headDim, sequence.longest()));
        }
        scratchBytes = bytes;
    }

    @Override
    public Attended forward(Tensor[] queryKeyValue) {
        Tensor[] given = required(queryKeyValue);
        long tokens = given[0].size(0);
        Tensor output = Tensor.empty(given[0].device(), DType.F32, tokens, (long) heads * headDim);
        try (Scope scope = Scope.open()) {
            long scratch = TensorMemory.bytes(output.device(), scratchBytes);
            for (Sequence sequence : sequences) {
                SequenceAttention.forward(
                        given[0].address(),
                        given[1].address(),
                        given[2].address(),
                        output.address(),
                        heads,
                        keyHeads,
                        headDim,
                        sequence.start,
                        sequence.length,
                        sequence.branchStarts,
                        sequence.branchLengths,
                        scratch);
            }
        }
        return new Attended(output, null);
    }

    @Override
    public Tensor[] backward(Tensor upstream, Tensor[] queryKeyValue, Attended attended) {
        Tensor[] given = required(queryKeyValue);
        long tokens = given[0].size(0);
        Tensor wide = TensorMemory.dense("upstream", upstream.to(DType.F32), DType.F32, tokens, (long) heads * headDim);
        Tensor[] gradients = {given[0].emptyLike(), given[1].emptyLike(), given[2].emptyLike()};
        try (Scope scope = Scope.open()) {
            long scratch = TensorMemory.bytes(wide.device(), scratchBytes);
            for (Sequence sequence : sequences) {
                SequenceAttention.backward(
                        given[0].address(),
                        given[1].address(),
                        given[2].address(),
                        wide.address(),
                        gradients[0].address(),
                        gradients[1].address(),
                        gradients[2].address(),
                        heads,
                        keyHeads,
                        headDim,
                        sequence.start,
                        sequence.length,
                        sequence.branchStarts,
                        sequence.branchLengths,
                        scratch);
            }
        }
        return gradients;
    }

    private Tensor[] required(Tensor[] queryKeyValue) {
        long tokens = queryKeyValue[0].size(0);
        for (Sequence sequence : sequences) {
            if (sequence.end() > tokens) {
                throw new IllegalArgumentException("sequences must end within the block's tokens (" + tokens
                        + "), got: one that ends at " + sequence.end());
            }
        }
        return new Tensor[] {
            TensorMemory.dense("queries", queryKeyValue[0], DType.F32, tokens, heads, headDim),
            TensorMemory.dense("keys", queryKeyValue[1], DType.F32, tokens, keyHeads, headDim),
            TensorMemory.dense("values", queryKeyValue[2], DType.F32, tokens, keyHeads, headDim)
        };
    }
}
