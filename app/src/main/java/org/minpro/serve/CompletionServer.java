package org.minpro.serve;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.minpro.rollout.ContinuousBatch;
import org.minpro.web.Access;
import org.minpro.web.BoundServer;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Answers completions and chats over HTTP in the protocol of OpenAI, from one model with continuous batching.
 *
 * <p>{@code POST /v1/completions}, {@code POST /v1/chat/completions}, {@code GET /v1/models}, {@code GET /health}. What a
 * request asks for and this does not do is refused with status 400 and one line, never left out. A client that leaves gives
 * its slots back within two seconds: the connection is tried once a second, in a stream by a comment, else by a blank
 * before the JSON.
 */
public final class CompletionServer implements AutoCloseable {
    private static final int BACKLOG = 256;
    private static final int LONGEST_BODY = 16 << 20;
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final HttpServer server;
    private final Access access;
    private final ServedModel model;
    private final ContinuousBatch batch;
    private final Duration pulse;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final long created = System.currentTimeMillis() / 1000;

    private CompletionServer(BoundServer bound, ServedModel model, ContinuousBatch batch, Duration pulse) {
        this.pulse = pulse;
        this.server = bound.server();
        this.access = bound.access();
        this.model = model;
        this.batch = batch;
    }

    /**
     * Starts answering.
     *
     * @param batch that generates; the caller closes it after this
     * @param host address to listen on; on one that is not a loopback address a key is needed
     * @param port 0 takes a free one
     * @param key that clients must send as a bearer token; null makes one up where one is needed
     */
    public static CompletionServer start(
            ServedModel model, ContinuousBatch batch, String host, int port, @Nullable String key) {
        return start(model, batch, host, port, key, Duration.ofSeconds(1));
    }

    /** @param pulse how often it is tried whether a client is still there */
    static CompletionServer start(
            ServedModel model, ContinuousBatch batch, String host, int port, @Nullable String key, Duration pulse) {
        if (System.getProperty("sun.net.httpserver.nodelay") == null) {
            // A stream's events are small: each would wait for the client's acknowledgement of the one before.
            System.setProperty("sun.net.httpserver.nodelay", "true");
        }
        BoundServer bound = BoundServer.at(host, port, BACKLOG, key);
        CompletionServer completions = new CompletionServer(bound, model, batch, pulse);
        bound.server().setExecutor(completions.threads);
        bound.server().createContext("/", completions::handle);
        bound.server().start();
        return completions;
    }

    /** What a client takes as its base URL. */
    public String url() {
        return access.address() + "v1";
    }

    /** The key that clients must send, or null where none is needed. */
    public @Nullable String key() {
        return access.token();
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            try {
                answer(exchange);
            } catch (RefusedRequestException e) {
                refuse(exchange, e);
            } catch (RejectedExecutionException e) {
                exchange.getResponseHeaders().set("Retry-After", "1");
                refuse(exchange, new RefusedRequestException(429, null, e.getMessage() + "; try again later"));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (IllegalStateException e) {
                refuse(exchange, new RefusedRequestException(503, null, String.valueOf(e.getMessage())));
            } catch (RuntimeException e) {
                refuse(exchange, new RefusedRequestException(500, null, "this should not happen: " + e));
            }
        }
    }

    private void answer(HttpExchange exchange) throws IOException, InterruptedException {
        switch (access.verdict(exchange.getRequestURI(), exchange.getRequestHeaders())) {
            case ALLOWED -> {}
            case WRONG_HOST ->
                throw new RefusedRequestException(
                        403, null, "the Host header must name the address that the server is bound to");
            case WRONG_ORIGIN ->
                throw new RefusedRequestException(403, null, "a page of another site must not use this server");
            case TOKEN_GIVEN, NO_TOKEN ->
                throw new RefusedRequestException(
                        401, null, "the key is missing or wrong: send 'Authorization: Bearer KEY'");
        }
        String path = exchange.getRequestURI().getPath();
        switch (path) {
            case "/health" -> {
                require(exchange, "GET");
                ObjectNode health = JSON.createObjectNode();
                health.put("status", "ok");
                health.put("responses", batch.admitted());
                send(exchange, 200, health);
            }
            case "/v1/models" -> {
                require(exchange, "GET");
                ObjectNode list = JSON.createObjectNode();
                list.put("object", "list");
                list.putArray("data").add(described());
                send(exchange, 200, list);
            }
            case "/v1/completions", "/v1/chat/completions" -> {
                require(exchange, "POST");
                complete(exchange, path.equals("/v1/chat/completions"));
            }
            default -> {
                if (path.equals("/v1/models/" + model.name())) {
                    require(exchange, "GET");
                    send(exchange, 200, described());
                    return;
                }
                throw new RefusedRequestException(
                        404,
                        null,
                        "there is no " + path + ", only /v1/completions, /v1/chat/completions, /v1/models and /health");
            }
        }
    }

    private static void require(HttpExchange exchange, String method) {
        if (!exchange.getRequestMethod().equals(method)) {
            exchange.getResponseHeaders().set("Allow", method);
            throw new RefusedRequestException(
                    405,
                    null,
                    exchange.getRequestURI().getPath() + " takes " + method + ", got " + exchange.getRequestMethod());
        }
    }

    private ObjectNode described() {
        ObjectNode described = JSON.createObjectNode();
        described.put("id", model.name());
        described.put("object", "model");
        described.put("created", created);
        described.put("owned_by", "minpro");
        described.put("max_model_len", model.context());
        return described;
    }

    /** What a choice has got. */
    private record Event(
            int choice,
            ContinuousBatch.@Nullable Token token,
            @Nullable Throwable failure) {}

    private void complete(HttpExchange exchange, boolean chat) throws IOException, InterruptedException {
        byte[] body;
        try (InputStream in = exchange.getRequestBody()) {
            body = in.readNBytes(LONGEST_BODY + 1);
        }
        if (body.length > LONGEST_BODY) {
            throw new RefusedRequestException(413, null, "the body must be at most " + LONGEST_BODY + " bytes");
        }
        CompletionRequest request = CompletionRequest.read(RequestFields.of(body), chat, model, batch.most());
        BlockingQueue<Event> events = new LinkedBlockingQueue<>();
        List<ContinuousBatch.Ticket> tickets = new ArrayList<>();
        try {
            for (int prompt = 0; prompt < request.prompts().size(); prompt++) {
                tickets.add(submit(request, prompt, events));
            }
            CompletionAnswer answer = new CompletionAnswer(request, model);
            if (request.stream()) {
                stream(exchange, request, answer, events);
            } else {
                whole(exchange, answer, events);
            }
        } finally {
            // Also of a client that has left, whose answer could not be written.
            tickets.forEach(ContinuousBatch.Ticket::cancel);
        }
    }

    private ContinuousBatch.Ticket submit(CompletionRequest request, int prompt, BlockingQueue<Event> events) {
        int first = prompt * request.samples();
        return batch.submit(
                new ContinuousBatch.Request(
                        request.prompts().get(prompt),
                        request.samples(),
                        request.params(),
                        request.seed(),
                        request.alternatives()),
                new ContinuousBatch.Listener() {
                    @Override
                    public void sampled(int sample, ContinuousBatch.Token token) {
                        events.add(new Event(first + sample, token, null));
                    }

                    @Override
                    public void failed(Throwable why) {
                        events.add(new Event(first, null, why));
                    }
                });
    }

    private void whole(HttpExchange exchange, CompletionAnswer answer, BlockingQueue<Event> events)
            throws IOException, InterruptedException {
        OutputStream out = null;
        while (!answer.isComplete()) {
            Event event = events.poll(pulse.toNanos(), TimeUnit.NANOSECONDS);
            if (event == null) {
                if (out == null) {
                    exchange.getResponseHeaders().set("Content-Type", "application/json; charset=utf-8");
                    exchange.sendResponseHeaders(200, 0);
                    out = exchange.getResponseBody();
                }
                // JSON may begin with blanks, and only what is written shows whether somebody still listens.
                out.write(' ');
                out.flush();
            } else if (event.token != null) {
                answer.add(event.choice, event.token);
            } else if (out == null) {
                throw new IllegalStateException("the engine has failed: " + event.failure);
            } else {
                // The status is sent: a body that is cut is the only error left.
                throw new IOException("the engine has failed", event.failure);
            }
        }
        if (out == null) {
            send(exchange, 200, answer.whole());
            return;
        }
        try (OutputStream body = out) {
            body.write(JSON.writeValueAsBytes(answer.whole()));
        }
    }

    private void stream(
            HttpExchange exchange, CompletionRequest request, CompletionAnswer answer, BlockingQueue<Event> events)
            throws IOException, InterruptedException {
        exchange.getResponseHeaders().set("Content-Type", "text/event-stream; charset=utf-8");
        exchange.getResponseHeaders().set("Cache-Control", "no-cache");
        exchange.sendResponseHeaders(200, 0);
        OutputStream out = exchange.getResponseBody();
        for (ObjectNode event : answer.beginning()) {
            data(out, event);
        }
        while (!answer.isComplete()) {
            Event event = events.poll(pulse.toNanos(), TimeUnit.NANOSECONDS);
            if (event == null) {
                out.write(": still here\n\n".getBytes(StandardCharsets.UTF_8));
            } else if (event.token == null) {
                data(out, error(new RefusedRequestException(500, null, "the engine has failed: " + event.failure)));
                out.close();
                return;
            } else {
                answer.add(event.choice, event.token);
                ObjectNode news = answer.event(event.choice);
                if (news != null) {
                    data(out, news);
                }
            }
            if (events.isEmpty()) {
                out.flush();
            }
        }
        if (request.usage()) {
            data(out, answer.usageEvent());
        }
        out.write("data: [DONE]\n\n".getBytes(StandardCharsets.UTF_8));
        out.close();
    }

    private static void data(OutputStream out, ObjectNode event) throws IOException {
        out.write(("data: " + JSON.writeValueAsString(event) + "\n\n").getBytes(StandardCharsets.UTF_8));
    }

    private static ObjectNode error(RefusedRequestException refused) {
        ObjectNode answer = JSON.createObjectNode();
        ObjectNode error = answer.putObject("error");
        error.put("message", String.valueOf(refused.getMessage()));
        error.put("type", refused.type());
        error.put("param", refused.field());
        error.put("code", refused.status());
        return answer;
    }

    private static void refuse(HttpExchange exchange, RefusedRequestException refused) throws IOException {
        if (exchange.getResponseCode() < 0) {
            send(exchange, refused.status(), error(refused));
        }
    }

    private static void send(HttpExchange exchange, int status, ObjectNode answer) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", "application/json; charset=utf-8");
        byte[] body = JSON.writeValueAsBytes(answer);
        exchange.sendResponseHeaders(status, body.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(body);
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
