package org.minpro.dashboard;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.minpro.web.Access;
import org.minpro.web.BoundServer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Serves the dashboard's page and what it asks for; every request reads, none writes. */
public final class DashboardServer implements AutoCloseable {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final String PAGE = "index.html";

    /** What the page is made of, with its types. */
    private static final Map<String, String> FILES = Map.of(
            PAGE,
            "text/html; charset=utf-8",
            "dashboard.js",
            "text/javascript; charset=utf-8",
            "dashboard.css",
            "text/css; charset=utf-8",
            "uPlot.iife.min.js",
            "text/javascript; charset=utf-8",
            "uPlot.min.css",
            "text/css; charset=utf-8",
            "uPlot.LICENSE",
            "text/plain; charset=utf-8");

    /** Pages that are told of changes at once, at most. */
    private static final int MOST_LISTENERS = 64;

    private final HttpServer server;
    private final Access access;
    private final DashboardAnswers answers;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final ScheduledExecutorService watch = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon(true).name("dashboard watch").factory());
    private final Set<BlockingQueue<String>> listeners = ConcurrentHashMap.newKeySet();

    /** What a listener is sent at the end. */
    private static final String END = "";

    private DashboardServer(HttpServer server, Access access, DashboardAnswers answers) {
        this.server = server;
        this.access = access;
        this.answers = answers;
    }

    /**
     * Starts a server.
     *
     * @param host address to bind to; any but a loopback address needs the token of {@link #url}
     * @param port to bind to; 0 takes a free one
     * @param cache folder in which indexes are kept
     * @throws IllegalArgumentException where the address cannot be bound to
     */
    public static DashboardServer start(RunDirectory runs, String host, int port, Path cache) {
        BoundServer bound = BoundServer.at(host, port, 0, null);
        DashboardServer dashboard =
                new DashboardServer(bound.server(), bound.access(), new DashboardAnswers(runs, cache));
        bound.server().setExecutor(dashboard.threads);
        bound.server().createContext("/", dashboard::handle);
        bound.server().start();
        Future<?> unused = dashboard.watch.scheduleWithFixedDelay(dashboard::tellChanges, 1, 1, TimeUnit.SECONDS);
        return dashboard;
    }

    /** The address to open in a browser; it has the token where one is needed. */
    public String url() {
        return access.url();
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            protect(exchange);
            String method = exchange.getRequestMethod();
            if (!method.equals("GET") && !method.equals("HEAD")) {
                exchange.getResponseHeaders().set("Allow", "GET, HEAD");
                refuse(exchange, 405, "this server only reads: GET or HEAD, got " + method);
                return;
            }
            switch (access.verdict(exchange.getRequestURI(), exchange.getRequestHeaders())) {
                case ALLOWED -> answer(exchange);
                case TOKEN_GIVEN -> {
                    exchange.getResponseHeaders().set("Set-Cookie", access.cookie());
                    exchange.getResponseHeaders()
                            .set("Location", exchange.getRequestURI().getPath());
                    exchange.sendResponseHeaders(303, -1);
                }
                case WRONG_HOST ->
                    refuse(exchange, 403, "the Host header must name the address that the server is bound to");
                case WRONG_ORIGIN -> refuse(exchange, 403, "a page of another site must not read this server");
                case NO_TOKEN ->
                    refuse(exchange, 401, "the token is missing: open the address that minpro dashboard printed");
            }
        }
    }

    private static void protect(HttpExchange exchange) {
        var headers = exchange.getResponseHeaders();
        headers.set("Cache-Control", "no-store");
        headers.set("X-Content-Type-Options", "nosniff");
        headers.set("Referrer-Policy", "no-referrer");
        headers.set("Cross-Origin-Resource-Policy", "same-origin");
        headers.set(
                "Content-Security-Policy",
                "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self';"
                        + " img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    }

    private static void refuse(HttpExchange exchange, int status, String why) throws IOException {
        send(exchange, status, "text/plain; charset=utf-8", (why + "\n").getBytes(StandardCharsets.UTF_8));
    }

    private static void send(HttpExchange exchange, int status, String type, byte[] body) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", type);
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.getResponseHeaders().set("Content-Length", String.valueOf(body.length));
            exchange.sendResponseHeaders(status, -1);
            return;
        }
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(body);
        }
    }

    private void answer(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        String file = path.equals("/") ? PAGE : path.substring(1);
        if (FILES.containsKey(file)) {
            try (InputStream in = DashboardServer.class.getResourceAsStream(file)) {
                if (in == null) {
                    throw new IllegalStateException("the jar must hold the dashboard's files, got: no " + file);
                }
                send(exchange, 200, FILES.get(file), in.readAllBytes());
            }
            return;
        }
        if (path.equals("/api/events")) {
            events(exchange);
            return;
        }
        try {
            if (path.equals("/metrics")) {
                send(exchange, 200, PrometheusText.TYPE, answers.prometheus().getBytes(StandardCharsets.UTF_8));
                return;
            }
            JsonNode body = path.startsWith("/api/")
                    ? answers.of(
                            path.substring("/api/".length()),
                            query(exchange.getRequestURI().getRawQuery()))
                    : null;
            if (body == null) {
                refuse(exchange, 404, "there is no " + path);
                return;
            }
            send(exchange, 200, "application/json; charset=utf-8", JSON.writeValueAsBytes(body));
        } catch (IllegalArgumentException e) {
            refuse(exchange, 400, String.valueOf(e.getMessage()));
        } catch (IOException | RuntimeException e) {
            refuse(exchange, 500, "the run's folder could not be read: " + e);
        }
    }

    private static Map<String, String> query(String raw) {
        Map<String, String> query = new HashMap<>();
        for (String pair : raw == null ? new String[0] : raw.split("&")) {
            int equals = pair.indexOf('=');
            if (equals > 0) {
                query.put(
                        URLDecoder.decode(pair.substring(0, equals), StandardCharsets.UTF_8),
                        URLDecoder.decode(pair.substring(equals + 1), StandardCharsets.UTF_8));
            }
        }
        return query;
    }

    /** Server-Sent Events: the names of runs that have changed, as they change. */
    private void events(HttpExchange exchange) throws IOException {
        if (listeners.size() >= MOST_LISTENERS) {
            refuse(exchange, 503, MOST_LISTENERS + " pages are open already; close one");
            return;
        }
        exchange.getResponseHeaders().set("Content-Type", "text/event-stream; charset=utf-8");
        exchange.sendResponseHeaders(200, 0);
        BlockingQueue<String> queue = new LinkedBlockingQueue<>();
        listeners.add(queue);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(": open\n\n".getBytes(StandardCharsets.UTF_8));
            out.flush();
            while (true) {
                String event = queue.poll(15, TimeUnit.SECONDS);
                if (END.equals(event)) {
                    return;
                }
                // A comment now and then shows whether somebody still listens.
                String text = event == null ? ": still here\n\n" : "event: changed\ndata: " + event + "\n\n";
                out.write(text.getBytes(StandardCharsets.UTF_8));
                out.flush();
            }
        } catch (IOException e) {
            // The page was closed.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            listeners.remove(queue);
        }
    }

    private void tellChanges() {
        if (listeners.isEmpty()) {
            return;
        }
        try {
            answers.changed().ifPresent(changed -> listeners.forEach(queue -> queue.add(changed)));
        } catch (RuntimeException e) {
            // A folder that is being moved; the next look may find it.
        }
    }

    @Override
    public void close() {
        watch.shutdownNow();
        listeners.forEach(queue -> queue.add(END));
        server.stop(0);
        threads.shutdownNow();
        answers.close();
    }
}
