package org.minpro.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Against bench/goldens/text_chat_options.py: tokens declared beside tokenizer.json are those of transformers. */
final class AddedTokensTest {
    @TempDir
    static Path folder;

    @TestFactory
    Stream<DynamicTest> tokensDeclaredBesideTheTokenizerAreKnown() throws IOException {
        JsonNode goldens = JsonMapper.shared().readTree(TextGoldenTest.resource("added_tokens.json"));
        String text = goldens.get("text").stringValue();
        assertThat(goldens.get("cases").size()).isGreaterThan(10);
        return goldens.get("cases").valueStream().map(golden -> {
            String name = golden.get("name").stringValue();
            return DynamicTest.dynamicTest(name, () -> {
                Path model = Files.createDirectories(folder.resolve(name.replace(' ', '_')));
                TextGoldenTest.unpackTokenizer(model);
                for (Map.Entry<String, JsonNode> file : golden.get("files").properties()) {
                    Files.writeString(
                            model.resolve(file.getKey()), file.getValue().toString());
                }
                try (Tokenizer tokenizer = Tokenizer.load(model)) {
                    int[] expected = golden.get("ids")
                            .valueStream()
                            .mapToInt(JsonNode::intValue)
                            .toArray();
                    assertThat(tokenizer.encode(text)).isEqualTo(expected);
                    assertThat(tokenizer.decode(expected, false))
                            .isEqualTo(golden.get("decoded").stringValue());
                    assertThat(tokenizer.decode(expected, true))
                            .isEqualTo(golden.get("without_special").stringValue());
                    assertThat(tokenizer.vocabularySize())
                            .isEqualTo(golden.get("size").intValue());
                }
            });
        });
    }
}
