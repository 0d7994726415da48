package org.minpro.model;

import java.util.List;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.Tensor;

/**
 * Rows that go through the model together: responses, each after one of the block's prompts. A prompt that several
 * responses share is computed once.
 *
 * <p>Layout of the flat token axis: prompts, each padded on the right to the widest, then the responses without their
 * last token (it predicts nothing), padded likewise. Padding is seen by no valid token.
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

    /** Tokens of the widest prompt. */
    public int promptWidth() {
        return prompts.stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
    }

    /** Tokens of the widest response. */
    public int responseWidth() {
        return responses.stream().mapToInt(response -> response.length).max().orElseThrow();
    }

    /** Positions that the trunk computes, padding included. */
    public long computedTokens() {
        return (long) prompts.size() * promptWidth() + (long) rows() * (responseWidth() - 1);
    }

    /** Response tokens, without padding: the length of what {@link Transformer#hidden} returns. */
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

    /** Where the tokens that are no padding stand on the flat axis, ascending. */
    long[] places() {
        LongStream.Builder places = LongStream.builder();
        for (int group = 0; group < prompts.size(); group++) {
            for (int i = 0; i < prompts.get(group).length; i++) {
                places.add((long) group * promptWidth() + i);
            }
        }
        long start = (long) prompts.size() * promptWidth();
        for (int[] response : responses) {
            for (int i = 0; i < response.length - 1; i++) {
                places.add(start + i);
            }
            start += responseWidth() - 1;
        }
        return places.build().toArray();
    }

    /** The block's index tensors; they live in the current scope. */
    Placed place(int headsPerKey, org.minpro.tensor.DType attentionType) {
        int promptWidth = promptWidth();
        int width = responseWidth() - 1;
        int groups = prompts.size();
        int rows = rows();
        int prefixTokens = groups * promptWidth;
        long[] ids = new long[prefixTokens + rows * width];
        long[] positions = new long[ids.length];
        long[] predicting = new long[responseTokens()];
        boolean equalPrompts = true;
        for (int group = 0; group < groups; group++) {
            int[] prompt = prompts.get(group);
            equalPrompts &= prompt.length == promptWidth;
            for (int i = 0; i < promptWidth; i++) {
                ids[group * promptWidth + i] = i < prompt.length ? prompt[i] : 0;
                positions[group * promptWidth + i] = i;
            }
        }
        int at = 0;
        for (int row = 0; row < rows; row++) {
            int[] response = responses.get(row);
            int promptLength = prompts.get(promptOf[row]).length;
            int start = prefixTokens + row * width;
            for (int i = 0; i < width; i++) {
                ids[start + i] = i < response.length - 1 ? response[i] : 0;
                positions[start + i] = (long) promptLength + i;
            }
            predicting[at++] = (long) promptOf[row] * promptWidth + promptLength - 1;
            for (int i = 1; i < response.length; i++) {
                predicting[at++] = (long) start + i - 1;
            }
        }
        long[] groupOf = new long[rows];
        for (int row = 0; row < rows; row++) {
            groupOf[row] = promptOf[row];
        }
        return new Placed(
                groups,
                promptWidth,
                rows,
                width,
                Tensor.of(ids),
                Tensor.of(positions),
                promptWidth + width,
                Tensor.of(groupOf),
                prefixMask(promptWidth, headsPerKey).to(attentionType),
                width == 0
                        ? null
                        : suffixMask(promptWidth, width, equalPrompts, headsPerKey)
                                .to(attentionType),
                Tensor.of(predicting));
    }

    /** Causal, once for each query head of a key: {@code [1, 1, headsPerKey * width, width]}. */
    private static Tensor prefixMask(int width, int headsPerKey) {
        float[] mask = new float[headsPerKey * width * width];
        for (int head = 0; head < headsPerKey; head++) {
            for (int query = 0; query < width; query++) {
                for (int key = query + 1; key < width; key++) {
                    mask[(head * width + query) * width + key] = Float.NEGATIVE_INFINITY;
                }
            }
        }
        return Tensor.of(mask, 1, 1, (long) headsPerKey * width, width);
    }

    /** The prompt's tokens and the response's earlier ones: {@code [1 or rows, 1, headsPerKey * width, keys]}. */
    private Tensor suffixMask(int promptWidth, int width, boolean equalPrompts, int headsPerKey) {
        int keys = promptWidth + width;
        int masks = equalPrompts ? 1 : rows();
        float[] mask = new float[masks * headsPerKey * width * keys];
        int at = 0;
        for (int row = 0; row < masks; row++) {
            int promptLength = equalPrompts ? promptWidth : prompts.get(promptOf[row]).length;
            for (int head = 0; head < headsPerKey; head++) {
                for (int query = 0; query < width; query++) {
                    for (int key = 0; key < keys; key++) {
                        boolean seen = key < promptWidth ? key < promptLength : key - promptWidth <= query;
                        mask[at++] = seen ? 0 : Float.NEGATIVE_INFINITY;
                    }
                }
            }
        }
        return Tensor.of(mask, masks, 1, (long) headsPerKey * width, keys);
    }

    /** A block's indices as tensors. */
    record Placed(
            int groups,
            int promptWidth,
            int rows,
            int width,
            Tensor ids,
            Tensor positions,
            long highestPosition,
            Tensor groupOf,
            Tensor prefixMask,
            @Nullable Tensor suffixMask,
            Tensor predicting) {
        int prefixTokens() {
            return groups * promptWidth;
        }
    }
}
