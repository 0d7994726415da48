package org.minpro.environment;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.minpro.config.Doc;
import org.minpro.config.NamedRecords;

class EnvironmentsTest {
    private static final Path PAGE = Path.of("..", "docs", "environments.md");

    @Test
    void thePageHasEveryEnvironmentAndEveryParameter() throws IOException {
        String page = Files.readString(PAGE);
        List<NamedRecords.Entry<Environment>> entries = Environments.table().entries();
        assertThat(entries).isNotEmpty();
        for (NamedRecords.Entry<Environment> entry : entries) {
            assertThat(page).contains("| `" + entry.name() + "` | " + entry.summary() + " |");
            assertThat(page).contains("### `" + entry.name() + "`");
            for (RecordComponent component : entry.type().getRecordComponents()) {
                String name = component.getName().replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
                Doc doc = component.getAnnotation(Doc.class);
                assertThat(page)
                        .as(entry.name())
                        .contains("| `" + name + "` | ")
                        .contains(doc.value());
            }
        }
    }
}
