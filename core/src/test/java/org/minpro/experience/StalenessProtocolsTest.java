package org.minpro.experience;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.minpro.config.NamedRecords;

class StalenessProtocolsTest {
    /** The rows of docs/staleness.md that have a protocol's parameters with their defaults. */
    @Test
    void theTableOfTheDocumentationIsThatOfTheProgram() throws IOException {
        List<String> rows = Files.readAllLines(Path.of("..", "docs", "staleness.md")).stream()
                .filter(line -> line.startsWith("| `"))
                .toList();
        for (NamedRecords.Entry<Staleness> entry : StalenessProtocols.table().entries()) {
            Staleness defaults = StalenessProtocols.table()
                    .create(entry.name(), java.util.Map.of(), getClass().getClassLoader());
            String parameters = StalenessProtocols.table().parameters(defaults).entrySet().stream()
                    .map(parameter -> "`" + parameter.getKey() + "` "
                            + String.valueOf(parameter.getValue()).toLowerCase(Locale.ROOT))
                    .collect(Collectors.joining(", "));
            assertThat(rows).anyMatch(row -> row.startsWith("| `" + entry.name() + "` | " + parameters + " | "));
        }
        assertThat(rows.stream()
                        .filter(row -> row.chars().filter(c -> c == '|').count() == 4)
                        .map(row -> row.split("`")[1]))
                .containsAll(StalenessProtocols.table().names());
    }
}
