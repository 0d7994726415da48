package org.minpro.environment;

import java.util.List;
import java.util.stream.Collectors;
import org.minpro.data.Message;
import org.minpro.text.TextException;
import org.minpro.text.Tokenizer;

/** Speech to a model without a chat template: the texts as they are, one after the other. */
public record PlainSpeech(Tokenizer tokenizer) implements Speech {
    @Override
    public int[] ids(List<Message> said, int lastId) {
        String text = said.stream().map(Message::content).collect(Collectors.joining());
        int[] ids = tokenizer.encode(SpokenText.withoutSpecialTokens(text, tokenizer.controlTokens()));
        if (ids.length == 0) {
            throw new TextException("what an environment says to a model without a chat template must be a text of at"
                    + " least one token, got: '" + text + "'");
        }
        return ids;
    }
}
