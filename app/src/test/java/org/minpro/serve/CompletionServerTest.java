package org.minpro.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.minpro.eval.SequenceScorer;
import org.minpro.model.PolicyVersion;
import org.minpro.model.Transformer;
import org.minpro.recipe.ModelSection;
import org.minpro.rollout.ContinuousBatch;
import org.minpro.run.ModelFiles;
import org.minpro.tensor.DType;
import org.minpro.tensor.Workers;
import org.minpro.text.Tokenizer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The built-in model, asked over HTTP: 2 workers of 2 slots, a queue of 4, a context of 256. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@SuppressWarnings("NullAway.Init") // before all tests
class CompletionServerTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final int MOST = 2 * 2 + 4;

    private Tokenizer tokenizer;
    private Workers workers;
    private Transformer transformer;
    private PolicyVersion version;
    private ContinuousBatch batch;
    private CompletionServer server;
    /** The batch's own workers are busy for as long as it is open. */
    private final Workers scoring = new Workers(1);

    private final HttpClient client = HttpClient.newHttpClient();

    @BeforeAll
    void start() {
        ModelFiles files = ModelFiles.open(ModelSection.BUILTIN);
        tokenizer = files.tokenizer();
        workers = new Workers(2);
        transformer = files.transformer(DType.F32);
        version = new PolicyVersion(0, transformer);
        batch = new ContinuousBatch(
                version, workers, new ContinuousBatch.Size(2, 256, 4), ids -> tokenizer.decode(ids, true));
        server = CompletionServer.start(
                new ServedModel(
                        "builtin",
                        tokenizer,
                        null,
                        files.config().eosIds(),
                        files.config().vocabSize(),
                        256),
                batch,
                "127.0.0.1",
                0,
                null);
    }

    @AfterAll
    void stop() {
        server.close();
        batch.close();
        version.close();
        transformer.parameters().close();
        workers.close();
        scoring.close();
        tokenizer.close();
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(server.url() + path)).timeout(Duration.ofSeconds(60));
    }

    private HttpResponse<String> post(String path, String body) {
        try {
            return client.send(
                    request(path)
                            .POST(HttpRequest.BodyPublishers.ofString(body))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private JsonNode completion(String body) {
        HttpResponse<String> response = post("/completions", body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return JSON.readTree(response.body());
    }

    @Test
    void aGreedyCompletionHasTheModelsIdsAndLogProbs() {
        JsonNode answer = completion("""
                {"model": "builtin", "prompt": "12+34=", "max_tokens": 120, "temperature": 0, "logprobs": 2,
                 "return_token_ids": true}""");
        JsonNode choice = answer.get("choices").get(0);
        assertThat(choice.get("text").stringValue()).contains("#");
        assertThat(choice.get("finish_reason").stringValue()).isEqualTo("stop");
        int[] prompt = tokenizer.encode("12+34=");
        List<Integer> sequence = new ArrayList<>();
        IntStream.of(prompt).forEach(sequence::add);
        choice.get("token_ids").forEach(id -> sequence.add(id.intValue()));
        double[] scores = new SequenceScorer(transformer, scoring)
                .score(List.of(sequence.stream().mapToInt(Integer::intValue).toArray()))
                .getFirst();
        JsonNode logProbs = choice.get("logprobs").get("token_logprobs");
        assertThat(logProbs.size())
                .isEqualTo(choice.get("token_ids").size())
                .isEqualTo(answer.get("usage").get("completion_tokens").intValue());
        for (int t = 0; t < logProbs.size(); t++) {
            assertThat(logProbs.get(t).doubleValue()).isCloseTo(scores[prompt.length - 1 + t], within(1e-3));
            // Greedy: the sampled token is the most probable one.
            assertThat(choice.get("logprobs").get("top_logprobs").get(t).size()).isEqualTo(2);
        }
        assertThat(answer.get("usage").get("prompt_tokens").intValue()).isEqualTo(prompt.length);
    }

    @Test
    void theSameSeedGivesTheSameTextWhateverRunsBesideIt() {
        String asked = """
                {"prompt": "5+6=", "max_tokens": 40, "seed": 7, "n": 2}""";
        JsonNode alone = completion(asked).get("choices");
        List<CompletableFuture<JsonNode>> together = IntStream.range(0, 3)
                .mapToObj(i -> CompletableFuture.supplyAsync(() -> completion(
                        i == 1
                                ? asked
                                : "{\"prompt\": \"77+1" + i
                                        + "=\", \"max_tokens\": 60, \"temperature\": 1.5, \"top_k\": 5}")))
                .toList();
        assertThat(together.get(1).join().get("choices")).isEqualTo(alone);
        assertThat(alone.get(0).get("text")).isNotEqualTo(alone.get(1).get("text"));
        assertThat(completion(asked.replace("7", "8")).get("choices")).isNotEqualTo(alone);
    }

    @Test
    void aStreamIsTheWholeTextInPieces() {
        String asked = """
                {"prompt": ["12+34=", "1+2="], "max_tokens": 60, "seed": 3, "stop": ["#"]%s}""";
        JsonNode whole = completion(asked.formatted(""));
        HttpResponse<String> streamed = post(
                "/completions", asked.formatted(", \"stream\": true, \"stream_options\": {\"include_usage\": true}"));
        assertThat(streamed.headers().firstValue("Content-Type").orElse("")).startsWith("text/event-stream");
        List<String> lines = streamed.body()
                .lines()
                .filter(line -> line.startsWith("data: "))
                .toList();
        assertThat(lines.getLast()).isEqualTo("data: [DONE]");
        StringBuilder[] texts = {new StringBuilder(), new StringBuilder()};
        JsonNode usage = null;
        for (String line : lines.subList(0, lines.size() - 1)) {
            JsonNode event = JSON.readTree(line.substring("data: ".length()));
            event.get("choices")
                    .forEach(choice -> texts[choice.get("index").intValue()].append(
                            choice.get("text").stringValue()));
            usage = event.get("usage");
        }
        for (int i = 0; i < 2; i++) {
            assertThat(texts[i].toString())
                    .isEqualTo(whole.get("choices").get(i).get("text").stringValue())
                    .doesNotContain("#");
        }
        assertThat(usage).isEqualTo(whole.get("usage"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"prompt\": 5} | prompt must be a text",
                "{\"prompt\": \"1+1=\", \"temprature\": 2} | Did you mean 'temperature'?",
                "{\"prompt\": \"1+1=\", \"max_tokens\": 300} | must be at most 256 tokens in all",
                "{\"prompt\": \"1+1=\", \"n\": 9} | n must be a whole number in [1, 8], got: 9",
                "{\"prompt\": [99999]} | prompt must be of token ids in [0, 19), got: 99999",
                "{\"prompt\": \"1+1=\", \"top_p\": 0} | top_p must be in (0, 1], got: 0.0",
                "{\"prompt\": \"1+1=\", \"echo\": true} | echo is not supported by this server, got: true",
                "{\"prompt\": \"1+1=\" | the body must be JSON",
                "{\"prompt\": \"\"} | at least one token",
            })
    void whatIsWrongIsSaidInOneLine(String body, String line) {
        HttpResponse<String> response = post("/completions", body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(400);
        String message =
                JSON.readTree(response.body()).get("error").get("message").stringValue();
        assertThat(message).contains(line).doesNotContain("\n");
    }

    @Test
    void otherModelsPathsAndPagesAreRefused() throws Exception {
        assertThat(post("/completions", "{\"model\": \"gpt\", \"prompt\": \"1\"}")
                        .statusCode())
                .isEqualTo(404);
        assertThat(post("/chat/completions", "{\"messages\": [{\"role\": \"user\", \"content\": \"1\"}]}")
                        .body())
                .contains("the model has no chat template");
        assertThat(post("/embeddings", "{}").statusCode()).isEqualTo(404);
        assertThat(post("/models", "{}").statusCode()).isEqualTo(405);
        HttpResponse<String> models = client.send(request("/models").build(), HttpResponse.BodyHandlers.ofString());
        assertThat(JSON.readTree(models.body()).get("data").get(0).get("id").stringValue())
                .isEqualTo("builtin");
        HttpResponse<String> page = client.send(
                request("/models").header("Origin", "http://elsewhere.example").build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(page.statusCode()).isEqualTo(403);
    }

    private static final String ENDLESS = """
            {"prompt": "1+1=", "max_tokens": 240, "ignore_eos": true, "stop": ["~~"], "n": %d, "stream": %s}""";

    @Tag("slow")
    @Test
    void beyondTheQueueIs429AndAClientThatLeavesGivesItsSlotsBack() throws Exception {
        // Looking for a stop text takes its time.
        Function<int[], String> slowText = ids -> {
            LockSupport.parkNanos(10_000_000);
            return "";
        };
        try (Workers pool = new Workers(2);
                ContinuousBatch slow =
                        new ContinuousBatch(version, pool, new ContinuousBatch.Size(2, 256, 4), slowText);
                CompletionServer small = CompletionServer.start(
                        new ServedModel("builtin", tokenizer, null, List.of(), 19, 256),
                        slow,
                        "127.0.0.1",
                        0,
                        null,
                        Duration.ofMillis(50))) {
            URI uri = URI.create(small.url() + "/completions");
            for (boolean stream : new boolean[] {true, false}) {
                try (Socket socket = new Socket(uri.getHost(), uri.getPort())) {
                    String body = ENDLESS.formatted(MOST - 1, stream);
                    OutputStream out = socket.getOutputStream();
                    out.write(("POST " + uri.getPath() + " HTTP/1.1\r\nHost: " + uri.getAuthority()
                                    + "\r\nContent-Length: " + body.length() + "\r\n\r\n" + body)
                            .getBytes(StandardCharsets.UTF_8));
                    out.flush();
                    // Something has come: it is being answered.
                    InputStream in = socket.getInputStream();
                    assertThat(in.read()).isPositive();
                    assertThat(slow.admitted()).isEqualTo(MOST - 1);
                    HttpResponse<String> refused = client.send(
                            HttpRequest.newBuilder(uri)
                                    .POST(HttpRequest.BodyPublishers.ofString(ENDLESS.formatted(2, false)))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString());
                    assertThat(refused.statusCode()).isEqualTo(429);
                    assertThat(refused.headers().firstValue("Retry-After")).contains("1");
                }
                long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
                while (slow.admitted() > 0 && System.nanoTime() < end) {
                    Thread.onSpinWait();
                }
                assertThat(slow.admitted()).as("stream %s", stream).isZero();
            }
        }
    }
}
