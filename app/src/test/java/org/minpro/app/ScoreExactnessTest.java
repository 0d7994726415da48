package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.minpro.model.Kernels;
import org.minpro.tensor.DType;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code minpro score} of what {@code minpro generate} sampled, in a process of its own. */
final class ScoreExactnessTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    @TempDir
    Path folder;

    @Tag("slow")
    @ParameterizedTest
    @ValueSource(strings = {"f32", "bf16"})
    void aFreshProcessGivesTheBitsThatSamplingGave(String type) throws IOException, InterruptedException {
        DType computed = type.equals("f32") ? DType.F32 : DType.BF16;
        assumeTrue(Kernels.vectors(), Kernels.reason());
        assumeTrue(Kernels.exact(computed), "products of " + computed + " depend on the rows beside them");
        String model = TinyModelFolder.write(folder).toString();
        CommandLineRun sampled = CommandLineRun.of(
                "generate",
                "--model",
                model,
                "--dtype",
                type,
                "--prompt",
                "12+3=",
                "--samples",
                "5",
                "--max-new-tokens",
                "30",
                "--temperature",
                "0.6",
                "--top-k",
                "5",
                "--ignore-eos");
        assertThat(sampled.code()).as(sampled.err()).isZero();
        List<JsonNode> rollouts = sampled.lines().stream().map(JSON::readTree).toList();
        StringBuilder rows = new StringBuilder();
        for (JsonNode rollout : rollouts) {
            List<Integer> ids = new ArrayList<>(List.of(4, 5, 13, 6, 15)); // 12+3=
            rollout.get("completion_ids").forEach(id -> ids.add(id.intValue()));
            rows.append("{\"ids\":").append(ids).append("}\n");
        }
        Path input = Files.writeString(folder.resolve("rows.jsonl"), rows);
        Path output = folder.resolve("scores.jsonl");
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--add-modules",
                "jdk.incubator.vector",
                "-Duser.home=" + System.getProperty("user.home"),
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
        command.addAll(List.of(
                "score",
                "--model",
                model,
                "--dtype",
                type,
                "--temperature",
                "0.6",
                "--workers",
                "1",
                "--input",
                input.toString()));
        Process process = new ProcessBuilder(command)
                .redirectOutput(output.toFile())
                .redirectErrorStream(false)
                .start();
        String said = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        List<String> scores = Files.readAllLines(output);
        assertThat(scores).hasSameSizeAs(rollouts);
        for (int i = 0; i < scores.size(); i++) {
            List<JsonNode> scored = new ArrayList<>();
            JSON.readTree(scores.get(i)).get("log_probs").forEach(scored::add);
            List<JsonNode> expected = new ArrayList<>();
            rollouts.get(i).get("log_probs").forEach(expected::add);
            // Numbers are written so that they read back bit for bit.
            assertThat(scored.subList(5, scored.size())).isEqualTo(expected);
        }
    }
}
