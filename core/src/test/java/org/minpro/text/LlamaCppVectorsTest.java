package org.minpro.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against llama.cpp's tokenizer tests (MIT), which an engine of its own wrote; skipped where they are absent. */
class LlamaCppVectorsTest {
    private static final String SEPARATOR = "\n__ggml_vocab_test__\n";

    @ParameterizedTest
    @CsvSource({"qwen3, qwen2", "llama3_1, llama-bpe"})
    void encodesAsLlamaCpp(String tokenizerName, String vectors) throws IOException {
        Path folder = shared().resolve("fixtures").resolve("tokenizer-vectors");
        assumeTrue(
                Files.isDirectory(folder),
                "skipped: llama.cpp's vectors are not here; MINPRO_SHARED names the folder that has them");
        String fetched = System.getenv("MINPRO_TEXT_GOLDENS");
        assumeTrue(
                fetched != null && Files.isDirectory(Path.of(fetched, tokenizerName)),
                "skipped: " + tokenizerName + " is fetched by bench/goldens/text_tokenizers.py");
        String[] texts = Files.readString(folder.resolve(vectors + ".inp")).split(SEPARATOR, -1);
        List<String> lines = Files.readAllLines(folder.resolve(vectors + ".out"));
        assertThat(lines).hasSizeGreaterThan(40);
        try (Tokenizer tokenizer = Tokenizer.load(Path.of(fetched, tokenizerName))) {
            for (int i = 0; i < lines.size(); i++) {
                int[] expected = Arrays.stream(lines.get(i).trim().split("\\s+"))
                        .filter(id -> !id.isEmpty())
                        .mapToInt(Integer::parseInt)
                        .toArray();
                assertThat(tokenizer.encode(texts[i]))
                        .as("text %d: %s", i, texts[i])
                        .isEqualTo(expected);
            }
        }
    }

    private static Path shared() {
        String given = System.getenv("MINPRO_SHARED");
        if (given != null) {
            return Path.of(given);
        }
        Path root = Path.of("").toAbsolutePath();
        while (root.getParent() != null && !Files.isDirectory(root.resolve(".mvn"))) {
            root = root.getParent();
        }
        return root.resolveSibling("shared");
    }
}
