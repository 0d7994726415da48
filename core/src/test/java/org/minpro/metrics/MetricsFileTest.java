package org.minpro.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsFileTest {
    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit sets it
    private Path folder;

    private void write(long nextIteration, long end) {
        try (MetricsFile metrics = MetricsFile.open(folder.resolve("metrics.jsonl"), nextIteration)) {
            for (long iteration = nextIteration; iteration < end; iteration++) {
                metrics.append(iteration, Map.of("reward", iteration / 3.0), Map.of("seconds", 1.5));
            }
        }
    }

    @Test
    void eachIterationIsThereOnceAfterAnyNumberOfResumes() throws Exception {
        Path file = folder.resolve("metrics.jsonl");
        write(0, 6);
        String whole = Files.readString(file);
        write(3, 5);
        Files.writeString(file, "{\"iteration\":5,\"rew", StandardOpenOption.APPEND);
        write(5, 6);
        assertThat(file).hasContent(whole);
        assertThat(whole.lines())
                .hasSize(6)
                .first()
                .isEqualTo("{\"iteration\":0,\"reward\":0.0,\"time\":{\"seconds\":1.5}}");
    }

    @Test
    void aNumberThatIsNotFiniteIsNull() {
        try (MetricsFile metrics = MetricsFile.open(folder.resolve("metrics.jsonl"), 0)) {
            metrics.append(0, Map.of("loss", Double.NaN), Map.of());
        }
        assertThat(folder.resolve("metrics.jsonl")).content().contains("\"loss\":null");
    }
}
