package org.minpro.reward;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.data.Problem;
import org.minpro.rollout.Rollout;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A reward computed by a service over HTTP.
 *
 * <p>Posts {@code {"id", "prompt", "messages", "answer", "fields", "completion", "finish", "draw", "sample"}} and
 * expects {@code {"score": 0.5, "parts": {"name": 0.1}, "reason": "…"}}; a {@code null} score is undecided. Connection
 * failures, timeouts, 408, 429 and 5xx are tried again with doubling pauses until the attempts or the time budget are
 * spent. Every failure is undecided, never a zero: a service that is down must not teach anything.
 *
 * @param url address of the service
 * @param budgetSeconds time that one score may take with all its attempts
 * @param attempts tries before it is undecided
 */
public record HttpReward(
        @Doc("http or https address that takes the POST.") URI url,

        @Doc("Time that one response may take with all its attempts, seconds, > 0.")
        double budgetSeconds,

        @Doc("Attempts before it is undecided, >= 1.") int attempts)
        implements Reward {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final Duration FIRST_PAUSE = Duration.ofMillis(50);

    public HttpReward {
        Rule.check(
                "http".equals(url.getScheme()) || "https".equals(url.getScheme()),
                "url",
                "an http or https address",
                url);
        Rule.check(budgetSeconds > 0 && Double.isFinite(budgetSeconds), "budget-seconds", "> 0", budgetSeconds);
        Rule.positive("attempts", attempts);
    }

    /** Three attempts within ten seconds. */
    public HttpReward(URI url) {
        this(url, 10, 3);
    }

    /** The connections to all services, made when the first response is scored. */
    private static final class Connections {
        static final HttpClient CLIENT =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    }

    private Duration budget() {
        return Duration.ofNanos((long) (budgetSeconds * 1e9));
    }

    @Override
    public Score score(Problem problem, Rollout rollout) {
        String body = JSON.writeValueAsString(request(problem, rollout));
        long deadline = System.nanoTime() + budget().toNanos();
        Duration pause = FIRST_PAUSE;
        String failure = "no attempt was made";
        try {
            for (int attempt = 1; attempt <= attempts; attempt++) {
                if (attempt > 1) {
                    Duration rest = left(deadline);
                    Thread.sleep(pause.compareTo(rest) < 0 ? pause : rest);
                    pause = pause.multipliedBy(2);
                }
                Duration left = left(deadline);
                if (left.isZero()) {
                    return spent(failure);
                }
                try {
                    HttpResponse<String> response = send(body, left);
                    int status = response.statusCode();
                    if (status == 200) {
                        return read(response.body());
                    }
                    failure = "status " + status;
                    if (status != 408 && status != 429 && status < 500) {
                        return undecided(failure);
                    }
                } catch (IOException e) {
                    failure = e.getClass().getSimpleName() + (e.getMessage() == null ? "" : ": " + e.getMessage());
                } catch (TimeoutException e) {
                    return spent("no whole reply");
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return undecided("interrupted");
        }
        return undecided(attempts + " attempts failed; last: " + failure);
    }

    /** The whole reply within that time: the client's own timeout ends with the reply's header on older JDKs. */
    private HttpResponse<String> send(String body, Duration left)
            throws IOException, InterruptedException, TimeoutException {
        HttpRequest request = HttpRequest.newBuilder(url)
                .timeout(left)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
        CompletableFuture<HttpResponse<String>> reply =
                Connections.CLIENT.sendAsync(request, HttpResponse.BodyHandlers.ofString());
        try {
            return reply.get(left.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException failure ? failure : new IOException(e.getCause());
        } finally {
            reply.cancel(true);
        }
    }

    private static Duration left(long deadline) {
        return Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
    }

    private Score spent(String failure) {
        return undecided("time budget of " + budget().toMillis() + " ms spent; last: " + failure);
    }

    private Score undecided(String reason) {
        return Score.undecided("reward service " + url + ": " + reason);
    }

    private static Map<String, Object> request(Problem problem, Rollout rollout) {
        Map<String, Object> request = new LinkedHashMap<>();
        request.put("id", problem.id());
        String prompt = problem.prompt();
        if (prompt != null) {
            request.put("prompt", prompt);
        } else {
            request.put("messages", problem.messages());
        }
        request.put("answer", problem.answer());
        request.put("fields", problem.fields());
        request.put("completion", rollout.text());
        request.put("finish", rollout.finish().name().toLowerCase(java.util.Locale.ROOT));
        request.put("draw", rollout.draw());
        request.put("sample", rollout.sample());
        return request;
    }

    private Score read(String body) {
        try {
            JsonNode root = JSON.readTree(body);
            String reason = root.path("reason").asString("");
            JsonNode score = root.path("score");
            if (score.isNull()) {
                return reason.isEmpty() ? undecided("undecided") : Score.undecided(reason);
            }
            if (!score.isNumber() || !Double.isFinite(score.asDouble())) {
                return undecided("the reply must have a finite number \"score\"");
            }
            Map<String, Double> parts = new TreeMap<>();
            root.path("parts").properties().forEach(part -> {
                if (part.getValue().isNumber()) {
                    parts.put(part.getKey(), part.getValue().asDouble());
                }
            });
            return new Score(true, score.asDouble(), parts, reason);
        } catch (JacksonException e) {
            return undecided("the reply is no JSON");
        }
    }
}
