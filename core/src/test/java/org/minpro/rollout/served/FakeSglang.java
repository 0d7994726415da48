package org.minpro.rollout.served;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.random.RandomGenerator;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A SGLang server as the source of 0.5.23 reads: log-probabilities are of the request's temperature, but where everything is greedy
 * (temperature 0, top-k 1) or with SGLANG_RETURN_ORIGINAL_LOGPROB they are the model's own; one that is paused generates
 * nothing, and so is not healthy either.
 *
 * <p>Its model gives every token the same logits, times a number that is its weights.
 */
final class FakeSglang implements AutoCloseable {
    static final int VOCABULARY = 16;
    /** The file of weights in their folder. */
    static final String WEIGHTS = "scale";

    private static final JsonMapper JSON = JsonMapper.shared();

    private final HttpServer http;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final RandomGenerator random = RandomGenerator.of("L64X128MixRandom");
    private double scale = 1;
    private String label = "default";
    private boolean paused;
    /** SGLANG_RETURN_ORIGINAL_LOGPROB. */
    volatile boolean original;
    /** How many reloads fail. */
    volatile int failing;

    FakeSglang() throws IOException {
        http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 64);
        http.setExecutor(threads);
        http.createContext("/", this::answer);
        http.start();
    }

    String url() {
        return "http://127.0.0.1:" + http.getAddress().getPort();
    }

    /** Of all ids, whatever came before. */
    static double[] logProbs(double scale, double temperature) {
        double[] logits = new double[VOCABULARY];
        double sum = 0;
        for (int id = 0; id < VOCABULARY; id++) {
            logits[id] = scale * (id % 5) / temperature;
            sum += Math.exp(logits[id]);
        }
        for (int id = 0; id < VOCABULARY; id++) {
            logits[id] -= Math.log(sum);
        }
        return logits;
    }

    synchronized boolean isPaused() {
        return paused;
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            byte[] body = exchange.getRequestBody().readAllBytes();
            JsonNode json = body.length == 0 ? JSON.createObjectNode() : JSON.readTree(body);
            switch (exchange.getRequestURI().getPath()) {
                case "/v1/models" -> send(exchange, 200, "{\"data\":[{\"id\":\"policy\",\"max_model_len\":64}]}");
                case "/server_info" -> send(exchange, 200, "{\"version\":\"0.5.23\"}");
                case "/model_info" -> send(exchange, 200, "{\"weight_version\":\"" + label() + "\"}");
                case "/health_generate" -> send(exchange, isPaused() ? 503 : 200, "");
                case "/pause_generation" -> pause(exchange, true);
                case "/continue_generation" -> pause(exchange, false);
                case "/flush_cache" -> send(exchange, 200, "Cache flushed.");
                case "/update_weights_from_disk" -> reload(exchange, json);
                case "/generate" -> generate(exchange, json);
                default -> send(exchange, 404, "{\"detail\":\"Not Found\"}");
            }
        }
    }

    private synchronized String label() {
        return label;
    }

    private synchronized void pause(HttpExchange exchange, boolean on) throws IOException {
        paused = on;
        notifyAll();
        send(exchange, 200, "{}");
    }

    private synchronized void reload(HttpExchange exchange, JsonNode json) throws IOException {
        if (failing > 0) {
            failing--;
            send(exchange, 400, "{\"success\":false,\"message\":\"Failed to update weights.\"}");
            return;
        }
        scale = Double.parseDouble(
                Files.readString(Path.of(json.path("model_path").stringValue()).resolve(WEIGHTS)));
        label = json.path("weight_version").stringValue();
        send(exchange, 200, "{\"success\":true,\"message\":\"\"}");
    }

    private synchronized void generate(HttpExchange exchange, JsonNode json) throws IOException {
        try {
            while (paused) {
                wait();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
        }
        JsonNode sampling = json.path("sampling_params");
        double temperature = sampling.path("temperature").doubleValue();
        boolean greedy = temperature == 0 || sampling.path("top_k").asInt(-1) == 1;
        double[] own = logProbs(scale, 1);
        double[] sampled = greedy ? own : logProbs(scale, temperature);
        ObjectNode answer = JSON.createObjectNode();
        ArrayNode ids = answer.putArray("output_ids");
        ObjectNode about = answer.putObject("meta_info");
        ArrayNode scored = about.putArray("output_token_logprobs");
        int limit = sampling.path("max_new_tokens").intValue();
        for (int t = 0; t < limit; t++) {
            int id = greedy ? 4 : draw(sampled);
            ids.add(id);
            scored.addArray().add(original ? own[id] : sampled[id]).add(id).addNull();
        }
        about.putObject("finish_reason").put("type", "length").put("length", limit);
        about.put("weight_version", label);
        if (json.has("logprob_start_len")) {
            ArrayNode prompt = about.putArray("input_token_logprobs");
            json.path("input_ids").forEach(id -> {
                ArrayNode one = prompt.addArray();
                if (prompt.size() == 1) {
                    one.addNull();
                } else {
                    one.add(own[id.intValue()]);
                }
                one.add(id.intValue()).addNull();
            });
        }
        send(exchange, 200, answer.toString());
    }

    private int draw(double[] logProbs) {
        double left = random.nextDouble();
        int id = 0;
        while (id < logProbs.length - 1 && left >= Math.exp(logProbs[id])) {
            left -= Math.exp(logProbs[id++]);
        }
        return id;
    }

    private static void send(HttpExchange exchange, int status, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(bytes);
        }
    }

    @Override
    public void close() {
        http.stop(0);
        threads.shutdownNow();
    }
}
