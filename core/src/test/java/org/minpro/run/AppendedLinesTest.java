package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an editor or a disk did to a line costs that line, none behind it. */
final class AppendedLinesTest {
    @TempDir
    private Path folder;

    private static String line(int iteration) {
        return "{\"iteration\":" + iteration + "}\n";
    }

    private Path damaged() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.write(line(0).getBytes(StandardCharsets.UTF_8));
        bytes.write('\n');
        // No characters in UTF-8: each is read as one of three bytes.
        bytes.write(new byte[] {(byte) 0xff, (byte) 0xfe, '\n'});
        bytes.write(line(1).getBytes(StandardCharsets.UTF_8));
        bytes.write(line(2).getBytes(StandardCharsets.UTF_8));
        bytes.write("{\"iteration\":3".getBytes(StandardCharsets.UTF_8));
        Path file = folder.resolve("lines.jsonl");
        Files.write(file, bytes.toByteArray());
        return file;
    }

    @Test
    void cutsAtAnIterationAndNotAtADamagedLine() throws IOException {
        Path file = damaged();
        byte[] before = Files.readAllBytes(file);
        try (AppendedLines lines = AppendedLines.open(file, "the lines")) {
            lines.cutFrom(2);
            lines.append(line(2));
        }
        byte[] after = Files.readAllBytes(file);
        assertThat(after).hasSize(before.length - "{\"iteration\":3".length());
        assertThat(before).startsWith(after);
    }

    @Test
    void readsWholeLinesAndWhereTheyEnd() throws IOException {
        Path file = damaged();
        List<String> read = new ArrayList<>();
        long[] last = {0};
        try (AppendedLines lines = AppendedLines.open(file, "the lines")) {
            lines.read((line, end) -> {
                read.add(line);
                last[0] = end;
                return true;
            });
        }
        assertThat(read)
                .containsExactly("{\"iteration\":0}", "", "\uFFFD\uFFFD", "{\"iteration\":1}", "{\"iteration\":2}");
        assertThat(last[0]).isEqualTo(Files.size(file) - "{\"iteration\":3".length());
    }
}
