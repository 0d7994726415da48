package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The commands that compute, on a model of a few thousand weights. */
final class ModelCommandsTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    @TempDir
    static Path folder;

    private static String model = "";

    @BeforeAll
    static void writeModel() {
        model = TinyModelFolder.write(folder).toString();
    }

    private static List<JsonNode> json(CommandLineRun run) {
        assertThat(run.code()).as(run.err()).isZero();
        return run.lines().stream().map(JSON::readTree).toList();
    }

    private static List<Integer> ids(JsonNode array) {
        List<Integer> ids = new ArrayList<>();
        array.forEach(id -> ids.add(id.intValue()));
        return ids;
    }

    @Test
    void writesAFolderForAServerAndTheLineThatStartsIt() throws IOException {
        Path served = folder.resolve("served");
        CommandLineRun run =
                CommandLineRun.of("served-folder", "--model", model, "--out", served.toString(), "--lora-rank", "9");
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(run.lines())
                .containsExactly("VLLM_SERVER_DEV_MODE=1 VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 vllm serve " + served
                        + " --served-model-name policy --host 127.0.0.1 --port 8100 --dtype float32 --max-model-len "
                        + JSON.readTree(Files.readString(served.resolve("config.json")))
                                .path("max_position_embeddings")
                        + " --enable-scale-out --logprobs-mode processed_logprobs"
                        // The smallest that vLLM takes.
                        + " --enable-lora --max-lora-rank 16 --max-loras 2 --max-cpu-loras 4");
        assertThat(JSON.readTree(Files.readString(served.resolve("config.json")))
                        .path("tie_word_embeddings")
                        .booleanValue())
                .isFalse();
        CommandLineRun whole = CommandLineRun.of(
                "served-folder",
                "--model",
                model,
                "--out",
                folder.resolve("whole").toString());
        assertThat(whole.out()).doesNotContain("lora", "LORA");
        CommandLineRun refused = CommandLineRun.of(
                "served-folder", "--model", model, "--out", folder.resolve("x").toString(), "--lora-rank", "513");
        assertThat(refused.code()).isEqualTo(2);
        assertThat(refused.err()).contains("--lora-rank must be in [1, 512], got: 513");
    }

    @Test
    void tokenizesTextsAndConversations() {
        CommandLineRun run = CommandLineRun.withInput("""
                {"text":"12+3="}
                {"text":"7<eos>"}
                {"messages":[{"role":"user","content":"1+1"}],"add_generation_prompt":true}
                {"messages":[{"role":"user","content":"1+1"}],"template_variables":{"suffix":";"}}
                {"text":""}
                """, "tokenize", "--model", model, "--input", "-");
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(run.lines())
                .containsExactly(
                        "{\"ids\":[4,5,13,6,15],\"text\":\"12+3=\"}",
                        "{\"ids\":[10,1],\"text\":\"7<eos>\"}",
                        "{\"ids\":[4,13,4,15],\"text\":\"1+1=\"}",
                        "{\"ids\":[4,13,4,16],\"text\":\"1+1;\"}",
                        "{\"ids\":[],\"text\":\"\"}");
    }

    @Test
    void tokenizesWithTheTokenizersFilesAlone() throws IOException {
        Path bare = Files.createDirectories(folder.resolve("tokenizer-only"));
        Files.copy(Path.of(model, "tokenizer.json"), bare.resolve("tokenizer.json"));
        CommandLineRun run =
                CommandLineRun.withInput("{\"text\":\"5\"}", "tokenize", "--model", bare.toString(), "--input", "-");
        assertThat(run.lines()).containsExactly("{\"ids\":[8],\"text\":\"5\"}");
    }

    @Test
    void idsNeedNoTokenizerEvenWhereOneLiesThatIsBroken() throws IOException {
        Path broken = copy("broken-tokenizer");
        Files.writeString(broken.resolve("tokenizer.json"), "{");
        CommandLineRun run = CommandLineRun.withInput(
                "{\"ids\":[4,5]}", "generate", "--model", broken.toString(), "--input", "-", "--max-new-tokens", "2");
        assertThat(json(run)).singleElement().matches(line -> line.get("text").isNull());
        assertThat(run.errors()).singleElement().asString().startsWith("minpro: completions have no text: ");
    }

    @Test
    void aPromptIsCheckedAgainstTheVocabulary() throws IOException {
        Path larger = copy("larger-tokenizer");
        Path tokenizer = larger.resolve("tokenizer.json");
        Files.writeString(tokenizer, Files.readString(tokenizer).replaceFirst("\"4\":\\s*7", "\"4\": 77"));
        CommandLineRun run = CommandLineRun.of("generate", "--model", larger.toString(), "--prompt", "4");
        assertThat(run.code()).isEqualTo(2);
        assertThat(run.errors().getLast())
                .contains("the tokenizer's ids must be below the model's vocab_size (19), got: 77 in --prompt");
    }

    private static Path copy(String name) throws IOException {
        Path copy = Files.createDirectories(folder.resolve(name));
        try (Stream<Path> files = Files.list(Path.of(model))) {
            for (Path file : files.toList()) {
                Files.copy(file, copy.resolve(file.getFileName()));
            }
        }
        return copy;
    }

    @Test
    void scoresWhatWasGeneratedAsItWasSampled() {
        List<JsonNode> generated = json(CommandLineRun.withInput(
                "{\"prompt\":\"12+34+\"}\n{\"ids\":[4,5,13,6]}\n{\"messages\":[{\"role\":\"user\",\"content\":\"9\"}]}\n",
                "generate",
                "--model",
                model,
                "--input",
                "-",
                "--samples",
                "3",
                "--max-new-tokens",
                "12"));
        assertThat(generated).hasSize(9);
        assertThat(generated)
                .extracting(line -> line.get("sample").intValue())
                .containsExactly(0, 1, 2, 0, 1, 2, 0, 1, 2);
        assertThat(generated)
                .extracting(line -> ids(line.get("completion_ids")))
                .doesNotHaveDuplicates();
        StringBuilder input = new StringBuilder();
        List<List<Integer>> prompts = List.of(List.of(4, 5, 13, 6, 7, 13), List.of(4, 5, 13, 6), List.of(12, 15));
        for (int i = 0; i < 9; i++) {
            List<Integer> all = new ArrayList<>(prompts.get(i / 3));
            all.addAll(ids(generated.get(i).get("completion_ids")));
            input.append("{\"ids\":").append(all).append("}\n");
        }
        List<JsonNode> scored =
                json(CommandLineRun.withInput(input.toString(), "score", "--model", model, "--input", "-"));
        assertThat(scored).hasSize(9);
        for (int i = 0; i < 9; i++) {
            JsonNode sampled = generated.get(i).get("log_probs");
            JsonNode given = scored.get(i).get("log_probs");
            assertThat(given.size()).isEqualTo(scored.get(i).get("ids").size());
            assertThat(given.get(0).isNull()).isTrue();
            int start = given.size() - sampled.size();
            for (int t = 0; t < sampled.size(); t++) {
                assertThat(given.get(start + t).doubleValue())
                        .isCloseTo(sampled.get(t).doubleValue(), within(1e-4));
            }
            boolean stopped = generated.get(i).get("finish").stringValue().equals("stop");
            List<Integer> ids = ids(generated.get(i).get("completion_ids"));
            assertThat(ids.getLast() == 1).isEqualTo(stopped);
            assertThat(ids.size() == 12 || stopped).isTrue();
            assertThat(generated.get(i).get("text").stringValue()).doesNotContain("<eos>");
        }
    }

    @Test
    void scoresPromptAndCompletionAsOneSequence() {
        List<JsonNode> scored = json(CommandLineRun.withInput(
                "{\"prompt\":\"12+\",\"completion\":\"3=15\"}\n{\"ids\":[4,5,13,6,15,4,8]}\n{\"ids\":[4]}\n",
                "score",
                "--model",
                model,
                "--input",
                "-"));
        assertThat(scored.get(0)).isEqualTo(scored.get(1));
        assertThat(scored.get(2).toString()).isEqualTo("{\"ids\":[4],\"log_probs\":[null]}");
        double sum = 0;
        for (int id = 0; id < 19; id++) {
            List<JsonNode> one = json(
                    CommandLineRun.withInput("{\"ids\":[4,5," + id + "]}", "score", "--model", model, "--input", "-"));
            sum += Math.exp(one.getFirst().get("log_probs").get(2).doubleValue());
        }
        assertThat(sum).isCloseTo(1, within(1e-5));
    }

    @Test
    void generationDependsOnTheSeedAndTheLineAlone() {
        String[] command = {"generate", "--model", model, "--input", "-", "--max-new-tokens", "20", "--ignore-eos"};
        String line = "{\"prompt\":\"1+2\"}\n";
        List<String> two = CommandLineRun.withInput(line + line, command).lines();
        assertThat(two.get(0)).isNotEqualTo(two.get(1));
        assertThat(CommandLineRun.withInput(line, command).lines()).containsExactly(two.get(0));
        assertThat(JSON.readTree(two.get(0)).get("completion_ids").size()).isEqualTo(20);
        List<String> greedy = CommandLineRun.withInput(
                        line + line, "generate", "--model", model, "--input", "-", "--greedy", "--max-new-tokens", "8")
                .lines();
        assertThat(greedy.get(0)).isEqualTo(greedy.get(1));
        assertThat(CommandLineRun.of(
                                "generate", "--model", model, "--prompt", "1+2", "--greedy", "--max-new-tokens", "8")
                        .lines())
                .containsExactly(greedy.get(0));
    }

    @Test
    void optionsWithoutEffectAreNamed() {
        String[] greedy = {"generate", "--model", model, "--prompt", "1+2", "--greedy", "--max-new-tokens", "4"};
        String[] hot = Arrays.copyOf(greedy, greedy.length + 4);
        hot[greedy.length] = "--temperature";
        hot[greedy.length + 1] = "2";
        hot[greedy.length + 2] = "--top-k";
        hot[greedy.length + 3] = "3";
        CommandLineRun plain = CommandLineRun.of(greedy);
        assertThat(plain.errors()).noneMatch(line -> line.contains("no effect"));
        CommandLineRun run = CommandLineRun.of(hot);
        assertThat(run.code()).isZero();
        assertThat(run.out()).isEqualTo(plain.out());
        assertThat(run.errors())
                .contains(
                        "minpro: --temperature has no effect with --greedy",
                        "minpro: --top-k has no effect with --greedy");
    }

    @Test
    void generatesFromIdsWithoutATokenizer() throws IOException {
        Path bare = Files.createDirectories(folder.resolve("no-tokenizer"));
        for (String file : List.of("config.json", "model.safetensors")) {
            Files.copy(Path.of(model, file), bare.resolve(file));
        }
        List<JsonNode> lines = json(CommandLineRun.withInput(
                "{\"ids\":[4,5]}", "generate", "--model", bare.toString(), "--input", "-", "--max-new-tokens", "3"));
        assertThat(lines.getFirst().get("text").isNull()).isTrue();
        CommandLineRun prompt = CommandLineRun.of("generate", "--model", bare.toString(), "--prompt", "1");
        assertThat(prompt.code()).isEqualTo(2);
        assertThat(prompt.errors()).singleElement().asString().contains("tokenizer.json");
    }

    @Test
    void whatWasReadBeforeABrokenLineIsAnswered() {
        for (String broken : List.of(
                "{\"ids\":[4,99]}",
                "{\"ids\":[4",
                "{\"id\":[4]}",
                "{\"ids\":[4],\"prompt\":\"1\",\"completion\":\"2\"}")) {
            for (String command : List.of("score", "generate")) {
                CommandLineRun run = CommandLineRun.withInput(
                        "{\"ids\":[4,5]}\n" + broken + "\n", command, "--model", model, "--input", "-");
                assertThat(run.code()).isEqualTo(2);
                assertThat(run.lines()).hasSize(1);
                assertThat(run.errors())
                        .singleElement()
                        .asString()
                        .startsWith("minpro: <stdin>:2")
                        .doesNotContain("Source:");
            }
        }
    }

    @Test
    void aModelWithoutFiniteWeightsGivesNoResults() throws IOException {
        Path broken = Files.createDirectories(folder.resolve("not-finite"));
        Files.copy(Path.of(model, "config.json"), broken.resolve("config.json"));
        byte[] weights = Files.readAllBytes(Path.of(model, "model.safetensors"));
        for (int i = weights.length - 4; i < weights.length; i++) {
            weights[i] = (byte) 0xff;
        }
        Files.write(broken.resolve("model.safetensors"), weights);
        for (String[] line : new String[][] {{"score"}, {"generate"}, {"generate", "--greedy"}}) {
            List<String> command = new ArrayList<>(List.of(line));
            command.addAll(List.of("--model", broken.toString(), "--input", "-"));
            CommandLineRun run = CommandLineRun.withInput("{\"ids\":[4,5]}", command.toArray(String[]::new));
            assertThat(run.code()).isEqualTo(1);
            assertThat(run.out()).isEmpty();
            assertThat(run.errors())
                    .singleElement()
                    .asString()
                    .startsWith("minpro: ")
                    .endsWith("are the model's weights finite?");
        }
    }

    @Test
    void evaluatesAnObjectiveLineForLine() {
        String example = "{\"log_probs\":[[-1.0,-2.0]],\"behavior_log_probs\":[[-1.0,-2.0]],\"advantages\":[[1,1]],"
                + "\"mask\":[[1,1]],\"aggregation\":\"token-mean\"}";
        CommandLineRun run = CommandLineRun.withInput(
                example + "\n" + example.replace("-1.0,-2.0]],\"adv", "-1.0,-3.0]],\"adv") + "\n",
                "objectives",
                "minpro",
                "--evaluate",
                "-",
                "--set",
                "cap=2");
        List<JsonNode> lines = json(run);
        assertThat(lines).hasSize(2);
        // On policy: REINFORCE, -A log pi over the two tokens.
        assertThat(lines.get(0).get("loss").doubleValue()).isEqualTo(1.5);
        assertThat(lines.get(0).get("gradient").toString()).isEqualTo("[[-0.5,-0.5]]");
        // The second token's ratio is e, capped at 2.
        assertThat(lines.get(1).get("loss").doubleValue()).isEqualTo(0.5 * (1 + 2 * 2));
        assertThat(lines.get(1).get("gradient").toString()).isEqualTo("[[-0.5,-1.0]]");
        CommandLineRun broken = CommandLineRun.withInput(
                example + "\n{\"log_probs\":[[1]]}\n", "objectives", "grpo", "--evaluate", "-");
        assertThat(broken.code()).isEqualTo(2);
        assertThat(CommandLineRun.withInput(
                                example.replace("\"token-mean\"", "null,\"length\":null,\"anchor\":null"),
                                "objectives",
                                "minpro",
                                "--evaluate",
                                "-")
                        .lines())
                .containsExactly(run.lines().getFirst());
        assertThat(CommandLineRun.withInput(
                                example.replaceFirst("-1.0", "-1e400"), "objectives", "minpro", "--evaluate", "-")
                        .errors())
                .containsExactly("minpro: <stdin>:1: log_probs[0][0] must be a finite number, got: \"-Infinity\"");
        assertThat(broken.lines()).hasSize(1);
        assertThat(broken.errors()).singleElement().asString().startsWith("minpro: <stdin>:2: ");
    }

    @Test
    void evaluatesAModelOnProblemsOfAFile() throws IOException {
        Path data = Files.writeString(
                folder.resolve("problems.jsonl"),
                "{\"q\":\"1+1=\",\"a\":2}\n{\"q\":\"2+2=\",\"a\":4}\n{\"q\":\"3+3=\",\"a\":6}\n");
        Path completions = folder.resolve("completions.jsonl");
        CommandLineRun run = CommandLineRun.of(
                "eval",
                "--model",
                model,
                "--data",
                data.toString(),
                "--prompt-field",
                "q",
                "--answer-field",
                "a",
                "--samples",
                "2",
                "--max-new-tokens",
                "5",
                "--completions",
                completions.toString(),
                "--set",
                "prompts.chat-template=off");
        JsonNode result = json(run).getFirst();
        assertThat(result.get("problems").intValue() + result.get("undecided").doubleValue())
                .isPositive();
        assertThat(result.get("samples").intValue()).isEqualTo(2);
        assertThat(Files.readAllLines(completions)).hasSize(6);
        JsonNode first = JSON.readTree(Files.readAllLines(completions).getFirst());
        assertThat(first.get("gold").stringValue()).isEqualTo("2");
    }

    @Test
    void aRunStopsSavedWhereTheRemoteRewardIsUndecided() throws IOException {
        HttpServer service = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        AtomicBoolean down = new AtomicBoolean();
        service.createContext("/score", exchange -> {
            String asked = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            byte[] reply = (asked.contains("\"sample\":1") ? "{\"score\":1}" : "{\"score\":0}")
                    .getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(down.get() ? 503 : 200, down.get() ? -1 : reply.length);
            if (!down.get()) {
                exchange.getResponseBody().write(reply);
            }
            exchange.close();
        });
        service.start();
        String url = "http://" + InetAddress.getLoopbackAddress().getHostAddress() + ":"
                + service.getAddress().getPort() + "/score";
        Path runs = folder.resolve("remote-runs");
        Path recipe = Files.writeString(folder.resolve("remote.yaml"), """
                model: {path: %s}
                runs: %s
                reward: {name: http, url: "%s", budget-seconds: 30, attempts: 2}
                max-undecided: 0.25
                iterations: 4
                lag: 1
                groups-per-iteration: 2
                group-size: 2
                updates-per-iteration: 1
                sampling: {max-new-tokens: 4}
                evaluation: {problems: 0}
                prompts: {chat-template: off}
                """.formatted(model, runs, url));
        try {
            CommandLineRun whole = CommandLineRun.of("train", "--config", recipe.toString());
            assertThat(whole.code()).as(whole.err()).isZero();
            JsonNode metrics =
                    JSON.readTree(Files.readAllLines(runs.resolve("0001").resolve("metrics.jsonl"))
                            .getFirst());
            assertThat(metrics.toString()).contains("\"undecided\":0.0").contains("\"reward\":0.5");

            down.set(true);
            CommandLineRun stopped = CommandLineRun.of("train", "--config", recipe.toString());
            Path run = runs.resolve("0002");
            assertThat(stopped.code()).isEqualTo(1);
            assertThat(stopped.errors().getLast())
                    .startsWith(
                            "minpro: the share of undecided responses must be at most max-undecided (0.25), got: 4 of 4"
                                    + " in iteration 0: reward service " + url
                                    + ": 2 attempts failed; last: status 503 (4). The"
                                    + " run is saved: ")
                    .endsWith(" Continue with: minpro train --resume " + run);
            assertThat(run.resolve("model")).doesNotExist();
            CommandLineRun audit = CommandLineRun.of("audit-verdicts", run.toString());
            assertThat(audit.code()).as(audit.err()).isZero();
            assertThat(audit.lines().getFirst()).startsWith("4 completions: ");

            down.set(false);
            CommandLineRun resumed = CommandLineRun.of("train", "--resume", run.toString());
            assertThat(resumed.code()).as(resumed.err()).isZero();
            assertThat(resumed.err()).contains("at iteration 1 of 4");
            assertThat(run.resolve("model").resolve("model.safetensors")).isRegularFile();
        } finally {
            service.stop(0);
        }
    }

    @Test
    void trainsResumesAndNamesTheModel() {
        Path runs = folder.resolve("runs");
        CommandLineRun run = CommandLineRun.of(
                "train",
                "--model",
                model,
                "--runs",
                runs.toString(),
                "--reward",
                TrainCommandTest.Varied.class.getName(),
                "--lag",
                "1",
                "--set",
                "iterations=3",
                "--set",
                "groups-per-iteration=2",
                "--set",
                "group-size=2",
                "--set",
                "updates-per-iteration=1",
                "--set",
                "sampling.max-new-tokens=6",
                "--set",
                "evaluation.problems=4",
                "--set",
                "prompts.chat-template=off",
                "--set",
                "data.terms=3");
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).contains("plan: ", "before: ", "after: ", "minpro generate --model");
        Path first = runs.resolve("0001");
        assertThat(first.resolve("metrics.jsonl")).isRegularFile();
        assertThat(first.resolve("model").resolve("model.safetensors")).isRegularFile();
        CommandLineRun again = CommandLineRun.of("train", "--resume", first.toString());
        assertThat(again.code()).as(again.err()).isZero();
        CommandLineRun nothing = CommandLineRun.of("train", "--resume", runs.toString());
        assertThat(nothing.code()).isEqualTo(2);
    }

    @Test
    void chatOfGenerateIsTheTemplateAroundThePrompt() {
        JsonNode chat = json(CommandLineRun.of(
                        "generate", "--model", model, "--chat", "--prompt", "1+1", "--max-new-tokens", "6"))
                .getFirst();
        JsonNode raw = json(CommandLineRun.of(
                        "generate", "--model", model, "--prompt", "1+1=", "--max-new-tokens", "6"))
                .getFirst();
        assertThat(chat).isEqualTo(raw);
        JsonNode lines = json(CommandLineRun.withInput(
                        "{\"prompt\":\"1+1\"}\n",
                        "generate",
                        "--model",
                        model,
                        "--chat",
                        "--input",
                        "-",
                        "--max-new-tokens",
                        "6"))
                .getFirst();
        assertThat(lines).isEqualTo(raw);
    }

    @Test
    void aConversationIsRememberedUntilANewOneBegins() {
        String[] command = {"chat", "--model", model, "--greedy", "--max-new-tokens", "4"};
        CommandLineRun run = CommandLineRun.withInput("1+1\n\n2+2\n/new\n1+1\n/quit\n3+3\n", command);
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(run.lines()).hasSize(3);
        assertThat(run.lines().get(2)).isEqualTo(run.lines().get(0));
        JsonNode second = json(CommandLineRun.of(
                        "generate",
                        "--model",
                        model,
                        "--greedy",
                        "--max-new-tokens",
                        "4",
                        "--prompt",
                        "1+1" + run.lines().get(0) + "2+2="))
                .getFirst();
        assertThat(second.get("text").stringValue()).isEqualTo(run.lines().get(1));
    }

    @Test
    void aModelWithoutAChatTemplateDoesNotChat() {
        CommandLineRun run = CommandLineRun.withInput("hello\n", "chat");
        assertThat(run.code()).isEqualTo(2);
        assertThat(run.errors())
                .singleElement()
                .asString()
                .contains("chat template", "which has none", "generate --prompt");
    }
}
