package org.minpro.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that pyarrow wrote: bench/goldens/data_parquet.py. */
final class ParquetReaderTest {
    @TempDir
    Path folder;

    private Path resource(String name) throws IOException {
        try (InputStream in =
                Objects.requireNonNull(ParquetReaderTest.class.getResourceAsStream("/data/" + name), name)) {
            Path file = folder.resolve(name);
            Files.write(file, in.readAllBytes());
            return file;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "snappy", "gzip", "zstd"})
    void readsRowsAsTheSameRowsInJson(String codec) throws IOException {
        List<Row> expected = Rows.readAll(resource("verl.jsonl"));
        Path file = resource("verl_" + codec + ".parquet");
        List<Row> rows = Rows.readAll(file);
        assertThat(rows)
                .extracting(Row::fields)
                .isEqualTo(expected.stream().map(Row::fields).toList());
        assertThat(rows.getLast().place()).isEqualTo(file + ":5");
    }

    @Test
    void readsDictionariesDatesAndSeveralRowGroups() throws IOException {
        List<Row> rows = Rows.readAll(resource("dictionary.parquet"));
        assertThat(rows)
                .extracting(Row::fields)
                .containsExactly(
                        Map.of("prompt", "a", "day", "2026-03-01"),
                        Map.of("prompt", "b", "day", "2026-03-02"),
                        Map.of("prompt", "a", "day", "2026-03-03"));
    }

    @Test
    void makesProblemsOfNestedFields() throws IOException {
        RowMapping mapping =
                RowMapping.of("prompt", "reward_model.ground_truth").withId("extra_info.index");
        Dataset dataset = Dataset.read(List.of(resource("verl_snappy.parquet")), mapping);
        assertThat(dataset.problems()).extracting(Problem::id).containsExactly("0", "1", "2", "3", "4");
        assertThat(dataset.problems()).extracting(Problem::answer).containsExactly("1", "2", "3", "4", "5");
        assertThat(dataset.problems().getFirst().messages())
                .containsExactly(new Message("system", "Be brief. 🙂"), new Message("user", "What is 0+1?"));
    }

    @Test
    void saysWhatIsWrongWithAFile() throws IOException {
        Path text = Files.writeString(folder.resolve("text.parquet"), "{\"prompt\": 1}");
        assertThatThrownBy(() -> Rows.open(text))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("must be a Parquet file");
        Path cut = folder.resolve("cut.parquet");
        byte[] whole = Files.readAllBytes(resource("verl_zstd.parquet"));
        Files.write(cut, Arrays.copyOf(whole, whole.length / 2));
        assertThatThrownBy(() -> Rows.readAll(cut))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("cut.parquet cannot be read as Parquet");
        assertThatThrownBy(() -> Rows.open(folder.resolve("none.parquet")))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("does not exist");
    }
}
