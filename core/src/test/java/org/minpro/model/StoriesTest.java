package org.minpro.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.tensor.DType;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.TestDevice;
import org.minpro.text.Tokenizer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A real model of 260 thousand parameters, trained on TinyStories, against a float64 reference that is not torch. */
class StoriesTest {
    @TempDir
    static Path folder;

    private static JsonNode reference = JsonMapper.shared().nullNode();

    @BeforeAll
    static void convert() throws Exception {
        Path files = Path.of(Objects.requireNonNull(StoriesTest.class.getResource("/stories260K"))
                .toURI());
        Llama2cCheckpoint.convert(files.resolve("stories260K.bin"), files.resolve("tok512.bin"), folder);
        reference = JsonMapper.shared().readTree(files.resolve("reference.json").toFile());
    }

    private static Parameters parameters(HuggingFaceReader files) {
        Parameters parameters = Parameters.zeros(files.config(), TestDevice.HERE, DType.F32);
        files.load(parameters.named());
        return parameters;
    }

    @Test
    void logitsAreThoseOfTheReference() {
        HuggingFaceReader files = HuggingFaceReader.open(folder);
        assertThat(files.config().parameters()).isEqualTo(260_032);
        int[] ids = ReferenceModel.ids(reference.get("logits_ids"));
        try (Parameters parameters = parameters(files);
                Transformer model = new Transformer(files.config(), parameters);
                Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            // One more, because a response's last token is not read.
            int[] response = Arrays.copyOfRange(ids, 1, ids.length + 1);
            Tensor logits = model.logits(model.hidden(TokenBlock.of(new int[] {ids[0]}, response)));
            for (int position = 0; position < ids.length; position++) {
                double[] actual = logits.select(0, position).doubles();
                double[] expected =
                        ReferenceModel.doubles(reference.get("logits").get(position));
                assertThat(actual).hasSameSizeAs(expected);
                for (int id = 0; id < expected.length; id++) {
                    assertThat(Math.abs(actual[id] - expected[id]))
                            .as("position %d, id %d", position, id)
                            .isLessThanOrEqualTo(1e-4 * Math.max(1, Math.abs(expected[id])));
                }
            }
        }
    }

    @Test
    void itTellsTheSameStory() {
        HuggingFaceReader files = HuggingFaceReader.open(folder);
        int[] expected = ReferenceModel.ids(reference.get("greedy_ids"));
        try (Parameters parameters = parameters(files);
                Transformer model = new Transformer(files.config(), parameters);
                Tokenizer tokenizer = Tokenizer.load(folder)) {
            int[] ids = ReferenceModelsTest.greedy(model, new int[] {expected[0]}, expected.length - 1);
            assertThat(ids).containsExactly(Arrays.copyOfRange(expected, 1, expected.length));
            assertThat(tokenizer.decode(ids, true))
                    .isEqualTo(reference.get("greedy_text").stringValue());
        }
    }

    @Test
    void itsTokenizerMergesAsSentencePieceDoes() {
        String text = reference.get("greedy_text").stringValue();
        int[] expected = ReferenceModel.ids(reference.get("greedy_ids"));
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            assertThat(tokenizer.encode(text)).containsExactly(Arrays.copyOfRange(expected, 1, expected.length));
            // A character that the vocabulary lacks falls back to its bytes: id 3 is byte 0.
            int[] fallback = tokenizer.encode("\u4e2d");
            assertThat(IntStream.of(fallback).skip(fallback.length - 3)).containsExactly(3 + 0xE4, 3 + 0xB8, 3 + 0xAD);
            assertThat(tokenizer.decode(fallback, false)).isEqualTo("\u4e2d");
            assertThat(tokenizer.addsBeginOfSequence()).isTrue();
        }
    }
}
