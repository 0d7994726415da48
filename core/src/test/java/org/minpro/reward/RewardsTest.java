package org.minpro.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.minpro.data.Problem;
import org.minpro.rollout.Rollout;

final class RewardsTest {
    private static final Problem PROBLEM = Problem.of("p", "What is 2 + 3?", "5");

    /** A user's reward as it would be named on the command line. */
    public static final class HalfReward implements Reward {
        @Override
        public Score score(Problem problem, Rollout rollout) {
            return Score.of(0.5);
        }
    }

    private static Rollout rollout(String text, int tokens) {
        boolean[] mask = new boolean[tokens];
        java.util.Arrays.fill(mask, true);
        return new Rollout(
                0,
                0,
                new int[] {1},
                new int[tokens],
                mask,
                new float[tokens],
                new float[tokens],
                new long[tokens],
                Rollout.Finish.STOP,
                text);
    }

    private static double value(Reward reward, String text, int tokens) {
        Score score = reward.score(PROBLEM, rollout(text, tokens));
        assertThat(score.decided()).isTrue();
        return score.value();
    }

    @Test
    void mathRewardJudgesTheLastNumberOfACompletion() {
        Reward reward = Rewards.create(
                "math", Map.of("answer-from", "number"), getClass().getClassLoader());
        assertThat(value(reward, "2 + 3 = 5", 3)).isEqualTo(1.0);
        assertThat(value(reward, "2 + 3 = 6", 3)).isEqualTo(0.0);
        assertThat(value(reward, "no idea", 3)).isEqualTo(0.0);
    }

    @Test
    void mathRewardHasTheValuesAndTheOccurrenceAskedFor() {
        Reward reward = Rewards.create(
                "math",
                Map.of("occurrence", "first", "right", 2, "wrong", -1),
                getClass().getClassLoader());
        assertThat(value(reward, "\\boxed{5}, no, \\boxed{6}", 3)).isEqualTo(2.0);
        assertThat(value(reward, "\\boxed{6}, no, \\boxed{5}", 3)).isEqualTo(-1.0);
        assertThat(value(reward, "\\boxed{5 \\text{ or } 6}", 3)).isEqualTo(-1.0);
    }

    @Test
    void mathRewardIsUndecidedWhereTheReferenceMeansNothing() {
        Problem broken = Problem.of("p", "?", "\\unknowncommand{5");
        assertThat(Rewards.create("math")
                        .score(broken, rollout("\\boxed{5}", 3))
                        .decided())
                .isFalse();
    }

    @Test
    void overlongPenaltyGrowsOverTheBufferOnly() {
        Reward reward = new OverlongPenalty(100, 20, 1.0);
        assertThat(value(reward, "", 80)).isEqualTo(0.0);
        assertThat(value(reward, "", 85)).isEqualTo(-0.25, within(1e-12));
        assertThat(value(reward, "", 100)).isEqualTo(-1.0, within(1e-12));
    }

    @Test
    void lengthPenaltyIsCapped() {
        Reward reward = new LengthPenalty(10, 0.5);
        assertThat(value(reward, "", 5)).isEqualTo(-0.25, within(1e-12));
        assertThat(value(reward, "", 50)).isEqualTo(-0.5, within(1e-12));
    }

    @Test
    void formatRewardMatchesTheWholeCompletion() {
        Reward reward = FormatReward.of("<think>.*</think>\\s*\\S.*", 1.0, -1.0);
        assertThat(value(reward, "<think>a\nb</think> 5", 3)).isEqualTo(1.0);
        assertThat(value(reward, "x <think>a</think> 5", 3)).isEqualTo(-1.0);
    }

    @Test
    void formatRewardDoesNotHangOnABacktrackingPattern() {
        Score score = FormatReward.of("(a+)+b", 1.0, 0.0).score(PROBLEM, rollout("a".repeat(5000), 3));
        assertThat(score.decided()).isFalse();
    }

    @Test
    void weightedRewardLogsEachPart() {
        Map<String, WeightedReward.Term> terms = new LinkedHashMap<>();
        terms.put("math", new WeightedReward.Term(Rewards.create("math"), 1.0));
        terms.put("length", new WeightedReward.Term(new LengthPenalty(10, 1.0), 0.1));
        Score score = new WeightedReward(terms).score(PROBLEM, rollout("\\boxed{5}", 5));
        assertThat(score.value()).isEqualTo(0.95, within(1e-12));
        assertThat(score.parts()).containsEntry("math", 1.0).containsEntry("length", -0.5);
    }

    @Test
    void weightedRewardIsUndecidedWhereAPartIs() {
        Map<String, WeightedReward.Term> terms = new LinkedHashMap<>();
        terms.put("service", new WeightedReward.Term((problem, rollout) -> Score.undecided("down"), 1.0));
        terms.put("length", new WeightedReward.Term(new LengthPenalty(10, 1.0), 0.1));
        Score score = new WeightedReward(terms).score(PROBLEM, rollout("5", 5));
        assertThat(score.decided()).isFalse();
        assertThat(score.reason()).contains("service: down");
        assertThat(score.parts()).containsKey("length").doesNotContainKey("service");
    }

    @Test
    void weightedRewardIsBuiltFromItsParameters() {
        Reward reward = Rewards.create(
                "weighted",
                Map.of(
                        "parts",
                        Map.of(
                                "math",
                                Map.of("weight", 2.0),
                                "short",
                                Map.of("reward", "length", "weight", 1, "maximum-tokens", 10))),
                getClass().getClassLoader());
        assertThat(value(reward, "\\boxed{5}", 5)).isEqualTo(1.5, within(1e-12));
    }

    @Test
    void userClassIsCreatedByName() {
        Reward reward = Rewards.create(HalfReward.class.getName());
        assertThat(value(reward, "", 1)).isEqualTo(0.5);
    }

    @Test
    void errorsNameTheNearestName() {
        assertThatThrownBy(() -> Rewards.create("maths")).hasMessageContaining("Did you mean 'math'?");
        assertThatThrownBy(() -> Rewards.create("overlong", Map.of("maximum-tokns", 3), null))
                .hasMessage("reward overlong: maximum-tokens must be an integer, got: nothing"
                        + " (and 'maximum-tokns', which it does not have)");
        assertThatThrownBy(() -> Rewards.create("math", Map.of("rigth", 3), null))
                .hasMessageContaining("Did you mean 'right'?");
        assertThatThrownBy(() -> Rewards.create("com.acme.Missing")).hasMessageContaining("--class-path");
        assertThatThrownBy(() -> Rewards.create("java.lang.String")).hasMessageContaining("must implement");
    }

    @Test
    void aScoreThatIsNotFiniteIsRefused() {
        assertThatThrownBy(() -> Score.of(Double.NaN)).hasMessageContaining("must be finite, got: NaN");
    }

    private interface Answer {
        Reply reply(int call, String body);
    }

    private record Reply(int status, String body) {}

    private static Score ask(Answer answer, int attempts, AtomicInteger calls) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/score", exchange -> {
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            Reply reply = answer.reply(calls.incrementAndGet(), body);
            byte[] bytes = reply.body().getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(reply.status(), bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        });
        server.start();
        try {
            URI uri = URI.create("http://" + InetAddress.getLoopbackAddress().getHostAddress() + ":"
                    + server.getAddress().getPort() + "/score");
            return new HttpReward(uri, Duration.ofSeconds(5), attempts).score(PROBLEM, rollout("so 5", 3));
        } finally {
            server.stop(0);
        }
    }

    @Test
    void httpRewardReadsScorePartsAndReason() throws IOException {
        AtomicReference<String> sent = new AtomicReference<>("");
        Score score = ask(
                (call, body) -> {
                    sent.set(body);
                    return new Reply(200, "{\"score\":0.25,\"parts\":{\"style\":0.5},\"reason\":\"fine\"}");
                },
                1,
                new AtomicInteger());
        assertThat(score).isEqualTo(new Score(true, 0.25, Map.of("style", 0.5), "fine"));
        assertThat(sent.get()).contains("\"completion\":\"so 5\"").contains("\"answer\":\"5\"");
    }

    @Test
    void httpRewardTriesAgainAfterAServerError() throws IOException {
        AtomicInteger calls = new AtomicInteger();
        Score score = ask((call, body) -> call < 3 ? new Reply(503, "") : new Reply(200, "{\"score\":1}"), 3, calls);
        assertThat(score.decided()).isTrue();
        assertThat(score.value()).isEqualTo(1.0);
        assertThat(calls).hasValue(3);
    }

    @Test
    void httpRewardTriesAgainOnlyWhereThatMayHelp() throws IOException {
        for (int status : new int[] {408, 429, 500, 502}) {
            AtomicInteger calls = new AtomicInteger();
            assertThat(ask((call, body) -> new Reply(status, ""), 3, calls).decided())
                    .isFalse();
            assertThat(calls).as("state %d", status).hasValue(3);
        }
        for (Reply reply : List.of(new Reply(400, ""), new Reply(404, ""), new Reply(200, "not json"))) {
            AtomicInteger calls = new AtomicInteger();
            assertThat(ask((call, body) -> reply, 3, calls).decided()).isFalse();
            assertThat(calls).as(reply.toString()).hasValue(1);
        }
    }

    @Test
    void httpRewardIsUndecidedNeverZeroOnFailure() throws IOException {
        for (Reply reply : List.of(
                new Reply(500, ""),
                new Reply(404, ""),
                new Reply(200, "not json"),
                new Reply(200, "{\"score\":\"high\"}"),
                new Reply(200, "{\"score\":null,\"reason\":\"busy\"}"),
                new Reply(200, "{}"))) {
            Score score = ask((call, body) -> reply, 2, new AtomicInteger());
            assertThat(score.decided()).as(reply.toString()).isFalse();
            assertThat(score.reason()).isNotEmpty();
        }
    }

    @Test
    void httpRewardIsUndecidedWhereNobodyListens() throws IOException {
        int port;
        try (java.net.ServerSocket socket = new java.net.ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        Reward reward = new HttpReward(URI.create("http://127.0.0.1:" + port + "/"), Duration.ofSeconds(2), 2);
        assertThat(reward.score(PROBLEM, rollout("5", 1)).decided()).isFalse();
    }

    @Test
    void httpRewardEndsWithItsBudgetWhereTheReplyNeverEnds() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        java.util.concurrent.CountDownLatch done = new java.util.concurrent.CountDownLatch(1);
        server.createContext("/", exchange -> {
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody().write('{');
            exchange.getResponseBody().flush();
            try {
                done.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            exchange.close();
        });
        server.setExecutor(runnable -> Thread.ofPlatform().daemon().start(runnable));
        server.start();
        try {
            URI uri = URI.create("http://" + InetAddress.getLoopbackAddress().getHostAddress() + ":"
                    + server.getAddress().getPort() + "/");
            long start = System.nanoTime();
            Score score = new HttpReward(uri, Duration.ofMillis(400), 3).score(PROBLEM, rollout("5", 1));
            assertThat(score.decided()).isFalse();
            assertThat(score.reason()).contains("time budget of 400 ms spent");
            assertThat(System.nanoTime() - start).isBetween(300_000_000L, 60_000_000_000L);
        } finally {
            done.countDown();
            server.stop(0);
        }
    }

    @Test
    void httpRewardPausesBeforeItTriesAConnectionAgain() throws IOException {
        int port;
        try (java.net.ServerSocket socket = new java.net.ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        Reward reward = new HttpReward(URI.create("http://127.0.0.1:" + port + "/"), Duration.ofSeconds(30), 3);
        long start = System.nanoTime();
        Score score = reward.score(PROBLEM, rollout("5", 1));
        assertThat(score.reason()).contains("3 attempts failed");
        assertThat(System.nanoTime() - start).isGreaterThan(150_000_000L);
    }
}
