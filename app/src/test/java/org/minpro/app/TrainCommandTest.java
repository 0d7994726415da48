package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.tensor.Engine;
import org.minpro.tensor.Scope;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What a newcomer meets when a run of {@code minpro train} or {@code minpro sft} does not go as meant. */
final class TrainCommandTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    @TempDir
    static Path modelFolder;

    private static String model = "";

    @TempDir
    Path folder;

    private Path runs = Path.of("");

    @BeforeAll
    static void writeModel() {
        model = TinyModelFolder.write(modelFolder).toString();
    }

    @BeforeEach
    void chooseRuns() {
        runs = folder.resolve("runs");
    }

    /** A run of a few seconds; {@code more} comes last and wins. */
    private String[] train(String... more) {
        List<String> line =
                new ArrayList<>(List.of("train", "--model", model, "--runs", runs.toString(), "--lag", "0"));
        for (String setting : List.of(
                "iterations=2",
                "groups-per-iteration=2",
                "group-size=2",
                "updates-per-iteration=1",
                "sampling.max-new-tokens=4",
                "optimizer.warmup-updates=0",
                "prompts.chat-template=off",
                "compute.workers=1",
                "evaluation.problems=2")) {
            line.addAll(List.of("--set", setting));
        }
        line.addAll(List.of(more));
        return line.toArray(String[]::new);
    }

    private List<JsonNode> metrics() throws IOException {
        return Files.readAllLines(runs.resolve("0001").resolve("metrics.jsonl")).stream()
                .map(JSON::readTree)
                .toList();
    }

    private void assertNoRunFolder() {
        assertThat(runs).doesNotExist();
    }

    private Path problems(String name, String... prompts) throws IOException {
        List<String> rows = new ArrayList<>();
        for (String prompt : prompts) {
            rows.add(new JsonLine().with("prompt", prompt).with("answer", "1").toString());
        }
        return Files.write(folder.resolve(name), rows);
    }

    @Test
    void thePlanSaysHowOldTokensAre() {
        assertThat(TrainCommand.staleness(2, 4))
                .isEqualTo("lag 2 and 4 updates per iteration: tokens are 8 to 11 updates old; the last 2 batches are"
                        + " dropped");
        assertThat(TrainCommand.staleness(1, 1))
                .isEqualTo("lag 1 and 1 updates per iteration: tokens are 1 updates old; the last 1 batch is dropped");
        assertThat(TrainCommand.staleness(0, 1))
                .isEqualTo("lag 0 and 1 updates per iteration: every token is of the policy that learns from it");
    }

    @Test
    void theRunStopsBeforeLoadingIfMemoryDoesNotSuffice() throws IOException {
        Engine.start();
        long before = Scope.nativeObjects();
        long[] loaded = {-1};
        CommandLineRun run = CommandLineRun.withMemory(
                () -> {
                    loaded[0] = Scope.nativeObjects();
                    return 300_000_000;
                },
                train());
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.out()).isEmpty();
        assertThat(run.errors())
                .singleElement()
                .asString()
                .startsWith("minpro: this run needs about ")
                .contains(
                        "of memory, got: 300 MB free; lower ", "compute.micro-batch-tokens", "sampling.max-new-tokens");
        assertThat(loaded[0]).isEqualTo(before);
        assertNoRunFolder();
    }

    @Test
    void withoutAnyDifferenceInRewardALineSaysThatThereIsNothingToLearn() throws IOException {
        CommandLineRun run = CommandLineRun.of(train(
                "--reward",
                "{name: format, pattern: \".*\"}",
                "--set",
                "iterations=7",
                "--set",
                "evaluation.problems=0"));
        assertThat(run.code()).as(run.err()).isZero();
        List<String> said = run.errors().stream()
                .filter(line -> line.startsWith("nothing to learn"))
                .toList();
        assertThat(said)
                .singleElement()
                .asString()
                .contains("for 5 iterations", "the same reward (mean 1.0)", "larger group-size");
        int fifth = run.errors().stream()
                .filter(line -> line.startsWith("iteration 5/7"))
                .findFirst()
                .map(run.errors()::indexOf)
                .orElseThrow();
        assertThat(run.errors().get(fifth + 1)).startsWith("nothing to learn");
        assertThat(metrics())
                .extracting(line -> line.get("iterations_without_signal").doubleValue())
                .containsExactly(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0);
        assertThat(metrics())
                .extracting(line -> line.get("updates_skipped").doubleValue())
                .containsOnly(1.0);
    }

    @Test
    void promptsOverTheLimitAreSkippedAndCounted() throws IOException {
        Path data = problems("p.jsonl", "1+1=", "1+2+3+4+5+6=", "2+2=", "3+3=");
        CommandLineRun run = CommandLineRun.of(train(
                "--data",
                data.toString(),
                "--set",
                "prompts.max-tokens=8",
                "--set",
                "data.held-out=0",
                "--set",
                "iterations=4"));
        assertThat(run.code()).as(run.err()).isZero();
        // Four iterations of two groups take eight problems that fit: the long one comes up in every epoch of four.
        double skipped = metrics().stream()
                .mapToDouble(line -> line.get("prompts_skipped").doubleValue())
                .sum();
        assertThat(skipped).isBetween(2.0, 3.0);
        try (Stream<String> journal = Files.lines(runs.resolve("0001").resolve("journal.jsonl"))) {
            assertThat(journal.map(JSON::readTree)
                            .map(line -> line.get("prompt_ids").size()))
                    .isNotEmpty()
                    .containsOnly(4);
        }
    }

    @Test
    void aNameThatIsNoFolderSaysWhichFilesToGetAndHow() throws IOException {
        for (String command : List.of("train", "sft", "eval", "score", "generate")) {
            List<String> line = new ArrayList<>(List.of(command, "--model", "acme/tiny-model"));
            if (command.equals("score") || command.equals("generate")) {
                line.addAll(List.of("--input", "-"));
            }
            if (command.equals("sft")) {
                line.addAll(List.of("--set", "updates=1"));
            }
            if (command.equals("train") || command.equals("sft")) {
                line.addAll(List.of("--set", "runs=" + runs));
            }
            CommandLineRun run = CommandLineRun.of(line.toArray(String[]::new));
            assertThat(run.code()).as(command).isEqualTo(2);
            assertThat(run.out()).isEmpty();
            assertThat(run.errors().getLast())
                    .as(command)
                    .startsWith("minpro: ")
                    .contains(
                            "acme/tiny-model",
                            "config.json",
                            "model.safetensors",
                            "tokenizer.json",
                            "https://huggingface.co/acme/tiny-model");
        }
        assertNoRunFolder();
    }

    @Test
    void aRunThatCannotBeginLeavesNoFolder() throws IOException {
        String missing = folder.resolve("missing.jsonl").toString();
        Path wrong = Files.writeString(folder.resolve("wrong.jsonl"), "{\"prompt\":\"1+1=\",\"answer\":\"2\"}\n{\n");
        Path long1 = problems("long.jsonl", "1+2+3+4+5+6=");
        for (String[] line : List.of(
                train("--data", missing),
                train("--data", wrong.toString()),
                train("--data", long1.toString(), "--set", "prompts.max-tokens=4", "--set", "data.held-out=0"),
                train("--reward", "com.acme.Missing"),
                new String[] {"sft", "--model", model, "--data", missing, "--set", "runs=" + runs},
                new String[] {"sft", "--model", model, "--data", wrong.toString(), "--set", "runs=" + runs})) {
            CommandLineRun run = CommandLineRun.of(line);
            assertThat(run.code()).as(run.err()).isIn(1, 2);
            assertNoRunFolder();
        }
    }

    @Test
    void demonstrationsWithoutEndNeedANumberOfUpdates() throws IOException {
        CommandLineRun run = CommandLineRun.of("sft", "--set", "runs=" + runs);
        assertThat(run.code()).isEqualTo(2);
        assertThat(run.errors())
                .singleElement()
                .asString()
                .startsWith("minpro: updates must be given")
                .contains("--data");
        assertNoRunFolder();
    }

    @Test
    void errorsNameDataFilesAsTheyWereGiven() {
        for (String command : List.of("train", "sft")) {
            CommandLineRun run =
                    CommandLineRun.of(command, "--model", model, "--data", "no/such.jsonl", "--set", "runs=" + runs);
            assertThat(run.code()).isEqualTo(2);
            assertThat(run.errors().getLast()).startsWith("minpro: no/such.jsonl does not exist (looked for /");
        }
    }
}
