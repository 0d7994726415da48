package org.minpro.environment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.minpro.config.Address;
import org.minpro.data.Message;
import org.minpro.data.Problem;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class HttpEnvironmentTest {
    private static final Problem PROBLEM = new Problem("p", "1-9?", List.of(), "4", Map.of("level", 3));
    private static final Rollout ROLLOUT = new Rollout(
            7,
            1,
            new int[] {1},
            new int[] {2},
            new boolean[] {true},
            new float[1],
            new float[1],
            new long[1],
            Rollout.Finish.STOP,
            "5");

    private final List<JsonNode> events = new CopyOnWriteArrayList<>();
    private final List<HttpServer> servers = new CopyOnWriteArrayList<>();

    private HttpEnvironment serving(Function<JsonNode, String> reply) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/game", exchange -> {
            JsonNode event = JsonMapper.shared().readTree(exchange.getRequestBody());
            events.add(event);
            byte[] body = reply.apply(event).getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(body.length == 0 ? 500 : 200, body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        servers.add(server);
        server.start();
        return new HttpEnvironment(
                Address.of("http://127.0.0.1:" + server.getAddress().getPort() + "/game"),
                5,
                true,
                List.of("user", "tool"));
    }

    @AfterEach
    void stop() {
        servers.forEach(server -> server.stop(0));
    }

    private static String game(JsonNode event) {
        return switch (event.path("event").stringValue()) {
            case "begin" -> "{\"episode\": \"e" + event.path("sample").intValue() + "\"}";
            case "answer" ->
                switch (event.path("turn").intValue()) {
                    case 0 -> "{\"says\": \"lower\", \"reward\": -0.5}";
                    case 1 -> "{\"messages\": [{\"role\": \"tool\", \"content\": \"3\", \"name\": \"x\"}]}";
                    default -> "{\"end\": true}";
                };
            case "score" -> "{\"score\": 0.75, \"parts\": {\"turns\": 3}, \"reason\": \"good\"}";
            default -> "{}";
        };
    }

    private static Turn turn(int ordinal) {
        return new Turn(ordinal, new int[] {5, 6}, "5");
    }

    @Test
    void eachEventIsAPost() throws IOException {
        try (Episode episode = serving(HttpEnvironmentTest::game).opened().begin(PROBLEM, 7, 1)) {
            assertThat(episode.answer(turn(0))).isEqualTo(Answer.says("lower").withReward(-0.5));
            Message tool = episode.answer(turn(1)).messages().getFirst();
            assertThat(tool.role()).isEqualTo("tool");
            assertThat(tool.fields()).containsEntry("name", "x");
            assertThat(episode.answer(turn(2))).isEqualTo(Answer.end());
            Score score = Objects.requireNonNull(episode.score(ROLLOUT));
            assertThat(score.value()).isEqualTo(0.75);
            assertThat(score.parts()).containsEntry("turns", 3.0);
        }
        assertThat(events)
                .extracting(JsonNode::toString)
                .containsExactly(
                        "{\"event\":\"begin\",\"draw\":7,\"sample\":1,\"id\":\"p\",\"prompt\":\"1-9?\",\"answer\":\"4\","
                                + "\"fields\":{\"level\":3}}",
                        "{\"event\":\"answer\",\"episode\":\"e1\",\"turn\":0,\"text\":\"5\",\"ids\":[5,6]}",
                        "{\"event\":\"answer\",\"episode\":\"e1\",\"turn\":1,\"text\":\"5\",\"ids\":[5,6]}",
                        "{\"event\":\"answer\",\"episode\":\"e1\",\"turn\":2,\"text\":\"5\",\"ids\":[5,6]}",
                        "{\"event\":\"score\",\"episode\":\"e1\",\"completion\":\"5\",\"finish\":\"stop\"}",
                        "{\"event\":\"close\",\"episode\":\"e1\"}");
    }

    @Test
    void whatAServiceMustNotAnswerIsAFailure() throws IOException {
        Map<String, String> wrong = Map.of(
                "", "status 500",
                "[]", "no JSON object",
                "{", "no JSON",
                "{}", "no \"episode\", a text or a number that names it");
        for (Map.Entry<String, String> reply : wrong.entrySet()) {
            HttpEnvironment environment = serving(event -> reply.getKey());
            assertThatThrownBy(() -> environment.begin(PROBLEM, 7, 1))
                    .isInstanceOf(EnvironmentException.class)
                    .hasMessageEndingWith("must answer 'begin', got: " + reply.getValue());
        }
        Episode episode = serving(event -> event.path("event").stringValue().equals("begin")
                        ? "{\"episode\": 1}"
                        : "{\"score\": null, \"reason\": \"no board\"}")
                .begin(PROBLEM, 7, 1);
        assertThatThrownBy(() -> episode.answer(turn(0)))
                .hasMessageEndingWith("got: none of \"says\", \"messages\" and \"end\": true");
        Map<String, String> numbers = Map.of(
                "\"end\": true, \"reward\": \"0.1\"", "a \"reward\" that is no finite number",
                "\"score\": \"1\"", "a \"score\" that is no finite number",
                "\"score\": 1, \"parts\": {\"x\": \"a\"}", "a part \"x\" that is no finite number");
        for (Map.Entry<String, String> reply : numbers.entrySet()) {
            Episode texts =
                    serving(event -> "{\"episode\": 1, " + reply.getKey() + "}").begin(PROBLEM, 7, 1);
            assertThatThrownBy(() -> {
                        if (reply.getKey().contains("reward")) {
                            texts.answer(turn(0));
                        } else {
                            texts.score(ROLLOUT);
                        }
                    })
                    .hasMessageEndingWith("got: " + reply.getValue());
        }
        Episode strange = serving(
                        event -> "{\"episode\": 1, \"messages\": [{\"role\": \"referee\", \"content\": \"3\"}]}")
                .begin(PROBLEM, 7, 1);
        assertThatThrownBy(() -> strange.answer(turn(0)))
                .hasMessageEndingWith("got: a message of role 'referee', where roles has [user, tool]");
        assertThat(Objects.requireNonNull(episode.score(ROLLOUT)).decided()).isFalse();
    }
}
