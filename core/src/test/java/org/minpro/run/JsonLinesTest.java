package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class JsonLinesTest {
    @TempDir
    Path folder;

    @Test
    void linesThatWereCutShortAreLeftOutWhereverTheyStand() throws IOException {
        Path file = folder.resolve("lines.jsonl");
        assertThat(JsonLines.of(file)).isEmpty();
        Files.writeString(file, "{\"i\":0}\n{\"i\":1,\"x\n\n{\"i\":2}\n{\"i\":3");
        assertThat(JsonLines.of(file))
                .extracting(line -> line.path("i").intValue())
                .containsExactly(0, 2);
    }
}
