package org.minpro.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class TokenizerTest {
    @Test
    void smoke() {
        try (Tokenizer t = Tokenizer.load(Path.of("/work/shared/models/SmolLM2-135M-Instruct"))) {
            int[] ids = t.encode("Hello wörld 🙂 <|im_start|> \ud800 a\0b");
            assertThat(t.decode(ids, false)).isEqualTo("Hello wörld 🙂 <|im_start|> \ufffd a\0b");
            assertThat(t.vocabularySize()).isEqualTo(49152);
            assertThat(t.addsBeginOfSequence()).isFalse();
            assertThat(t.encode("")).isEmpty();
        }
    }
}
