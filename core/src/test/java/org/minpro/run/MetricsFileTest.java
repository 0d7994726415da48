package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class MetricsFileTest {
    @TempDir
    Path folder;

    private static void append(MetricsFile file, long iteration) {
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put("reward", iteration / 3.0);
        metrics.put("age", (double) iteration);
        file.append(iteration, metrics, Map.of("seconds", 1.5));
    }

    private Path written(int iterations) {
        Path path = folder.resolve("metrics.jsonl");
        try (MetricsFile file = MetricsFile.open(path, 0)) {
            for (int i = 0; i < iterations; i++) {
                append(file, i);
            }
            file.force();
        }
        return path;
    }

    private static List<String> withoutTime(Path path) throws IOException {
        return Files.readAllLines(path).stream()
                .map(line -> line.replaceFirst("\"ended_at\":[0-9.E]+", ""))
                .toList();
    }

    @Test
    void aLineHasTheTimesInOnePlace() throws IOException {
        assertThat(Files.readAllLines(written(2)).get(1))
                .matches("\\{\"iteration\":1,\"reward\":0.3333333333333333,\"age\":1.0,"
                        + "\"time\":\\{\"seconds\":1.5,\"ended_at\":[0-9.E]+}}");
    }

    @Test
    void doublesReadBackBitForBitAndWhatIsNotFiniteIsNull() throws IOException {
        Random random = new Random(3);
        Map<String, Double> metrics = new LinkedHashMap<>();
        for (int i = 0; i < 2000; i++) {
            metrics.put("v" + i, Double.longBitsToDouble(random.nextLong()));
        }
        metrics.put("zero", -0.0);
        metrics.put("tiny", Double.MIN_VALUE);
        metrics.put("nan", Double.NaN);
        Path path = folder.resolve("m.jsonl");
        try (MetricsFile file = MetricsFile.open(path, 0)) {
            file.append(0, metrics, Map.of());
        }
        JsonNode line = JsonMapper.shared().readTree(Files.readString(path));
        metrics.forEach((name, value) -> {
            if (Double.isFinite(value)) {
                assertThat(Double.doubleToLongBits(line.get(name).doubleValue()))
                        .isEqualTo(Double.doubleToLongBits(value));
            } else {
                assertThat(line.get(name).isNull()).isTrue();
            }
        });
    }

    @Test
    void aResumedRunHasEachIterationOnce() throws IOException {
        Path path = written(6);
        List<String> expected = withoutTime(path);
        for (int resumed = 0; resumed <= 6; resumed++) {
            Files.writeString(path, "{\"iteration\":6,\"rew", StandardOpenOption.APPEND);
            try (MetricsFile file = MetricsFile.open(path, resumed)) {
                for (int i = resumed; i < 6; i++) {
                    append(file, i);
                }
            }
            assertThat(withoutTime(path)).isEqualTo(expected);
        }
    }
}
