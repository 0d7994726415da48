package org.minpro.rollout.served;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A stock vLLM: {@code /inference/v1/generate} with token ids, weights by {@code collective_rpc reload_weights} from a folder,
 * adapters by {@code /v1/load_lora_adapter} with a name of their own, which requests give as their model.
 *
 * <p>Written after vLLM 0.32; an older one without per-token versions or labels works too.
 */
final class VllmServer implements InferenceServer {
    private static final Duration SHORT = ServerConnection.SHORT;
    private static final String GENERATE = "/inference/v1/generate";
    /** The probability that vLLM sends in place of one that is no number. */
    static final double ABSENT = -9999;

    private final ServerConnection connection;
    private final String model;
    private final Duration response;
    private final Duration publish;
    private volatile boolean labels;

    VllmServer(ServerConnection connection, RolloutSettings settings) {
        this.connection = connection;
        this.model = settings.model();
        this.response = ServerPool.seconds(settings.responseSeconds());
        this.publish = ServerPool.seconds(settings.publishSeconds());
    }

    @Override
    public String url() {
        return connection.url();
    }

    @Override
    public Flags flags() {
        return new Flags("with --logprobs-mode processed_logprobs", "--max-model-len");
    }

    @Override
    public Facts handshake() {
        connection.requiredGet("/health", SHORT);
        int context = ModelList.of(connection).context(model);
        requireAlive();
        // A paused server would not answer until it is resumed.
        if (!connection.get("/is_paused", SHORT).json().path("is_paused").asBoolean(false)) {
            requireGenerate();
        }
        labels = connection.get("/weight_info", SHORT).ok();
        return new Facts(
                connection.get("/version", SHORT).json().path("version").asString("unknown"), context);
    }

    @Override
    public boolean holds(String label, boolean adapter) {
        return connection.holds(label, adapter, "/weight_info");
    }

    private void requireGenerate() {
        ServerConnection.Reply probe = connection.post(GENERATE, request("probe", null, new int[] {0}, 1), response);
        if (probe.status() == 403) {
            throw unusable("must be started with --enable-scale-out, got: " + probe.message());
        }
        if (probe.status() == 404) {
            throw unusable("must have " + GENERATE + " (vLLM 0.16 or later), got: " + probe.message());
        }
        connection.required(GENERATE, probe);
    }

    @Override
    public void requireAlive() {
        // With a worker that hangs /health still says 200.
        ServerConnection.Reply alive = connection.post(
                "/collective_rpc", ServerConnection.body().put("method", "check_health"), Duration.ofSeconds(5));
        if (alive.status() == 404) {
            throw unusable("must be started with VLLM_SERVER_DEV_MODE=1 in its environment, got: " + alive.message());
        }
        connection.required("/collective_rpc check_health", alive);
    }

    private ObjectNode request(String id, @Nullable String adapter, int[] ids, int tokens) {
        ObjectNode request = ServerConnection.body();
        request.put("request_id", id);
        request.put("model", adapter == null ? model : adapter);
        GenerationJson.put(request, "token_ids", ids);
        request.put("stream", false);
        ObjectNode sampling = request.putObject("sampling_params");
        sampling.put("n", 1);
        sampling.put("max_tokens", tokens);
        sampling.put("temperature", 1.0);
        // Its own end-of-sequence ids would end responses too.
        sampling.put("ignore_eos", true);
        sampling.put("logprobs", 0);
        sampling.put("detokenize", false);
        sampling.put("skip_special_tokens", false);
        return request;
    }

    @Override
    public Answer generate(Prompt prompt) {
        String adapter = prompt.adapter();
        ObjectNode request = request(
                prompt.id(), adapter, prompt.promptIds(), prompt.params().maxNewTokens());
        request.put("cache_salt", prompt.salt());
        ObjectNode sampling = (ObjectNode) request.get("sampling_params");
        GenerationJson.put(sampling, prompt.params());
        sampling.put("top_k", prompt.params().topK());
        sampling.put("seed", prompt.seed());
        ServerConnection.Reply reply = generated(request, adapter);
        JsonNode choice = reply.json().path("choices").path(0);
        JsonNode tokens = choice.path("token_ids");
        JsonNode content = choice.path("logprobs").path("content");
        if (!tokens.isArray() || !content.isArray()) {
            throw malformed(GENERATE, reply);
        }
        int[] logProbIds = new int[content.size()];
        double[] logProbs = new double[content.size()];
        for (int t = 0; t < logProbs.length; t++) {
            JsonNode one = content.get(t);
            logProbIds[t] = id(one);
            logProbs[t] = one.path("logprob").asDouble(Double.NaN);
        }
        // With an adapter they are labels of the model below it.
        List<Span> spans = adapter == null ? GenerationJson.spans(choice) : List.of();
        return new Answer(
                GenerationJson.ids(tokens),
                logProbIds,
                logProbs,
                choice.path("finish_reason").asString(""),
                spans);
    }

    /** The id that a log-probability is of; -1 where it is no number. */
    private static int id(JsonNode one) {
        if (one.has("token_id")) {
            return one.path("token_id").asInt(-1);
        }
        // Older ones write it as a text, "token_id:582".
        String text = one.path("token").asString("").replace("token_id:", "");
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    /** A server that does not know an adapter was started anew, or another's adapter answers. */
    private ServerConnection.Reply generated(ObjectNode request, @Nullable String adapter) {
        ServerConnection.Reply reply = connection.post(GENERATE, request, response);
        if (adapter != null
                && (reply.status() == 404
                        || reply.ok()
                                && !adapter.equals(reply.json().path("model").asString(adapter)))) {
            throw new ServerException(
                    ServerException.Kind.OTHER_WEIGHTS,
                    url() + " must sample with the adapter " + adapter + ", got: "
                            + (reply.ok() ? "tokens of " + reply.json().path("model") : reply.message()));
        }
        return connection.required(GENERATE, reply);
    }

    @Override
    public double[] score(int[] ids, @Nullable String adapter) {
        ObjectNode request = request("score", adapter, ids, 1);
        ((ObjectNode) request.get("sampling_params")).put("prompt_logprobs", 0);
        ServerConnection.Reply reply = generated(request, adapter);
        JsonNode scored = reply.json().path("prompt_logprobs");
        if (scored.isMissingNode()) {
            scored = reply.json().path("choices").path(0).path("prompt_logprobs");
        }
        if (scored.size() != ids.length) {
            throw malformed(GENERATE + " with prompt_logprobs", reply);
        }
        double[] logProbs = new double[ids.length - 1];
        for (int t = 1; t < ids.length; t++) {
            logProbs[t - 1] =
                    scored.path(t).path(String.valueOf(ids[t])).path("logprob").asDouble(Double.NaN);
        }
        return logProbs;
    }

    @Override
    public void pause(InFlight inFlight) {
        connection.required(
                "/pause",
                connection.post("/pause?mode=" + (inFlight == InFlight.KEEP ? "keep" : "abort"), null, publish));
    }

    @Override
    public void reload(String path, String label) {
        ObjectNode reload = ServerConnection.body().put("method", "reload_weights");
        reload.putObject("kwargs").put("weights_path", path);
        ServerConnection.Reply reply = connection.post("/collective_rpc", reload, publish);
        if (!reply.ok()) {
            throw new ServerException(
                    ServerException.Kind.NOT_PUBLISHED, url() + " must load " + path + ", got: " + reply.message());
        }
        if (labels) {
            connection.requiredPost(
                    "/update_weight_version", ServerConnection.body().put("new_version", label), SHORT);
        }
    }

    @Override
    public void addAdapter(String path, String name) {
        ServerConnection.Reply reply = connection.post(
                "/v1/load_lora_adapter",
                ServerConnection.body().put("lora_name", name).put("lora_path", path),
                publish);
        if (!reply.ok()) {
            throw new ServerException(
                    ServerException.Kind.NOT_PUBLISHED,
                    url() + " must load the adapter in " + path + ", got: " + reply.message()
                            + "; it takes adapters if it is started with VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 in its"
                            + " environment and --enable-lora --max-lora-rank N, N at least adapter.rank");
        }
    }

    @Override
    public void removeAdapter(String name) {
        connection.requiredPost(
                "/v1/unload_lora_adapter", ServerConnection.body().put("lora_name", name), SHORT);
    }

    @Override
    public boolean resetCache() {
        return connection
                .requiredPost("/reset_prefix_cache", null, publish)
                .json()
                .path("success")
                // Versions without that member fail with a status.
                .asBoolean(true);
    }

    @Override
    public void resume() {
        connection.requiredPost("/resume", null, SHORT);
    }

    private ServerException malformed(String path, ServerConnection.Reply reply) {
        return new ServerException(
                ServerException.Kind.MALFORMED,
                url() + path + " must answer with ids and log-probabilities, got: "
                        + reply.text().substring(0, Math.min(200, reply.text().length())));
    }

    private ServerException unusable(String what) {
        return new ServerException(ServerException.Kind.UNUSABLE, url() + " " + what);
    }

    @Override
    public void reset() {
        connection.reset();
    }

    @Override
    public void close() {
        connection.close();
    }
}
