package org.minpro.rollout.served;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.minpro.rollout.SamplingParams;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What is sent to vLLM and SGLang, and read of their answers, against the JSON that real servers take and give. */
@SuppressWarnings("NullAway.Init") // before each
class WireFormatTest {
    private static final int[] PROMPT = {504, 2443, 282, 4649, 314};
    private static final SamplingParams PARAMS = SamplingParams.of(6, List.of(2));

    private record Asked(String path, JsonNode body) {}

    private record Given(int status, String text) {}

    private final List<Asked> asked = new ArrayList<>();
    private final Deque<Given> given = new ArrayDeque<>();
    private HttpServer http;
    private InferenceServer vllm;
    private InferenceServer sglang;

    @BeforeEach
    void listen() throws IOException {
        http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        http.createContext("/", this::answer);
        http.start();
        String url = "http://127.0.0.1:" + http.getAddress().getPort();
        RolloutSettings settings = ServedRolloutEngineTest.settings(List.of(url));
        vllm = new VllmServer(new ServerConnection(url, ""), settings);
        sglang = new SglangServer(new ServerConnection(url, ""), settings);
    }

    @AfterEach
    void stop() {
        vllm.close();
        sglang.close();
        http.stop(0);
    }

    private synchronized void answer(HttpExchange exchange) throws IOException {
        try (exchange;
                OutputStream out = exchange.getResponseBody()) {
            byte[] body = exchange.getRequestBody().readAllBytes();
            asked.add(new Asked(
                    exchange.getRequestURI().toString(),
                    body.length == 0
                            ? JsonMapper.shared().nullNode()
                            : JsonMapper.shared().readTree(body)));
            Given next = given.removeFirst();
            byte[] bytes = next.text.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(next.status, bytes.length);
            out.write(bytes);
        }
    }

    static String text(String file) {
        try (InputStream in =
                Objects.requireNonNull(WireFormatTest.class.getResourceAsStream("/served/" + file), file)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    static ObjectNode json(String file) {
        return (ObjectNode) JsonMapper.shared().readTree(text(file));
    }

    private void give(int status, String text) {
        given.add(new Given(status, text));
    }

    private void assertAsked(String path, String body) {
        assertThat(asked).last().isEqualTo(new Asked(path, JsonMapper.shared().readTree(body)));
    }

    private static InferenceServer.Prompt prompt(boolean adapter) {
        return new InferenceServer.Prompt("d17-s3-a0", adapter ? "policy-7" : null, PROMPT, PARAMS, 1234, "run7-v12");
    }

    @Test
    void vllmIsAskedAndReadAsItIs() {
        give(200, text("vllm-generate-answer.json"));
        InferenceServer.Answer answer = vllm.generate(prompt(false));
        ObjectNode request = json("vllm-generate-request.json");
        // The default.
        request.remove("priority");
        assertThat(asked).containsExactly(new Asked("/inference/v1/generate", request));
        assertThat(answer.ids()).containsExactly(582, 282, 12703, 28, 7897, 28);
        assertThat(answer.logProbIds()).isEqualTo(answer.ids());
        assertThat(answer.logProbs()).containsExactly(-2.9619617462158203, -0.5, -7.25, -1.5, -4, -0.25);
        assertThat(answer.finish()).isEqualTo("length");
        assertThat(answer.spans()).containsExactly(new InferenceServer.Span("default", 0, 6));

        give(200, text("vllm-spans-answer.json"));
        InferenceServer.Answer cut = vllm.generate(prompt(false));
        assertThat(cut.finish()).isEqualTo("abort");
        assertThat(cut.spans())
                .containsExactly(new InferenceServer.Span("9", 0, 2), new InferenceServer.Span("10", 2, 3));
        assertThat(cut.logProbs()[2]).isEqualTo(VllmServer.ABSENT);

        give(200, text("vllm-generate-answer-0.16.json"));
        InferenceServer.Answer older = vllm.generate(prompt(false));
        assertThat(older.ids()).containsExactly(582, 2);
        assertThat(older.logProbIds()).containsExactly(582, 2);
        assertThat(older.spans()).isEmpty();
    }

    @Test
    void vllmScoresAPrompt() {
        give(200, text("vllm-score-answer.json"));
        assertThat(vllm.score(new int[] {504, 2443, 282}, null)).containsExactly(-8.5557, -0.125);
        JsonNode sampling = asked.getLast().body().path("sampling_params");
        assertThat(sampling.path("prompt_logprobs").intValue()).isZero();
        assertThat(sampling.path("max_tokens").intValue()).isEqualTo(1);
        give(200, text("vllm-generate-answer.json"));
        assertThatThrownBy(() -> vllm.score(new int[] {504, 2443, 282}, null))
                .isInstanceOfSatisfying(
                        ServerException.class, e -> assertThat(e.kind()).isEqualTo(ServerException.Kind.MALFORMED));
    }

    @Test
    void vllmTakesWeights() {
        give(200, "{\"status\":\"paused\"}");
        vllm.pause(InferenceServer.InFlight.KEEP);
        assertAsked("/pause?mode=keep", "null");
        give(200, "{\"status\":\"paused\"}");
        vllm.pause(InferenceServer.InFlight.ABORT);
        assertAsked("/pause?mode=abort", "null");
        give(200, "{\"results\":[null]}");
        vllm.reload("/w/v12", "run7-v12");
        assertAsked("/collective_rpc", "{\"method\":\"reload_weights\",\"kwargs\":{\"weights_path\":\"/w/v12\"}}");
        give(500, text("vllm-reload-failed.json"));
        assertThatThrownBy(() -> vllm.reload("/w/v13", "run7-v13"))
                .hasMessageContaining("must load /w/v13, got: status 500: Call to collective_rpc method failed");
        give(200, "{\"success\":true}");
        assertThat(vllm.resetCache()).isTrue();
        give(200, "{\"success\":false}");
        assertThat(vllm.resetCache()).isFalse();
        assertAsked("/reset_prefix_cache", "null");
        give(200, "{\"status\":\"resumed\"}");
        vllm.resume();
        assertAsked("/resume", "null");
        give(200, "{\"results\":[null]}");
        vllm.requireAlive();
        assertAsked("/collective_rpc", "{\"method\":\"check_health\"}");
    }

    @Test
    void vllmSaysWhatItIs() {
        give(200, "");
        give(200, "{\"object\":\"list\",\"data\":[{\"id\":\"policy\",\"object\":\"model\",\"max_model_len\":1024}]}");
        give(200, "{\"results\":[null]}");
        give(200, "{\"is_paused\":false}");
        give(200, text("vllm-generate-answer.json"));
        give(200, "{\"weight_version\":\"default\"}");
        give(200, "{\"version\":\"0.32.0\"}");
        assertThat(vllm.handshake()).isEqualTo(new InferenceServer.Facts("0.32.0", 1024));
        assertThat(asked)
                .extracting(Asked::path)
                .containsExactly(
                        "/health",
                        "/v1/models",
                        "/collective_rpc",
                        "/is_paused",
                        "/inference/v1/generate",
                        "/weight_info",
                        "/version");
        // A server of 0.32 gets labels.
        give(200, "{\"results\":[null]}");
        give(200, "{\"success\":true,\"new_version\":\"run7-v12\"}");
        vllm.reload("/w/v12", "run7-v12");
        assertAsked("/update_weight_version", "{\"new_version\":\"run7-v12\"}");

        give(200, "");
        give(200, "{\"object\":\"list\",\"data\":[{\"id\":\"policy\",\"max_model_len\":1024}]}");
        give(200, "{\"results\":[null]}");
        give(200, "{\"is_paused\":false}");
        give(403, text("vllm-scale-out-off.json"));
        assertThatThrownBy(vllm::handshake)
                .hasMessageContaining("--enable-scale-out, got: status 403: Scale-out endpoints are disabled.");
    }

    @Test
    void serversSayWhetherTheyHaveWhatTheyWereGiven() {
        give(200, "{\"weight_version\":\"run7-v12\"}");
        assertThat(vllm.holds("run7-v12", false)).isTrue();
        give(200, "{\"weight_version\":\"default\"}");
        assertThat(vllm.holds("run7-v12", false)).isFalse();
        assertAsked("/weight_info", "null");
        give(404, "{\"detail\":\"Not Found\"}");
        assertThat(vllm.holds("run7-v12", false)).as("of 0.16").isFalse();
        give(200, "{\"model_path\":\"/w/v12\",\"weight_version\":\"run7-v12\"}");
        assertThat(sglang.holds("run7-v12", false)).isTrue();
        assertAsked("/model_info", "null");
        for (InferenceServer server : List.of(vllm, sglang)) {
            String models = "{\"object\":\"list\",\"data\":[{\"id\":\"policy\",\"max_model_len\":1024},"
                    + "{\"id\":\"policy-7\",\"parent\":\"policy\",\"max_model_len\":null}]}";
            give(200, models);
            assertThat(server.holds("policy-7", true)).isTrue();
            give(200, models);
            assertThat(server.holds("policy-8", true)).isFalse();
            assertAsked("/v1/models", "null");
        }
    }

    @Test
    void vllmTakesAdapters() {
        give(200, "Success: LoRA adapter 'policy-7' added successfully.");
        vllm.addAdapter("/w/lora-7", "policy-7");
        assertAsked("/v1/load_lora_adapter", "{\"lora_name\":\"policy-7\",\"lora_path\":\"/w/lora-7\"}");
        give(200, text("vllm-generate-answer.json").replace("\"model\":\"policy\"", "\"model\":\"policy-7\""));
        InferenceServer.Answer answer = vllm.generate(prompt(true));
        ObjectNode request = json("vllm-generate-request.json");
        request.remove("priority");
        request.put("model", "policy-7");
        assertThat(asked.getLast().body()).isEqualTo(request);
        assertThat(answer.spans()).as("labels of the model below").isEmpty();
        give(200, text("vllm-generate-answer.json"));
        assertThatThrownBy(() -> vllm.generate(prompt(true)))
                .hasMessageContaining("must sample with the adapter policy-7, got: tokens of \"policy\"");
        give(404, "{\"error\":{\"message\":\"The model `policy-7` does not exist.\",\"code\":404}}");
        assertThatThrownBy(() -> vllm.generate(prompt(true)))
                .isInstanceOfSatisfying(
                        ServerException.class, e -> assertThat(e.kind()).isEqualTo(ServerException.Kind.OTHER_WEIGHTS));
        give(200, "Success: LoRA adapter 'policy-7' removed successfully.");
        vllm.removeAdapter("policy-7");
        assertAsked("/v1/unload_lora_adapter", "{\"lora_name\":\"policy-7\"}");
        give(404, "{\"detail\":\"Not Found\"}");
        assertThatThrownBy(() -> vllm.addAdapter("/w/lora-8", "policy-8"))
                .hasMessageContaining("must load the adapter in /w/lora-8, got: status 404")
                .hasMessageContaining("VLLM_ALLOW_RUNTIME_LORA_UPDATING=1");
    }

    @Test
    void sglangIsAskedAndReadAsItIs() {
        give(200, text("sglang-generate-answer.json"));
        InferenceServer.Answer answer = sglang.generate(prompt(true));
        assertThat(asked).containsExactly(new Asked("/generate", json("sglang-generate-request.json")));
        assertThat(answer.ids()).containsExactly(582, 2);
        assertThat(answer.logProbIds()).containsExactly(582, 2);
        assertThat(answer.logProbs()).containsExactly(-2.96, -0.5);
        assertThat(answer.finish()).isEqualTo("stop");
        assertThat(answer.spans()).as("labels of the model below").isEmpty();
        give(200, text("sglang-generate-answer.json"));
        assertThat(sglang.generate(prompt(false)).spans()).containsExactly(new InferenceServer.Span("run7-v12", 0, 2));
        assertThat(asked.getLast().body().has("lora_path")).isFalse();
        give(200, text("sglang-score-answer.json"));
        assertThat(sglang.score(new int[] {504, 2443, 282}, null)).containsExactly(-8.5557, -0.125);
    }

    @Test
    void sglangTakesWeightsAndAdapters() {
        give(200, "{}");
        sglang.pause(InferenceServer.InFlight.KEEP);
        assertAsked("/pause_generation", "{\"mode\":\"abort\"}");
        give(200, "{\"success\":true,\"message\":\"\",\"num_paused_requests\":0}");
        sglang.reload("/w/v12", "run7-v12");
        assertAsked(
                "/update_weights_from_disk",
                "{\"model_path\":\"/w/v12\",\"weight_version\":\"run7-v12\",\"flush_cache\":true,"
                        + "\"abort_all_requests\":false}");
        give(400, "{\"success\":false,\"message\":\"Failed to update weights. Rolling back to original weights.\"}");
        assertThatThrownBy(() -> sglang.reload("/w/v13", "run7-v13"))
                .hasMessageContaining("must load /w/v13, got: status 400: Failed to update weights");
        give(400, "Flush cache failed.");
        assertThat(sglang.resetCache()).isFalse();
        give(200, "{}");
        sglang.resume();
        assertAsked("/continue_generation", "{}");
        give(200, "{\"success\":true}");
        sglang.addAdapter("/w/lora-7", "policy-7");
        assertAsked("/load_lora_adapter", "{\"lora_name\":\"policy-7\",\"lora_path\":\"/w/lora-7\"}");
        give(200, "{\"success\":false,\"error_message\":\"rank\"}");
        assertThatThrownBy(() -> sglang.addAdapter("/w/lora-8", "policy-8"))
                .hasMessageContaining("--enable-lora --max-lora-rank N --lora-target-modules all");
        give(200, "{\"success\":true}");
        sglang.removeAdapter("policy-7");
        assertAsked("/unload_lora_adapter", "{\"lora_name\":\"policy-7\"}");
    }
}
