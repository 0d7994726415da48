package org.minpro.mcp;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The tools of {@link AddingServer} over streamable HTTP, written out after the protocol: sessions, a status for what is no
 * request, calls answered as event streams and all else as JSON. It offers no stream of its own (405).
 */
final class HttpAddingServer implements AutoCloseable {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String SESSION = "Mcp-Session-Id";

    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<String> asked = Collections.synchronizedList(new ArrayList<>());
    private final String path;

    /** @param path with its query, where it listens and nowhere else */
    HttpAddingServer(String path) {
        this.path = path;
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.setExecutor(threads);
        server.createContext("/", this::handle);
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort() + path;
    }

    /** Methods of the protocol, and DELETE where a client ended its session. */
    List<String> asked() {
        return List.copyOf(asked);
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            byte[] body = exchange.getRequestBody().readAllBytes();
            String session = exchange.getRequestHeaders().getFirst(SESSION);
            if (!exchange.getRequestURI().toString().equals(path)) {
                send(exchange, 404, "text/plain", "no server here: " + exchange.getRequestURI());
            } else if (exchange.getRequestMethod().equals("DELETE")) {
                asked.add("DELETE");
                send(exchange, 200, "text/plain", "");
            } else if (!exchange.getRequestMethod().equals("POST")) {
                send(exchange, 405, "text/plain", "");
            } else {
                answer(exchange, JSON.readTree(body), session);
            }
        }
    }

    private void answer(HttpExchange exchange, JsonNode request, @Nullable String session) throws IOException {
        String method = request.path("method").asString("");
        asked.add(method);
        if (!method.equals("initialize") && !"one".equals(session)) {
            send(exchange, 400, "text/plain", "a session must be named");
            return;
        }
        if (!request.has("id")) {
            send(exchange, 202, "text/plain", "");
            return;
        }
        ObjectNode reply = JSON.createObjectNode().put("jsonrpc", "2.0");
        reply.set("id", request.get("id"));
        switch (method) {
            case "initialize" -> {
                exchange.getResponseHeaders().set(SESSION, "one");
                ObjectNode result = reply.putObject("result");
                result.put(
                        "protocolVersion",
                        request.path("params").path("protocolVersion").asString(""));
                result.putObject("capabilities").putObject("tools");
                result.putObject("serverInfo").put("name", "adding").put("version", "1");
            }
            case "tools/list" -> {
                ObjectNode add = reply.putObject("result").putArray("tools").addObject();
                add.put("name", "add").put("description", "For a test.");
                ObjectNode schema = add.putObject("inputSchema").put("type", "object");
                ObjectNode properties = schema.putObject("properties");
                properties.putObject("a").put("type", "integer");
                properties.putObject("b").put("type", "integer");
            }
            case "tools/call" -> {
                JsonNode given = request.path("params").path("arguments");
                boolean whole = given.path("a").isInt() && given.path("b").isInt();
                ObjectNode result = reply.putObject("result").put("isError", !whole);
                result.putArray("content")
                        .addObject()
                        .put("type", "text")
                        .put(
                                "text",
                                whole
                                        ? String.valueOf(given.path("a").intValue()
                                                + given.path("b").intValue())
                                        : "a and b must be whole numbers");
            }
            default -> reply.putObject("error").put("code", -32601).put("message", "there is no method " + method);
        }
        if (method.equals("tools/call")) {
            send(exchange, 200, "text/event-stream", "event: message\ndata: " + reply + "\n\n");
        } else {
            send(exchange, 200, "application/json", reply.toString());
        }
    }

    private static void send(HttpExchange exchange, int status, String type, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
