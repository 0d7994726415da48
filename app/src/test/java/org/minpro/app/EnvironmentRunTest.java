package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.data.Problem;
import org.minpro.environment.Answer;
import org.minpro.environment.Environment;
import org.minpro.environment.Episode;
import org.minpro.environment.GuessTheNumber;
import org.minpro.environment.Turn;
import org.minpro.experience.Async;
import org.minpro.model.HuggingFaceWriter;
import org.minpro.model.Kernels;
import org.minpro.model.ModelConfig;
import org.minpro.model.Parameters;
import org.minpro.recipe.BuiltinTask;
import org.minpro.recipe.Recipe;
import org.minpro.reward.Reward;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;
import org.minpro.run.IterationReport;
import org.minpro.run.RunListener;
import org.minpro.run.TrainingSession;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Runs with an environment, from the recipe's settings to the run's folder. */
class EnvironmentRunTest {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final Path TINY = Path.of("..", "recipes", "environments", "tiny");

    @TempDir
    static Path folder;

    private static Path model;

    /** The model of the recipes, smaller, with weights that guess at random. */
    @BeforeAll
    static void writeModel() throws IOException {
        Path bare = Files.createDirectories(folder.resolve("bare"));
        Files.writeString(
                bare.resolve("config.json"),
                Files.readString(TINY.resolve("config.json"))
                        .replace("\"hidden_size\": 128", "\"hidden_size\": 32")
                        .replace("\"intermediate_size\": 336", "\"intermediate_size\": 64")
                        .replace("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 2")
                        .replace("\"head_dim\": 32", "\"head_dim\": 16")
                        .replace("\"num_attention_heads\": 4", "\"num_attention_heads\": 2")
                        .replace("\"num_key_value_heads\": 4", "\"num_key_value_heads\": 1"));
        ModelConfig config = ModelConfig.read(bare);
        model = folder.resolve("model");
        try (Parameters parameters = Parameters.zeros(config, Device.CPU, DType.F32);
                Scope scope = Scope.open()) {
            parameters.initialise(7, 0.5);
            HuggingFaceWriter.write(model, config, parameters.named());
            assert scope != null;
        }
        for (String file :
                List.of("tokenizer.json", "tokenizer_config.json", "generation_config.json", "chat_template.jinja")) {
            Files.copy(TINY.resolve(file), model.resolve(file));
        }
    }

    private static Recipe recipe() {
        return new Recipe()
                .with("model.path", model.toString())
                .with("data.task", BuiltinTask.GUESS_THE_NUMBER)
                .with("iterations", 3)
                .with("lag", 1)
                .with("groups-per-iteration", 4)
                .with("group-size", 4)
                .with("updates-per-iteration", 2)
                .with("sampling.max-new-tokens", 60)
                // Half of the vocabulary: a random model ends its turns now and then.
                .with(
                        "sampling.stop-token-ids",
                        IntStream.range(56, 112).boxed().toList())
                .with("evaluation.problems", 0)
                .with("checkpoints.every", 1)
                .with("optimizer.learning-rate", 1e-3)
                .with("compute.workers", 2)
                .with("runs", folder.resolve("runs"));
    }

    /** Says something after every turn, and pays for turns with an even number of tokens. */
    record Chatty(int milliseconds) implements Environment {
        @Override
        public Episode begin(Problem problem, long draw, int sample) {
            return new Episode() {
                @Override
                public Answer answer(Turn turn) {
                    try {
                        Thread.sleep((draw * 31 + sample * 17L + turn.ordinal()) % 7 * milliseconds);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    return (turn.ordinal() == 3
                                    ? Answer.end()
                                    : Answer.says(turn.ids().length % 2 == 0 ? "higher" : "lower"))
                            .withReward(turn.ids().length % 2 == 0 ? 1 : 0);
                }

                @Override
                public Score score(Rollout rollout) {
                    return Score.of(0);
                }
            };
        }
    }

    private static TrainingSession.Start start(Recipe recipe, Environment environment) {
        return TrainingSession.of(recipe).environment(environment).listener(new RunListener() {});
    }

    private static Map<String, List<Object>> left(Path run) {
        try (Stream<Path> files = Files.walk(run)) {
            Map<String, List<Object>> left = new TreeMap<>();
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String name = run.relativize(file).toString();
                if (name.equals("journal.jsonl")) {
                    left.put(
                            name,
                            new ArrayList<>(
                                    Files.readAllLines(file).stream().sorted().toList()));
                } else if (name.endsWith("safetensors")) {
                    left.put(name, List.of(new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1)));
                }
            }
            return left;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path run(Recipe recipe, Environment environment) {
        try (TrainingSession session = start(recipe, environment).start()) {
            assertThat(session.run()).isTrue();
            session.saveModel();
            return session.folder().path();
        }
    }

    @Test
    void whatAnEnvironmentSaysIsMaskedAndTheSamplersLogProbsAreTheTrainers() throws IOException {
        Path run = run(recipe(), new Chatty(0));
        List<JsonNode> journal = Files.readAllLines(run.resolve("journal.jsonl")).stream()
                .map(JSON::readTree)
                .toList();
        assertThat(journal).hasSize(48);
        int several = 0;
        List<String> rows = new ArrayList<>();
        for (JsonNode rollout : journal) {
            JsonNode mask = rollout.path("response_mask");
            several += mask.isEmpty() ? 0 : 1;
            for (int t = 0; t < mask.size(); t++) {
                double logProb = rollout.path("behavior_log_probs").get(t).doubleValue();
                assertThat(logProb == 0).isEqualTo(!mask.get(t).booleanValue());
            }
            List<Integer> ids = new ArrayList<>();
            rollout.path("prompt_ids").forEach(id -> ids.add(id.intValue()));
            rollout.path("response_ids").forEach(id -> ids.add(id.intValue()));
            rows.add("{\"ids\":" + ids + "}");
        }
        assertThat(several).as("rollouts of several turns").isGreaterThan(24);
        assumeTrue(Kernels.vectors(), Kernels.reason());
        for (String line : Files.readAllLines(run.resolve("metrics.jsonl"))) {
            assertThat(JSON.readTree(line).path("mismatch/max").doubleValue()).isZero();
        }
        // The first iterations were sampled with the weights that the run began with.
        Path input = Files.write(folder.resolve("rows.jsonl"), rows.subList(0, 16));
        CommandLineRun scored =
                CommandLineRun.of("score", "--model", model.toString(), "--workers", "1", "--input", input.toString());
        assertThat(scored.code()).as(scored.err()).isZero();
        for (int i = 0; i < 16; i++) {
            JsonNode rollout = journal.get(i);
            JsonNode scores = JSON.readTree(scored.lines().get(i)).path("log_probs");
            JsonNode mask = rollout.path("response_mask");
            int prompt = rollout.path("prompt_ids").size();
            for (int t = 0; t < rollout.path("response_ids").size(); t++) {
                if (mask.isEmpty() || mask.get(t).booleanValue()) {
                    assertThat(scores.get(prompt + t))
                            .isEqualTo(rollout.path("behavior_log_probs").get(t));
                }
            }
        }
    }

    @Test
    void aSlowEnvironmentChangesNothingAndAStoppedRunGoesOnBitForBit() {
        Map<String, List<Object>> fast = left(run(recipe(), new Chatty(0)));
        assertThat(left(run(recipe(), new Chatty(3)))).isEqualTo(fast);
        Path stopped;
        TrainingSession[] opened = new TrainingSession[1];
        try (TrainingSession session = TrainingSession.of(recipe())
                .environment(new Chatty(0))
                .listener(new RunListener() {
                    @Override
                    public void iterationFinished(IterationReport report) {
                        opened[0].stop();
                    }
                })
                .start()) {
            opened[0] = session;
            assertThat(session.run()).isFalse();
            stopped = session.folder().path();
        }
        try (TrainingSession session = TrainingSession.stored()
                .environment(new Chatty(1))
                .listener(new RunListener() {})
                .resume(stopped)) {
            assertThat(session.run()).isTrue();
            session.saveModel();
        }
        assertThat(left(stopped)).isEqualTo(fast);
    }

    /** Keeps what it hears. */
    record Listening(Environment speaking, Queue<Turn> heard) implements Environment {
        @Override
        public Episode begin(Problem problem, long draw, int sample) {
            Episode episode = speaking.begin(problem, draw, sample);
            return turn -> {
                heard.add(turn);
                return episode.answer(turn);
            };
        }
    }

    @Test
    void anEnvironmentHearsTurnsUpToTheirStopTexts() {
        Queue<Turn> heard = new ConcurrentLinkedQueue<>();
        List<String> stops = List.of("e", "1", "7", "o");
        run(
                recipe().with("lag", 0)
                        .with("iterations", 1)
                        .with("sampling.stop-token-ids", List.of())
                        .with("sampling.stop", stops),
                new Listening(new Chatty(0), heard));
        assertThat(heard).hasSizeGreaterThan(16).anyMatch(turn -> turn.ordinal() > 0);
        assertThat(heard).allSatisfy(turn -> assertThat(turn.text()).doesNotContain(stops.toArray(new String[0])));
    }

    /** Counts how often it was closed. */
    public record Closable() implements Reward {
        private static final AtomicInteger CLOSED = new AtomicInteger();

        @Override
        public Score score(Problem problem, Rollout rollout) {
            return Score.of(CLOSED.get() == 0 ? 1 : 0);
        }

        @Override
        public void close() {
            CLOSED.incrementAndGet();
        }
    }

    @Test
    void aRunAndAnEvaluationCloseTheirReward() {
        Closable.CLOSED.set(0);
        run(recipe().with("lag", 0).with("iterations", 1).with("reward", new Closable()), new Chatty(0));
        assertThat(Closable.CLOSED).hasValue(1);
        Closable.CLOSED.set(0);
        CommandLineRun evaluated = CommandLineRun.of(
                "eval",
                "--model",
                model.toString(),
                "--set",
                "data.task=guess-the-number",
                "--set",
                "evaluation.problems=2",
                "--set",
                "compute.workers=2",
                "--max-new-tokens",
                "8",
                "--samples",
                "1",
                "--reward",
                Closable.class.getName());
        assertThat(evaluated.code()).as(evaluated.err()).isZero();
        assertThat(Closable.CLOSED).hasValue(1);
    }

    @Test
    void samplingBesideTrainingKeepsTheVersionOfEachTurn() throws IOException {
        Path run = run(
                recipe().with("staleness", new Async(4, Async.InFlight.CONTINUE))
                        .with("iterations", 4),
                new Chatty(2));
        assertThat(Files.readAllLines(run.resolve("journal.jsonl"))).hasSize(64);
        assertThat(Files.readAllLines(run.resolve("metrics.jsonl")))
                .hasSize(4)
                .allMatch(line -> JSON.readTree(line).path("age/mean").doubleValue(0) <= 5);
    }

    @Test
    void theTaskTakesItsEnvironmentAndDemonstrationsShowWholeGames() throws IOException {
        Path runs = folder.resolve("sft");
        CommandLineRun learnt = CommandLineRun.of(
                "sft",
                "--model",
                model.toString(),
                "--set",
                "data.task=guess-the-number",
                "--set",
                "updates=2",
                "--set",
                "batch-rows=4",
                "--set",
                "runs=" + runs);
        assertThat(learnt.code()).as(learnt.err()).isZero();
        CommandLineRun evaluated = CommandLineRun.of(
                "eval",
                "--model",
                model.toString(),
                "--set",
                "data.task=guess-the-number",
                "--set",
                "environment={name: guess-the-number, guesses: 2}",
                "--set",
                "evaluation.problems=6");
        assertThat(evaluated.code()).as(evaluated.err()).isZero();
        assertThat(new GuessTheNumber().guesses()).isEqualTo(6);
    }
}
