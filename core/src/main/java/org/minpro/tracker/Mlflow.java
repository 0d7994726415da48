package org.minpro.tracker;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Address;
import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.config.Variables;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * An MLflow server, over its REST API 2.0 ({@code experiments/create}, {@code runs/create}, {@code runs/log-batch},
 * {@code runs/update}).
 *
 * <p>The id of the server's run is kept in {@code mlflow.json} of the run's folder, so that a run that is continued goes on in
 * the same one; it then sends what the server does not have yet.
 *
 * @param url of the server; a user in it, and a token in {@code MLFLOW_TRACKING_TOKEN}, are sent with each request
 * @param experiment that the run belongs to; made where it is not there
 */
public record Mlflow(
        @Doc("http or https address of the server, such as http://127.0.0.1:5000; ${NAME} in it is an environment"
                + " variable. MLFLOW_TRACKING_TOKEN in the environment is sent as a bearer token.")
        Address url,

        @Doc("Experiment that the run belongs to; made where it is not there.")
        String experiment)
        implements Tracker {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    /** Most numbers, and most parameters, of one {@code log-batch}; most characters of a parameter. */
    private static final int METRICS_PER_BATCH = 1000;

    private static final int PARAMETERS_PER_BATCH = 100;
    private static final int PARAMETER_LENGTH = 500;

    public Mlflow {
        if (Variables.names(url.written()).isEmpty()) {
            requireService(url.resolved(System::getenv), url);
        }
        Rule.check(!experiment.isBlank(), "experiment", "a name", "'" + experiment + "'");
    }

    /** Experiment {@code minpro}. */
    public Mlflow(Address url) {
        this(url, "minpro");
    }

    private static void requireService(URI uri, Address url) {
        Rule.check(
                ("http".equals(uri.getScheme()) || "https".equals(uri.getScheme())) && uri.getHost() != null,
                "url",
                "an http or https address of a server",
                url);
    }

    @Override
    public MetricSink open(TrackedRun run) throws IOException {
        Server server = new Server(url);
        Path kept = run.folder().resolve("mlflow.json");
        Optional<String> known = known(kept);
        String id;
        Map<MetricPoint.Series, Long> sent = new EnumMap<>(MetricPoint.Series.class);
        if (known.isPresent()) {
            id = known.get();
            JsonNode data = server.get("runs/get?run_id=" + id).path("run").path("data");
            for (JsonNode metric : data.path("metrics")) {
                boolean evaluation = metric.path("key").stringValue("").startsWith("eval/");
                sent.merge(
                        evaluation ? MetricPoint.Series.EVALUATION : MetricPoint.Series.TRAINING,
                        metric.path("step").asLong(0),
                        Math::max);
            }
            server.post("runs/update", JSON.createObjectNode().put("run_id", id).put("status", "RUNNING"));
        } else {
            ObjectNode request = JSON.createObjectNode()
                    .put("experiment_id", experimentId(server))
                    .put("run_name", run.name())
                    .put("start_time", System.currentTimeMillis());
            request.putArray("tags")
                    .add(tag("mlflow.source.name", "minpro"))
                    .add(tag(
                            "minpro.folder",
                            run.folder().toAbsolutePath().normalize().toString()));
            id = server.post("runs/create", request)
                    .path("run")
                    .path("info")
                    .path("run_id")
                    .stringValue("");
            // Before the run is kept: what is kept has them.
            parameters(server, id, run.settings());
            Files.writeString(
                    kept,
                    JSON.writeValueAsString(JSON.createObjectNode()
                                    .put("url", url.toString())
                                    .put("run_id", id))
                            + "\n");
        }
        return new Sink(server, id, sent);
    }

    private static ObjectNode tag(String key, String value) {
        return JSON.createObjectNode().put("key", key).put("value", value);
    }

    private static Optional<String> known(Path kept) throws IOException {
        if (!Files.isRegularFile(kept)) {
            return Optional.empty();
        }
        try {
            return Optional.of(
                            JSON.readTree(Files.readString(kept)).path("run_id").stringValue(""))
                    .filter(id -> id.matches("[A-Za-z0-9_-]+"));
        } catch (JacksonException e) {
            // Cut short: another run of the server takes its place.
            return Optional.empty();
        }
    }

    private String experimentId(Server server) throws IOException {
        String query =
                "experiments/get-by-name?experiment_name=" + URLEncoder.encode(experiment, StandardCharsets.UTF_8);
        Optional<JsonNode> found = server.find(query);
        JsonNode answer = found.isPresent()
                ? found.get().path("experiment")
                : server.post("experiments/create", JSON.createObjectNode().put("name", experiment));
        return answer.path("experiment_id").asString("");
    }

    private static void parameters(Server server, String id, Map<String, String> settings) throws IOException {
        List<Map.Entry<String, String>> all = new ArrayList<>(settings.entrySet());
        for (int from = 0; from < all.size(); from += PARAMETERS_PER_BATCH) {
            ObjectNode request = JSON.createObjectNode().put("run_id", id);
            ArrayNode parameters = request.putArray("params");
            for (Map.Entry<String, String> setting :
                    all.subList(from, Math.min(all.size(), from + PARAMETERS_PER_BATCH))) {
                String value = setting.getValue();
                parameters.add(
                        tag(name(setting.getKey()), value.substring(0, Math.min(value.length(), PARAMETER_LENGTH))));
            }
            server.post("runs/log-batch", request);
        }
    }

    /** With letters that a name may have. */
    private static String name(String name) {
        return name.replaceAll("[^A-Za-z0-9_\\-./ ]", "_");
    }

    private static final class Sink implements MetricSink {
        private final Server server;
        private final String id;
        private final Map<MetricPoint.Series, Long> sent;

        Sink(Server server, String id, Map<MetricPoint.Series, Long> sent) {
            this.server = server;
            this.id = id;
            this.sent = sent;
        }

        @Override
        public void log(MetricPoint point) throws IOException {
            if (point.step() <= sent.getOrDefault(point.series(), -1L)) {
                return;
            }
            List<Map.Entry<String, Double>> all = new ArrayList<>(point.values().entrySet());
            for (int from = 0; from < all.size(); from += METRICS_PER_BATCH) {
                ObjectNode request = JSON.createObjectNode().put("run_id", id);
                ArrayNode metrics = request.putArray("metrics");
                for (Map.Entry<String, Double> value :
                        all.subList(from, Math.min(all.size(), from + METRICS_PER_BATCH))) {
                    metrics.addObject()
                            .put("key", name(value.getKey()))
                            .put("value", value.getValue())
                            .put("timestamp", Math.round(point.time() * 1000))
                            .put("step", point.step());
                }
                server.post("runs/log-batch", request);
            }
            sent.put(point.series(), point.step());
        }

        @Override
        public void close(End end) throws IOException {
            if (end != End.SINK_FAILED) {
                server.post(
                        "runs/update",
                        JSON.createObjectNode()
                                .put("run_id", id)
                                .put("status", end == End.FINISHED ? "FINISHED" : "KILLED")
                                .put("end_time", System.currentTimeMillis()));
            }
        }
    }

    /** Requests to the API. */
    private static final class Server {
        private final HttpClient client =
                HttpClient.newBuilder().connectTimeout(PATIENCE).build();
        private final Address address;
        private final URI base;

        Server(Address address) {
            this.address = address;
            base = address.resolved(System::getenv);
        }

        JsonNode get(String path) throws IOException {
            return find(path).orElseThrow(() -> new IOException(address + " has no " + path));
        }

        /** Empty where the server has no such thing. */
        Optional<JsonNode> find(String path) throws IOException {
            HttpResponse<String> response = send(request(path).GET().build());
            return response.statusCode() == 404 ? Optional.empty() : Optional.of(answer(path, response));
        }

        JsonNode post(String path, ObjectNode body) throws IOException {
            HttpRequest.BodyPublisher text = HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(body));
            return answer(
                    path,
                    send(request(path)
                            .header("Content-Type", "application/json")
                            .POST(text)
                            .build()));
        }

        private HttpRequest.Builder request(String path) {
            String root = base.getScheme() + "://" + base.getRawAuthority().replaceFirst(".*@", "")
                    + Objects.requireNonNullElse(base.getRawPath(), "").replaceFirst("/+$", "");
            HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(root + "/api/2.0/mlflow/" + path))
                    .timeout(PATIENCE);
            authorization(base.getUserInfo(), System.getenv("MLFLOW_TRACKING_TOKEN"))
                    .ifPresent(value -> builder.header("Authorization", value));
            return builder;
        }

        private static Optional<String> authorization(@Nullable String user, @Nullable String token) {
            if (user != null) {
                return Optional.of(
                        "Basic " + java.util.Base64.getEncoder().encodeToString(user.getBytes(StandardCharsets.UTF_8)));
            }
            return token == null || token.isBlank() ? Optional.empty() : Optional.of("Bearer " + token.strip());
        }

        private HttpResponse<String> send(HttpRequest request) throws IOException {
            try {
                return client.send(request, HttpResponse.BodyHandlers.ofString());
            } catch (IOException e) {
                throw new IOException(
                        address + " does not answer ("
                                + Objects.requireNonNullElse(
                                        e.getMessage(), e.getClass().getSimpleName()) + ")",
                        e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException(address + " did not answer in time", e);
            }
        }

        private JsonNode answer(String path, HttpResponse<String> response) throws IOException {
            if (response.statusCode() / 100 != 2) {
                String body = response.body();
                throw new IOException(address + " answered " + response.statusCode() + " to "
                        + path.replaceFirst("\\?.*", "") + ": " + body.substring(0, Math.min(300, body.length())));
            }
            try {
                return JSON.readTree(response.body().isBlank() ? "{}" : response.body());
            } catch (JacksonException e) {
                throw new IOException(address + " must answer with JSON to " + path, e);
            }
        }
    }
}
