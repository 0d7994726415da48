package org.minpro.model;

import java.util.ArrayList;
import java.util.List;
import org.minpro.tensor.Device;
import org.minpro.tensor.Tensor;

/**
 * Rows that go through the model together: responses, each after one of the block's prompts. A prompt that several
 * responses share is computed once.
 *
 * <p>Layout of the flat token axis: each prompt, and behind it its responses without their last tokens (they predict
 * nothing). There is no padding.
 *
 * @param prompts token ids of each prompt, none empty
 * @param promptOf index into {@code prompts} of each response
 * @param responses token ids of each response, none empty
 */
public record TokenBlock(List<int[]> prompts, int[] promptOf, List<int[]> responses) {
    public TokenBlock {
        prompts = List.copyOf(prompts);
        responses = List.copyOf(responses);
        if (promptOf.length != responses.size() || responses.isEmpty()) {
            throw new IllegalArgumentException(
                    "a block must have a prompt index for each response and at least one, got: " + promptOf.length
                            + " and " + responses.size());
        }
        for (int prompt : promptOf) {
            if (prompt < 0 || prompt >= prompts.size()) {
                throw new IllegalArgumentException(
                        "prompt index must be in [0, " + prompts.size() + "), got: " + prompt);
            }
        }
        for (int[] prompt : prompts) {
            if (prompt.length == 0) {
                throw new IllegalArgumentException("a prompt must have at least one token, got: 0");
            }
        }
        for (int[] response : responses) {
            if (response.length == 0) {
                throw new IllegalArgumentException("a response must have at least one token, got: 0");
            }
        }
    }

    /** One row: a prompt and its response. */
    public static TokenBlock of(int[] prompt, int[] response) {
        return new TokenBlock(List.of(prompt), new int[1], List.of(response));
    }

    public int rows() {
        return responses.size();
    }

    /** Tokens that the trunk computes. */
    public long computedTokens() {
        long tokens = 0;
        for (int[] prompt : prompts) {
            tokens += prompt.length;
        }
        for (int[] response : responses) {
            tokens += response.length - 1;
        }
        return tokens;
    }

    /** Response tokens: the length of what {@link Transformer#hidden} returns. */
    public int responseTokens() {
        return responses.stream().mapToInt(response -> response.length).sum();
    }

    /** Response ids in a row, row after row, {@code [responseTokens]}. */
    public long[] targets() {
        long[] targets = new long[responseTokens()];
        int at = 0;
        for (int[] response : responses) {
            for (int id : response) {
                targets[at++] = id;
            }
        }
        return targets;
    }

    /** The block's indices as tensors on a device; they live in the current scope. */
    Placed place(Device device) {
        long[] ids = new long[Math.toIntExact(computedTokens())];
        long[] positions = new long[ids.length];
        int[] promptEnds = new int[prompts.size()];
        int[] starts = new int[rows()];
        List<Sequence> sequences = new ArrayList<>();
        long highest = 0;
        int at = 0;
        for (int p = 0; p < prompts.size(); p++) {
            int[] prompt = prompts.get(p);
            Span ofPrompt = new Span(at, prompt.length);
            at = write(prompt, prompt.length, 0, ids, positions, at);
            promptEnds[p] = at - 1;
            List<Span> branches = new ArrayList<>();
            for (int row = 0; row < promptOf.length; row++) {
                int length = responses.get(row).length - 1;
                if (promptOf[row] == p && length > 0) {
                    branches.add(new Span(at, length));
                    starts[row] = at;
                    at = write(responses.get(row), length, prompt.length, ids, positions, at);
                    highest = Math.max(highest, positions[at - 1]);
                }
            }
            highest = Math.max(highest, prompt.length - 1L);
            sequences.add(
                    branches.size() == 1
                            ? new Sequence(new Span(ofPrompt.start, at - ofPrompt.start), List.of())
                            : new Sequence(ofPrompt, branches));
        }
        long[] predicting = new long[responseTokens()];
        int token = 0;
        for (int row = 0; row < rows(); row++) {
            predicting[token++] = promptEnds[promptOf[row]];
            for (int i = 1; i < responses.get(row).length; i++) {
                predicting[token++] = starts[row] + i - 1L;
            }
        }
        return new Placed(
                Tensor.of(device, ids),
                Tensor.of(device, positions),
                highest,
                Tensor.of(device, predicting),
                sequences);
    }

    /** Puts the first tokens of a list on the flat axis, and returns where they end. */
    private static int write(int[] tokens, int length, int position, long[] ids, long[] positions, int at) {
        for (int i = 0; i < length; i++) {
            ids[at + i] = tokens[i];
            positions[at + i] = (long) position + i;
        }
        return at + length;
    }

    /** Neighbours on the flat axis: {@code length} tokens from {@code start} on. */
    public record Span(long start, long length) {
        private long end() {
            return start + length;
        }
    }

    /**
     * Tokens that see each other and no others: those of the trunk the earlier ones of the trunk, those of a branch all of
     * the trunk and the earlier ones of their branch. A prompt's only response is the end of its trunk.
     *
     * @param branches one behind the other, none empty
     */
    public record Sequence(Span trunk, List<Span> branches) {
        /** From the first branch to the last, where there are branches. */
        Span allBranches() {
            long start = branches.getFirst().start;
            return new Span(start, branches.getLast().end() - start);
        }
    }

    /**
     * A block's indices as tensors.
     *
     * @param ids of the tokens on the flat axis
     * @param positions in their rows
     * @param highestPosition the largest of them
     * @param predicting where the tokens stand that predict the response tokens, row after row
     * @param sequences who sees whom
     */
    record Placed(Tensor ids, Tensor positions, long highestPosition, Tensor predicting, List<Sequence> sequences) {}
}
