package org.minpro.model;

import java.util.Objects;
import java.util.function.Function;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.TestDevice;

/** Attention as the formula says it, for autograd: the scores of all tokens of a block, and a mask over them. */
public final class ReferenceAttention {
    private ReferenceAttention() {}

    /** {@link Transformer#hidden(TokenBlock)} with a graph from the hidden states to the model's leaves. */
    public static Tensor hidden(Transformer model, TokenBlock block) {
        return model.hidden(block.place(TestDevice.HERE), attention(block));
    }

    /** From queries, keys and values, {@code [tokens, heads, headDim]}, to {@code [tokens, heads * headDim]}. */
    static Function<Tensor[], Tensor> attention(TokenBlock block) {
        boolean[] sees = sees(block);
        return queryKeyValue -> {
            Tensor query = queryKeyValue[0].transpose(0, 1); // [heads, tokens, headDim]
            long tokens = query.size(1);
            long headsPerKey = query.size(0) / queryKeyValue[1].size(1);
            Tensor key = queryKeyValue[1].transpose(0, 1).repeatInterleave(headsPerKey, 0);
            Tensor value = queryKeyValue[2].transpose(0, 1).repeatInterleave(headsPerKey, 0);
            return query.matrixProduct(key.transpose(1, 2))
                    .divide(Math.sqrt((double) query.size(2)))
                    .maskedFill(Tensor.of(TestDevice.HERE, sees, tokens, tokens).not(), Double.NEGATIVE_INFINITY)
                    .softmax(2)
                    .matrixProduct(value)
                    .transpose(0, 1)
                    .reshape(tokens, query.size(0) * query.size(2));
        };
    }

    /** Whether the first token sees the second, row by row of the square: by the rows that the tokens belong to. */
    private static boolean[] sees(TokenBlock block) {
        int tokens = Math.toIntExact(block.computedTokens());
        record Token(int prompt, int row, int position) {}
        Token[] all = new Token[tokens];
        int at = 0;
        for (int prompt = 0; prompt < block.prompts().size(); prompt++) {
            int length = block.prompts().get(prompt).length;
            for (int i = 0; i < length; i++) {
                all[at++] = new Token(prompt, -1, i);
            }
            for (int row = 0; row < block.rows(); row++) {
                if (block.promptOf()[row] == prompt) {
                    for (int i = 0; i < block.responses().get(row).length - 1; i++) {
                        all[at++] = new Token(prompt, row, length + i);
                    }
                }
            }
        }
        boolean[] sees = new boolean[Math.multiplyExact(tokens, tokens)];
        for (int i = 0; i < tokens; i++) {
            Token query = Objects.requireNonNull(all[i]);
            for (int j = 0; j < tokens; j++) {
                Token key = Objects.requireNonNull(all[j]);
                sees[i * tokens + j] = key.prompt == query.prompt
                        && (key.row == -1 || key.row == query.row)
                        && key.position <= query.position;
            }
        }
        return sees;
    }
}
