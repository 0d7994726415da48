package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** Commands that read an adapter. */
class AdapterCommandsTest {
    private static final String INPUT = "{\"ids\":[4,5,13,6,15,4,7]}\n";

    @TempDir
    static Path folder;

    private static String model = "";
    private static String adapter = "";

    @BeforeAll
    static void trainAnAdapter() {
        model = TinyModelFolder.write(folder.resolve("model")).toString();
        CommandLineRun run = CommandLineRun.of(
                "sft",
                "--model",
                model,
                "--set",
                "runs=" + folder.resolve("runs"),
                "--set",
                "updates=2",
                "--set",
                "batch-rows=4",
                "--set",
                "optimizer.learning-rate=0.05",
                "--set",
                "adapter.rank=2");
        assertThat(run.code()).as(run.err()).isZero();
        adapter = folder.resolve("runs/0001/adapter").toString();
        assertThat(run.err()).contains("model: " + adapter);
    }

    private static List<Double> scores(String... options) {
        List<String> arguments = new ArrayList<>(List.of("score", "--input", "-"));
        arguments.addAll(List.of(options));
        CommandLineRun run = CommandLineRun.withInput(INPUT, arguments.toArray(new String[0]));
        assertThat(run.code()).as(run.err()).isZero();
        List<Double> scores = new ArrayList<>();
        JsonMapper.builder()
                .build()
                .readTree(run.lines().getFirst())
                .get("log_probs")
                .forEach(number -> scores.add(number.isNull() ? 0 : number.doubleValue()));
        return scores;
    }

    @Test
    void anAdaptersFolderStandsForItsModelWithIt() {
        List<Double> with = scores("--model", adapter);
        assertThat(scores("--model", model, "--adapter", adapter)).isEqualTo(with);
        assertThat(scores("--model", model)).isNotEqualTo(with);
        for (String command : List.of("generate", "eval")) {
            List<String> arguments = command.equals("generate")
                    ? List.of(command, "--model", adapter, "--prompt", "1+1=", "--max-new-tokens", "2")
                    : List.of(
                            command, "--model", adapter, "--problems", "2", "--max-new-tokens", "2", "--samples", "1");
            CommandLineRun run = CommandLineRun.of(arguments.toArray(new String[0]));
            assertThat(run.code()).as(run.err()).isZero();
        }
        assertThat(CommandLineRun.withInput("{\"text\":\"5\"}", "tokenize", "--model", adapter, "--input", "-")
                        .code())
                .isZero();
    }

    @Test
    void aPlanCountsTheAdaptersParametersAlone() {
        CommandLineRun run = CommandLineRun.of("plan", "--model", model, "--set", "adapter.rank=2", "--json");
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(run.err()).contains("an adapter of rank 2 whose").contains("trained tokens x 4 x");
        // Of each layer: q 16 to 16, k and v 16 to 8, o 16 to 16, gate and up 16 to 32, down 32 to 16.
        long expected = 2L * 2 * ((16 + 16) + 2 * (16 + 8) + (16 + 16) + 3 * (16 + 32));
        // The A of maps that read the same input lie side by side, one for each map.
        assertThat(JsonMapper.builder()
                        .build()
                        .readTree(run.lines().getFirst())
                        .get("model")
                        .get("trained_parameters")
                        .longValue())
                .isEqualTo(expected);
    }

    @Test
    void aMergedModelIsOneLikeAnyOther() {
        Path merged = folder.resolve("merged");
        CommandLineRun run = CommandLineRun.of("merge", "--model", adapter, "--output", merged.toString());
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(merged.resolve("config.json")).exists();
        assertThat(merged.resolve("tokenizer.json")).exists();
        List<Double> expected = scores("--model", adapter);
        List<Double> actual = scores("--model", merged.toString());
        for (int i = 0; i < expected.size(); i++) {
            assertThat(actual.get(i)).isCloseTo(expected.get(i), within(1e-5));
        }
        CommandLineRun again = CommandLineRun.of("merge", "--model", adapter, "--output", merged.toString());
        assertThat(again.code()).isEqualTo(2);
        assertThat(again.err()).contains("--output must be a new or an empty folder");
    }

    @Test
    void trainingGoesOnWithAnAdapterThatIsNamedAsOne() {
        CommandLineRun refused = CommandLineRun.of(
                "sft", "--model", adapter, "--set", "updates=1", "--set", "runs=" + folder.resolve("no"));
        assertThat(refused.code()).isEqualTo(2);
        assertThat(refused.err()).contains("set adapter.path to it, and model.path to " + model);
        CommandLineRun run = CommandLineRun.of(
                "sft",
                "--model",
                model,
                "--set",
                "adapter.path=" + adapter,
                "--set",
                "updates=1",
                "--set",
                "batch-rows=4",
                "--set",
                "runs=" + folder.resolve("more"));
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(scores("--model", folder.resolve("more/0001/adapter").toString()))
                .isNotEqualTo(scores("--model", adapter));
    }

    @Test
    void whatIsNoAdapterOrHasNoModelIsRefusedInOneLine() throws IOException {
        CommandLineRun none = CommandLineRun.of(
                "merge", "--model", model, "--output", folder.resolve("x").toString());
        assertThat(none.code()).isEqualTo(2);
        assertThat(none.err()).contains("which has no adapter to merge");
        Path copy = Files.createDirectories(folder.resolve("of-a-hub"));
        Files.copy(Path.of(adapter, "adapter_model.safetensors"), copy.resolve("adapter_model.safetensors"));
        String config = Files.readString(Path.of(adapter, "adapter_config.json"));
        Files.writeString(copy.resolve("adapter_config.json"), config.replace(model, "example/no-such-model"));
        CommandLineRun hub =
                CommandLineRun.of("generate", "--model", copy.toString(), "--prompt", "1", "--max-new-tokens", "1");
        assertThat(hub.code()).isEqualTo(2);
        assertThat(hub.err())
                .contains(
                        "base_model_name_or_path must be the folder of the adapter's model, got: example/no-such-model")
                .contains("--adapter");
        assertThat(CommandLineRun.of(
                                "generate",
                                "--model",
                                model,
                                "--adapter",
                                copy.toString(),
                                "--prompt",
                                "1",
                                "--max-new-tokens",
                                "1")
                        .code())
                .isZero();
    }
}
