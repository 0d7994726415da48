package org.minpro.tracker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.config.Address;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Trackers' formats against files that TensorBoard's and wandb's own writers made (bench/goldens/trackers.py). */
final class TrackersTest {
    private static final Path GOLDENS = Path.of("src", "test", "resources", "trackers");
    private static final JsonMapper JSON = JsonMapper.builder().build();

    @TempDir
    Path folder;

    private static Map<String, Double> values() {
        Map<String, Double> values = new LinkedHashMap<>();
        values.put("reward", 0.25);
        values.put("rollout_corr/kl", -1.5e-3);
        values.put("time/seconds", 12.5);
        return values;
    }

    private static MetricPoint training(long step) {
        return new MetricPoint(MetricPoint.Series.TRAINING, step, 1795855488.25 + step, values());
    }

    private TrackedRun run(Map<String, String> settings) {
        return new TrackedRun(
                folder, folder.resolve("metrics.jsonl"), folder.resolve("evaluations.jsonl"), "lag: 2\n", settings);
    }

    /** Adds lines to the record, as a run does: it never cuts what a tracker may be reading. */
    private void record(int from, int to) throws IOException {
        for (int i = from; i < to; i++) {
            Files.writeString(
                    folder.resolve("metrics.jsonl"),
                    "{\"iteration\":" + i + ",\"reward\":0.25,\"loss\":null,\"time\":{\"seconds\":1.0,"
                            + "\"ended_at\":" + (100 + i) + ".5}}\n",
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        }
    }

    @Test
    void anEventIsByteForByteTensorBoardsOwn() throws IOException {
        byte[] record = TensorBoard.record(
                TensorBoard.event(new MetricPoint(MetricPoint.Series.TRAINING, 300, 1795855488.25, values()))
                        .encoded());
        assertThat(record).isEqualTo(Files.readAllBytes(GOLDENS.resolve("event.tfrecord")));
    }

    @Test
    void aLogIsByteForByteWandbsOwn() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        WeightsAndBiases.Log log = new WeightsAndBiases.Log(out);
        TrackedRun named = new TrackedRun(
                folder.resolve("0001"), folder.resolve("none"), folder.resolve("none"), "", Map.of("lag", "2"));
        log.begin(new WeightsAndBiases(), named, "abcd1234", 1795855488);
        log.log(training(0));
        log.log(new MetricPoint(MetricPoint.Series.EVALUATION, 1, 1795855489, Map.of("eval/accuracy", 0.5)));
        log.log(training(1));
        log.close(MetricSink.End.FINISHED);
        assertThat(out.toByteArray()).isEqualTo(Files.readAllBytes(GOLDENS.resolve("run.wandb")));
    }

    @Test
    void recordsThatCrossBlocksAreFramedAsWandbFramesThem() throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(new byte[] {':', 'W', '&', 'B', (byte) 0xE1, (byte) 0xBE, 0});
        for (int length : new int[] {10, 32738, 5, 70000, 32751, 32754, 1}) {
            byte[] data = new byte[length];
            for (int i = 0; i < length; i++) {
                data[i] = (byte) (i % 251);
            }
            out.write(WeightsAndBiases.Log.framed(data, out.size() % 32768));
        }
        String digest =
                HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(out.toByteArray()));
        assertThat(digest)
                .isEqualTo(Files.readString(GOLDENS.resolve("big.sha256")).strip());
    }

    @Test
    void aLineBecomesAPointWithoutWhatIsNull() throws IOException {
        record(0, 1);
        MetricPoint point = run(Map.of()).recorded().getFirst();
        assertThat(point.values()).isEqualTo(Map.of("reward", 0.25, "time/seconds", 1.0));
        assertThat(point.time()).isEqualTo(100.5);
        JsonNode line = JSON.readTree("{\"iteration\":3,\"accuracy\":0.5}");
        assertThat(MetricPoint.of(MetricPoint.Series.EVALUATION, line).values())
                .isEqualTo(Map.of("eval/accuracy", 0.5));
    }

    @Test
    void aContinuedRunHasOneFileWithAllItsPoints() throws IOException {
        record(0, 3);
        for (int start = 0; start < 2; start++) {
            MetricSink sink = new TensorBoard().open(run(Map.of()));
            for (MetricPoint point : run(Map.of()).recorded()) {
                sink.log(point);
            }
            sink.close(MetricSink.End.STOPPED);
            MetricSink wandb = new WeightsAndBiases().open(run(Map.of()));
            wandb.close(MetricSink.End.STOPPED);
        }
        try (Stream<Path> files = Files.list(folder.resolve("tensorboard"))) {
            assertThat(files).hasSize(1);
        }
        try (Stream<Path> files = Files.list(folder.resolve("wandb"))) {
            assertThat(files).hasSize(1);
        }
    }

    /** A sink that fails as often as it is told. */
    private static final class Flaky implements Tracker {
        private final AtomicInteger failures;
        private final List<Long> taken = Collections.synchronizedList(new ArrayList<>());

        Flaky(int failures) {
            this.failures = new AtomicInteger(failures);
        }

        @Override
        public MetricSink open(TrackedRun run) {
            taken.clear();
            return new MetricSink() {
                @Override
                public void log(MetricPoint point) throws IOException {
                    if (failures.getAndDecrement() > 0) {
                        throw new IOException("the service\nis down");
                    }
                    taken.add(point.step());
                }

                @Override
                public void close(End end) {}
            };
        }
    }

    @Test
    void aFailingTrackerSaysSoOnceAndGetsAllOfItWhenItComesBack() throws IOException {
        Flaky comesBack = new Flaky(3);
        Flaky staysAway = new Flaky(Integer.MAX_VALUE);
        Flaky good = new Flaky(0);
        List<String> notices = Collections.synchronizedList(new ArrayList<>());
        try (TrackerSet set = TrackerSet.open(
                new LinkedHashMap<>(Map.of("a", comesBack, "b", staysAway, "c", good)),
                run(Map.of()),
                () -> true,
                notices::add)) {
            for (int i = 0; i < 6; i++) {
                record(i, i + 1);
                set.log(run(Map.of()).recorded().get(i));
            }
        }
        assertThat(good.taken).containsExactly(0L, 1L, 2L, 3L, 4L, 5L);
        assertThat(comesBack.taken).containsExactly(0L, 1L, 2L, 3L, 4L, 5L);
        assertThat(staysAway.taken).isEmpty();
        assertThat(notices)
                .hasSize(2)
                .allSatisfy(
                        line -> assertThat(line).contains("the service is down").doesNotContain("\n"))
                .anySatisfy(line -> assertThat(line).startsWith("warning: the tracker a failed"))
                .anySatisfy(line -> assertThat(line).startsWith("warning: the tracker b failed"));
    }

    @Test
    void aSlowTrackerDelaysNobody() {
        CountDownLatch released = new CountDownLatch(1);
        Tracker slow = run -> new MetricSink() {
            @Override
            public void log(MetricPoint point) throws IOException {
                try {
                    released.await();
                } catch (InterruptedException e) {
                    throw new IOException(e);
                }
            }

            @Override
            public void close(End end) {}
        };
        try (TrackerSet set = TrackerSet.open(Map.of("slow", slow), run(Map.of()), () -> true, line -> {})) {
            for (int i = 0; i < 1000; i++) {
                set.log(training(i));
            }
            released.countDown();
        }
    }

    /** What a server was asked: path and body. */
    private static final class FakeMlflow implements AutoCloseable {
        private final HttpServer server;
        private final List<String> paths = Collections.synchronizedList(new ArrayList<>());
        private final List<JsonNode> bodies = Collections.synchronizedList(new ArrayList<>());

        FakeMlflow() throws IOException {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.createContext("/", this::answer);
            server.start();
        }

        private void answer(HttpExchange exchange) throws IOException {
            String path = exchange.getRequestURI().toString().replaceFirst("^/api/2.0/mlflow/", "");
            byte[] body = exchange.getRequestBody().readAllBytes();
            paths.add(path);
            bodies.add(body.length == 0 ? JSON.createObjectNode() : JSON.readTree(body));
            String answer = switch (path.replaceFirst("\\?.*", "")) {
                case "experiments/create" -> "{\"experiment_id\":\"7\"}";
                case "runs/create" -> "{\"run\":{\"info\":{\"run_id\":\"r1\"}}}";
                case "runs/get" ->
                    "{\"run\":{\"data\":{\"metrics\":[{\"key\":\"reward\",\"value\":0.25,\"step\":\"2\"}]}}}";
                default -> "{}";
            };
            byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(path.startsWith("experiments/get-by-name") ? 404 : 200, bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        }

        String url() {
            return "http://127.0.0.1:" + server.getAddress().getPort() + "/";
        }

        @Override
        public void close() {
            server.stop(0);
        }
    }

    @Test
    void mlflowIsSentWhatItDoesNotHaveYet() throws IOException {
        try (FakeMlflow server = new FakeMlflow()) {
            Mlflow tracker = new Mlflow(Address.of(server.url()), "sums and more");
            MetricSink sink = tracker.open(run(Map.of("lag", "2")));
            sink.log(training(0));
            sink.close(MetricSink.End.STOPPED);
            assertThat(server.paths)
                    .containsExactly(
                            "experiments/get-by-name?experiment_name=sums+and+more",
                            "experiments/create",
                            "runs/create",
                            "runs/log-batch",
                            "runs/log-batch",
                            "runs/update");
            assertThat(server.bodies.get(2).get("experiment_id").stringValue()).isEqualTo("7");
            assertThat(server.bodies.get(3).get("params").get(0).toString())
                    .isEqualTo("{\"key\":\"lag\",\"value\":\"2\"}");
            assertThat(server.bodies.get(4).get("metrics").get(0).toString())
                    .isEqualTo("{\"key\":\"reward\",\"value\":0.25,\"timestamp\":1795855488250,\"step\":0}");
            assertThat(server.bodies.get(5).get("status").stringValue()).isEqualTo("KILLED");

            server.paths.clear();
            MetricSink again = tracker.open(run(Map.of()));
            for (int step = 0; step < 5; step++) {
                again.log(training(step));
            }
            again.close(MetricSink.End.FINISHED);
            // The server has steps 0 to 2.
            assertThat(server.paths)
                    .containsExactly(
                            "runs/get?run_id=r1", "runs/update", "runs/log-batch", "runs/log-batch", "runs/update");
        }
    }

    @Test
    void aServerThatIsNotThereIsNamed() {
        assertThatThrownBy(() -> new Mlflow(Address.of("http://127.0.0.1:1")).open(run(Map.of())))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("http://127.0.0.1:1 does not answer");
        assertThatThrownBy(() -> new Mlflow(Address.of("file:/mlruns")))
                .hasMessage("url must be an http or https address of a server, got: file:/mlruns");
    }
}
