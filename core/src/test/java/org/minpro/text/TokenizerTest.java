package org.minpro.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerTest {
    /** Words, one unknown token, and a post-processor that puts {@code <s>} first. */
    private static final String SMALL = """
            {"version": "1.0", "truncation": {"max_length": 2, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
             "padding": {"strategy": {"Fixed": 6}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0,
                         "pad_type_id": 0, "pad_token": "<unk>"},
             "added_tokens": [
               {"id": 1, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true},
               {"id": 5, "content": "<extra>", "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": false}],
             "normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"},
             "post_processor": {"type": "TemplateProcessing",
               "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
               "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
               "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
             "decoder": null,
             "model": {"type": "WordLevel", "vocab": {"<unk>": 0, "<s>": 1, "a": 2, "b": 3, "c": 4}, "unk_token": "<unk>"}}
            """;

    @TempDir
    Path folder;

    private Tokenizer small() throws IOException {
        Files.writeString(folder.resolve("tokenizer.json"), SMALL);
        return Tokenizer.load(folder);
    }

    @Test
    void addsNothingCutsNothingAndPadsNothing() throws IOException {
        try (Tokenizer tokenizer = small()) {
            assertThat(tokenizer.addsBeginOfSequence()).isTrue();
            assertThat(tokenizer.encode("a b c a")).containsExactly(2, 3, 4, 2);
            assertThat(tokenizer.encode("b")).containsExactly(3);
            assertThat(tokenizer.encode("")).isEmpty();
        }
    }

    @Test
    void recognisesSpecialTokensInAText() throws IOException {
        try (Tokenizer tokenizer = small()) {
            int[] ids = tokenizer.encode("<s>a<extra> b");
            assertThat(ids).containsExactly(1, 2, 5, 3);
            assertThat(tokenizer.decode(ids, false)).isEqualTo("<s> a <extra> b");
            assertThat(tokenizer.decode(ids, true)).isEqualTo("a <extra> b");
        }
    }

    @Test
    void knowsItsTokens() throws IOException {
        try (Tokenizer tokenizer = small()) {
            assertThat(tokenizer.vocabularySize()).isEqualTo(6);
            assertThat(tokenizer.id("<s>")).hasValue(1);
            assertThat(tokenizer.id("c")).hasValue(4);
            assertThat(tokenizer.id("zzz")).isEmpty();
        }
    }

    @Test
    void leavesOutIdsThatItDoesNotHave() throws IOException {
        try (Tokenizer tokenizer = small()) {
            assertThat(tokenizer.decode(new int[] {2, 7, 1000, 3}, false)).isEqualTo("a b");
            assertThat(tokenizer.decode(new int[0], false)).isEmpty();
        }
    }

    @Test
    void takesSpecialTokensAsTransformersDoes() throws IOException {
        Path config = folder.resolve("tokenizer_config.json");
        Path map = folder.resolve("special_tokens_map.json");
        Files.writeString(config, """
                {"bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "</s>", "pad_token": null,
                 "add_bos_token": true, "image_token": "<image>", "model_max_length": 10}
                """);
        SpecialTokens tokens = SpecialTokens.read(folder);
        assertThat(tokens.bos()).hasValue("<s>");
        assertThat(tokens.eos()).hasValue("</s>");
        assertThat(tokens.pad()).isEmpty();
        assertThat(tokens.unk()).isEmpty();
        assertThat(tokens.byRole()).containsOnlyKeys("bos_token", "eos_token", "image_token");

        Files.writeString(map, "{\"eos_token\": \"<end>\", \"pad_token\": {\"content\": \"<pad>\"}}");
        assertThat(SpecialTokens.read(folder).eos()).hasValue("<end>");
        assertThat(SpecialTokens.read(folder).pad()).hasValue("<pad>");

        Files.writeString(config, "{\"eos_token\": \"</s>\", \"added_tokens_decoder\": {}}");
        assertThat(SpecialTokens.read(folder).eos()).hasValue("</s>");
        assertThat(SpecialTokens.read(folder).pad()).isEmpty();
    }

    @Test
    void saysWhichFileIsMissing() {
        assertThatThrownBy(() -> Tokenizer.load(folder))
                .isInstanceOf(TextException.class)
                .hasMessageContaining("tokenizer.json")
                .hasMessageContaining(folder.toString())
                .hasMessageContaining("which has none");
        assertThatThrownBy(() -> Tokenizer.load(folder.resolve("nowhere")))
                .isInstanceOf(TextException.class)
                .hasMessageContaining("which is no folder");
    }

    @Test
    void saysWhatIsDamaged() throws IOException {
        Path file = folder.resolve("tokenizer.json");
        for (String damaged : List.of(
                "",
                "[]",
                "{}",
                SMALL.substring(0, SMALL.length() / 2),
                SMALL.replace("WordLevel", "Other"),
                "\u0000")) {
            Files.writeString(file, damaged);
            assertThatThrownBy(() -> Tokenizer.load(folder))
                    .as(damaged)
                    .isInstanceOf(TextException.class)
                    .hasMessageContaining(file.toString())
                    .hasMessageNotContaining("\n");
        }
        Files.writeString(file, SMALL);
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\n\"a\": ");
        assertThatThrownBy(() -> Tokenizer.load(folder))
                .isInstanceOf(TextException.class)
                .hasMessageContaining("tokenizer_config.json")
                .hasMessageContaining("line 2");
    }

    @Test
    void encodesOnManyThreads() throws Exception {
        TextGoldenTest.unpackTokenizer(folder);
        List<String> texts = IntStream.range(0, 40)
                .mapToObj(i -> "Text " + i + " wörld 🙂 <|im_end|> " + "tokens ".repeat(i))
                .toList();
        try (Tokenizer tokenizer = Tokenizer.load(folder);
                ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<int[]> alone = texts.stream().map(tokenizer::encode).toList();
            List<Future<Boolean>> results = new ArrayList<>();
            for (int round = 0; round < 25; round++) {
                for (int i = 0; i < texts.size(); i++) {
                    int index = i;
                    results.add(threads.submit(() -> {
                        int[] ids = tokenizer.encode(texts.get(index));
                        return Arrays.equals(ids, alone.get(index))
                                && tokenizer.decode(ids, false).equals(texts.get(index));
                    }));
                }
            }
            for (Future<Boolean> result : results) {
                assertThat(result.get()).isTrue();
            }
        }
    }

    /** Why a stream of tokens must be decoded from its start: a token may be a part of a character. */
    @Test
    void aCutThroughAnEmojiDecodesToReplacementCharacters() throws IOException {
        TextGoldenTest.unpackTokenizer(folder);
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            int[] ids = tokenizer.encode("a🧑🏽‍🚀");
            assertThat(ids.length).isGreaterThan(4);
            StringBuilder apart = new StringBuilder();
            for (int i = 0; i < ids.length; i++) {
                apart.append(tokenizer.decode(new int[] {ids[i]}, false));
            }
            assertThat(apart.toString()).contains("\uFFFD");
            assertThat(tokenizer.decode(Arrays.copyOf(ids, ids.length - 1), false))
                    .startsWith("a")
                    .endsWith("\uFFFD");
            assertThat(tokenizer.decode(ids, false)).isEqualTo("a🧑🏽‍🚀");
        }
    }

    @Test
    void cannotBeUsedOnceClosed() throws IOException {
        Tokenizer tokenizer = small();
        tokenizer.close();
        tokenizer.close();
        assertThatThrownBy(() -> tokenizer.encode("a")).isInstanceOf(IllegalStateException.class);
    }
}
