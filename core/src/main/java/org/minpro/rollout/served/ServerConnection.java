package org.minpro.rollout.served;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** JSON over HTTP to one server; a call that is not waited for to its end closes its connection, which frees the server. */
final class ServerConnection implements AutoCloseable {
    /** For what a server answers without computing. */
    static final Duration SHORT = Duration.ofSeconds(10);

    static final JsonMapper JSON = JsonMapper.builder().build();

    private final String url;
    private final String key;
    private volatile HttpClient client;

    /**
     * @param url without a slash at its end
     * @param key sent as a bearer token; empty for none
     */
    ServerConnection(String url, String key) {
        this.url = url.endsWith("/") ? url.substring(0, url.length() - 1) : url;
        this.key = key;
        this.client = newClient();
    }

    private static HttpClient newClient() {
        // Offered an upgrade to HTTP/2, uvicorn drops the body of every POST.
        return HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(Duration.ofSeconds(10))
                .build();
    }

    /** Ends all calls under way, each with {@link ServerException.Kind#AWAY}; later ones have new connections. */
    synchronized void reset() {
        HttpClient before = client;
        client = newClient();
        before.shutdownNow();
    }

    String url() {
        return url;
    }

    /**
     * A reply.
     *
     * @param json of its body; a missing node where it is no JSON
     * @param text of its body
     */
    record Reply(int status, JsonNode json, String text) {
        boolean ok() {
            return status == 200;
        }

        /** The error's message, or the beginning of the body. */
        String message() {
            String message = json.path("error")
                    .path("message")
                    .asString(json.path("message").asString(text));
            String line = message.replaceAll("\\s+", " ").strip();
            return "status " + status + (line.isEmpty() ? "" : ": " + line.substring(0, Math.min(300, line.length())));
        }
    }

    static ObjectNode body() {
        return JSON.createObjectNode();
    }

    /**
     * The reply, if its status is 200.
     *
     * @param path that was asked, for the message
     * @throws ServerException away where the server failed, unusable where it refused
     */
    Reply required(String path, Reply reply) {
        if (reply.ok()) {
            return reply;
        }
        throw new ServerException(
                reply.status() >= 500 ? ServerException.Kind.AWAY : ServerException.Kind.UNUSABLE,
                url + path + " must answer with 200, got: " + reply.message());
    }

    /** As {@link #get}, whose reply must have status 200. */
    Reply requiredGet(String path, Duration limit) {
        return required(path, get(path, limit));
    }

    /** As {@link #post}, whose reply must have status 200. */
    Reply requiredPost(String path, @Nullable ObjectNode body, Duration limit) {
        return required(path, post(path, body, limit));
    }

    /** A text that a server says of itself; empty where it does not. */
    String text(String path, String member) {
        return get(path, SHORT).json().path(member).asString("");
    }

    /**
     * Whether a server has what it was given.
     *
     * @param weights path that tells the label of its weights
     */
    boolean holds(String label, boolean adapter, String weights) {
        return adapter ? ModelList.of(this).names().contains(label) : label.equals(text(weights, "weight_version"));
    }

    Reply get(String path, Duration limit) {
        return call("GET", path, null, limit);
    }

    Reply post(String path, @Nullable ObjectNode body, Duration limit) {
        return call("POST", path, body, limit);
    }

    private Reply call(String method, String path, @Nullable ObjectNode body, Duration limit) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + path))
                .timeout(limit)
                .method(
                        method,
                        body == null
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofString(body.toString()));
        if (body != null) {
            request.setHeader("Content-Type", "application/json");
        }
        if (!key.isEmpty()) {
            request.setHeader("Authorization", "Bearer " + key);
        }
        // Not sendAsync, which completes in the common pool: a program that trains there would wait for itself. Nor
        // send
        // alone, whose time limit ends with the header.
        FutureTask<HttpResponse<byte[]>> sent =
                new FutureTask<>(() -> client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray()));
        Thread.ofVirtual().start(sent);
        try {
            HttpResponse<byte[]> response = sent.get(limit.toNanos(), TimeUnit.NANOSECONDS);
            String text = new String(response.body(), StandardCharsets.UTF_8);
            return new Reply(response.statusCode(), json(text), text);
        } catch (TimeoutException e) {
            throw new ServerException(
                    ServerException.Kind.TIMEOUT, url + path + " must answer within " + limit.toMillis() + " ms", e);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            if (cause instanceof java.net.http.HttpTimeoutException) {
                throw new ServerException(
                        ServerException.Kind.TIMEOUT,
                        url + path + " must answer within " + limit.toMillis() + " ms",
                        e);
            }
            throw new ServerException(
                    cause instanceof IOException ? ServerException.Kind.AWAY : ServerException.Kind.MALFORMED,
                    url + path + " must answer, got: "
                            + (cause instanceof ConnectException
                                    ? "no connection; 'minpro served-folder' prints the line that starts a server"
                                    : cause == null ? e : cause),
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            CancellationException cancelled =
                    new CancellationException("interrupted while " + url + path + " was asked");
            cancelled.initCause(e);
            throw cancelled;
        } finally {
            sent.cancel(true);
        }
    }

    private static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (JacksonException e) {
            return JSON.missingNode();
        }
    }

    @Override
    public synchronized void close() {
        // Requests under way are ended: nobody waits for them.
        client.shutdownNow();
    }
}
