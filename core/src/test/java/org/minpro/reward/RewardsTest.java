package org.minpro.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.minpro.config.Doc;
import org.minpro.config.NamedRecords;
import org.minpro.data.Problem;
import org.minpro.recipe.Recipe;
import org.minpro.rollout.Rollout;
import org.minpro.verify.CompletionMarks;

final class RewardsTest {
    private static final Problem PROBLEM = Problem.of("p", "What is 2 + 3?", "5");

    /** A user's reward as it would be named on the command line. */
    public static final class HalfReward implements Reward {
        @Override
        public Score score(Problem problem, Rollout rollout) {
            return Score.of(0.5);
        }
    }

    /** A user's record. */
    public record Bonus(double value, Reward with) implements Reward {
        public Bonus {
            if (value < 0) {
                throw new IllegalArgumentException("value must be >= 0, got: " + value);
            }
        }

        public Bonus() {
            this(0.25, new LengthPenalty(10));
        }

        @Override
        public Score score(Problem problem, Rollout rollout) {
            return Score.of(value + with.score(problem, rollout).value());
        }
    }

    /** A user's class that takes its parameters as they are, and that is expensive to make. */
    public static final class Judge implements Reward {
        private static final AtomicInteger MADE = new AtomicInteger();
        private final Map<String, Object> parameters;

        public Judge(Map<String, Object> parameters) {
            MADE.incrementAndGet();
            if (parameters.containsKey("broken")) {
                throw new IllegalStateException("no judge");
            }
            this.parameters = parameters;
        }

        @Override
        public Score score(Problem problem, Rollout rollout) {
            return Score.of(((Number) parameters.getOrDefault("mark", 7)).doubleValue());
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
        Reward reward =
                Rewards.of("math", Map.of("answer-from", "number"), getClass().getClassLoader());
        assertThat(value(reward, "2 + 3 = 5", 3)).isEqualTo(1.0);
        assertThat(value(reward, "2 + 3 = 6", 3)).isEqualTo(0.0);
        assertThat(value(reward, "no idea", 3)).isEqualTo(0.0);
    }

    @Test
    void mathRewardHasTheValuesAndTheOccurrenceAskedFor() {
        Reward reward = Rewards.of(
                "math",
                Map.of("occurrence", "first", "right", 2, "wrong", -1),
                getClass().getClassLoader());
        assertThat(value(reward, "#### 5\n#### 6", 3)).isEqualTo(2.0);
        assertThat(value(reward, "#### 6\n#### 5", 3)).isEqualTo(-1.0);
        assertThat(reward.score(PROBLEM, rollout("\\boxed{5}, no, \\boxed{6}", 3))
                        .decided())
                .isFalse();
        assertThat(value(reward, "\\boxed{5 \\text{ or } 6}", 3)).isEqualTo(-1.0);
    }

    @Test
    void mathRewardIsUndecidedWhereTheReferenceMeansNothing() {
        Problem broken = Problem.of("p", "?", "\\unknowncommand{5");
        assertThat(Rewards.of("math").score(broken, rollout("\\boxed{5}", 3)).decided())
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
        Reward reward = new FormatReward("<think>.*</think>\\s*\\S.*", 1.0, -1.0);
        assertThat(value(reward, "<think>a\nb</think> 5", 3)).isEqualTo(1.0);
        assertThat(value(reward, "x <think>a</think> 5", 3)).isEqualTo(-1.0);
    }

    @Test
    void formatRewardDoesNotHangOnABacktrackingPattern() {
        Score score = new FormatReward("(a+)+b", 1.0, 0.0).score(PROBLEM, rollout("a".repeat(5000), 3));
        assertThat(score.decided()).isFalse();
    }

    @Test
    void weightedRewardLogsEachPart() {
        Map<String, WeightedReward.Part> parts = new LinkedHashMap<>();
        parts.put("math", new WeightedReward.Part(Rewards.of("math"), 1.0));
        parts.put("length", new WeightedReward.Part(new LengthPenalty(10, 1.0), 0.1));
        Score score = new WeightedReward(parts).score(PROBLEM, rollout("\\boxed{5}", 5));
        assertThat(score.value()).isEqualTo(0.95, within(1e-12));
        assertThat(score.parts()).containsEntry("math", 1.0).containsEntry("length", -0.5);
    }

    @Test
    void aWeightedSumHasTheRewardsOnTheWayOfItsParts() {
        Score ofSteps = new Score(true, 3, Map.of(), "", new TreeMap<>(Map.of(0, 1.0, 2, 2.0)));
        Map<String, WeightedReward.Part> parts = new LinkedHashMap<>();
        parts.put("steps", new WeightedReward.Part((problem, rollout) -> ofSteps, 0.5));
        parts.put("whole", new WeightedReward.Part((problem, rollout) -> Score.of(1), 2));
        Score score = new WeightedReward(parts).score(PROBLEM, rollout("5", 5));
        assertThat(score.value()).isEqualTo(3.5);
        assertThat(score.steps()).isEqualTo(Map.of(0, 0.5, 2, 1.0, 4, 2.0));
        assertThatThrownBy(() -> new Score(true, 1, Map.of(), "", new TreeMap<>(Map.of(0, 2.0))))
                .hasMessage(
                        "the rewards of a decided score's steps, at tokens >= 0, must add up to its value (1.0), got:"
                                + " {0=2.0}");
    }

    @Test
    void weightedRewardIsUndecidedWhereAPartIs() {
        Map<String, WeightedReward.Part> parts = new LinkedHashMap<>();
        parts.put("service", new WeightedReward.Part((problem, rollout) -> Score.undecided("down"), 1.0));
        parts.put("length", new WeightedReward.Part(new LengthPenalty(10, 1.0), 0.1));
        Score score = new WeightedReward(parts).score(PROBLEM, rollout("5", 5));
        assertThat(score.decided()).isFalse();
        assertThat(score.reason()).contains("service: down");
        assertThat(score.parts()).containsKey("length").doesNotContainKey("service");
    }

    @Test
    void weightedRewardIsBuiltFromItsParameters() {
        Reward reward = Rewards.of(
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
        Reward reward = Rewards.of(HalfReward.class.getName());
        assertThat(value(reward, "", 1)).isEqualTo(0.5);
    }

    @Test
    void userRecordIsBoundLikeOurs() {
        Reward reward = of(Bonus.class.getName(), Map.of("with", Map.of("name", "math"), "value", 1));
        assertThat(reward).isEqualTo(new Bonus(1, new MathReward()));
        assertThat(of(Bonus.class.getName(), Map.of())).isEqualTo(new Bonus());
        assertThatThrownBy(() -> of(Bonus.class.getName(), Map.of("value", -1, "wth", "math")))
                .hasMessage("unknown setting 'wth'. Did you mean 'with'?; value must be >= 0, got: -1.0");
    }

    @Test
    void userClassGetsItsParametersAsTheyAre() {
        assertThat(value(of(Judge.class.getName(), Map.of("mark", 3)), "", 1)).isEqualTo(3);
        assertThat(value(of(Judge.class.getName(), Map.of()), "", 1)).isEqualTo(7);
        assertThatThrownBy(() -> of(Judge.class.getName(), Map.of("broken", true)))
                .hasMessage("reward " + Judge.class.getName()
                        + " must construct, got: java.lang.IllegalStateException: no judge");
        assertThatThrownBy(() -> of(HalfReward.class.getName(), Map.of("mark", 3)))
                .hasMessageContaining("must have no parameters unless it is a record or has a public constructor"
                        + " (Map<String, Object>), got: {mark=3}");
        assertThatThrownBy(() -> of(OwnReward.class.getName(), Map.of()))
                .hasMessageContaining("public with a public constructor without arguments");
    }

    /** It may load a model: reading a recipe must not do that, and a run must not do it twice. */
    @Test
    void userClassIsMadeOnceWhenARunStarts() {
        int before = Judge.MADE.get();
        NamedRecords<Reward> table = Rewards.table();
        Reward held = table.create(
                "weighted",
                Map.of("parts", Map.of("judge", Map.of("reward", Judge.class.getName(), "mark", 2))),
                getClass().getClassLoader());
        assertThat(Judge.MADE).hasValue(before);
        Reward made = Rewards.made(held);
        assertThat(value(made, "", 1)).isEqualTo(2);
        assertThat(value(made, "", 1)).isEqualTo(2);
        assertThat(Judge.MADE).hasValue(before + 1);
        assertThat(value(Rewards.made(held), "", 1)).isEqualTo(2);
        assertThat(Judge.MADE).as("another run has its own").hasValue(before + 2);
    }

    // ---- docs/rewards.md ----------------------------------------------------------------------------------------

    /** What an answer is to be. */
    public record Person(String name, int age, List<String> tags) {}

    @Test
    void jsonMustHaveItsMembersAndNoOthers() {
        Reward reward = Rewards.of(
                "json",
                Map.of("fields", Map.of("name", "text", "age", "integer", "tags", "list?", "note", "any?")),
                getClass().getClassLoader());
        assertThat(value(reward, "{\"name\": \"Ada\", \"age\": 36}", 3)).isEqualTo(1);
        assertThat(value(reward, "Here:\n```json\n{\"name\": \"Ada\", \"age\": 36, \"tags\": []}\n```\n", 3))
                .isEqualTo(1);
        assertThat(reward.score(PROBLEM, rollout("{\"name\": \"Ada\", \"age\": 36.5}", 3))
                        .reason())
                .isEqualTo("age must be integer, got: NUMBER");
        assertThat(reward.score(PROBLEM, rollout("{\"name\": \"Ada\"}", 3)).reason())
                .isEqualTo("age must be integer, got: nothing");
        assertThat(reward.score(PROBLEM, rollout("{\"name\": \"Ada\", \"age\": 1, \"x\": 1}", 3))
                        .reason())
                .isEqualTo("a member too many: x");
        for (String wrong : List.of(
                "",
                "[1]",
                "{\"name\": \"Ada\", \"age\": 36} and more",
                "{\"name\": \"Ada\", \"name\": \"Eve\", \"age\": 36}",
                "{\"name\": null, \"age\": 36}",
                "{\"name\": \"Ada\", \"age\": 36,}")) {
            assertThat(value(reward, wrong, 3)).as(wrong).isZero();
        }
        assertThatThrownBy(() -> new JsonReward(Map.of("x", "date")))
                .hasMessage("fields.x must be one of text, integer, number, boolean, list, object, any, or one of them"
                        + " with a question mark, got: date");
    }

    @Test
    void jsonBindsToARecord() {
        Reward reward = JsonReward.of(Person.class);
        assertThat(value(reward, "{\"name\": \"Ada\", \"age\": 36, \"tags\": [\"x\"]}", 3))
                .isEqualTo(1);
        for (String wrong : List.of(
                "no JSON",
                "null",
                "{\"name\": \"Ada\", \"age\": \"36\", \"tags\": []}",
                "{\"name\": \"Ada\", \"tags\": []}",
                "{\"name\": \"Ada\", \"age\": 36, \"tags\": [], \"x\": 1}")) {
            assertThat(value(reward, wrong, 3)).as(wrong).isZero();
        }
    }

    @Tag("slow")
    @Test
    void aProgramIsWorthWhatItsTestsSay() {
        Problem problem = new Problem(
                "p",
                "a plus b",
                List.of(),
                "",
                Map.of("tests", List.of("assertEquals(5, f(2, 3));", "assertEquals(4, f(2, 2));")));
        Reward whole = Rewards.of("java");
        Reward parts = Rewards.of("java", Map.of("partial", true), getClass().getClassLoader());
        String times = "I think:\n```java\nint f(int a, int b) { return a * b; }\n```\n";
        assertThat(whole.score(problem, rollout("int f(int a, int b) { return a + b; }", 3))
                        .value())
                .isEqualTo(1);
        Score half = parts.score(problem, rollout(times, 3));
        assertThat(half.value()).isEqualTo(0.5);
        assertThat(half.reason()).isEqualTo("expected: 5, got: 6");
        assertThat(half.parts()).containsEntry("passed", 0.5).containsEntry("compiled", 1.0);
        assertThat(whole.score(problem, rollout(times, 3)).value()).isZero();
        assertThat(whole.score(PROBLEM, rollout(times, 3)).decided()).isFalse();
        assertThat(whole.notices()).hasSize(1).allMatch(line -> line.startsWith("programs of the policy run with "));
        assertThat(whole.described()).isEqualTo("java");
        assertThat(whole.serviceSeconds()).isGreaterThan(new JavaReward().wallSeconds());
        whole.close();
        parts.close();
    }

    /** Is held from its making until it is closed. */
    public static final class Holding implements Reward {
        private static final AtomicInteger HELD = new AtomicInteger();

        public Holding() {
            HELD.incrementAndGet();
        }

        @Override
        public Score score(Problem problem, Rollout rollout) {
            return Score.of(1);
        }

        @Override
        public void close() {
            HELD.decrementAndGet();
        }
    }

    @Test
    void aSumClosesItsPartsAlsoWhereOneCannotBeMade() {
        String holding = Holding.class.getName();
        Map<String, Object> two = new LinkedHashMap<>();
        two.put("a", Map.of("reward", holding));
        two.put("b", Map.of("reward", holding));
        try (Reward sum =
                Rewards.of("weighted", Map.of("parts", two), getClass().getClassLoader())) {
            assertThat(value(sum, "", 1)).isEqualTo(2);
            assertThat(Holding.HELD).hasValue(2);
        }
        assertThat(Holding.HELD).hasValue(0);
        two.put("b", Map.of("reward", Judge.class.getName(), "broken", true));
        assertThatThrownBy(() ->
                        Rewards.of("weighted", Map.of("parts", two), getClass().getClassLoader()))
                .hasMessageContaining("no judge");
        assertThat(Holding.HELD).hasValue(0);
    }

    private static final Pattern TABLE_ROW = Pattern.compile("\\| `([a-z0-9-]+)` \\| (.+?) \\|.*");
    private static final Pattern SECTION = Pattern.compile("### `([a-z0-9-]+)`");
    private static final Pattern PARAMETER = Pattern.compile("\\| `([a-z0-9-]+)` \\| (`[^`]+`|required) \\| (.+) \\|");

    private static List<String> page() throws IOException {
        return Files.readAllLines(Path.of("..", "docs", "rewards.md"));
    }

    @Test
    void theTableInTheDocumentationIsTheTable() throws IOException {
        List<String> rows = new ArrayList<>();
        boolean inTable = false;
        for (String line : page()) {
            inTable = line.startsWith("| name |") || inTable && line.startsWith("|");
            Matcher row = TABLE_ROW.matcher(line);
            if (inTable && row.matches()) {
                rows.add(row.group(1) + ": " + row.group(2));
            }
        }
        assertThat(rows)
                .containsExactlyElementsOf(Recipe.rewards().entries().stream()
                        .map(entry -> entry.name() + ": " + entry.summary())
                        .toList());
    }

    @Test
    void theDocumentationNamesEveryParameterWithItsDefault() throws IOException {
        Map<String, List<String>> documented = new LinkedHashMap<>();
        List<String> section = new ArrayList<>();
        for (String line : page()) {
            Matcher start = SECTION.matcher(line);
            if (start.matches()) {
                section = documented.computeIfAbsent(start.group(1), name -> new ArrayList<>());
            } else if (line.startsWith("## ")) {
                section = new ArrayList<>();
            }
            Matcher parameter = PARAMETER.matcher(line);
            if (parameter.matches()) {
                section.add(parameter.group(1) + " | " + parameter.group(2) + " | "
                        + parameter.group(3).replace("`", ""));
            }
        }
        // What must be given, and any value for it.
        Map<String, Map<String, ?>> required = Map.of(
                "format", Map.of("pattern", "x"),
                "http", Map.of("url", "http://localhost"),
                "json", Map.of("fields", Map.of("x", "text")),
                "length", Map.of("maximum-tokens", 5),
                "overlong", Map.of("maximum-tokens", 5, "buffer-tokens", 2),
                "weighted", Map.of("parts", Map.of("math", Map.of())));
        Map<String, List<String>> bound = new LinkedHashMap<>();
        for (NamedRecords.Entry<Reward> entry : Recipe.rewards().entries()) {
            Map<String, ?> given = required.getOrDefault(entry.name(), Map.of());
            Reward reward =
                    Recipe.rewards().create(entry.name(), given, getClass().getClassLoader());
            List<String> lines = new ArrayList<>();
            RecordComponent[] components = entry.type().getRecordComponents();
            Recipe.rewards().parameters(reward).forEach((name, value) -> {
                Doc doc = components[lines.size()].getAnnotation(Doc.class);
                assertThat(doc).as("%s of %s", name, entry.name()).isNotNull();
                lines.add(name + " | " + (given.containsKey(name) ? "required" : "`" + shown(value) + "`") + " | "
                        + doc.value());
            });
            bound.put(entry.name(), lines);
        }
        assertThat(documented).containsExactlyEntriesOf(bound);
    }

    private static String shown(@Nullable Object value) {
        return switch (value) {
            case Double number when number == Math.rint(number) -> String.valueOf(number.longValue());
            case Enum<?> constant -> constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
            case null, default -> String.valueOf(value);
        };
    }

    @Test
    void errorsNameTheNearestName() {
        assertThatThrownBy(() -> Rewards.of("maths")).hasMessageContaining("Did you mean 'math'?");
        assertThatThrownBy(() -> of("overlong", Map.of("maximum-tokns", 3)))
                .hasMessage("unknown setting 'maximum-tokns'. Did you mean 'maximum-tokens'?;"
                        + " maximum-tokens must be given; buffer-tokens must be given");
        assertThatThrownBy(() -> of("math", Map.of("rigth", 3))).hasMessageContaining("Did you mean 'right'?");
        assertThatThrownBy(() -> Rewards.of("com.acme.Missing")).hasMessageContaining("--class-path");
        assertThatThrownBy(() -> Rewards.of("java.lang.String")).hasMessageContaining("must implement");
    }

    private static Reward of(String name, Map<String, ?> parameters) {
        return Rewards.of(name, parameters, RewardsTest.class.getClassLoader());
    }

    @Test
    void everyRuleHasItsMessage() {
        assertThatThrownBy(() -> of("format", Map.of("pattern", "(")))
                .hasMessageStartingWith("pattern must be a regular expression of java.util.regex, got: ( (");
        assertThatThrownBy(() -> of("format", Map.of())).hasMessage("pattern must be given");
        assertThatThrownBy(() -> of("length", Map.of("maximum-tokens", 0)))
                .hasMessage("maximum-tokens must be >= 1, got: 0");
        assertThatThrownBy(() -> of("length", Map.of("maximum-tokens", 5, "factor", -1)))
                .hasMessage("factor must be >= 0 and finite, got: -1.0");
        assertThatThrownBy(() -> of("overlong", Map.of("maximum-tokens", 5, "buffer-tokens", 6)))
                .hasMessage("buffer-tokens must be >= 1 and <= maximum-tokens (5), got: 6");
        assertThatThrownBy(() -> of("math", Map.of("answer-from", "boxed,nubmer", "right", Double.NaN)))
                .hasMessageContaining(
                        "answer-from must be one of automatic, boxed, hashes, answer-is, whole, formula, number,"
                                + " got: nubmer. Did you mean 'number'?");
        assertThatThrownBy(() -> of("math", Map.of("wrong", ".inf"))).hasMessage("wrong must be finite, got: Infinity");
        assertThatThrownBy(() -> of("http", Map.of("url", "ftp://a", "attempts", 0)))
                .hasMessageStartingWith("url must be an http or https address, got: ftp://a");
        assertThatThrownBy(() -> of("http", Map.of("url", "http://a", "attempts", 0, "budget-seconds", 0)))
                .hasMessage("budget-seconds must be > 0, got: 0.0; attempts must be >= 1, got: 0");
        assertThatThrownBy(() -> of("http", Map.of("url", "no address")))
                .hasMessage("url must be an address, got: no address");
        assertThatThrownBy(() -> of("weighted", Map.of())).hasMessage("parts must be given");
        assertThatThrownBy(() -> of("weighted", Map.of("parts", Map.of())))
                .hasMessage("parts must be one or more, got: none");
        assertThatThrownBy(() -> of("weighted", Map.of("parts", Map.of("short", Map.of("reward", "length")))))
                .hasMessage("parts.short.reward.maximum-tokens must be given");
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
            return new HttpReward(uri, 5, attempts).score(PROBLEM, rollout("so 5", 3));
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
        Reward reward = new HttpReward(URI.create("http://127.0.0.1:" + port + "/"), 2, 2);
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
            Score score = new HttpReward(uri, 0.4, 3).score(PROBLEM, rollout("5", 1));
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
        Reward reward = new HttpReward(URI.create("http://127.0.0.1:" + port + "/"), 30, 3);
        long start = System.nanoTime();
        Score score = reward.score(PROBLEM, rollout("5", 1));
        assertThat(score.reason()).contains("3 attempts failed");
        assertThat(System.nanoTime() - start).isGreaterThan(150_000_000L);
    }

    private static final String SECRET = "s3cr3t-value";

    /** A service that keeps what it was sent and answers with its headers and query. */
    private static Score askEcho(java.util.function.Function<String, HttpReward> reward, StringBuilder seen)
            throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            exchange.getRequestBody().readAllBytes();
            seen.append(exchange.getRequestHeaders().entrySet()).append(exchange.getRequestURI());
            byte[] bytes = ("{\"score\":null,\"reason\":\"no " + SECRET + " from " + System.getenv("PATH") + "\"}")
                    .getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        });
        server.start();
        try {
            String host = InetAddress.getLoopbackAddress().getHostAddress() + ":"
                    + server.getAddress().getPort();
            return reward.apply(host).score(PROBLEM, rollout("5", 1));
        } finally {
            server.stop(0);
        }
    }

    @Test
    void headersTakeTheirValuesFromTheEnvironmentAndNothingShowsThem() throws IOException {
        StringBuilder seen = new StringBuilder();
        HttpReward[] made = new HttpReward[1];
        Score score = askEcho(
                host -> made[0] = (HttpReward)
                        of("http", Map.of("url", "http://" + host, "headers", Map.of("X-Token", "Key ${PATH}"))),
                seen);
        assertThat(seen).contains("Key " + System.getenv("PATH"));
        assertThat(score.reason()).startsWith("no " + SECRET + " from ***").doesNotContain(System.getenv("PATH"));
        assertThat(made[0].toString()).contains("Key ${PATH}").doesNotContain(System.getenv("PATH"));
    }

    @Test
    void theUserAndTheQueryOfAnAddressAreSentAndNotShown() throws IOException {
        StringBuilder seen = new StringBuilder();
        Score score = askEcho(
                host -> (HttpReward) of("http", Map.of("url", "http://me:" + SECRET + "@" + host + "/?key=" + SECRET)),
                seen);
        assertThat(seen)
                .contains("Basic "
                        + java.util.Base64.getEncoder()
                                .encodeToString(("me:" + SECRET).getBytes(StandardCharsets.UTF_8)))
                .contains("/?key=" + SECRET);
        assertThat(score.reason()).startsWith("no *** from ");
        Reward nobody =
                of("http", Map.of("url", "http://me:" + SECRET + "@127.0.0.1:1/a?key=" + SECRET + "&b=${PATH}"));
        assertThat(nobody.score(PROBLEM, rollout("5", 1)).reason())
                .startsWith("reward service http://***:***@127.0.0.1:1/a?key=***&b=${PATH}: ")
                .doesNotContain(SECRET);
        assertThat(nobody.toString()).doesNotContain(SECRET);
        assertThatThrownBy(() -> of("http", Map.of("url", "ftp://me:" + SECRET + "@a/?k=" + SECRET)))
                .hasMessageStartingWith("url must be an http or https address, got: ftp://***:***@a/?k=***");
        assertThatThrownBy(() -> of("http", Map.of("url", "no address?" + SECRET)))
                .hasMessage("url must be an address, got: no address?***");
    }

    @Test
    void aPrintedRecipeHasNoSecretAndAStoredOneAllThatItNeeds() {
        Recipe recipe = new Recipe()
                .with(
                        "reward",
                        of(
                                "http",
                                Map.of(
                                        "url",
                                        "http://me:" + SECRET + "@a/?k=" + SECRET,
                                        "headers",
                                        Map.of("Authorization", "Bearer ${PATH}"))));
        var binder = Recipe.binder(RewardsTest.class.getClassLoader());
        assertThat(binder.write(recipe, true))
                .contains("url: \"http://***:***@a/?k=***\"", "\"Authorization\": \"Bearer ${PATH}\"")
                .doesNotContain(SECRET);
        assertThat(binder.write(recipe, false)).contains("http://me:" + SECRET + "@a/?k=" + SECRET, "Bearer ${PATH}");
        assertThat(recipe.warnings()).anyMatch(line -> line.contains("recipe.yaml keeps"));
    }

    @Test
    void variablesMustBeSetAndHeadersMustNotBeWrittenOut() {
        assertThatThrownBy(() -> of("http", Map.of("url", "http://a", "headers", Map.of("X", "${MINPRO_NOT_SET}"))))
                .hasMessage("the environment variable MINPRO_NOT_SET, which headers.X names, must be set, got: none");
        assertThatThrownBy(() -> of("http", Map.of("url", "${MINPRO_NOT_SET}")))
                .hasMessage("the environment variable MINPRO_NOT_SET, which url names, must be set, got: none");
        assertThatThrownBy(() -> of("http", Map.of("url", "http://a", "headers", Map.of("X", SECRET))))
                .hasMessageStartingWith("headers.X must be from the environment")
                .hasMessageEndingWith("got: a value written out");
        assertThatThrownBy(() -> of("http", Map.of("url", "http://a", "headers", Map.of("Host", "${PATH}"))))
                .hasMessage("headers must be of names that a request can have, got: Host");
        assertThatThrownBy(() -> of("http", Map.of("url", "http://***@a")))
                .hasMessageContaining("*** stands for what was not printed");
    }

    @Test
    void aReplyOfMoreThanAMegabyteIsUndecided() throws IOException {
        String padded = "{\"score\":1,\"reason\":\"" + "x".repeat(HttpReward.LONGEST_REPLY) + "\"}";
        AtomicInteger calls = new AtomicInteger();
        Score score = ask((call, body) -> new Reply(200, padded), 3, calls);
        assertThat(score.decided()).isFalse();
        assertThat(score.reason()).endsWith("the reply must be at most 1000000 bytes");
        assertThat(calls).hasValue(1);
        String fits = "{\"score\":1,\"more\":\"" + "x".repeat(HttpReward.LONGEST_REPLY - 100) + "\"}";
        assertThat(ask((call, body) -> new Reply(200, fits), 1, new AtomicInteger())
                        .decided())
                .isTrue();
    }

    @Test
    void valuesOutOfRangeAreRefusedByName() {
        assertThatThrownBy(() -> of("math", Map.of("right", 1e7)))
                .hasMessage("right must be in [-1e6, 1e6], got: 1.0E7");
        assertThatThrownBy(() -> of("format", Map.of("pattern", "x", "mismatch", -2e6)))
                .hasMessage("mismatch must be in [-1e6, 1e6], got: -2000000.0");
        assertThatThrownBy(() -> of("length", Map.of("maximum-tokens", 5, "factor", 1e9)))
                .hasMessage("factor must be in [-1e6, 1e6], got: 1.0E9");
    }

    @Test
    void theAnswerIsLookedForBehindTheMarksOfTheModelsTemplate() {
        String text = "<ponder>Is it \\boxed{4}?</ponder> It is 5.";
        CompletionMarks marks = CompletionMarks.STANDARD.withThinking("<ponder>", "</ponder>");
        Reward math = new MathReward();
        assertThat(math.score(PROBLEM, rollout(text, 8)).value()).isZero();
        assertThat(math.reading(marks).score(PROBLEM, rollout(text, 8)).value()).isEqualTo(1);
        Reward weighted = new WeightedReward(Map.of("math", new WeightedReward.Part(math, 2)));
        assertThat(weighted.reading(marks).score(PROBLEM, rollout(text, 8)).value())
                .isEqualTo(2);
        Reward opened = math.reading(marks.withThinkingOpened());
        assertThat(opened.score(PROBLEM, rollout("So it may be 5.", 8)).value()).isZero();
        assertThat(opened.score(PROBLEM, rollout("So 4?</ponder>5", 8)).value()).isEqualTo(1);
    }

    /** What is no number could not be read back from a run's files. */
    @Test
    void aScoreHasNumbersAlone() {
        assertThat(new Score(false, Double.NaN, Map.of(), "no").value()).isEqualTo(0);
        assertThatThrownBy(() -> new Score(true, 1, Map.of("ratio", 0.0 / 0), ""))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a score's parts must be finite, got: NaN for 'ratio'; leave it out");
    }
}
