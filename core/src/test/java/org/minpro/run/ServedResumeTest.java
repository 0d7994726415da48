package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.minpro.recipe.Recipe;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.served.FakeVllm;
import org.minpro.tensor.DType;
import org.minpro.train.Policy;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A run with a server that is killed and stopped in its middle, and continued: nothing is lost, nothing is trained on twice, and
 * what is trained on has the ids of the journal.
 */
@Tag("slow")
class ServedResumeTest {
    @TempDir
    Path folder;

    private Path run() {
        return folder.resolve("runs").resolve("0001");
    }

    private FakeVllm server() {
        ModelFiles files = ModelFiles.open("builtin");
        try (Policy policy = files.policy(DType.F32, new Recipe().model().trained(files.config()))) {
            files.saveServed(folder.resolve("start"), policy.master(), DType.F32);
        }
        return new FakeVllm(folder.resolve("start"), 64);
    }

    private Process start(FakeVllm server, String staleness) throws IOException {
        return KilledRuns.java(ServedProgram.class, folder.resolve("runs").toString(), server.url(), staleness)
                .redirectOutput(folder.resolve("output").toFile())
                .redirectError(folder.resolve("errors").toFile())
                .start();
    }

    /** The journal's whole lines. */
    private List<String> journal() throws IOException {
        Path file = run().resolve("journal.jsonl");
        if (!Files.exists(file)) {
            return List.of();
        }
        String text = Files.readString(file);
        return text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
    }

    private static void assertBeginsWith(List<String> before, List<String> lines) {
        assertThat(lines.subList(0, Math.min(before.size(), lines.size()))).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{name: delayed, lag: 2}", "{name: async, max-age: 2, in-flight: continue}"})
    void whatIsKilledAndStoppedGoesOnWithNothingLostAndNothingTrainedOnTwice(String staleness) throws Exception {
        try (FakeVllm server = server()) {
            server.delayMicros = 1000;
            List<String> known = new ArrayList<>();
            for (int tokens : new int[] {150, 400}) {
                Process process = start(server, staleness);
                int before = server.tokens();
                while (server.tokens() < before + tokens) {
                    assertThat(process.isAlive())
                            .as(Files.readString(folder.resolve("errors")))
                            .isTrue();
                    LockSupport.parkNanos(200_000);
                }
                process.destroyForcibly().waitFor();
                List<String> now = journal();
                assertBeginsWith(known, now);
                known = now;
            }
            assertThat(known).as("responses that a killed run has journaled").isNotEmpty();

            AtomicReference<TrainingSession> stopped = new AtomicReference<>();
            AtomicInteger finished = new AtomicInteger();
            RunListener stop = new RunListener() {
                @Override
                public void rolloutFinished(Rollout rollout) {
                    if (finished.incrementAndGet() == 25) {
                        Objects.requireNonNull(stopped.get()).stop();
                    }
                }
            };
            try (TrainingSession session = ServedProgram.open(folder.resolve("runs"), server.url(), staleness, stop)) {
                stopped.set(session);
                assertThat(session.run()).isFalse();
            }
            assertBeginsWith(known, journal());
            known = journal();

            int places = ServedProgram.ITERATIONS * ServedProgram.GROUPS * ServedProgram.SAMPLES;
            assertThat(known.size()).isBetween(25, places - ServedProgram.GROUPS * ServedProgram.SAMPLES);
            int asked = server.requests();
            try (TrainingSession session =
                    ServedProgram.open(folder.resolve("runs"), server.url(), staleness, new RunListener() {})) {
                assertThat(session.run()).isTrue();
            }
            assertThat(server.requests() - asked)
                    .as("what the journal has is not asked for again")
                    // But for what was on its way when the run was stopped.
                    .isBetween(places - known.size(), places - known.size() + 8);
            assertThat(journal()).hasSize(places);
            assertBeginsWith(known, journal());
        }
        assertEachTokenOnce(staleness.contains("async") ? 0 : 2);
    }

    /** @param untrained iterations whose responses still wait when the run ends */
    private void assertEachTokenOnce(int untrained) throws IOException {
        Map<String, JsonNode> journal = new LinkedHashMap<>();
        for (String line : journal()) {
            JsonNode node = JsonMapper.shared().readTree(line);
            assertThat(journal.put(node.path("draw") + "." + node.path("sample"), node))
                    .as("twice in the journal: %s", node)
                    .isNull();
        }
        Map<String, Integer> tokens = new LinkedHashMap<>();
        for (String line : Files.readAllLines(run().resolve("tokens.jsonl"))) {
            JsonNode token = JsonMapper.shared().readTree(line);
            String place = token.path("draw") + "." + token.path("sample");
            int position = token.path("position").intValue();
            assertThat(tokens.merge(place, 1, Integer::sum))
                    .as("token %s of response %s, in its order and once", position, place)
                    .isEqualTo(position + 1);
            JsonNode response = Objects.requireNonNull(journal.get(place), place);
            assertThat(token.path("log_mu").doubleValue())
                    .isEqualTo(response.path("behavior_log_probs").get(position).doubleValue());
        }
        journal.forEach((place, node) -> {
            boolean trained = node.path("draw").longValue()
                    < (long) (ServedProgram.ITERATIONS - untrained) * ServedProgram.GROUPS;
            assertThat(tokens.getOrDefault(place, 0))
                    .as("tokens of response %s", place)
                    .isEqualTo(trained ? node.path("response_ids").size() : 0);
        });
        List<Integer> iterations = new ArrayList<>();
        for (String line : Files.readAllLines(run().resolve("metrics.jsonl"))) {
            iterations.add(JsonMapper.shared().readTree(line).path("iteration").intValue());
        }
        assertThat(iterations)
                .isEqualTo(IntStream.range(0, ServedProgram.ITERATIONS).boxed().toList());
    }
}
