package org.minpro.serve;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.minpro.text.ChatTemplate;
import org.minpro.text.TextException;
import org.minpro.text.Tokenizer;

/**
 * The model that a server answers with, as its clients see it.
 *
 * @param name that they ask for
 * @param tokenizer of its texts
 * @param chatTemplate of its conversations, or null where it has none
 * @param eosIds that end a response
 * @param vocabulary ids are below it
 * @param context most tokens of a prompt and its response
 */
public record ServedModel(
        String name,
        Tokenizer tokenizer,
        @Nullable ChatTemplate chatTemplate,
        List<Integer> eosIds,
        int vocabulary,
        int context) {
    /** The text of response ids, without special tokens. */
    String text(int[] ids) {
        return tokenizer.decode(ids, true);
    }

    /** What one token is written as, a special one too. */
    String token(int id) {
        return tokenizer.decode(new int[] {id}, false);
    }

    /** The ids of a prompt's text, which is taken as it is. */
    int[] encode(String field, String text) {
        int[] ids = tokenizer.encode(text);
        for (int id : ids) {
            if (id >= vocabulary) {
                throw RefusedRequestException.bad(
                        field,
                        field + " must have token ids in [0, " + vocabulary + "), got: " + id
                                + "; the tokenizer and the model do not fit");
            }
        }
        return ids;
    }

    ChatTemplate template() {
        if (chatTemplate == null) {
            throw new TextException("the model has no chat template; send a prompt to /v1/completions");
        }
        return chatTemplate;
    }
}
