package org.minpro.rollout.served;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A stock SGLang: {@code /generate} with token ids, weights by {@code update_weights_from_disk}, adapters by {@code
 * load_lora_adapter} with a name of their own.
 *
 * <p>Written after the source of 0.5.23, and not run against one. Responses in flight end when weights change: a cache that
 * is flushed under frozen requests ends the server.
 */
final class SglangServer implements InferenceServer {
    private static final Duration SHORT = ServerConnection.SHORT;

    private final ServerConnection connection;
    private final String model;
    private final Duration response;
    private final Duration publish;

    SglangServer(ServerConnection connection, RolloutSettings settings) {
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
        return new Flags("without SGLANG_RETURN_ORIGINAL_LOGPROB in its environment", "--context-length");
    }

    @Override
    public Facts handshake() {
        // Not requireAlive: a server that was left paused generates nothing, and would never be given weights again.
        int context = ModelList.of(connection).context(model);
        return new Facts(
                connection.get("/server_info", SHORT).json().path("version").asString("unknown"), context);
    }

    @Override
    public boolean holds(String label, boolean adapter) {
        return connection.holds(label, adapter, "/model_info");
    }

    @Override
    public void requireAlive() {
        // It generates a token.
        connection.requiredGet("/health_generate", Duration.ofSeconds(30));
    }

    private static ObjectNode request(@Nullable String adapter, int[] ids, int tokens) {
        ObjectNode request = ServerConnection.body();
        if (adapter != null) {
            request.put("lora_path", adapter);
        }
        GenerationJson.put(request, "input_ids", ids);
        ObjectNode sampling = request.putObject("sampling_params");
        sampling.put("max_new_tokens", tokens);
        sampling.put("temperature", 1.0);
        sampling.put("ignore_eos", true);
        sampling.put("skip_special_tokens", false);
        sampling.put("no_stop_trim", true);
        request.put("return_logprob", true);
        request.put("stream", false);
        return request;
    }

    @Override
    public Answer generate(Prompt prompt) {
        ObjectNode request =
                request(prompt.adapter(), prompt.promptIds(), prompt.params().maxNewTokens());
        request.put("rid", prompt.id());
        request.put("extra_key", prompt.salt());
        ObjectNode sampling = (ObjectNode) request.get("sampling_params");
        GenerationJson.put(sampling, prompt.params());
        sampling.put("top_k", prompt.params().topK() == 0 ? -1 : prompt.params().topK());
        sampling.put("sampling_seed", prompt.seed());
        ServerConnection.Reply reply = connection.requiredPost("/generate", request, response);
        JsonNode about = reply.json().path("meta_info");
        JsonNode scored = about.path("output_token_logprobs");
        JsonNode tokens = reply.json().path("output_ids");
        if (!scored.isArray() || !tokens.isArray()) {
            throw new ServerException(
                    ServerException.Kind.MALFORMED,
                    url() + "/generate must answer with output_ids and output_token_logprobs, got: "
                            + reply.text()
                                    .substring(0, Math.min(200, reply.text().length())));
        }
        int[] ids = GenerationJson.ids(tokens);
        int[] logProbIds = new int[scored.size()];
        double[] logProbs = new double[scored.size()];
        for (int t = 0; t < logProbs.length; t++) {
            logProbs[t] = scored.get(t).path(0).asDouble(Double.NaN);
            logProbIds[t] = scored.get(t).path(1).asInt(-1);
        }
        // With an adapter they are labels of the model below it.
        List<Span> spans = prompt.adapter() == null ? GenerationJson.spans(about) : List.of();
        if (prompt.adapter() == null && spans.isEmpty() && about.has("weight_version")) {
            spans.add(new Span(about.path("weight_version").asString(""), 0, ids.length));
        }
        return new Answer(
                ids,
                logProbIds,
                logProbs,
                about.path("finish_reason").path("type").asString(""),
                spans);
    }

    @Override
    public double[] score(int[] ids, @Nullable String adapter) {
        ObjectNode request = request(adapter, ids, 1);
        request.put("logprob_start_len", 0);
        ServerConnection.Reply reply = connection.requiredPost("/generate", request, response);
        JsonNode scored = reply.json().path("meta_info").path("input_token_logprobs");
        if (scored.size() != ids.length) {
            throw new ServerException(
                    ServerException.Kind.MALFORMED,
                    url() + "/generate must answer with " + ids.length + " input_token_logprobs, got: "
                            + scored.size());
        }
        double[] logProbs = new double[ids.length - 1];
        for (int t = 1; t < ids.length; t++) {
            logProbs[t - 1] = scored.path(t).path(0).asDouble(Double.NaN);
        }
        return logProbs;
    }

    @Override
    public void pause(InFlight inFlight) {
        connection.requiredPost("/pause_generation", ServerConnection.body().put("mode", "abort"), publish);
    }

    @Override
    public void reload(String path, String label) {
        ObjectNode update = ServerConnection.body();
        update.put("model_path", path);
        update.put("weight_version", label);
        update.put("flush_cache", true);
        update.put("abort_all_requests", false);
        ServerConnection.Reply reply = connection.post("/update_weights_from_disk", update, publish);
        if (!reply.ok() || !reply.json().path("success").asBoolean(false)) {
            throw new ServerException(
                    ServerException.Kind.NOT_PUBLISHED, url() + " must load " + path + ", got: " + reply.message());
        }
    }

    @Override
    public void addAdapter(String path, String name) {
        ServerConnection.Reply reply = connection.post(
                "/load_lora_adapter",
                ServerConnection.body().put("lora_name", name).put("lora_path", path),
                publish);
        if (!reply.ok() || !reply.json().path("success").asBoolean(true)) {
            throw new ServerException(
                    ServerException.Kind.NOT_PUBLISHED,
                    url() + " must load the adapter in " + path + ", got: " + reply.message()
                            + "; it takes adapters if it is started with --enable-lora --max-lora-rank N"
                            + " --lora-target-modules all, N at least adapter.rank");
        }
    }

    @Override
    public void removeAdapter(String name) {
        connection.requiredPost("/unload_lora_adapter", ServerConnection.body().put("lora_name", name), SHORT);
    }

    @Override
    public boolean resetCache() {
        return connection.post("/flush_cache", null, publish).ok();
    }

    @Override
    public void resume() {
        connection.requiredPost("/continue_generation", ServerConnection.body(), SHORT);
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
