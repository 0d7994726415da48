package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.model.RoutingStatistics;
import org.minpro.objective.LogProbStream;
import org.minpro.objective.LossMetrics;
import org.minpro.train.PolicyGradient;
import org.minpro.train.TrainingRow;
import org.minpro.train.Update;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TokensFileTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    @TempDir
    Path folder;

    private static float[] floats(Random random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = -2 * random.nextFloat();
        }
        return values;
    }

    /** Rows of 3 to 6 tokens, of which the third counts for nothing in any and all of row 2 for nothing. */
    private static Update update(long version) {
        Random random = new Random(version);
        int count = 12;
        List<TrainingRow> rows = new ArrayList<>();
        float[][] logProbs = new float[count][];
        float[][] entropies = new float[count][];
        float[][] weights = new float[count][];
        for (int i = 0; i < count; i++) {
            int time = 3 + i % 4;
            boolean[] mask = new boolean[time];
            long[] versions = new long[time];
            for (int t = 0; t < time; t++) {
                mask[t] = t != 2 && i != 2;
                versions[t] = t % 2;
            }
            logProbs[i] = floats(random, time);
            entropies[i] = floats(random, time);
            weights[i] = i % 3 == 0 ? new float[0] : floats(random, time);
            rows.add(new TrainingRow(
                    i / 4,
                    i % 4,
                    new int[] {3},
                    new int[time],
                    mask,
                    Map.of(LogProbStream.BEHAVIOR, floats(random, time)),
                    versions,
                    new double[time]));
        }
        return new Update(
                rows,
                0.1,
                new Update.Step(
                        version,
                        null,
                        new LossMetrics(0, null, new TreeMap<>(), new TreeMap<>()),
                        1,
                        new PolicyGradient.Scored(logProbs, entropies, new float[rows.size()][0], weights),
                        new RoutingStatistics()));
    }

    private List<JsonNode> written(String name, int rows, Update... updates) throws IOException {
        Path file = folder.resolve(name);
        try (TokensFile tokens = TokensFile.open(file, 0, 7, rows)) {
            for (int i = 0; i < updates.length; i++) {
                tokens.append(5, i + 1, updates[i]);
            }
            assertThat(tokens.bytes()).isEqualTo(Files.size(file));
        }
        return Files.readAllLines(file).stream().map(JSON::readTree).toList();
    }

    @Test
    void everyLineHasWhatWasSeenOfItsToken() throws IOException {
        Update update = update(9);
        List<JsonNode> lines = written("all", 100, update);
        int at = 0;
        for (int i = 0; i < update.rows().size(); i++) {
            TrainingRow row = update.rows().get(i);
            double minimum = 1;
            boolean first = true;
            for (int t = 0; t < row.length(); t++) {
                if (!row.mask()[t]) {
                    continue;
                }
                JsonNode line = lines.get(at++);
                assertThat(line.propertyNames())
                        .containsExactly(
                                "iteration",
                                "update",
                                "draw",
                                "sample",
                                "position",
                                "version",
                                "age",
                                "log_mu",
                                "log_pi",
                                "min_prefix",
                                "weight",
                                "entropy");
                float behavior = row.logProbs(LogProbStream.BEHAVIOR)[t];
                float policy = update.requireStep().scored().logProbs()[i][t];
                assertThat(line.get("iteration").intValue()).isEqualTo(5);
                assertThat(line.get("update").intValue()).isEqualTo(1);
                assertThat(line.get("draw").longValue()).isEqualTo(i / 4);
                assertThat(line.get("sample").intValue()).isEqualTo(i % 4);
                assertThat(line.get("position").intValue()).isEqualTo(t);
                assertThat(line.get("version").longValue()).isEqualTo(t % 2);
                assertThat(line.get("age").longValue()).isEqualTo(9 - t % 2);
                assertThat(Float.parseFloat(line.get("log_mu").toString())).isEqualTo(behavior);
                assertThat(Float.parseFloat(line.get("log_pi").toString())).isEqualTo(policy);
                assertThat(Float.parseFloat(line.get("min_prefix").toString())).isEqualTo((float) minimum);
                assertThat(line.get("weight").isNull()).isEqualTo(i % 3 == 0);
                assertThat(line.get("entropy").isNumber()).isTrue();
                double ratio = Math.exp((double) policy - behavior);
                minimum = first ? ratio : Math.min(minimum, ratio);
                first = false;
            }
        }
        assertThat(lines).hasSize(at);
    }

    @Test
    void whatTheTrainerScoredAgainStandsBesideWhatTheSamplerReported() throws IOException {
        Update update = update(9);
        List<TrainingRow> rows = new ArrayList<>(update.rows());
        float[] sampling = floats(new Random(3), rows.get(5).length());
        rows.set(5, rows.get(5).with(LogProbStream.SAMPLING, sampling));
        List<JsonNode> lines = written("scored", 100, new Update(rows, 0.1, update.requireStep()));
        for (JsonNode line : lines) {
            boolean scored =
                    line.get("draw").longValue() == 1 && line.get("sample").intValue() == 1;
            assertThat(line.has("log_pi_sampling")).isEqualTo(scored);
            if (scored) {
                assertThat(Float.parseFloat(line.get("log_pi_sampling").toString()))
                        .isEqualTo(sampling[line.get("position").intValue()]);
            }
        }
        assertThat(lines).anyMatch(line -> line.has("log_pi_sampling"));
    }

    private static List<String> rows(List<JsonNode> lines) {
        return lines.stream()
                .map(line -> line.get("update") + ":" + line.get("draw") + "/" + line.get("sample"))
                .distinct()
                .toList();
    }

    @Test
    void soManyRowsAreChosenBySeedAndInTheirOrder() throws IOException {
        List<String> chosen = rows(written("some", 3, update(9), update(10)));
        assertThat(chosen).hasSize(6).isEqualTo(rows(written("again", 3, update(9), update(10))));
        assertThat(chosen.subList(0, 3)).isSorted();
        assertThat(chosen).doesNotContain("1:0/2");
        assertThat(chosen.subList(0, 3).stream().map(row -> row.substring(2)))
                .as("another update, another choice")
                .isNotEqualTo(chosen.subList(3, 6).stream()
                        .map(row -> row.substring(2))
                        .toList());
        assertThat(rows(written("all", 100, update(9)))).hasSize(11).containsAll(chosen.subList(0, 3));
    }

    @Test
    void withoutRowsAndForASkippedUpdateThereIsNothing() throws IOException {
        assertThat(written("none", 0, update(9))).isEmpty();
        assertThat(written("skipped", 8, new Update(update(9).rows(), 0.1, null)))
                .isEmpty();
    }

    @Test
    void aRunThatGoesOnCutsWhatCameAfterItsCheckpoint() throws IOException {
        Path file = folder.resolve("tokens.jsonl");
        long bytes;
        try (TokensFile tokens = TokensFile.open(file, 0, 7, 2)) {
            tokens.append(0, 1, update(1));
            bytes = tokens.bytes();
            tokens.append(1, 1, update(2));
        }
        byte[] whole = Files.readAllBytes(file);
        assertThat(whole.length).isGreaterThan((int) bytes);
        try (TokensFile tokens = TokensFile.open(file, bytes, 7, 2)) {
            tokens.append(1, 1, update(2));
        }
        assertThat(Files.readAllBytes(file)).isEqualTo(whole);
    }
}
