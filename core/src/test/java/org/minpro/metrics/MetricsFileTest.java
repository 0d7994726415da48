package org.minpro.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class MetricsFileTest {
    @TempDir
    Path folder;

    private static IterationMetrics metrics(long iteration, double seconds) {
        Map<String, Double> values = new LinkedHashMap<>();
        values.put("reward_mean", iteration / 3.0);
        values.put("age", (double) iteration);
        return new IterationMetrics(iteration, values, Map.of("seconds", seconds));
    }

    private Path written(int iterations) {
        Path file = folder.resolve("metrics.jsonl");
        try (MetricsFile sink = MetricsFile.open(file, 0)) {
            for (int i = 0; i < iterations; i++) {
                sink.record(metrics(i, 1.5));
            }
            sink.sync();
        }
        return file;
    }

    @Test
    void aLineHasTheTimesInOnePlace() {
        assertThat(MetricsFile.line(metrics(1, 2)))
                .isEqualTo(
                        "{\"iteration\":1,\"reward_mean\":0.3333333333333333,\"age\":1.0,\"time\":{\"seconds\":2.0}}");
    }

    @Test
    void doublesReadBackBitForBit() {
        Random random = new Random(3);
        Map<String, Double> values = new LinkedHashMap<>();
        for (int i = 0; i < 2000; i++) {
            values.put("v" + i, Double.longBitsToDouble(random.nextLong()));
        }
        values.put("nan", Double.NaN);
        values.put("zero", -0.0);
        values.put("infinite", Double.NEGATIVE_INFINITY);
        values.put("tiny", Double.MIN_VALUE);
        values.put("odd \"name\"\n", 1.0);
        Path file = folder.resolve("m.jsonl");
        try (MetricsFile sink = MetricsFile.open(file, 0)) {
            sink.record(new IterationMetrics(0, values, Map.of()));
        }
        assertThat(MetricsFile.read(file)).containsExactly(new IterationMetrics(0, values, Map.of()));
    }

    @Test
    void aResumedRunHasEachIterationOnce() throws IOException {
        Path whole = written(6);
        byte[] expected = Files.readAllBytes(whole);
        for (int resumed = 0; resumed <= 6; resumed++) {
            Files.writeString(whole, "{\"iteration\":6,\"rew", StandardOpenOption.APPEND);
            try (MetricsFile sink = MetricsFile.open(whole, resumed)) {
                for (int i = resumed; i < 6; i++) {
                    sink.record(metrics(i, 1.5));
                }
            }
            assertThat(Files.readAllBytes(whole)).isEqualTo(expected);
        }
    }

    @Test
    void aLineBeingWrittenIsNotRead() throws IOException {
        Path file = written(2);
        Files.writeString(file, "{\"iteration\":2", StandardOpenOption.APPEND);
        assertThat(MetricsFile.read(file))
                .extracting(IterationMetrics::iteration)
                .containsExactly(0L, 1L);
    }

    @Test
    void refusesAGap() throws IOException {
        Path file = written(3);
        try (MetricsFile sink = MetricsFile.open(file, 3)) {
            assertThatThrownBy(() -> sink.record(metrics(4, 1))).hasMessageStartingWith("iteration must be 3");
        }
        byte[] before = Files.readAllBytes(file);
        assertThatThrownBy(() -> MetricsFile.open(file, 5))
                .hasMessage(file + ":4 must be the line of iteration 3 to continue with iteration 5, got: nothing");
        assertThat(Files.readAllBytes(file)).isEqualTo(before);
    }
}
