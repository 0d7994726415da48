package org.minpro.dashboard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.run.RunFolder;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class DashboardServerTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    @TempDir
    Path folder;

    private Path runs;
    private DashboardServer server;

    @BeforeEach
    void start() throws IOException {
        runs = folder.resolve("runs");
        SyntheticRun.write(runs.resolve("0001"), 6, 6);
        SyntheticRun.write(runs.resolve("study/minpro-1"), 3, 8);
        server = DashboardServer.start(new RunDirectory(runs), "127.0.0.1", 0, folder.resolve("cache"));
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private static HttpResponse<String> get(String url) throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString());
        }
    }

    private JsonNode api(String path) throws IOException, InterruptedException {
        HttpResponse<String> response = get(server.url() + "api/" + path);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        JsonNode answer = JSON.readTree(response.body());
        // On a busy machine even a small journal is not indexed at once; a page asks again too.
        return answer.path("indexing").booleanValue(false) ? api(path) : answer;
    }

    /** The status line of a request with headers of any kind. */
    private String status(String request, String... headers) throws IOException {
        URI uri = URI.create(server.url());
        try (Socket socket = new Socket(uri.getHost(), uri.getPort());
                PrintWriter out = new PrintWriter(socket.getOutputStream(), true, StandardCharsets.UTF_8);
                BufferedReader in =
                        new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8))) {
            out.print(request + " HTTP/1.1\r\nConnection: close\r\n" + String.join("\r\n", headers) + "\r\n\r\n");
            out.flush();
            return in.readLine();
        }
    }

    @Test
    void allRunsAreListedWithTheirState() throws Exception {
        JsonNode list = api("runs").get("runs");
        assertThat(list).hasSize(2);
        JsonNode first = list.get(0);
        assertThat(first.get("name").stringValue()).isEqualTo("0001");
        assertThat(first.get("state").stringValue()).isEqualTo("finished");
        assertThat(first.get("reward").doubleValue()).isEqualTo(5 / 16.0);
        assertThat(first.get("accuracy").doubleValue()).isEqualTo(0.5);
        assertThat(first.get("accuracy_before").doubleValue()).isEqualTo(0.25);
        assertThat(first.get("warnings").intValue()).isEqualTo(1);
        assertThat(list.get(1).get("name").stringValue()).isEqualTo("study/minpro-1");
        assertThat(list.get(1).get("state").stringValue()).isEqualTo("stopped");
    }

    @Test
    void aRunThatIsUnderWayAndOneWhoseProcessDiedAreToldApart() throws Exception {
        Path run = runs.resolve("study/minpro-1");
        RunView view = new RunView(run);
        try (RunFolder held = RunFolder.open(run)) {
            assertThat(view.state(3, 8)).isEqualTo(RunState.RUNNING);
            assertThat(held.path()).isEqualTo(run);
        }
        assertThat(view.state(3, 8)).isEqualTo(RunState.STOPPED);
        String host = java.net.InetAddress.getLocalHost().getHostName();
        Files.writeString(run.resolve("lock"), "{\"pid\":999999999,\"started\":5,\"host\":\"" + host + "\"}\n");
        assertThat(view.state(3, 8)).isEqualTo(RunState.KILLED);
        Files.writeString(run.resolve("lock"), "{\"pid\":1,\"started\":5,\"host\":\"elsewhere.invalid\"}\n");
        assertThat(view.state(3, 8)).isEqualTo(RunState.ELSEWHERE);
    }

    @Test
    void curvesAreTheNumbersOfTheFile() throws Exception {
        JsonNode series = api("series?run=0001&names=reward,rollout_corr/kl,time/*");
        assertThat(series.get("training").get("step").toString()).isEqualTo("[0.0,1.0,2.0,3.0,4.0,5.0]");
        JsonNode columns = series.get("training").get("columns");
        assertThat(columns.propertyNames())
                .containsExactly("reward", "time/sampling_seconds", "time/training_seconds", "time/resident_bytes");
        assertThat(columns.get("reward").toString()).isEqualTo("[0.0,0.0625,0.125,0.1875,0.25,0.3125]");
        assertThat(series.get("evaluation")
                        .get("columns")
                        .get("eval/accuracy_high")
                        .toString())
                .isEqualTo("[0.5,0.75]");
    }

    @Test
    void aFileThatGrowsOrIsCutIsFollowed() throws Exception {
        MetricsTable table =
                new MetricsTable(runs.resolve("0001/metrics.jsonl"), org.minpro.tracker.MetricPoint.Series.TRAINING);
        table.refresh();
        assertThat(table.rows()).isEqualTo(6);
        SyntheticRun.iteration(runs.resolve("0001"), 6);
        Files.writeString(
                runs.resolve("0001/metrics.jsonl"), "{\"iteration\":7,\"rew", java.nio.file.StandardOpenOption.APPEND);
        table.refresh();
        assertThat(table.rows()).isEqualTo(7);
        // A run that is continued cuts the file to its checkpoint and writes on.
        List<String> lines =
                Files.readAllLines(runs.resolve("0001/metrics.jsonl")).subList(0, 4);
        Files.write(runs.resolve("0001/metrics.jsonl"), lines);
        for (int i = 4; i < 40; i++) {
            SyntheticRun.iteration(runs.resolve("0001"), i);
        }
        table.refresh();
        assertThat(table.rows()).isEqualTo(40);
        assertThat(table.value("reward", 39)).isEqualTo(39 / 16.0);
    }

    @Test
    void rolloutsAreFoundByTheirNumbers() throws Exception {
        assertThat(api("rollouts?run=0001").get("matching").intValue()).isEqualTo(18);
        assertThat(api("rollouts?run=0001&undecided=true").get("matching").intValue())
                .isEqualTo(6);
        assertThat(api("rollouts?run=0001&truncated=true").get("matching").intValue())
                .isEqualTo(6);
        assertThat(api("rollouts?run=0001&reward_from=1&reward_to=1")
                        .get("matching")
                        .intValue())
                .isEqualTo(6);
        assertThat(api("rollouts?run=0001&tokens_from=10").get("matching").intValue())
                .isEqualTo(3);
        assertThat(api("rollouts?run=0001&iteration=3").get("matching").intValue())
                .isEqualTo(3);
        JsonNode largest = api("rollouts?run=0001&order=largest_ratio&recorded=true");
        assertThat(largest.get("matching").intValue()).isEqualTo(6);
        assertThat(largest.get("rollouts").get(0).get("draw").intValue()).isEqualTo(5);
        assertThat(largest.get("rollouts").get(0).get("log_ratio").doubleValue())
                .isEqualTo(1.5);
        SyntheticRun.iteration(runs.resolve("0001"), 6);
        assertThat(api("rollouts?run=0001").get("matching").intValue()).isEqualTo(21);
        assertThat(get(server.url() + "api/rollouts?run=0001&order=best").body())
                .startsWith("order must be one of [newest, ");
        assertThat(get(server.url() + "api/rollouts?run=0001&iteration=x").body())
                .isEqualTo("iteration must be a number, got: x\n");
    }

    @Test
    void aGroupHasItsTokensWithTheirNumbers() throws Exception {
        JsonNode responses = api("group?run=0001&draw=2").get("responses");
        assertThat(responses).hasSize(3);
        JsonNode token = responses.get(0).get("tokens").get(1);
        assertThat(token.get("log_ratio").doubleValue()).isEqualTo(0.75);
        assertThat(token.get("min_prefix").doubleValue()).isEqualTo(0.875);
        assertThat(token.get("log_mu").doubleValue()).isEqualTo(-0.5);
        assertThat(token.get("text").stringValue()).isNotEmpty();
        assertThat(responses.get(0).get("recorded").booleanValue()).isTrue();
        assertThat(responses.get(1).get("recorded").booleanValue()).isFalse();
        assertThat(responses.get(1).get("tokens").get(0).has("log_ratio")).isFalse();
    }

    @Test
    void answersOfTwoEvaluationsAreCompared() throws Exception {
        JsonNode compared = api("answers?run=0001&before=0&after=6");
        assertThat(compared.get("counts").toString()).isEqualTo("{\"better\":1,\"same\":1,\"undecided\":1}");
        JsonNode better = api("answers?run=0001&before=0&after=6&change=better").get("rows");
        assertThat(better).hasSize(1);
        assertThat(better.get(0).get("problem").stringValue()).isEqualTo("p900");
    }

    @Test
    void prometheusReadsTheNewestNumbers() throws Exception {
        String text = get(server.url() + "metrics").body();
        assertThat(text)
                .contains(
                        "# TYPE minpro_reward gauge\nminpro_reward{run=\"0001\"} 0.3125\nminpro_reward{run=\"study/minpro-1\"} 0.125\n")
                .contains("minpro_iterations_due{run=\"study/minpro-1\"} 8.0\n")
                .endsWith("\n");
    }

    @Test
    void onlyPagesOfThisServerReadIt() throws Exception {
        URI uri = URI.create(server.url());
        String host = "Host: 127.0.0.1:" + uri.getPort();
        assertThat(status("GET /api/runs", host)).contains("200");
        assertThat(status("GET /api/runs", "Host: localhost:" + uri.getPort())).contains("200");
        assertThat(status("GET /api/runs", "Host: attacker.example:" + uri.getPort()))
                .contains("403");
        assertThat(status("GET /api/runs", "Host: 127.0.0.1")).contains("403");
        assertThat(status("GET /api/runs", host, "Origin: http://attacker.example"))
                .contains("403");
        assertThat(status("GET /api/runs", host, "Origin: null")).contains("403");
        assertThat(status("GET /api/runs", host, "Origin: http://127.0.0.1:" + uri.getPort()))
                .contains("200");
        assertThat(status("GET /api/runs", host, "Sec-Fetch-Site: cross-site")).contains("403");
        assertThat(status("GET /", host, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"))
                .contains("200");
        for (String method : List.of("POST", "PUT", "DELETE", "OPTIONS", "PATCH")) {
            assertThat(status(method + " /api/runs", host, "Content-Length: 0")).contains("405");
        }
        assertThat(status("HEAD /", host)).contains("200");
    }

    @Test
    void noPathLeadsOutOfTheRuns() throws Exception {
        SyntheticRun.write(folder.resolve("secret"), 1, 1);
        for (String name : List.of("..%2Fsecret", "0001%2F..%2F..%2Fsecret", "%2Fetc", "", "0001%2F", ".", "%00")) {
            assertThat(get(server.url() + "api/run?run=" + name).statusCode()).isEqualTo(400);
        }
        assertThat(get(server.url() + "../secret").statusCode()).isEqualTo(404);
        assertThat(get(server.url() + "DashboardServer.class").statusCode()).isEqualTo(404);
    }

    @Test
    void anotherAddressNeedsTheToken() throws Exception {
        try (DashboardServer open = DashboardServer.start(new RunDirectory(runs), "0.0.0.0", 0, folder)) {
            URI uri = URI.create(open.url());
            String base = "http://127.0.0.1:" + uri.getPort() + "/";
            assertThat(get(base + "api/runs").statusCode()).isEqualTo(401);
            assertThat(get(base + "?token=wrong").statusCode()).isEqualTo(401);
            HttpResponse<String> entered = get(base + "?" + uri.getQuery());
            assertThat(entered.statusCode()).isEqualTo(303);
            String cookie = entered.headers().firstValue("Set-Cookie").orElseThrow();
            assertThat(cookie).contains("HttpOnly").contains("SameSite=Strict");
            try (HttpClient client = HttpClient.newHttpClient()) {
                HttpRequest request = HttpRequest.newBuilder(URI.create(base + "api/runs"))
                        .header("Cookie", cookie.replaceFirst(";.*", ""))
                        .build();
                assertThat(client.send(request, HttpResponse.BodyHandlers.ofString())
                                .statusCode())
                        .isEqualTo(200);
            }
        }
        assertThat(server.url()).doesNotContain("token");
    }

    @Test
    void nothingIsWritten() throws Exception {
        Map<Path, Long> before = times();
        api("runs");
        api("run?run=0001");
        api("series?run=0001&names=reward");
        api("rollouts?run=0001");
        api("group?run=0001&draw=1");
        assertThat(times()).isEqualTo(before);
    }

    private Map<Path, Long> times() throws IOException {
        Map<Path, Long> times = new java.util.TreeMap<>();
        try (var files = Files.walk(runs)) {
            for (Path file : files.toList()) {
                times.put(file, Files.getLastModifiedTime(file).toMillis() + Files.size(file));
            }
        }
        return times;
    }

    @Test
    void anIndexIsKeptAndReadOn() throws Exception {
        Path journal = folder.resolve("large.jsonl");
        List<String> lines = Files.readAllLines(runs.resolve("0001/journal.jsonl"));
        List<String> many = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            many.addAll(lines);
        }
        Files.write(journal, many);
        RolloutIndex index = new RolloutIndex(journal, folder.resolve("none"), folder.resolve("kept"));
        index.refresh();
        assertThat(index.size()).isEqualTo(18_000);
        assertThat(folder.resolve("kept")).isDirectoryContaining("glob:**.index");
        Files.write(journal, lines, java.nio.file.StandardOpenOption.APPEND);
        RolloutIndex again = new RolloutIndex(journal, folder.resolve("none"), folder.resolve("kept"));
        again.refresh();
        assertThat(again.size()).isEqualTo(18_018);
        RolloutIndex.Entry last = again.find(RolloutIndex.Filter.all(), RolloutIndex.Order.LONGEST, 0, 1)
                .page()
                .getFirst();
        assertThat(again.read(last).path("response_ids")).hasSize(11);
        Files.write(journal, lines.subList(0, 3));
        again.refresh();
        assertThat(again.size()).isEqualTo(3);
    }

    @Test
    void whatIsNoFolderIsRefused() {
        assertThatThrownBy(() -> new RunDirectory(folder.resolve("nothing")))
                .hasMessageStartingWith("runs must be a folder of runs or a run's folder, got: ");
        int port = URI.create(server.url()).getPort();
        assertThatThrownBy(() -> DashboardServer.start(new RunDirectory(runs), "127.0.0.1", port, folder))
                .hasMessageStartingWith("--port must be free, got: " + port);
    }
}
