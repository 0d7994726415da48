package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.eval.Benchmark;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code minpro eval --benchmarks} on a model of a few thousand weights and files of a few problems. */
final class BenchmarkCommandTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    @TempDir
    static Path folder;

    private static Path data = Path.of("");
    private static String model = "";

    @BeforeAll
    static void write() throws IOException {
        model = TinyModelFolder.write(folder).toString();
        data = Files.createDirectories(folder.resolve("data"));
        StringBuilder aime = new StringBuilder();
        StringBuilder multiarith = new StringBuilder();
        for (int i = 0; i < 5; i++) {
            aime.append("{\"problem\":\"")
                    .append(i)
                    .append("+1\",\"answer\":")
                    .append(i)
                    .append("}\n");
            multiarith
                    .append("{\"input\":\"2+")
                    .append(i)
                    .append("\",\"target\":")
                    .append(i)
                    .append(".0}\n");
        }
        Files.writeString(data.resolve("aime24.jsonl"), aime);
        Files.writeString(data.resolve("multiarith.jsonl"), multiarith);
    }

    /** @param more options with their values, instead of or besides the usual ones */
    private static CommandLineRun eval(Path results, String... more) {
        List<String> arguments = new ArrayList<>(List.of(
                "eval",
                "--model",
                model,
                "--benchmarks",
                "aime24,multiarith",
                "--benchmark-folder",
                data.toString(),
                "--results",
                results.toString(),
                "--prompt-template",
                "{problem}",
                "--samples",
                "4",
                "--max-new-tokens",
                "8",
                "--set",
                "sampling.temperature=2"));
        for (int i = 0; i < more.length; i += 2) {
            int given = arguments.indexOf(more[i]);
            if (given >= 0 && !more[i].equals("--set")) {
                arguments.set(given + 1, more[i + 1]);
            } else {
                arguments.addAll(List.of(more[i], more[i + 1]));
            }
        }
        return CommandLineRun.of(arguments.toArray(String[]::new));
    }

    private static CommandLineRun done(CommandLineRun run) {
        assertThat(run.code()).as(run.err()).isZero();
        return run;
    }

    /** All of a results folder that must not depend on the clock or on interruptions. */
    private static String lasting(Path results) throws IOException {
        JsonNode reports = JSON.readTree(Files.readString(results.resolve("results.json")));
        reports.forEach(report -> ((ObjectNode) report).remove("time"));
        List<String> table = Files.readAllLines(results.resolve("results.csv")).stream()
                .filter(line -> !line.contains(",seconds,"))
                .toList();
        List<String> journal = Files.readAllLines(results.resolve("journal.jsonl")).stream()
                .sorted()
                .toList();
        return reports + "\n" + table + "\n" + Files.readString(results.resolve("problems.jsonl"))
                + Files.readString(results.resolve("settings.json")) + journal;
    }

    @Test
    void writesResultsAndContinuesAnEvaluationThatWasKilledAtAnyByte() throws IOException {
        Path whole = folder.resolve("whole");
        CommandLineRun run = done(eval(whole));
        assertThat(run.lines()).hasSize(2);
        JsonNode first = JSON.readTree(run.lines().getFirst());
        assertThat(first.get("benchmark").stringValue()).isEqualTo("aime24");
        assertThat(first.get("problems").intValue()).isEqualTo(5);
        assertThat(first.get("metrics").propertyNames())
                .containsExactly("avg@4", "pass@1", "pass@2", "pass@4", "maj@4");
        assertThat(first.get("time").get("generated_tokens")).isEqualTo(first.get("tokens"));
        assertThat(JSON.readTree(Files.readString(whole.resolve("results.json")))
                        .get(0))
                .isEqualTo(first);
        assertThat(run.err()).contains("AIME 2024", "MultiArith", "maj@4");
        assertThat(Files.readAllLines(whole.resolve("problems.jsonl"))).hasSize(10);
        byte[] journal = Files.readAllBytes(whole.resolve("journal.jsonl"));
        assertThat(Files.readAllLines(whole.resolve("journal.jsonl"))).hasSize(40);

        for (int cut : new int[] {0, 1, journal.length / 3, journal.length / 2, journal.length - 1, journal.length}) {
            Path killed = Files.createDirectories(folder.resolve("killed-" + cut));
            Files.copy(whole.resolve("settings.json"), killed.resolve("settings.json"));
            Files.write(killed.resolve("journal.jsonl"), Arrays.copyOf(journal, cut));
            // Workers, too, must not matter.
            CommandLineRun rest = done(eval(killed, "--set", "compute.workers=1"));
            assertThat(lasting(killed)).as("cut at byte %d", cut).isEqualTo(lasting(whole));
            long generated = rest.lines().stream()
                    .mapToLong(line -> JSON.readTree(line)
                            .get("time")
                            .get("generated_tokens")
                            .longValue())
                    .sum();
            if (cut == journal.length) {
                assertThat(generated).isZero();
            } else {
                assertThat(generated).isPositive();
            }
        }
    }

    @Test
    void aBenchmarkDoesNotDependOnTheOthersOfTheList() throws IOException {
        Path both = folder.resolve("both");
        Path one = folder.resolve("one");
        done(eval(both));
        done(eval(one, "--benchmarks", "multiarith"));
        assertThat(Files.readAllLines(one.resolve("problems.jsonl")))
                .isEqualTo(Files.readAllLines(both.resolve("problems.jsonl")).subList(5, 10));
    }

    @Test
    void comparesWithAFinishedEvaluation() {
        Path first = folder.resolve("first");
        Path second = folder.resolve("second");
        done(eval(first));
        CommandLineRun same = done(eval(folder.resolve("same"), "--compare", first.toString()));
        JsonNode nothing = JSON.readTree(same.lines().getFirst()).get("difference");
        assertThat(nothing.get("problems").intValue()).isEqualTo(5);
        assertThat(nothing.get("metrics").get("avg@4").get("mean").doubleValue())
                .isZero();
        // A metric that no problem has is null on both sides.
        nothing.get("metrics")
                .forEach(metric -> assertThat(metric.get("mean").asDouble(0)).isZero());
        CommandLineRun run = done(eval(second, "--seed", "5", "--compare", first.toString()));
        assertThat(JSON.readTree(run.lines().get(1))
                        .get("difference")
                        .get("metrics")
                        .propertyNames())
                .contains("avg@4", "pass@4", "maj@4");
        assertThat(run.err()).contains("difference");
        CommandLineRun none = eval(folder.resolve("third"), "--compare", data.toString());
        assertThat(none.code()).isEqualTo(2);
        assertThat(none.errors()).singleElement().asString().contains("must be one of a finished evaluation");
    }

    @Test
    void refusesAFolderMadeWithOtherSettings() throws IOException {
        Path results = folder.resolve("settled");
        done(eval(results));
        String before = lasting(results);
        CommandLineRun other = eval(results, "--set", "sampling.top-p=0.5", "--seed", "3");
        assertThat(other.code()).isEqualTo(2);
        assertThat(other.errors())
                .singleElement()
                .asString()
                .contains(results.toString(), "sampling.topP was 0.95 and is 0.5", "seed was 1 and is 3");
        assertThat(lasting(results)).isEqualTo(before);
        CommandLineRun foreign = eval(data);
        assertThat(foreign.code()).isEqualTo(2);
        assertThat(foreign.errors()).singleElement().asString().contains("must be new or one of an evaluation");
        assertThat(data.resolve("lock")).doesNotExist();
    }

    @Test
    void badInputGetsOneLine() throws IOException {
        Path results = folder.resolve("never");
        assertThat(eval(results, "--benchmarks", "aime2").errors())
                .singleElement()
                .asString()
                .contains("a benchmark must be one of aime24,", "got: aime2. Did you mean 'aime24'?");
        assertThat(eval(results, "--benchmarks", "gsm8k").errors())
                .singleElement()
                .asString()
                .contains("GSM8K must be in ", "gsm8k.jsonl");
        assertThat(eval(results, "--benchmark-folder", data + "-none").errors())
                .singleElement()
                .asString()
                .contains("must exist");
        Path broken = Files.createDirectories(folder.resolve("broken"));
        Files.writeString(broken.resolve("aime24.jsonl"), "{\"problem\":\"1\",\"answer\":1}\n{\"problem\":\"2\"}\n");
        CommandLineRun row = eval(results, "--benchmarks", "aime24", "--benchmark-folder", broken.toString());
        assertThat(row.code()).isEqualTo(2);
        assertThat(row.errors()).singleElement().asString().contains("aime24.jsonl:2: the answer must be in field");
        assertThat(eval(results, "--reward", "arithmetic").errors())
                .singleElement()
                .asString()
                .contains("benchmarks are judged by the reward math");
        CommandLineRun alone = CommandLineRun.of("eval", "--benchmarks", "aime24");
        assertThat(alone.code()).isEqualTo(2);
        assertThat(alone.errors()).singleElement().asString().contains("--benchmark-folder");
        assertThat(results).doesNotExist();
    }

    @Test
    void helpNamesEveryBenchmark() {
        CommandLineRun run = CommandLineRun.of("eval", "--help");
        assertThat(run.code()).isZero();
        assertThat((run.out() + run.err()).replaceAll("\\s+", " "))
                .contains(String.join(", ", Benchmark.names()))
                .contains("put your final answer within \\boxed{}");
    }
}
