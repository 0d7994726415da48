package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.dashboard.RunState;
import org.minpro.dashboard.RunView;
import org.minpro.data.Problem;
import org.minpro.reward.Reward;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;
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
        if (!List.of(more).contains("--reward")) {
            line.addAll(List.of("--reward", Varied.class.getName()));
        }
        line.addAll(List.of(more));
        return line.toArray(String[]::new);
    }

    /** Almost every response has another value, so that there is something to learn. */
    public static final class Varied implements Reward {
        @Override
        public Score score(Problem problem, Rollout rollout) {
            return Score.of((java.util.Arrays.hashCode(rollout.responseIds()) & 1023) / 1024.0);
        }
    }

    private static String[] with(String option, String value, String... line) {
        line[List.of(line).indexOf(option) + 1] = value;
        return line;
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
    void everyCommandGoesOnWithoutEnoughMemoryWhereItIsToldTo() throws IOException {
        String data = problems("p.jsonl", "1+1=", "2+2=").toString();
        String text = Files.writeString(folder.resolve("ids.jsonl"), "{\"ids\":[4,5]}\n")
                .toString();
        for (List<String> line : List.of(
                List.of(train()),
                List.of("sft", "--model", model, "--set", "updates=1", "--set", "runs=" + runs),
                List.of("generate", "--model", model, "--prompt", "1+1=", "--max-new-tokens", "2"),
                List.of("score", "--model", model, "--input", text),
                List.of("eval", "--model", model, "--data", data, "--max-new-tokens", "2"))) {
            List<String> ignoring = new ArrayList<>(line);
            ignoring.add("--ignore-memory");
            CommandLineRun run = CommandLineRun.withMemory(() -> 100_000_000, ignoring.toArray(String[]::new));
            assertThat(run.code()).as(run.err()).isZero();
            assertThat(run.errors())
                    .filteredOn(said -> said.startsWith("warning: this run needs about "))
                    .singleElement()
                    .asString()
                    .contains("of memory, got: 100 MB free; ", "; going on, as --ignore-memory says");
        }
    }

    @Test
    void aRunBeyondTheModelsPositionsIsRefusedUnlessAllowed() throws IOException {
        Path data = problems("p.jsonl", "1+1=", "11111111+2=", "3+3=");
        String[] settings = {
            "--data",
            data.toString(),
            "--set",
            "data.held-out=0",
            "--set",
            "iterations=1",
            "--set",
            "sampling.max-new-tokens=248",
            "--set",
            "max-undecided=1"
        };
        CommandLineRun refused = CommandLineRun.of(train(settings));
        assertThat(refused.code()).isEqualTo(2);
        assertThat(refused.errors().getLast())
                .startsWith("minpro: a prompt and its response must fit the model's positions, max_position_embeddings"
                        + " (256), got: 259, which is 11 of problem ")
                .endsWith(
                        "and sampling.max-new-tokens (248); lower sampling.max-new-tokens or leave long prompts out, or"
                                + " allow it with model.beyond-positions: true (the model was not made for such positions)");
        assertNoRunFolder();

        List<String> allowed = new ArrayList<>(List.of(settings));
        allowed.addAll(List.of("--set", "model.beyond-positions=true"));
        CommandLineRun run = CommandLineRun.of(train(allowed.toArray(String[]::new)));
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(run.errors())
                .contains("  positions  up to 259 (prompts of up to 11 tokens and 248 new ones), beyond the model's"
                        + " max_position_embeddings (256), as model.beyond-positions: true allows");

        // The long prompt is skipped, so it does not count.
        List<String> shorter = new ArrayList<>(List.of(settings));
        shorter.addAll(List.of("--set", "prompts.max-tokens=8"));
        CommandLineRun fits = CommandLineRun.of(train(shorter.toArray(String[]::new)));
        assertThat(fits.code()).as(fits.err()).isZero();
        assertThat(fits.errors()).noneMatch(line -> line.startsWith("  positions"));
    }

    @Test
    void aRunIsNotContinuedOnOtherData() throws IOException {
        Path data = problems("p.jsonl", "1+1=", "2+2=");
        CommandLineRun begun = CommandLineRun.of(train("--data", data.toString(), "--set", "data.held-out=0"));
        assertThat(begun.code()).as(begun.err()).isZero();
        String folder = runs.resolve("0001").toString();
        String[] further = {"train", "--resume", folder};
        Path recipe = runs.resolve("0001").resolve("recipe.yaml");
        String shorter = Files.readString(recipe);
        Files.writeString(recipe, shorter.replace("iterations: 2", "iterations: 3"));
        assertThat(recipe).content().isNotEqualTo(shorter);
        String kept = Files.readString(data);

        // Another reference of the same length.
        Files.writeString(data, kept.replaceFirst("\"answer\":\"(.)", "\"answer\":\"x"));
        assertThat(Files.readString(data)).isNotEqualTo(kept);
        CommandLineRun refused = CommandLineRun.of(further);
        assertThat(refused.code()).isEqualTo(2);
        assertThat(refused.errors().getLast()).contains(data + " (", "then", "now");

        Files.delete(data);
        assertThat(CommandLineRun.of(further).code()).isEqualTo(2);

        Files.writeString(data, kept);
        CommandLineRun goesOn = CommandLineRun.of(further);
        assertThat(goesOn.code()).as(goesOn.err()).isZero();
    }

    @Test
    void everyOtherCommandKeepsWithinTheModelsPositions() throws IOException {
        String data = problems("p.jsonl", "1+1=", "2+2=").toString();
        String prompts = Files.writeString(folder.resolve("prompts.jsonl"), "{\"prompt\":\"1+1=\"}\n")
                .toString();
        String ids = Files.writeString(folder.resolve("ids.jsonl"), "{\"ids\":[" + "4,".repeat(256) + "5]}\n")
                .toString();
        String[][] lines = {
            {"eval", "--model", model, "--data", data, "--max-new-tokens", "300"},
            {"generate", "--model", model, "--prompt", "1+1=", "--max-new-tokens", "253"},
            {"generate", "--model", model, "--input", prompts, "--max-new-tokens", "253"},
            {"generate", "--model", model, "--input", ids},
            {"score", "--model", model, "--input", ids}
        };
        for (String[] line : lines) {
            CommandLineRun refused = CommandLineRun.of(line);
            assertThat(refused.code()).as(refused.err()).isEqualTo(2);
            assertThat(refused.out()).isEmpty();
            assertThat(refused.errors().getLast())
                    .contains(
                            "must fit the model's positions, max_position_embeddings (256), got: ",
                            ", or allow it with ");
            List<String> allowed = new ArrayList<>(List.of(line));
            allowed.addAll(
                    line[0].equals("eval")
                            ? List.of("--set", "model.beyond-positions=true")
                            : List.of("--beyond-positions"));
            CommandLineRun run = CommandLineRun.of(allowed.toArray(String[]::new));
            assertThat(run.code()).as(run.err()).isZero();
        }
        // Without a limit of its own, a completion ends where the positions do.
        CommandLineRun rest = CommandLineRun.of("generate", "--model", model, "--prompt", "1+1=", "--ignore-eos");
        assertThat(rest.code()).as(rest.err()).isZero();
        assertThat(JSON.readTree(rest.lines().getFirst()).get("completion_ids").size())
                .isEqualTo(252);
    }

    @Test
    void everyCommandThatLoadsWeightsChecksTheMemory() throws IOException {
        String data = problems("p.jsonl", "1+1=", "2+2=").toString();
        for (List<String> line : List.of(
                List.of("sft", "--model", model, "--set", "updates=1", "--set", "runs=" + runs),
                List.of("generate", "--model", model, "--prompt", "1+1="),
                List.of("score", "--model", model, "--input", data),
                List.of("eval", "--model", model, "--data", data))) {
            CommandLineRun run = CommandLineRun.withMemory(() -> 100_000_000, line.toArray(String[]::new));
            assertThat(run.code()).as(run.err()).isEqualTo(1);
            assertThat(run.out()).isEmpty();
            assertThat(run.errors().getLast())
                    .startsWith("minpro: this run needs about ")
                    .contains("of memory, got: 100 MB free; lower ");
        }
        CommandLineRun longest = CommandLineRun.of(
                "generate",
                "--model",
                model,
                "--prompt",
                "1+1=",
                "--max-new-tokens",
                "2000000000",
                "--beyond-positions");
        assertThat(longest.code()).isEqualTo(1);
        assertThat(longest.errors().getLast()).contains("lower --max-new-tokens (2000000000) or --workers");
        assertNoRunFolder();
    }

    @Test
    void aRunIsContinuedByTheCommandThatBeganIt() {
        assertThat(CommandLineRun.of(train("--set", "evaluation.problems=0")).code())
                .isZero();
        CommandLineRun run =
                CommandLineRun.of("sft", "--resume", runs.resolve("0001").toString());
        assertThat(run.code()).isEqualTo(2);
        assertThat(run.errors())
                .singleElement()
                .asString()
                .endsWith(", a run of minpro train; take minpro train --resume");
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
        assertThat(run.code()).as(run.err()).isEqualTo(1);
        assertThat(run.errors().getLast()).startsWith("0 of 7 updates took a step: the model is unchanged");
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
    void evaluationsAreMadeBetweenIterationsAndKept() throws IOException {
        CommandLineRun run = CommandLineRun.of(train("--set", "iterations=3", "--set", "evaluation.every=1"));
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(run.errors())
                .anyMatch(line -> line.startsWith("before: accuracy "))
                .anyMatch(line -> line.startsWith("after 1 of 3 iterations: accuracy "))
                .anyMatch(line -> line.startsWith("after 2 of 3 iterations: accuracy "))
                .noneMatch(line -> line.startsWith("after 3 of 3"))
                .anyMatch(line -> line.startsWith("after:  accuracy "));
        Path evaluations = runs.resolve("0001").resolve("evaluations.jsonl");
        List<JsonNode> kept =
                Files.readAllLines(evaluations).stream().map(JSON::readTree).toList();
        assertThat(kept).extracting(line -> line.get("iteration").intValue()).containsExactly(0, 1, 2, 3);
        assertThat(kept).allMatch(line -> line.get("problems").intValue() == 2 && line.has("accuracy_low"));
    }

    /** A run that was interrupted measured where it began before that; its folder knows. */
    @Test
    void aContinuedRunShowsTheAccuracyBeforeToo() throws IOException {
        CommandLineRun whole = CommandLineRun.of(train());
        Path run = runs.resolve("0001");
        String evaluations = withoutTime(run.resolve("evaluations.jsonl"));
        CommandLineRun again = CommandLineRun.of("train", "--resume", run.toString());
        assertThat(again.code()).as(again.err()).isZero();
        for (String start : List.of("before: accuracy ", "after:  accuracy ")) {
            assertThat(again.errors().stream().filter(line -> line.startsWith(start)))
                    .containsExactlyElementsOf(whole.errors().stream()
                            .filter(line -> line.startsWith(start))
                            .toList())
                    .hasSize(1);
        }
        assertThat(withoutTime(run.resolve("evaluations.jsonl"))).isEqualTo(evaluations);
    }

    /** Weights and metrics are those of a run that was to be longer from the beginning. */
    @Test
    void aFinishedRunGoesOnForMoreIterations() throws IOException {
        String[] settings = {"--set", "optimizer.schedule=constant", "--set", "evaluation.problems=0"};
        CommandLineRun shorter = CommandLineRun.of(with("--lag", "1", train(settings)));
        assertThat(shorter.code()).as(shorter.err()).isZero();
        Path run = runs.resolve("0001");
        Path recipe = run.resolve("recipe.yaml");
        String stored = Files.readString(recipe);
        Files.writeString(recipe, stored.replace("\niterations: 2\n", "\niterations: 4\n"));
        assertThat(Files.readString(recipe)).isNotEqualTo(stored);
        CommandLineRun longer = CommandLineRun.of("train", "--resume", run.toString());
        assertThat(longer.code()).as(longer.err()).isZero();
        assertThat(longer.errors()).anyMatch(line -> line.endsWith(" at iteration 2 of 4"));

        List<String> atOnce = new ArrayList<>(List.of(settings));
        atOnce.addAll(List.of("--set", "iterations=4"));
        CommandLineRun whole = CommandLineRun.of(with("--lag", "1", train(atOnce.toArray(String[]::new))));
        assertThat(whole.code()).as(whole.err()).isZero();
        Path other = runs.resolve("0002");
        assertThat(metrics()).hasSize(4);
        assertThat(withoutTime(run.resolve("metrics.jsonl"))).isEqualTo(withoutTime(other.resolve("metrics.jsonl")));
        assertThat(run.resolve("model").resolve("model.safetensors"))
                .hasSameBinaryContentAs(other.resolve("model").resolve("model.safetensors"));
    }

    @Test
    void aServerThatIsNotThereIsOneLine() throws IOException {
        String url;
        try (ServerSocket closed = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            url = "http://127.0.0.1:" + closed.getLocalPort();
        }
        CommandLineRun run =
                CommandLineRun.of(train("--set", "rollout.engine=served", "--set", "rollout.urls=[" + url + "]"));
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.err().lines().filter(line -> line.startsWith("minpro: ")))
                .containsExactly("minpro: " + url + "/health must answer, got: no connection; 'minpro served-folder'"
                        + " prints the line that starts a server");
        assertThat(run.err()).doesNotContain("\tat ");
        assertNoRunFolder();
    }

    @Test
    void theHelpOfResumeSaysHowToGoOnForLonger() {
        assertThat(CommandLineRun.of("train", "--help").out().replaceAll("\\s+", " "))
                .contains("raise iterations in the folder's recipe.yaml first");
        assertThat(CommandLineRun.of("sft", "--help").out().replaceAll("\\s+", " "))
                .contains("raise updates or epochs in the folder's recipe.yaml first");
    }

    private static String withoutTime(Path jsonl) throws IOException {
        return Files.readString(jsonl).replaceAll("\"time\":\\{[^}]*\\}", "");
    }

    @Test
    void aRunIsContinuedWithItsOwnRecipeAlone() {
        for (String command : List.of("train", "sft")) {
            CommandLineRun run = CommandLineRun.of(
                    command, "--resume", runs.toString(), "--set", "seed=3", "--seed", "4", "--model", "elsewhere");
            assertThat(run.code()).isEqualTo(2);
            assertThat(run.errors())
                    .singleElement()
                    .asString()
                    .contains("--resume continues with the recipe.yaml", "without --", "--set", "--seed", "--model");
        }
    }

    /** Relative paths would be looked for where the run is continued. */
    @Test
    void theStoredRecipeNamesWholePaths() throws IOException {
        Path here = Path.of("").toAbsolutePath();
        Path data = problems("p.jsonl", "1+1=", "2+2=", "3+3=");
        CommandLineRun run = CommandLineRun.of(with(
                "--model",
                here.relativize(Path.of(model)).toString(),
                train(
                        "--set",
                        "data.folder=" + here.relativize(folder),
                        "--set",
                        "data.files=[p.jsonl]",
                        "--set",
                        "data.held-out=0")));
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(data).exists();
        assertThat(Files.readString(runs.resolve("0001").resolve("recipe.yaml")))
                .contains("path: " + Path.of(model).normalize(), "folder: " + folder.normalize());
    }

    /** Public, because a reward is. */
    public static final class Failing implements Reward {
        @Override
        @SuppressWarnings("NullAway") // what a careless class does
        public Score score(Problem problem, Rollout rollout) {
            if (rollout.sample() == 0) {
                return null;
            }
            throw new StackOverflowError();
        }
    }

    @Test
    void aRewardThatFailsLeavesItsResponsesUndecidedAndSaysHowToGoOn() {
        CommandLineRun run = CommandLineRun.of(train("--reward", Failing.class.getName()));
        assertThat(run.code()).as(run.err()).isEqualTo(1);
        assertThat(run.errors())
                .contains("before: accuracy unknown: no response could be judged")
                .last()
                .asString()
                .contains(
                        "got: 4 of 4 in iteration 0",
                        "the reward failed: it returned null (2)",
                        "the reward failed: java.lang.StackOverflowError at TrainCommandTest.java:",
                        "The verdicts: minpro audit-verdicts ",
                        "Continue with: minpro train --resume ");
    }

    /** Public, because a reward is. */
    public static final class Throwing implements Reward {
        @Override
        public Score score(Problem problem, Rollout rollout) {
            try {
                throw new java.util.NoSuchElementException("the field 'unit'");
            } catch (java.util.NoSuchElementException e) {
                throw new IllegalStateException("no reference for " + problem.id(), e);
            }
        }
    }

    @Test
    void theFirstExceptionOfARewardIsShownOnceAndKeptWithItsTrace() throws IOException {
        CommandLineRun run = CommandLineRun.of(train("--reward", Throwing.class.getName()));
        assertThat(run.code()).as(run.err()).isEqualTo(1);
        Path kept = runs.resolve("0001").resolve("reward-failures.txt");
        assertThat(run.errors())
                .filteredOn(line -> line.startsWith("warning: the reward failed: "))
                .singleElement()
                .asString()
                .contains("IllegalStateException: no reference for ", " at TrainCommandTest.java:", kept.toString());
        assertThat(run.errors())
                .filteredOn(line -> line.startsWith("  Caused by: java.util.NoSuchElementException: the field 'unit'"))
                .hasSize(1);
        assertThat(run.errors()).anyMatch(line -> line.startsWith("  the response: "));
        assertThat(Files.readString(kept))
                .contains("Caused by: java.util.NoSuchElementException", "(TrainCommandTest.java:", "-- response")
                .contains("== 6 failures in all");
    }

    /** Public, because a reward is. */
    public static final class Sleeping implements Reward {
        @Override
        public Score score(Problem problem, Rollout rollout) {
            try {
                Thread.sleep(3_600_000);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return Score.of(1);
        }
    }

    @Test
    void aRewardThatHangsStopsTheRunSavedByTheNameOfItsClass() {
        CommandLineRun run = CommandLineRun.of(train(
                "--reward",
                Sleeping.class.getName(),
                "--set",
                "group-size=16",
                "--set",
                "reward-budget-seconds=0.1",
                "--set",
                "evaluation.problems=0"));
        assertThat(run.code()).as(run.err()).isEqualTo(1);
        assertThat(run.errors().getLast())
                .startsWith("minpro: a reward must answer within reward-budget-seconds, got: 16 calls of "
                        + Sleeping.class.getName())
                .contains("The run is saved", "Continue with: minpro train --resume ");
        assertThat(runs.resolve("0001").resolve("checkpoints")).isNotEmptyDirectory();
    }

    /** Public, because a reward is. */
    public static final class Huge implements Reward {
        @Override
        public Score score(Problem problem, Rollout rollout) {
            return Score.of(1e200);
        }
    }

    @Test
    void aRewardOutOfRangeStopsTheRunWithItsValueAndPlace() {
        for (String problems : List.of("evaluation.problems=0", "evaluation.problems=2")) {
            CommandLineRun run = CommandLineRun.of(train("--reward", Huge.class.getName(), "--set", problems));
            assertThat(run.code()).as(run.err()).isEqualTo(1);
            assertThat(run.errors().getLast())
                    .startsWith("minpro: reward " + Huge.class.getName()
                            + " must be in [-1e6, 1e6], got: 1.0E200 for problem ")
                    .contains("The run is saved", "Continue with: minpro train --resume ");
        }
    }

    @Test
    void aFullDiskNamesTheCommandThatContinues() {
        java.io.UncheckedIOException full = new java.io.UncheckedIOException(
                "the journal must be writable, got: runs/0001/journal.jsonl",
                new IOException("No space left on device"));
        assertThat(DiskFull.named(
                        new IllegalStateException("not written", full), List.of("train", "--resume", "runs/0001")))
                .hasMessage(
                        "the disk is full: not written (No space left on device); free some space, and continue with:"
                                + " minpro train --resume runs/0001");
        IllegalStateException other = new IllegalStateException("other");
        assertThat(DiskFull.named(other, List.of())).isSameAs(other);
    }

    @Test
    void whereNothingCouldBeJudgedThatIsWhyThereIsNothingToLearn() {
        CommandLineRun run = CommandLineRun.of(
                train("--reward", Failing.class.getName(), "--set", "max-undecided=1", "--set", "iterations=6"));
        assertThat(run.code()).as(run.err()).isEqualTo(1);
        assertThat(run.errors()).anyMatch(line -> line.startsWith("0 of 6 updates took a step"));
        assertThat(run.errors())
                .filteredOn(line -> line.startsWith("nothing to learn"))
                .singleElement()
                .asString()
                .contains("no group had two responses that could be judged: the reward failed: ");
        assertThat(run.errors()).anyMatch(line -> line.startsWith("iteration 6/6") && line.contains("undecided 1.000"));
    }

    @Test
    void heldOutPromptsOverTheLimitAreSkippedAndCounted() throws IOException {
        Path data = problems("p.jsonl", "1+1=", "2+2=");
        Path evaluation = problems("e.jsonl", "1+2+3+4+5+6=", "2+3=");
        CommandLineRun run = CommandLineRun.of(train(
                "--data",
                data.toString(),
                "--set",
                "prompts.max-tokens=8",
                "--set",
                "data.evaluation-files=[" + evaluation + "]"));
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(run.errors())
                .anyMatch(line -> line.endsWith(
                        "1 held out to evaluate, 1 skipped, whose prompts are longer than prompts.max-tokens (8)"))
                .anyMatch(line -> line.startsWith("after:  accuracy ") && line.endsWith(" of 1 problems"));
    }

    @Test
    void aSplitThatLeavesNothingToTrainOnIsNamed() throws IOException {
        Path data = problems("p.jsonl", "1+1=");
        CommandLineRun run = CommandLineRun.of(train("--data", data.toString(), "--set", "data.held-out=0.999"));
        assertThat(run.code()).isEqualTo(2);
        assertThat(run.errors().getLast())
                .startsWith("minpro: data.held-out must leave a problem to train on, got: 0.999");
        assertNoRunFolder();
    }

    @Test
    void anUnknownRewardIsToldTheNearestName() {
        CommandLineRun run = CommandLineRun.of(train("--reward", "arithmetik"));
        assertThat(run.code()).isEqualTo(2);
        assertThat(run.errors().getLast())
                .contains("arithmetic, countdown, format, http", "got: 'arithmetik'. Did you mean 'arithmetic'?");
    }

    /** The rate is absurd: what it leaves is no model, and must not take the place of a checkpoint. */
    @Test
    void weightsThatBrokeAreNotSaved() {
        CommandLineRun run = CommandLineRun.of(train(
                "--reward",
                "{name: format, pattern: \"[0-4].*\"}",
                "--set",
                "group-size=8",
                "--set",
                "optimizer.learning-rate=1e30",
                "--set",
                "checkpoints.every=1",
                "--set",
                "evaluation.problems=0"));
        assertThat(run.code()).as(run.err()).isEqualTo(1);
        assertThat(run.errors().getLast())
                .startsWith("minpro: weights must be finite to be saved, got: some that are not before iteration 1");
        assertThat(runs.resolve("0001").resolve("checkpoints")).doesNotExist();
    }

    @Test
    void charactersThatTheTokenizerDoesNotKnowAreCounted() throws IOException {
        Path data = runs.resolveSibling("unknown.jsonl");
        Files.writeString(
                data, "{\"prompt\":\"1+2=\",\"answer\":\"3\"}\n{\"prompt\":\"1+\u20ac=\",\"answer\":\"3\"}\n");
        CommandLineRun run =
                CommandLineRun.of("eval", "--model", "builtin", "--data", data.toString(), "--max-new-tokens", "2");
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(run.errors())
                .filteredOn(line -> line.contains("does not know"))
                .containsExactly(
                        "minpro: 1 of the 2 prompts that were looked at has characters that the tokenizer does not"
                                + " know: the model sees <unk> in their place");
    }

    @Test
    void anUpdateOfSftThatIsNoNumberSavesItsRows() {
        CommandLineRun run = CommandLineRun.of(
                "sft",
                "--model",
                model,
                "--set",
                "runs=" + runs,
                "--set",
                "updates=5",
                "--set",
                "batch-rows=4",
                "--set",
                "prompts.chat-template=off",
                "--set",
                "optimizer.learning-rate=1e30",
                "--set",
                "optimizer.gradient-clip-norm=0");
        assertThat(run.code()).as(run.err()).isEqualTo(1);
        assertThat(run.errors().getLast()).startsWith("minpro: loss and gradient must be finite, got: ");
        Path failed = runs.resolve("0001").resolve("failed-update.jsonl");
        assertThat(failed).isNotEmptyFile();
        assertThat(new RunView(runs.resolve("0001")).state(1, 5)).isEqualTo(RunState.FAILED);
        assertThat(CommandLineRun.of("doctor", runs.resolve("0001").toString()).out())
                .contains("failed: loss and gradient must be finite, got: ");
    }

    @Test
    void aDamagedLineOfTheJournalIsLeftOut() throws IOException {
        assertThat(CommandLineRun.of(train("--set", "checkpoints.every=1")).code())
                .isZero();
        Path journal = runs.resolve("0001").resolve("journal.jsonl");
        List<String> lines = new ArrayList<>(Files.readAllLines(journal));
        lines.set(1, lines.get(1).substring(0, 40));
        Files.write(journal, lines);
        CommandLineRun run =
                CommandLineRun.of("train", "--resume", runs.resolve("0001").toString());
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(run.errors().getFirst())
                .startsWith("warning: a damaged line is left out: " + journal + ":2 is not valid JSON: ");
    }

    /** The journal's responses answer other prompts than the run would ask now. */
    @Test
    void aJournalOfOtherPromptsIsRefused() throws IOException {
        assertThat(CommandLineRun.of(with("--lag", "1", train("--set", "evaluation.problems=0")))
                        .code())
                .isZero();
        Path recipe = runs.resolve("0001").resolve("recipe.yaml");
        Files.writeString(
                recipe, Files.readString(recipe).replaceFirst("(?m)^seed: 1$", "seed: 2"), StandardCharsets.UTF_8);
        CommandLineRun run =
                CommandLineRun.of("train", "--resume", runs.resolve("0001").toString());
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.errors().getLast())
                .startsWith(
                        "minpro: the journal must have responses to the prompts that are asked, got: one to another");
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
