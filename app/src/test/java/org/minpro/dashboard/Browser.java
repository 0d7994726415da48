package org.minpro.dashboard;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Chromium without a window, driven over the WebDriver protocol by the distribution's chromedriver. */
final class Browser implements AutoCloseable {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private final Process driver;
    private final HttpClient client = HttpClient.newHttpClient();
    private final String root;
    private String session = "";

    private Browser(Process driver, int port) {
        this.driver = driver;
        this.root = "http://127.0.0.1:" + port;
    }

    /** The driver's command, where it and a browser are installed. */
    static Optional<Path> driver() {
        boolean browser = List.of("chromium", "chromium-browser", "google-chrome").stream()
                .anyMatch(name -> onPath(name).isPresent());
        return browser ? onPath("chromedriver") : Optional.empty();
    }

    private static Optional<Path> onPath(String name) {
        return Arrays.stream(System.getenv().getOrDefault("PATH", "").split(java.io.File.pathSeparator))
                .map(folder -> Path.of(folder, name))
                .filter(Files::isExecutable)
                .findFirst();
    }

    static Browser start() throws IOException, InterruptedException {
        int port;
        try (ServerSocket socket = new ServerSocket(0)) {
            port = socket.getLocalPort();
        }
        Process process = new ProcessBuilder(driver().orElseThrow().toString(), "--port=" + port)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        Browser browser = new Browser(process, port);
        try {
            browser.await(
                    "the driver",
                    () -> browser.call("GET", "/status", null).path("ready").booleanValue(false));
            ObjectNode body = (ObjectNode) JSON.readTree("""
                    {"capabilities": {"alwaysMatch": {"goog:loggingPrefs": {"browser": "ALL"}, "goog:chromeOptions": {"args":
                      ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                       "--window-size=1300,1000"]}}}}
                    """);
            browser.session = "/session/"
                    + browser.call("POST", "/session", body).path("sessionId").stringValue();
            return browser;
        } catch (IOException | InterruptedException | RuntimeException e) {
            browser.close();
            throw e;
        }
    }

    private interface Condition {
        boolean holds() throws IOException, InterruptedException;
    }

    private void await(String what, Condition condition) throws InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        Exception last = null;
        while (System.nanoTime() < end) {
            try {
                if (condition.holds()) {
                    return;
                }
            } catch (IOException | RuntimeException e) {
                last = e;
            }
            Thread.sleep(100);
        }
        throw new AssertionError(what + " did not come within " + PATIENCE, last);
    }

    private JsonNode call(String method, String path, @Nullable JsonNode body)
            throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(root + path))
                .timeout(PATIENCE)
                .header("Content-Type", "application/json")
                .method(
                        method,
                        body == null
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofString(body.toString()))
                .build();
        HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IOException(method + " " + path + ": " + response.body());
        }
        return JSON.readTree(response.body()).path("value");
    }

    /** Opens an address anew, also where only what stands behind # differs. */
    void open(String url) throws IOException, InterruptedException {
        call("POST", session + "/url", JSON.createObjectNode().put("url", "about:blank"));
        call("POST", session + "/url", JSON.createObjectNode().put("url", url));
    }

    /** What a script returns. */
    JsonNode script(String text) throws IOException, InterruptedException {
        ObjectNode body = JSON.createObjectNode().put("script", text);
        body.putArray("args");
        return call("POST", session + "/execute/sync", body);
    }

    /** Waits until a script returns what is true to a predicate. */
    JsonNode script(String text, Predicate<JsonNode> holds) throws InterruptedException {
        JsonNode[] last = new JsonNode[1];
        await(text, () -> {
            last[0] = script(text);
            return holds.test(last[0]);
        });
        return last[0];
    }

    void size(int width, int height) throws IOException, InterruptedException {
        devtools(
                "Emulation.setDeviceMetricsOverride",
                JSON.createObjectNode()
                        .put("width", width)
                        .put("height", height)
                        .put("deviceScaleFactor", 1)
                        .put("mobile", false));
    }

    /** Presses and releases a key on what has the focus. */
    void press(String key, int code) throws IOException, InterruptedException {
        for (String type : List.of("keyDown", "keyUp")) {
            devtools(
                    "Input.dispatchKeyEvent",
                    JSON.createObjectNode()
                            .put("type", type)
                            .put("key", key)
                            .put("windowsVirtualKeyCode", code)
                            .put("text", key.equals("Enter") ? "\r" : ""));
        }
    }

    private void devtools(String command, ObjectNode parameters) throws IOException, InterruptedException {
        ObjectNode body = JSON.createObjectNode().put("cmd", command);
        body.set("params", parameters);
        call("POST", session + "/goog/cdp/execute", body);
    }

    /** What the console has had to say since this was asked last. */
    List<String> console() throws IOException, InterruptedException {
        List<String> lines = new ArrayList<>();
        call("POST", session + "/se/log", JSON.createObjectNode().put("type", "browser"))
                .forEach(entry -> lines.add(entry.path("level").stringValue() + " "
                        + entry.path("message").stringValue()));
        return lines;
    }

    @Override
    public void close() {
        try {
            if (!session.isEmpty()) {
                call("DELETE", session, null);
            }
        } catch (IOException e) {
            // It is ended below.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            driver.descendants().forEach(ProcessHandle::destroy);
            driver.destroy();
            client.close();
        }
    }
}
