package org.minpro.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class JsonlReaderTest {
    private static List<Row> read(byte[] bytes) {
        List<Row> rows = new ArrayList<>();
        try (JsonlReader reader = new JsonlReader("in.jsonl", new ByteArrayInputStream(bytes))) {
            for (Row row = reader.next(); row != null; row = reader.next()) {
                rows.add(row);
            }
        }
        return rows;
    }

    private static List<Row> read(String text) {
        return read(text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void numbersLinesFromOneAndSkipsBlankOnes() {
        List<Row> rows = read("\uFEFF{\"a\":1}\r\n\n  \n{\"a\":\"é\"}");
        assertThat(rows).extracting(Row::line).containsExactly(1L, 4L);
        assertThat(rows.get(0).fields()).containsEntry("a", 1);
        assertThat(rows.get(1).fields()).containsEntry("a", "é");
    }

    @Test
    void keepsTheFileOrderOfFields() {
        assertThat(read("{\"z\":1,\"a\":2.5,\"m\":null}").getFirst().fields().keySet())
                .containsExactly("z", "a", "m");
    }

    @Test
    void namesFileLineAndColumnOfBrokenJson() {
        assertThatThrownBy(() -> read("{\"a\":1}\n{\"a\":1,}\n"))
                .isInstanceOf(DataException.class)
                .hasMessageStartingWith("in.jsonl:2:8: is not valid JSON: ")
                .hasMessageNotContaining("\n");
    }

    @Test
    void refusesWhatIsNotOneObjectALine() {
        assertThatThrownBy(() -> read("[1]")).hasMessage("in.jsonl:1: must be one JSON object a line, got: [1]");
        assertThatThrownBy(() -> read("{\"a\":1} {\"b\":2}")).hasMessageStartingWith("in.jsonl:1:");
        assertThatThrownBy(() -> read("{\"a\":1,\"a\":2}")).hasMessageContaining("Duplicate");
    }

    @Test
    void refusesBytesThatAreNotUtf8() {
        byte[] latin1 = "{\"a\":1}\n{\"a\":\"é\"}\n".getBytes(StandardCharsets.ISO_8859_1);
        assertThatThrownBy(() -> read(latin1)).hasMessage("in.jsonl:2: must be UTF-8, and this line is not");
    }

    @Test
    void namesAMissingFile() {
        assertThatThrownBy(() -> JsonlReader.open(Path.of("no-such.jsonl")))
                .isInstanceOf(DataException.class)
                .hasMessageStartingWith("no-such.jsonl does not exist");
    }

    @Test
    void accessorsNamePlaceFieldAndValue() {
        Row row = read("{\"ids\":[1,2.5],\"text\":7,\"messages\":[{\"role\":\"user\"}],\"good\":[3,4]}")
                .getFirst();
        assertThat(row.ids("good")).containsExactly(3, 4);
        assertThatThrownBy(() -> row.ids("ids"))
                .hasMessage("in.jsonl:1: field 'ids' must hold token ids, got at 1: 2.5");
        assertThatThrownBy(() -> row.string("text")).hasMessage("in.jsonl:1: field 'text' must be a string, got: 7");
        assertThatThrownBy(() -> row.messages("messages")).hasMessageContaining("{role=user}");
        assertThatThrownBy(() -> row.string("prompt"))
                .hasMessage("in.jsonl:1: field 'prompt' is missing; the row has 'ids', 'text', 'messages', 'good'");
    }
}
