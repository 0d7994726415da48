package org.minpro.reward;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Address;
import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.config.Variables;
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
 * @param headers sent with each request; their values come from the environment
 */
public record HttpReward(
        @Doc("http or https address that takes the POST; ${NAME} in it is an environment variable.")
        Address url,

        @Doc("Time that one response may take with all its attempts, seconds, > 0.")
        double budgetSeconds,

        @Doc("Attempts before it is undecided, >= 1.") int attempts,

        @Doc("Headers of each request, with values from the environment: {Authorization: Bearer ${TOKEN}}.")
        Map<String, String> headers)
        implements Reward {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final Duration FIRST_PAUSE = Duration.ofMillis(50);

    /** Longest reply, bytes. */
    static final int LONGEST_REPLY = 1_000_000;

    private static final UnaryOperator<@Nullable String> ENVIRONMENT = System::getenv;
    /** What is shorter is no secret, and may stand in any text. */
    private static final int SHORTEST_SECRET = 4;

    public HttpReward {
        if (Variables.names(url.written()).isEmpty()) {
            requireService(url.resolved(ENVIRONMENT), url);
        }
        Rule.check(!url.written().contains("***"), "url", "written out (*** stands for what was not printed)", url);
        headers = Collections.unmodifiableMap(new LinkedHashMap<>(headers));
        headers.forEach((name, value) -> {
            Rule.check(isHeader(name), "headers", "of names that a request can have", name);
            Rule.check(
                    !Variables.names(value).isEmpty(),
                    "headers." + name,
                    "from the environment, such as \"${TOKEN}\" or \"Bearer ${TOKEN}\" (a recipe is stored and printed)",
                    "a value written out");
        });
        Rule.check(budgetSeconds > 0 && Double.isFinite(budgetSeconds), "budget-seconds", "> 0", budgetSeconds);
        Rule.positive("attempts", attempts);
    }

    /** Three attempts within ten seconds. */
    public HttpReward(Address url) {
        this(url, 10, 3, Map.of());
    }

    /** Without headers. */
    public HttpReward(URI url, double budgetSeconds, int attempts) {
        this(Address.of(url.toString()), budgetSeconds, attempts, Map.of());
    }

    private static void requireService(URI uri, Address url) {
        Rule.check(
                "http".equals(uri.getScheme()) || "https".equals(uri.getScheme()),
                "url",
                "an http or https address",
                url);
        Rule.check(uri.getHost() != null, "url", "an address with a host", url);
    }

    private static boolean isHeader(String name) {
        try {
            HttpRequest.newBuilder().header(name, "x");
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /**
     * Checks that every variable is set, so that a run does not begin without.
     *
     * @throws IllegalArgumentException naming the variable
     */
    void requireVariables() {
        requireService(url.resolved(ENVIRONMENT), url);
        headers.keySet().forEach(this::header);
    }

    /** A header's value. */
    private String header(String name) {
        String value = Variables.resolved("headers." + name, Objects.requireNonNull(headers.get(name)), ENVIRONMENT);
        // The client's own message would have the value.
        Rule.check(
                value.chars().allMatch(c -> c == '\t' || (c >= ' ' && c != 0x7F && c <= 0xFF)),
                "headers." + name,
                "one line of Latin-1",
                "another text");
        return value;
    }

    /** The text without secrets, whoever put them in. */
    private String withoutSecrets(String text) {
        Set<String> secrets = new LinkedHashSet<>(url.secrets(ENVIRONMENT));
        headers.forEach((name, value) -> {
            secrets.add(header(name));
            Variables.names(value).forEach(variable -> secrets.add(String.valueOf(ENVIRONMENT.apply(variable))));
        });
        String clean = text;
        for (String secret : secrets) {
            clean = secret.length() < SHORTEST_SECRET ? clean : clean.replace(secret, "***");
        }
        return clean;
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
    public double serviceSeconds() {
        return budgetSeconds;
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
                    HttpResponse<byte[]> response = send(body, left);
                    int status = response.statusCode();
                    if (status == 200) {
                        return read(new String(response.body(), StandardCharsets.UTF_8));
                    }
                    failure = "status " + status;
                    if (status != 408 && status != 429 && status < 500) {
                        return undecided(failure);
                    }
                } catch (BoundedBody.TooLongException e) {
                    return undecided("the reply must be at most " + LONGEST_REPLY + " bytes");
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
    private HttpResponse<byte[]> send(String body, Duration left)
            throws IOException, InterruptedException, TimeoutException {
        CompletableFuture<HttpResponse<byte[]>> reply =
                Connections.CLIENT.sendAsync(request(body, left), info -> new BoundedBody(LONGEST_REPLY));
        try {
            return reply.get(left.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            if (BoundedBody.TooLongException.isCauseOf(e)) {
                throw new BoundedBody.TooLongException();
            }
            throw e.getCause() instanceof IOException failure ? failure : new IOException(e.getCause());
        } finally {
            reply.cancel(true);
        }
    }

    private HttpRequest request(String body, Duration left) {
        URI uri = url.resolved(ENVIRONMENT);
        HttpRequest.Builder request = HttpRequest.newBuilder(withoutUser(uri))
                .timeout(left)
                .setHeader("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body));
        if (uri.getUserInfo() != null) {
            byte[] user = uri.getUserInfo().getBytes(StandardCharsets.UTF_8);
            request.setHeader("Authorization", "Basic " + Base64.getEncoder().encodeToString(user));
        }
        headers.keySet().forEach(name -> request.setHeader(name, header(name)));
        return request.build();
    }

    private static URI withoutUser(URI uri) {
        String user = uri.getRawUserInfo();
        return user == null ? uri : URI.create(uri.toString().replaceFirst("//" + Pattern.quote(user) + "@", "//"));
    }

    private static Duration left(long deadline) {
        return Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
    }

    private Score spent(String failure) {
        return undecided("time budget of " + budget().toMillis() + " ms spent; last: " + failure);
    }

    private Score undecided(String reason) {
        return Score.undecided("reward service " + url + ": " + withoutSecrets(reason));
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
            String reason = withoutSecrets(root.path("reason").asString(""));
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
                    parts.put(withoutSecrets(part.getKey()), part.getValue().asDouble());
                }
            });
            return new Score(true, score.asDouble(), parts, reason);
        } catch (JacksonException e) {
            return undecided("the reply is no JSON");
        }
    }
}
