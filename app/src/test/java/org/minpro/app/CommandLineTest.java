package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.config.Binder;
import org.minpro.objective.Objective;
import org.minpro.objective.ObjectiveInputs;
import org.minpro.objective.ObjectiveResult;
import org.minpro.objective.Objectives;
import org.minpro.recipe.Recipe;
import org.minpro.tensor.Cuda;

/** What a person meets on the command line where nothing is computed. */
final class CommandLineTest {
    private static final List<String> COMMANDS = List.of(
            "train",
            "sft",
            "eval",
            "generate",
            "score",
            "tokenize",
            "objectives",
            "verify",
            "audit-verdicts",
            "doctor");

    @TempDir
    Path folder;

    @Test
    void everyCommandHasHelpOnStdout() {
        CommandLineRun minpro = CommandLineRun.of("--help");
        assertThat(minpro.code()).isZero();
        assertThat(minpro.err()).isEmpty();
        assertThat(minpro.out()).contains(COMMANDS);
        for (String command : COMMANDS) {
            CommandLineRun help = CommandLineRun.of(command, "--help");
            assertThat(help.code()).as(command).isZero();
            assertThat(help.err()).as(command).isEmpty();
            assertThat(help.out()).as(command).startsWith("Usage: minpro " + command);
            assertThat(CommandLineRun.of("help", command)).as(command).isEqualTo(help);
        }
        assertThat(CommandLineRun.of("help")).isEqualTo(minpro);
    }

    @Test
    void usageErrorsAreOneLineWithTheNearestName() {
        CommandLineRun option = CommandLineRun.of("train", "--lagg", "3");
        assertThat(option.code()).isEqualTo(2);
        assertThat(option.errors())
                .containsExactly(
                        "minpro train: unknown option '--lagg'. Did you mean '--lag'? See 'minpro train --help'.");
        CommandLineRun command = CommandLineRun.of("trian");
        assertThat(command.code()).isEqualTo(2);
        assertThat(command.errors())
                .containsExactly("minpro: unknown command 'trian'. Did you mean 'train'? See 'minpro --help'.");
        CommandLineRun missing = CommandLineRun.of("score");
        assertThat(missing.code()).isEqualTo(2);
        assertThat(missing.errors())
                .containsExactly("minpro score: missing required option: '--input=F'. See 'minpro score --help'.");
        CommandLineRun misspelt = CommandLineRun.of("score", "--inputt", "x");
        assertThat(misspelt.errors())
                .containsExactly(
                        "minpro score: unknown option '--inputt'. Did you mean '--input'? See 'minpro score --help'.");
        assertThat(CommandLineRun.of().code()).isEqualTo(2);
        assertThat(CommandLineRun.of("generate", "--samples", "many", "--prompt", "1")
                        .errors())
                .singleElement()
                .asString()
                .startsWith("minpro generate: ")
                .contains("--samples", "many");
        assertThat(option.out() + command.out() + missing.out()).isEmpty();
    }

    @Test
    void configurationErrorsAreReportedAllAtOnce() throws IOException {
        Path recipe = Files.writeString(folder.resolve("r.yaml"), "lag: -1\nobjectiv: grpo\n");
        CommandLineRun run = CommandLineRun.of(
                "train", "--config", recipe.toString(), "--set", "optimizer.beta1=2", "--objective", "gropo");
        assertThat(run.code()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.errors())
                .hasSize(4)
                .contains(
                        "minpro: --set optimizer.beta1=2: optimizer.beta1 must be in [0, 1), got: 2.0",
                        "minpro: " + recipe + ":2:1: unknown setting 'objectiv'. Did you mean 'objective'?")
                .anyMatch(line -> line.startsWith("minpro: " + recipe + ":1:6: staleness.lag must be >= 0, got: -1"))
                .anyMatch(line -> line.startsWith("minpro: --objective: objective must be one of a3po, ")
                        && line.endsWith("Did you mean 'grpo'?"));
    }

    /** A class is looked for while settings are bound, as an objective's is. */
    @Test
    void aRewardThatIsNoClassIsReportedWithTheOtherErrors() {
        CommandLineRun run = CommandLineRun.of(
                "train", "--reward", "com.acme.Missing", "--lag", "x", "--set", "sampling.temp=1", "--print-config");
        assertThat(run.code()).isEqualTo(2);
        assertThat(run.errors())
                .hasSize(3)
                .anyMatch(line ->
                        line.startsWith("minpro: --reward: reward must be one of arithmetic, countdown, format, ")
                                && line.contains("or the name of a class on the class path, got: 'com.acme.Missing'"))
                .anyMatch(line -> line.startsWith("minpro: --lag: "))
                .anyMatch(line -> line.endsWith("Did you mean 'sampling.temperature'?"));
        assertThat(CommandLineRun.of("train", "--reward", "java.lang.String", "--print-config")
                        .errors())
                .singleElement()
                .asString()
                .contains("--reward: reward must implement org.minpro.reward.Reward, got: class 'java.lang.String'");
    }

    @Test
    void aProgramAndTheCommandHaveTheSameDefaults() {
        Binder binder = Recipe.binder(getClass().getClassLoader());
        assertThat(CommandLineRun.of("train", "--print-config").out()).isEqualTo(binder.write(new Recipe(), true));
        assertThat(CommandLineRun.of("train", "--model", "mine", "--data", "a.jsonl", "--print-config")
                        .out())
                .isEqualTo(binder.write(Recipe.of(Path.of("mine"), Path.of("a.jsonl")), true));
        assertThat(CommandLineRun.of("train", "--model", "mine", "--iterations", "2", "--print-config")
                        .errors())
                .containsExactly(
                        "minpro: the defaults: staleness must be of a lag in [0, iterations), here [0, 2) (--lag 1 or less), got: 2");
    }

    @Test
    void fieldsOfFilesWithoutFilesAreWarnedOf() {
        CommandLineRun run =
                CommandLineRun.of("train", "--prompt-field", "q", "--answer-after", "####", "--model", "acme/none");
        assertThat(run.errors())
                .contains(
                        "warning: data.prompt-field has no effect on the built-in task; name the files with data.files or"
                                + " --data",
                        "warning: data.answer-after has no effect on the built-in task; name the files with data.files or"
                                + " --data");
    }

    @Test
    void aDateIsAskedForAsItIsWritten() {
        for (String command : List.of("tokenize", "generate")) {
            CommandLineRun run = CommandLineRun.of(command, "--date", "2024-13-01", "--input", "-");
            assertThat(run.code()).isEqualTo(2);
            assertThat(run.errors())
                    .singleElement()
                    .asString()
                    .contains("must be a date as YYYY-MM-DD, got: '2024-13-01'");
        }
    }

    /** Public, because an objective is. */
    public record Throwing() implements Objective {
        @Override
        public ObjectiveResult compute(ObjectiveInputs inputs) {
            throw new UnsupportedOperationException("not written yet");
        }
    }

    @Test
    void anObjectiveOfTheUsersThatFailsIsNamed() {
        String example = "{\"log_probs\":[[-1]],\"behavior_log_probs\":[[-1]],\"advantages\":[[1]],\"mask\":[[1]]}";
        CommandLineRun run =
                CommandLineRun.withInput(example, "objectives", Throwing.class.getName(), "--evaluate", "-");
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.errors())
                .containsExactly("minpro: objective " + Throwing.class.getName()
                        + " failed: java.lang.UnsupportedOperationException: not written yet");
    }

    @Test
    void examplesAreReadStrictly() {
        String example = "{\"log_probs\":[[-1]],\"behavior_log_probs\":[[-1]],\"advantages\":[[1]],\"mask\":[[1]]}";
        CommandLineRun twice = CommandLineRun.withInput(
                example.replace("\"mask\"", "\"mask\":[[0]],\"mask\""), "objectives", "minpro", "--evaluate", "-");
        assertThat(twice.code()).isEqualTo(2);
        assertThat(twice.errors().getLast()).contains("<stdin>:1: is not valid JSON: ", "mask");
        CommandLineRun text = CommandLineRun.withInput(
                example.replace("[[1]]}", "[[\"1\"]]}"), "objectives", "minpro", "--evaluate", "-");
        assertThat(text.errors().getLast()).contains("mask[0][0] must be 1, 0, true or false, got: \"1\"");
        CommandLineRun directory = CommandLineRun.of("objectives", "minpro", "--evaluate", folder.toString());
        assertThat(directory.errors().getLast()).endsWith(" must be a JSON file, got: a folder");
    }

    @Test
    void printedRecipeIsTheConfigurationItself() throws IOException {
        for (String command : List.of("train", "sft")) {
            CommandLineRun printed = CommandLineRun.of(command, "--print-config", "--seed", "9");
            assertThat(printed.code()).as(printed.err()).isZero();
            assertThat(printed.out()).contains("# ", "seed: 9\n");
            Path recipe = Files.writeString(folder.resolve(command + ".yaml"), printed.out());
            CommandLineRun again = CommandLineRun.of(command, "--config", recipe.toString(), "--print-config");
            assertThat(again.out()).isEqualTo(printed.out());
        }
    }

    @Test
    void listsEveryObjectiveWithItsParameters() {
        CommandLineRun list = CommandLineRun.of("objectives");
        assertThat(list.code()).isZero();
        assertThat(list.lines()).hasSameSizeAs(Objectives.entries());
        assertThat(list.lines()).anyMatch(line -> line.startsWith("minpro ") && line.contains("cap=1.28"));
        CommandLineRun one = CommandLineRun.of("objectives", "gspo", "--set", "clip-low=0.01");
        assertThat(one.out())
                .contains(
                        "seq-mean-token-mean",
                        "clip-low=0.01",
                        "family: sequence",
                        "source: arXiv 2507.18071",
                        "gradient coefficient over the token's ratio, A = 1:",
                        "A = -1:");
        CommandLineRun unknown = CommandLineRun.of("objectives", "minpor");
        assertThat(unknown.code()).isEqualTo(2);
        assertThat(unknown.errors())
                .singleElement()
                .asString()
                .startsWith("minpro: objective must be one of ")
                .contains("Did you mean 'minpro'?");
        CommandLineRun parameter = CommandLineRun.of("objectives", "minpro", "--set", "capp=3", "--set", "floor=-1");
        assertThat(parameter.errors())
                .hasSize(2)
                .contains("minpro: --set capp=3: unknown setting 'capp'. Did you mean 'cap'?");
    }

    @Test
    void verifiesLineForLine() {
        CommandLineRun run = CommandLineRun.withInput(
                "{\"gold\":\"42\",\"answer\":\"so it is \\\\boxed{42}\"}\n\n{\"gold\":\"42\",\"answer\":\"41\"}\n",
                "verify",
                "--input",
                "-");
        assertThat(run.code()).isZero();
        assertThat(run.lines()).hasSize(2);
        assertThat(run.lines().get(0)).startsWith("{\"verdict\":\"right\",\"reason\":\"");
        assertThat(run.lines().get(1)).startsWith("{\"verdict\":\"wrong\",\"reason\":\"");
    }

    private static final String STORED = """
            {"id":"a","gold":"1/2","answer":"it is \\\\boxed{0.5}","score":1.0,"reason":"exact"}
            {"id":"b","gold":"1/2","answer":"it is \\\\boxed{0.5}","score":0.0,"reason":"different"}
            {"id":"c","gold":"1/2","answer":"it is \\\\boxed{\\\\sum_{k=1}^2 k}","score":null}
            {"id":"d","gold":"7","answer":"\\\\boxed{7}, no, \\\\boxed{8}","verdict":"wrong"}
            {"id":"e","gold":"7","answer":"8"}
            {"draw":3,"problem":"f","answer":"7","text":"it is 8","score":{"decided":true,"value":0.9,"parts":{"math":1.0}}}
            """;

    @Test
    void auditsStoredVerdictsInGroups() throws IOException {
        Path file = Files.writeString(folder.resolve("completions.jsonl"), STORED);
        CommandLineRun run = CommandLineRun.of("audit-verdicts", file.toString());
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(run.err()).isEmpty();
        assertThat(run.lines().getFirst())
                .isEqualTo("6 completions: 2 right, 3 wrong, 1 undecided; 2 of 5 stored verdicts disagree; 1 are"
                        + " suspicious");
        assertThat(run.out())
                .containsSubsequence(
                        "disagrees, 1: stored right, now wrong: ",
                        file + ":6 f\n    reference  7\n    answer     8\n",
                        "disagrees, 1: stored wrong, now right: ",
                        file + ":2 b\n    reference  1/2\n    answer     0.5   read as   1/2\n",
                        "undecided, 1: ",
                        file + ":3 c",
                        "suspicious, 1: wrong, and right by the first answer from boxed",
                        file + ":4 d");
    }

    @Test
    void auditsAsJsonEveryCase() {
        CommandLineRun run = CommandLineRun.withInput(STORED, "audit-verdicts", "-", "--json", "--examples", "1");
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(run.lines()).hasSize(5).allMatch(line -> line.startsWith("{\"finding\":\""));
        assertThat(run.lines().getLast())
                .startsWith("{\"finding\":\"frequent\"")
                .endsWith("\"times\":3}");
        assertThat(run.lines().getFirst())
                .isEqualTo(
                        "{\"finding\":\"disagrees\",\"what\":\"stored wrong, now right: equal as exact normal forms\","
                                + "\"id\":\"<stdin>:2 b\",\"gold\":\"1/2\",\"extracted\":\"0.5\",\"stored\":\"wrong\","
                                + "\"verdict\":\"right\",\"reason\":\"exact\",\"gold_form\":\"1/2\",\"answer_form\":\"1/2\",\"times\":1}");
        assertThat(run.errors()).singleElement().asString().startsWith("6 completions: ");
        CommandLineRun numbers =
                CommandLineRun.withInput(STORED, "audit-verdicts", "-", "--json", "--answer-from", "number");
        assertThat(numbers.code()).as(numbers.err()).isZero();
        assertThat(numbers.out()).doesNotContain("\"id\":\"<stdin>:2 b\",\"gold\":\"1/2\",\"extracted\":\"\"");
    }

    @Test
    void auditErrorsNameTheLine() throws IOException {
        Path file = folder.resolve("bad.jsonl");
        for (String[] bad : new String[][] {
            {"{\"gold\":\"1\"}", ":1: field 'answer' is missing; the row has 'gold'"},
            {"{\"gold\":\"1\",\"answer\":\"1\",\"score\":\"high\"}", ":1: field 'score' must be a number or null"},
            {
                "{\"gold\":\"1\",\"answer\":\"1\",\"verdict\":\"yes\"}",
                ":1: field 'verdict' must be right, wrong or undecided"
            },
            {"{\"gold\":\"1\",\"answer\":\"1\"}\n{\"gold\"", ":2:"}
        }) {
            Files.writeString(file, bad[0]);
            CommandLineRun run = CommandLineRun.of("audit-verdicts", file.toString());
            assertThat(run.code()).isEqualTo(2);
            assertThat(run.errors()).singleElement().asString().startsWith("minpro: " + file + bad[1]);
        }
        assertThat(CommandLineRun.of("audit-verdicts", folder.resolve("none").toString())
                        .errors())
                .singleElement()
                .asString()
                .contains("none does not exist");
        assertThat(CommandLineRun.of("audit-verdicts", folder.toString()).errors())
                .containsExactly("minpro: a folder must be that of a run, with a journal.jsonl, got: " + folder);
        assertThat(CommandLineRun.of("audit-verdicts").code()).isEqualTo(2);
        assertThat(CommandLineRun.withInput(STORED, "audit-verdicts", "-", "--examples", "0")
                        .errors())
                .containsExactly("minpro: --examples must be >= 1, got: 0");
    }

    @Test
    void inputErrorsNameTheLineAndKeepTheResultsBefore() {
        CommandLineRun run = CommandLineRun.withInput(
                "{\"gold\":\"1\",\"answer\":\"1\"}\n{\"gold\":\"1\"}\n", "verify", "--input", "-");
        assertThat(run.code()).isEqualTo(2);
        assertThat(run.lines()).hasSize(1);
        assertThat(run.errors()).containsExactly("minpro: <stdin>:2: field 'answer' is missing; the row has 'gold'");
        CommandLineRun missing = CommandLineRun.of("verify", "--input", "no-such-file.jsonl");
        assertThat(missing.code()).isEqualTo(2);
        assertThat(missing.errors()).singleElement().asString().contains("no-such-file.jsonl does not exist");
    }

    @Test
    void aModelThatIsNoFolderSaysWhatToFetch() {
        CommandLineRun run = CommandLineRun.of("generate", "--model", "acme/model", "--prompt", "1+1=");
        assertThat(run.code()).isEqualTo(2);
        assertThat(run.errors())
                .singleElement()
                .asString()
                .contains("model.safetensors", "tokenizer.json", "acme/model");
    }

    @Test
    void theLiveLineIsPlainLinesWhereThereIsNoTerminal() {
        long[] now = new long[1];
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(err, true, StandardCharsets.UTF_8);
        Console file = new Console(new ByteArrayInputStream(new byte[0]), stream, stream, false);
        try (LiveLine live = new LiveLine(file, () -> now[0])) {
            live.show("one");
            now[0] += 11_000_000_000L;
            live.show("two");
            live.show("three");
            live.say("four");
            live.say("five");
        }
        assertThat(err.toString(StandardCharsets.UTF_8)).isEqualTo("two\nfour\nfive\n");
    }

    @Test
    void theLiveLineIsWrittenOverOnATerminal() {
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(err, true, StandardCharsets.UTF_8);
        Console terminal = new Console(new ByteArrayInputStream(new byte[0]), stream, stream, true);
        try (LiveLine live = new LiveLine(terminal, () -> 0)) {
            live.show("one");
            live.say("stays");
        }
        String clear = "\r\u001b[J";
        String one = clear + "\u001b[?7lone\u001b[?7h\r";
        assertThat(err.toString(StandardCharsets.UTF_8)).isEqualTo(one + clear + "stays\n" + one + clear);
    }

    @Test
    void theLiveLineFitsTheWindowAndMovesNoCursor() {
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(err, true, StandardCharsets.UTF_8);
        int[] width = {9};
        long[] now = new long[1];
        Console terminal = new Console(new ByteArrayInputStream(new byte[0]), stream, stream, true, () -> width[0]);
        LiveLine live = new LiveLine(terminal, () -> now[0]);
        live.show("漢字漢字漢字");
        width[0] = 5;
        now[0] += 1_000_000_000L;
        live.show("a\nb\u001b[2Jc");
        assertThat(err.toString(StandardCharsets.UTF_8)).contains("l漢字漢…\u001b[?7h", "la↵b…\u001b[?7h");
    }

    @Test
    void theVersionHasNumberAndCommit() {
        assertThat(CommandLineRun.of("--version").out())
                .matches("minpro \\d+\\.\\d+\\.\\d+\\S*, commit ([0-9a-f]{7,40}(-dirty)?|unknown)\n");
    }

    @Test
    void aDeviceThatIsNotThereIsNamedInOneLine() {
        assumeTrue(Cuda.found().devices() == 0, "a CUDA device is there");
        for (String given :
                List.of("train", "eval", "sft", "score --input ids.jsonl", "generate --prompt 1+1=", "chat")) {
            String command = given + " --device ";
            CommandLineRun run = CommandLineRun.of((command + "cuda").split(" "));
            assertThat(run.code()).as(command).isEqualTo(2);
            assertThat(run.errors()).as(command).hasSize(1);
            assertThat(run.errors().getFirst()).startsWith("minpro: to compute on cuda:0, ");
            CommandLineRun other = CommandLineRun.of((command + "gpu").split(" "));
            assertThat(other.code()).as(command).isEqualTo(2);
            assertThat(other.errors().getFirst()).contains("auto, cpu, cuda or cuda:N, got: gpu");
        }
    }
}
