package org.minpro.rollout.served;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.model.HuggingFaceReader;
import org.minpro.model.HuggingFaceWriter;
import org.minpro.model.Parameters;
import org.minpro.run.ModelFiles;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The server of the tests does wrong what a real one does wrong: a client that survives it has survived something. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@SuppressWarnings("NullAway.Init") // before all
class FakeVllmTest {
    private static final HttpClient CLIENT =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private Path folder;
    private Path first;
    private Path second;

    @BeforeAll
    void write(@TempDir Path temporary) {
        folder = temporary;
        HuggingFaceReader files =
                HuggingFaceReader.open(ModelFiles.open("builtin").path());
        first = folder.resolve("first");
        second = folder.resolve("second");
        try (Parameters weights = Parameters.zeros(files.config(), Device.CPU, DType.F32);
                Scope scope = Scope.open()) {
            assert scope != null;
            files.load(weights.named());
            HuggingFaceWriter.writeUntied(files, first, weights.named(), DType.F32);
            Objects.requireNonNull(weights.named().get("model.norm.weight")).multiplyInPlace(0.5);
            HuggingFaceWriter.writeUntied(files, second, weights.named(), DType.F32);
        }
    }

    @AfterAll
    static void close() {
        CLIENT.close();
    }

    private static HttpRequest request(FakeVllm server, String path, String body) {
        return HttpRequest.newBuilder(URI.create(server.url() + path))
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
    }

    private static HttpResponse<String> post(FakeVllm server, String path, String body) throws Exception {
        return CLIENT.send(request(server, path, body), HttpResponse.BodyHandlers.ofString());
    }

    private static String generation(int[] prompt, int tokens, long seed, String salt) {
        ObjectNode request = JsonMapper.shared().createObjectNode();
        request.put("model", "policy");
        request.put("cache_salt", salt);
        GenerationJson.put(request, "token_ids", prompt);
        request.putObject("sampling_params")
                .put("temperature", 1.0)
                .put("max_tokens", tokens)
                .put("seed", seed);
        return request.toString();
    }

    private static JsonNode choice(HttpResponse<String> reply) {
        assertThat(reply.statusCode()).as(reply.body()).isEqualTo(200);
        return JsonMapper.shared().readTree(reply.body()).path("choices").path(0);
    }

    private static JsonNode generated(FakeVllm server, int[] prompt, int tokens, long seed, String salt)
            throws Exception {
        return choice(post(server, "/inference/v1/generate", generation(prompt, tokens, seed, salt)));
    }

    private static int reload(FakeVllm server, Path folder) throws Exception {
        ObjectNode body = JsonMapper.shared().createObjectNode().put("method", "reload_weights");
        body.putObject("kwargs").put("weights_path", folder.toString());
        return post(server, "/collective_rpc", body.toString()).statusCode();
    }

    @Test
    void aBodyIsLostWithAnOfferOfHttp2() throws Exception {
        try (FakeVllm server = new FakeVllm(first, 64);
                HttpClient upgrading = HttpClient.newHttpClient()) {
            String body = generation(new int[] {3, 4}, 2, 1, "");
            assertThat(post(server, "/inference/v1/generate", body).statusCode())
                    .isEqualTo(200);
            HttpResponse<String> lost = upgrading.send(
                    request(server, "/inference/v1/generate", body), HttpResponse.BodyHandlers.ofString());
            assertThat(lost.statusCode()).isEqualTo(400);
            assertThat(lost.body()).contains("Field required");
            assertSameMembers(
                    "$",
                    WireFormatTest.json("vllm-body-lost.json"),
                    JsonMapper.shared().readTree(lost.body()));
            server.set(FakeVllm.Trap.NO_SCALE_OUT, 1);
            HttpResponse<String> off = post(server, "/inference/v1/generate", body);
            assertThat(off.statusCode()).isEqualTo(403);
            assertThat(JsonMapper.shared().readTree(off.body()))
                    .isEqualTo(WireFormatTest.json("vllm-scale-out-off.json"));
        }
    }

    @Test
    void answersHaveTheMembersOfRealOnes() throws Exception {
        try (FakeVllm server = new FakeVllm(first, 64)) {
            ObjectNode request = (ObjectNode) JsonMapper.shared().readTree(generation(new int[] {3, 4, 5}, 3, 1, ""));
            assertSameMembers(
                    "$",
                    WireFormatTest.json("vllm-generate-answer.json"),
                    JsonMapper.shared()
                            .readTree(post(server, "/inference/v1/generate", request.toString())
                                    .body()));
            ((ObjectNode) request.get("sampling_params"))
                    .put("prompt_logprobs", 0)
                    .put("max_tokens", 1);
            assertSameMembers(
                    "$",
                    WireFormatTest.json("vllm-score-answer.json"),
                    JsonMapper.shared()
                            .readTree(post(server, "/inference/v1/generate", request.toString())
                                    .body()));
        }
    }

    /** The same names and types all the way down, whatever the values and the lengths; ids that are names aside. */
    private static void assertSameMembers(String at, JsonNode real, JsonNode fake) {
        if (real.isNull() || fake.isNull()) {
            return;
        }
        assertThat(fake.getNodeType()).as(at).isEqualTo(real.getNodeType());
        if (real.isArray()) {
            assertSameMembers(at + "[]", real.get(real.size() - 1), fake.get(fake.size() - 1));
        } else if (real.isObject()) {
            List<String> names = new ArrayList<>(real.propertyNames());
            if (names.getFirst().matches("[0-9]+")) {
                assertSameMembers(
                        at + ".id",
                        real.get(names.getFirst()),
                        fake.get(fake.propertyNames().iterator().next()));
                return;
            }
            assertThat(fake.propertyNames()).as(at).containsExactlyInAnyOrderElementsOf(names);
            names.forEach(name -> assertSameMembers(at + "." + name, real.get(name), fake.get(name)));
        }
    }

    @Test
    void seedsCountModulo32BitsAndLimitsAreCutInSilence() throws Exception {
        try (FakeVllm server = new FakeVllm(first, 64)) {
            int[] prompt = {3, 4, 5};
            JsonNode ids = generated(server, prompt, 12, 5, "").path("token_ids");
            assertThat(generated(server, prompt, 12, 5 + (1L << 32), "").path("token_ids"))
                    .isEqualTo(ids);
            assertThat(generated(server, prompt, 12, 5 + (1L << 40), "").path("token_ids"))
                    .isEqualTo(ids);
            assertThat(generated(server, prompt, 12, 6, "").path("token_ids")).isNotEqualTo(ids);
            int[] sixty = new int[60];
            java.util.Arrays.fill(sixty, 3);
            JsonNode cut = generated(server, sixty, 100, 5, "");
            assertThat(cut.path("token_ids").size()).isEqualTo(4);
            assertThat(cut.path("finish_reason").stringValue()).isEqualTo("length");
        }
    }

    @Test
    void aCachedPromptGoesOnFromOldWeights() throws Exception {
        try (FakeVllm server = new FakeVllm(first, 64);
                FakeVllm fresh = new FakeVllm(second, 64)) {
            int[] prompt = {3, 4, 5};
            JsonNode old = generated(server, prompt, 1, 5, "a").path("logprobs");
            JsonNode right = generated(fresh, prompt, 1, 5, "a").path("logprobs");
            assertThat(right).isNotEqualTo(old);
            assertThat(reload(server, second)).isEqualTo(200);
            assertThat(generated(server, prompt, 1, 5, "a").path("logprobs")).isEqualTo(old);
            assertThat(generated(server, prompt, 1, 5, "b").path("logprobs")).isEqualTo(right);
            server.set(FakeVllm.Trap.SALT_IGNORED, 1);
            generated(server, prompt, 1, 5, "a");
            assertThat(reload(server, first)).isEqualTo(200);
            assertThat(generated(server, prompt, 1, 5, "c").path("logprobs")).isEqualTo(right);
            post(server, "/reset_prefix_cache", "");
            assertThat(generated(server, prompt, 1, 5, "c").path("logprobs")).isEqualTo(old);
        }
    }

    @Test
    void nothingIsScheduledWhilePausedAndAnAbortGivesTheTokensSoFar() throws Exception {
        try (FakeVllm server = new FakeVllm(first, 64)) {
            post(server, "/pause?mode=keep", "");
            CompletableFuture<HttpResponse<String>> waits = CLIENT.sendAsync(
                    request(server, "/inference/v1/generate", generation(new int[] {3, 4}, 40, 5, "")),
                    HttpResponse.BodyHandlers.ofString());
            LockSupport.parkNanos(50_000_000);
            assertThat(waits).isNotDone();
            assertThat(server.tokens()).isZero();
            server.delayMicros = 2000;
            post(server, "/resume", "");
            server.awaitTokens(3);
            post(server, "/pause?mode=abort", "");
            JsonNode cut = choice(waits.get());
            assertThat(cut.path("finish_reason").stringValue()).isEqualTo("abort");
            assertThat(cut.path("token_ids").size()).isBetween(3, 39);
            assertThat(cut.path("logprobs").path("content").size())
                    .isEqualTo(cut.path("token_ids").size());
        }
    }

    @Test
    void aFailedReloadKillsTheEngineWithTheNextToken() throws Exception {
        try (FakeVllm server = new FakeVllm(first, 64)) {
            assertThat(reload(server, folder.resolve("absent"))).isEqualTo(500);
            assertThat(reload(server, second)).isEqualTo(200);
            generated(server, new int[] {3, 4}, 2, 5, "");
            assertThat(reload(server, folder.resolve("absent"))).isEqualTo(500);
            assertThat(health(server)).isEqualTo(200);
            String body = generation(new int[] {3, 4}, 2, 5, "");
            assertThat(post(server, "/inference/v1/generate", body).statusCode())
                    .isEqualTo(500);
            assertThat(health(server)).isEqualTo(503);
        }
    }

    private static int health(FakeVllm server) throws IOException, InterruptedException {
        return CLIENT.send(
                        HttpRequest.newBuilder(URI.create(server.url() + "/health"))
                                .build(),
                        HttpResponse.BodyHandlers.discarding())
                .statusCode();
    }
}
