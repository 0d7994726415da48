package org.minpro.environment;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Address;
import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.data.Message;
import org.minpro.data.Problem;
import org.minpro.reward.BoundedBody;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * An environment that is a service: each event of an episode is a POST of JSON, which docs/environments.md describes. A service that
 * fails, or answers what it must not, leaves the response undecided; nothing is asked twice.
 *
 * @param url of the service
 * @param seconds for each reply
 * @param replayable whether the service answers the same turns the same way
 * @param roles of its messages
 */
public record HttpEnvironment(
        @Doc("http or https address that takes the POSTs; ${NAME} in it is an environment variable.")
        Address url,

        @Doc("Time that each reply may take, seconds, > 0.") double seconds,

        @Doc("Whether the service says the same to the same turns of a problem, draw and sample.")
        boolean replayable,

        @Doc("The roles that its messages have; the model's chat template is tried with each before the run.")
        List<String> roles)
        implements Environment {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final int LONGEST_REPLY = 1_000_000;

    public HttpEnvironment {
        Rule.check(seconds > 0 && seconds <= 86_400, "seconds", "in (0, 86400]", seconds);
        Rule.check(!roles.isEmpty(), "roles", "one or more roles", "none");
        roles = List.copyOf(roles);
    }

    /** Half a minute for each reply; not replayable; of a user. */
    public HttpEnvironment(Address url) {
        this(url, 30, false, List.of("user"));
    }

    /** The connections to all services, made when the first episode begins. */
    private static final class Connections {
        static final HttpClient CLIENT =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    }

    @Override
    public Environment opened() {
        URI uri = url.resolved(System::getenv);
        Rule.check(
                ("http".equals(uri.getScheme()) || "https".equals(uri.getScheme())) && uri.getHost() != null,
                "url",
                "an http or https address with a host",
                url);
        return this;
    }

    private JsonNode post(Map<String, @Nullable Object> event) {
        HttpRequest request = HttpRequest.newBuilder(url.resolved(System::getenv))
                .setHeader("Content-Type", "application/json")
                .timeout(Duration.ofNanos((long) (seconds * 1e9)))
                .POST(HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(event)))
                .build();
        CompletableFuture<HttpResponse<byte[]>> reply =
                Connections.CLIENT.sendAsync(request, info -> new BoundedBody(LONGEST_REPLY));
        try {
            HttpResponse<byte[]> response = reply.get((long) (seconds * 1e9), TimeUnit.NANOSECONDS);
            if (response.statusCode() != 200) {
                throw failed(event, "status " + response.statusCode(), null);
            }
            JsonNode body = JSON.readTree(new String(response.body(), StandardCharsets.UTF_8));
            if (!body.isObject()) {
                throw failed(event, "no JSON object", null);
            }
            return body;
        } catch (TimeoutException e) {
            throw failed(event, "no whole reply within " + seconds + " s", e);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() instanceof IOException failure ? failure : e;
            throw failed(event, cause.getClass().getSimpleName(), cause);
        } catch (JacksonException e) {
            throw failed(event, "no JSON", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw failed(event, "interrupted", e);
        } finally {
            reply.cancel(true);
        }
    }

    private EnvironmentException failed(Map<String, @Nullable Object> event, String what, @Nullable Throwable cause) {
        return new EnvironmentException(
                "the environment " + url + " must answer '" + event.get("event") + "', got: " + what, cause);
    }

    @Override
    public Episode begin(Problem problem, long draw, int sample) {
        Map<String, @Nullable Object> event = event("begin");
        event.put("draw", draw);
        event.put("sample", sample);
        event.put("id", problem.id());
        if (problem.prompt() != null) {
            event.put("prompt", problem.prompt());
        } else {
            event.put(
                    "messages", problem.messages().stream().map(Message::fields).toList());
        }
        event.put("answer", problem.answer());
        event.put("fields", problem.fields());
        JsonNode episode = post(event).path("episode");
        if (!episode.isString() && !episode.isNumber()) {
            throw failed(event, "no \"episode\", a text or a number that names it", null);
        }
        return new Remote(episode);
    }

    private static Map<String, @Nullable Object> event(String name) {
        Map<String, @Nullable Object> event = new LinkedHashMap<>();
        event.put("event", name);
        return event;
    }

    /** An episode that the service knows by a name. */
    private final class Remote implements Episode {
        private final JsonNode episode;

        Remote(JsonNode episode) {
            this.episode = episode;
        }

        private Map<String, @Nullable Object> event(String name) {
            Map<String, @Nullable Object> event = HttpEnvironment.event(name);
            event.put("episode", episode);
            return event;
        }

        @Override
        public Answer answer(Turn turn) {
            Map<String, @Nullable Object> event = event("answer");
            event.put("turn", turn.ordinal());
            event.put("text", turn.text());
            event.put("ids", turn.ids());
            JsonNode reply = post(event);
            Answer answer = answer(event, reply);
            JsonNode reward = reply.path("reward");
            return reward.isMissingNode() || reward.isNull()
                    ? answer
                    : answer.withReward(number(event, "a \"reward\"", reward));
        }

        private Answer answer(Map<String, @Nullable Object> event, JsonNode reply) {
            if (reply.path("end").booleanValue(false)) {
                return Answer.end();
            }
            if (reply.path("says").isString()) {
                return Answer.says(reply.path("says").stringValue());
            }
            List<Message> messages = new ArrayList<>();
            for (JsonNode message : reply.path("messages")) {
                if (!message.path("role").isString() || !message.path("content").isString()) {
                    throw failed(event, "a message without the texts \"role\" and \"content\"", null);
                }
                if (!roles.contains(message.path("role").stringValue())) {
                    throw failed(
                            event,
                            "a message of role '" + message.path("role").stringValue() + "', where roles has " + roles,
                            null);
                }
                Map<String, @Nullable Object> fields = new LinkedHashMap<>();
                message.properties()
                        .forEach(member ->
                                fields.put(member.getKey(), JSON.treeToValue(member.getValue(), Object.class)));
                messages.add(new Message(
                        message.path("role").stringValue(),
                        message.path("content").stringValue(),
                        fields));
            }
            if (messages.isEmpty()) {
                throw failed(event, "none of \"says\", \"messages\" and \"end\": true", null);
            }
            return Answer.says(messages);
        }

        @Override
        public @Nullable Score score(Rollout rollout) {
            Map<String, @Nullable Object> event = event("score");
            event.put("completion", rollout.text());
            event.put("finish", rollout.finish().name().toLowerCase(Locale.ROOT));
            JsonNode reply = post(event);
            JsonNode score = reply.path("score");
            String reason = reply.path("reason").asString("");
            if (score.isNull()) {
                return Score.undecided(reason.isEmpty() ? "the environment could not judge" : reason);
            }
            if (score.isMissingNode()) {
                return null;
            }
            double value = number(event, "a \"score\"", score);
            Map<String, Double> parts = new TreeMap<>();
            reply.path("parts")
                    .properties()
                    .forEach(part -> parts.put(
                            part.getKey(), number(event, "a part \"" + part.getKey() + "\"", part.getValue())));
            return new Score(true, value, parts, reason);
        }

        private double number(Map<String, @Nullable Object> event, String what, JsonNode value) {
            if (!value.isNumber() || !Double.isFinite(value.asDouble())) {
                throw failed(event, what + " that is no finite number", null);
            }
            return value.asDouble();
        }

        @Override
        public void close() {
            try {
                post(event("close"));
            } catch (EnvironmentException e) {
                // The service forgets what it wants to forget: the response is scored already.
            }
        }
    }
}
