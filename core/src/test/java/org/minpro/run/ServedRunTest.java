package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.minpro.config.Binder;
import org.minpro.data.Problem;
import org.minpro.environment.Answer;
import org.minpro.environment.Environment;
import org.minpro.environment.Episode;
import org.minpro.environment.Turn;
import org.minpro.experience.Async;
import org.minpro.experience.Delayed;
import org.minpro.model.Parameters;
import org.minpro.objective.TruncatedImportanceSampling;
import org.minpro.recipe.Recipe;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.served.FakeVllm;
import org.minpro.rollout.served.RolloutSettings;
import org.minpro.tensor.DType;
import org.minpro.train.LearningRateSchedule;
import org.minpro.train.Policy;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A run whose rollouts come from a server that does everything wrong now and then: it learns, and loses nothing. */
class ServedRunTest {
    private static final int ITERATIONS = 10;

    @TempDir
    Path folder;

    private Recipe recipe(FakeVllm server, boolean async) {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("iterations", ITERATIONS);
        settings.put("sampling.max-new-tokens", 10);
        settings.put("optimizer.learning-rate", 3e-3);
        settings.put("optimizer.schedule", LearningRateSchedule.CONSTANT);
        settings.put("staleness", async ? new Async(2, Async.InFlight.CONTINUE) : new Delayed(0));
        settings.put("evaluation.problems", 0);
        settings.put("corrections", List.of(new TruncatedImportanceSampling()));
        settings.put("runs", folder.resolve("runs"));
        Recipe recipe = TinyRecipe.with(settings);
        Map<String, Object> served = new LinkedHashMap<>();
        served.put("rollout.urls", List.of(server.url()));
        served.put("rollout.concurrency", 8);
        served.put("rollout.engine", RolloutSettings.Engine.SERVED);
        for (Map.Entry<String, Object> setting : served.entrySet()) {
            recipe = Binder.with(recipe, setting.getKey(), setting.getValue());
        }
        return recipe;
    }

    private FakeVllm server() {
        ModelFiles files = ModelFiles.open("builtin");
        try (Policy policy = files.policy(DType.F32, new Recipe().model().trained(files.config()))) {
            Parameters weights = policy.master();
            files.saveServed(folder.resolve("start"), weights, DType.F32);
        }
        return new FakeVllm(folder.resolve("start"), 64);
    }

    private TrainingSession.Start start(Recipe recipe, RunListener listener) {
        return TrainingSession.of(recipe)
                .problems(draw -> Problem.of("p" + draw, draw % 10 + "+1=", ""))
                // Something that a few updates can teach.
                .reward((problem, rollout) ->
                        Score.of(rollout.text().chars().filter(c -> c == '1').count() / 10.0))
                .listener(listener);
    }

    @Tag("slow")
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aRunLearnsAndSurvivesEverySwitch(boolean async) throws Exception {
        List<String> notices = Collections.synchronizedList(new ArrayList<>());
        Path run;
        try (FakeVllm server = server()) {
            RunListener switches = new RunListener() {
                @Override
                public void iterationFinished(IterationReport report) {
                    switch ((int) report.iteration()) {
                        case 0 -> server.set(FakeVllm.Trap.ABORT, 2);
                        case 1 -> server.set(FakeVllm.Trap.POISONED_RELOAD, 1);
                        case 2 -> server.set(FakeVllm.Trap.STALE_RELOAD, 1);
                        case 3 -> server.set(FakeVllm.Trap.CUT_BODY, 1);
                        case 4 -> {
                            server.kill();
                            CompletableFuture<Void> unused = CompletableFuture.runAsync(server::start);
                        }
                        case 5 -> server.set(FakeVllm.Trap.NAN, 1);
                        case 6 -> server.set(FakeVllm.Trap.FAIL, 3);
                        case 7 -> server.set(FakeVllm.Trap.CACHE_KEPT, 1);
                        default -> {}
                    }
                }

                @Override
                public void notice(String line) {
                    notices.add(line);
                }
            };
            try (TrainingSession session =
                    start(recipe(server, async), switches).start()) {
                assertThat(session.run()).isTrue();
                run = session.folder().path();
            }
        }
        List<Double> rewards = new ArrayList<>();
        double mismatch = 0;
        int measured = 0;
        int toldApart = 0;
        for (String line : Files.readAllLines(run.resolve("metrics.jsonl"))) {
            JsonNode node = JsonMapper.shared().readTree(line);
            rewards.add(node.path("reward").doubleValue());
            measured += node.has("mismatch/max") ? 1 : 0;
            mismatch = Math.max(mismatch, node.path("mismatch/max").asDouble(0));
            if (!async) {
                // Of every iteration that learns from anything.
                assertThat(node.has("ratio/mismatch/max")).isEqualTo(node.has("ratio/prefix/max"));
            }
            if (node.has("ratio/mismatch/max")) {
                toldApart++;
                assertThat(node.path("ratio/mismatch/max").doubleValue()).isCloseTo(1, within(1e-3));
                assertThat(node.path("ratio/mismatch/min").doubleValue()).isCloseTo(1, within(1e-3));
                if (!async) {
                    // No update lies between the sampling and the one that learns from it.
                    assertThat(node.path("ratio/drift/max").doubleValue()).isCloseTo(1, within(1e-3));
                }
            }
        }
        assertThat(rewards).hasSize(ITERATIONS);
        if (!async) {
            // An asynchronous run is another one each time, and ten iterations are few.
            assertThat(rewards.subList(7, 10).stream()
                            .mapToDouble(x -> x)
                            .average()
                            .orElseThrow())
                    .as(rewards.toString())
                    .isGreaterThan(rewards.getFirst() + 0.1);
        }
        // Against the weights that sampled, whatever the present ones are.
        assertThat(measured).isGreaterThanOrEqualTo(async ? 3 : ITERATIONS);
        assertThat(mismatch).isLessThan(1e-3);
        assertThat(toldApart).isGreaterThanOrEqualTo(3);
        assertThat(Files.readAllLines(run.resolve("tokens.jsonl")))
                .anyMatch(line -> line.contains("\"log_pi_sampling\":"));
        Map<String, Integer> journaled = new TreeMap<>();
        for (String line : Files.readAllLines(run.resolve("journal.jsonl"))) {
            JsonNode node = JsonMapper.shared().readTree(line);
            journaled.merge(node.path("draw") + "." + node.path("sample"), 1, Integer::sum);
        }
        assertThat(journaled)
                .hasSize(ITERATIONS * 16)
                .allSatisfy((place, times) -> assertThat(times).isEqualTo(1));
        assertThat(notices).anyMatch(line -> line.startsWith("warning: server down"));
    }

    /** Says the same to each of the first two turns, some milliseconds later. */
    private record Insisting() implements Environment {
        @Override
        public Episode begin(Problem problem, long draw, int sample) {
            return new Episode() {
                @Override
                public Answer answer(Turn turn) {
                    LockSupport.parkNanos((draw * 31 + sample * 17L + turn.ordinal()) % 5 * 1_000_000);
                    return turn.ordinal() < 2 ? Answer.says("+1=") : Answer.end();
                }

                @Override
                public Score score(Rollout rollout) {
                    return Score.of(rollout.text().chars().filter(c -> c == '1').count() / 10.0);
                }
            };
        }
    }

    @Tag("slow")
    @Test
    void anEnvironmentAnswersTurnsThatServersGenerate() throws Exception {
        int iterations = 4;
        Path run;
        try (FakeVllm server = server()) {
            RunListener switches = new RunListener() {
                @Override
                public void iterationFinished(IterationReport report) {
                    server.set(FakeVllm.Trap.ABORT, 3);
                    server.set(FakeVllm.Trap.CUT_BODY, 2);
                    if (report.iteration() == 1) {
                        server.kill();
                        CompletableFuture<Void> unused = CompletableFuture.runAsync(server::start);
                    }
                }
            };
            Recipe recipe = recipe(server, false)
                    .with("iterations", iterations)
                    .with("sampling.max-new-tokens", 24)
                    .with("sampling.stop-token-ids", List.of(3, 4, 5, 6, 7));
            try (TrainingSession session = TrainingSession.of(recipe)
                    .problems(draw -> Problem.of("p" + draw, draw % 10 + "+1=", ""))
                    .environment(new Insisting())
                    .listener(switches)
                    .start()) {
                assertThat(session.run()).isTrue();
                run = session.folder().path();
            }
        }
        List<JsonNode> journal = Files.readAllLines(run.resolve("journal.jsonl")).stream()
                .map(JsonMapper.shared()::readTree)
                .toList();
        assertThat(journal.stream().map(node -> node.path("draw") + "." + node.path("sample")))
                .hasSize(iterations * 16)
                .doesNotHaveDuplicates();
        int several = 0;
        for (JsonNode rollout : journal) {
            JsonNode mask = rollout.path("response_mask");
            several += mask.isEmpty() ? 0 : 1;
            for (int t = 0; t < mask.size(); t++) {
                assertThat(rollout.path("behavior_log_probs").get(t).doubleValue() == 0)
                        .isEqualTo(!mask.get(t).booleanValue());
            }
        }
        assertThat(several).isGreaterThan(journal.size() / 2);
        for (String line : Files.readAllLines(run.resolve("metrics.jsonl"))) {
            JsonNode metrics = JsonMapper.shared().readTree(line);
            assertThat(metrics.has("mismatch/max")).isTrue();
            assertThat(metrics.path("mismatch/max").doubleValue()).isLessThan(1e-3);
        }
    }

    @Tag("slow")
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aRunWithAnAdapterGivesItToTheServersVersionByVersion(boolean async) throws Exception {
        List<String> notices = Collections.synchronizedList(new ArrayList<>());
        Path run;
        try (FakeVllm server = server()) {
            Recipe recipe = recipe(server, async)
                    .with("iterations", 5)
                    .with("adapter.rank", 4)
                    .with("optimizer.learning-rate", 3e-2);
            AtomicInteger finished = new AtomicInteger();
            RunListener listener = new RunListener() {
                @Override
                public void rolloutFinished(Rollout rollout) {
                    // In the third iteration.
                    if (finished.incrementAndGet() == 36) {
                        server.kill();
                        CompletableFuture<Void> unused = CompletableFuture.runAsync(server::start);
                    }
                }

                @Override
                public void notice(String line) {
                    notices.add(line);
                }
            };
            try (TrainingSession session = start(recipe, listener).start()) {
                assertThat(session.run()).isTrue();
                run = session.folder().path();
            }
            assertThat(server.adapters()).hasSizeBetween(1, 2);
            assertThat(server.isPaused()).isFalse();
        }
        double mismatch = 0;
        double moved = 0;
        for (String line : Files.readAllLines(run.resolve("metrics.jsonl"))) {
            JsonNode node = JsonMapper.shared().readTree(line);
            mismatch = Math.max(mismatch, node.path("mismatch/max").asDouble(0));
            moved = Math.max(moved, node.path("grad_norm").asDouble(0));
        }
        assertThat(mismatch).isLessThan(1e-3);
        assertThat(moved).isPositive();
        for (String line : Files.readAllLines(run.resolve("journal.jsonl"))) {
            // Nothing is sampled by two versions.
            assertThat(JsonMapper.shared().readTree(line).has("version")).isTrue();
        }
        assertThat(notices).anyMatch(line -> line.contains("is back, with version"));
    }

    @Test
    void whatServersCannotDoIsRefusedBeforeTheRun() throws Exception {
        Recipe served = Recipe.of()
                .with(
                        "rollout",
                        new RolloutSettings(
                                RolloutSettings.Engine.SERVED,
                                RolloutSettings.Server.VLLM,
                                List.of("http://127.0.0.1:9"),
                                "policy",
                                "",
                                8,
                                "",
                                "",
                                4,
                                10,
                                10,
                                10,
                                0));
        assertThatThrownBy(() -> served.with("sampling.top-k", 5)).hasMessageContaining("with rollout.engine served");
        assertThatThrownBy(() -> served.with("sampling.stop", List.of("x")))
                .hasMessageContaining("sampling.stop-token-ids");
        assertThatThrownBy(() -> new Recipe().with("rollout.engine", RolloutSettings.Engine.SERVED))
                .hasMessageContaining("urls must be at least one address");
        assertThatThrownBy(() -> new Recipe().with("rollout.api-key", "secret"))
                .hasMessageContaining("from the environment")
                .hasMessageNotContaining("secret");
        assertThatThrownBy(() ->
                        start(served.with("runs", folder), new RunListener() {}).start())
                .hasMessageContaining("http://127.0.0.1:9/health must answer");
    }
}
