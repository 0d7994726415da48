package org.minpro.advantage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.minpro.config.NamedRecords;
import org.minpro.reward.Score;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class AdvantagesTest {
    private static final Offset<Double> CLOSE = within(1e-15);
    private static final JsonMapper JSON = new JsonMapper();

    static List<String> names() {
        return Advantages.entries().stream().map(NamedRecords.Entry::name).toList();
    }

    private static List<Score> scores(double... values) {
        return Arrays.stream(values).mapToObj(Score::of).toList();
    }

    /** A group of responses of two tokens. */
    private static TokenAdvantages of(Advantage advantage, List<Score> group) {
        return advantage
                .of(List.of(group.stream().map(score -> Response.of(score, 2)).toList()))
                .getFirst();
    }

    /** The number of each response of a group, which stands on both of its tokens. */
    private static double[] values(String name, List<Score> group) {
        return of(Advantages.of(name), group).values().stream()
                .mapToDouble(ofTokens -> {
                    assertThat(ofTokens).hasSize(2);
                    assertThat(ofTokens[1]).isEqualTo(ofTokens[0]);
                    return ofTokens[0];
                })
                .toArray();
    }

    @Test
    void estimatorsOfOneGroupEqualTheirFormulas() {
        List<Score> group = scores(1, 0, 0, 2);
        // Mean 3/4; squared deviations sum to 2.75, over n - 1 = 3.
        double std = Math.sqrt(2.75 / 3);
        double[] relative = {0.25 / (std + 1e-6), -0.75 / (std + 1e-6), -0.75 / (std + 1e-6), 1.25 / (std + 1e-6)};
        assertThat(values("grpo", group)).containsExactly(relative, CLOSE);
        assertThat(values("grpo-process", group)).containsExactly(relative, CLOSE);
        assertThat(values("turn-relative", group)).containsExactly(relative, CLOSE);
        assertThat(values("centered", group)).containsExactly(new double[] {0.25, -0.75, -0.75, 1.25}, CLOSE);
        assertThat(Advantages.of("dr-grpo")).isEqualTo(Advantages.of("centered"));
        assertThat(values("rloo", group)).containsExactly(new double[] {1 - 2 / 3.0, -1, -1, 2 - 1 / 3.0}, CLOSE);
        assertThat(values("maxrl", group)).containsExactly(new double[] {1 / 3.0, -1, -1, 5 / 3.0}, CLOSE);
        assertThat(values("maxrl", scores(-1, 0))).containsExactly(0, 0);
        assertThat(values("pass-at-k", group)).containsExactly(new double[] {0, 0, 0, 1 / (std + 1e-6)}, CLOSE);
        assertThat(values("pass-at-k", scores(2, 0, 2))).containsExactly(0, 0, 0);
        assertThat(values("gpg", group)).containsExactly(new double[] {0.5, -1.5, -1.5, 2.5}, CLOSE);
        // Eight tokens of mean 3/4: variance 2 * 2.75 / 7.
        double whole = Math.sqrt(5.5 / 7 + 1e-8);
        for (String whitened : List.of("reinforce-plus-plus", "reinforce-plus-plus-baseline")) {
            assertThat(values(whitened, group))
                    .containsExactly(new double[] {0.25 / whole, -0.75 / whole, -0.75 / whole, 1.25 / whole}, CLOSE);
        }
    }

    private static JsonNode frameworks() throws IOException {
        try (InputStream stream = AdvantagesTest.class.getResourceAsStream("/frameworks/advantages.json")) {
            return JSON.readTree(Objects.requireNonNull(stream, "made by bench/goldens/frameworks.py"));
        }
    }

    static Stream<Named<JsonNode>> ofFrameworks() throws IOException {
        JsonNode file = frameworks();
        return file.get("cases").valueStream().map(of -> {
            ObjectNode json = (ObjectNode) of;
            json.set("groups", file.get("batches").get(of.get("batch").asString()));
            return Named.of(
                    of.get("framework").asString() + " " + of.get("function").asString() + ", "
                            + of.get("advantage").asString() + of.get("parameters") + ", "
                            + of.get("batch").asString(),
                    json);
        });
    }

    private static Response response(JsonNode json) {
        Map<String, Double> parts = new TreeMap<>();
        json.get("parts").forEachEntry((name, value) -> parts.put(name, value.asDouble()));
        TreeMap<Integer, Double> steps = new TreeMap<>();
        json.path("steps").forEachEntry((token, value) -> steps.put(Integer.valueOf(token), value.asDouble()));
        JsonNode mask = json.get("mask");
        boolean[] written = new boolean[mask.size()];
        for (int t = 0; t < written.length; t++) {
            written[t] = mask.get(t).asInt() == 1;
        }
        return new Response(
                new Score(true, json.get("value").asDouble(), parts, "", steps),
                written,
                Score.of(json.get("greedy").asDouble()));
    }

    @ParameterizedTest
    @MethodSource("ofFrameworks")
    void equalsTheFramework(JsonNode of) {
        List<List<Response>> groups = of.get("groups")
                .valueStream()
                .map(group -> group.valueStream().map(AdvantagesTest::response).toList())
                .toList();
        Advantage advantage = Advantages.of(
                of.get("advantage").asString(),
                JSON.convertValue(of.get("parameters"), new TypeReference<Map<String, Object>>() {}),
                AdvantagesTest.class.getClassLoader());
        List<double[]> rows = new ArrayList<>();
        advantage.of(groups).forEach(group -> rows.addAll(group.values()));
        // verl adds 1e-8 to the counts that it divides by.
        Offset<Double> close = within(of.path("tolerance").asDouble(2e-8));
        JsonNode expected = of.get("expected");
        assertThat(rows).hasSize(expected.size());
        for (int i = 0; i < rows.size(); i++) {
            assertThat(rows.get(i)).hasSize(expected.get(i).size());
            for (int t = 0; t < rows.get(i).length; t++) {
                assertThat(rows.get(i)[t])
                        .as("response %d token %d", i, t)
                        .isCloseTo(expected.get(i).get(t).asDouble(), close);
            }
        }
    }

    @Test
    void whatTheFrameworkHasIsCompared() throws IOException {
        Set<String> compared = new TreeSet<>();
        frameworks().get("cases").forEach(of -> compared.add(of.get("advantage").asString()));
        // MaxRL is not verl's; process supervision and turns are no framework's.
        assertThat(compared)
                .isEqualTo(new TreeSet<>(names().stream()
                        .filter(name -> !Set.of("centered", "maxrl", "grpo-process", "turn-relative")
                                .contains(name))
                        .toList()));
    }

    @Test
    void rewardsOnTheWayAreCreditedToTheTokensBeforeThem() {
        Score first = new Score(true, 3, Map.of(), "", new TreeMap<>(Map.of(1, 1.0, 3, 2.0)));
        Score second = Score.of(0);
        List<Response> group =
                List.of(new Response(first, new boolean[] {true, true, false, true, true}), Response.of(second, 2));

        List<double[]> process =
                Advantages.of("grpo-process").of(List.of(group)).getFirst().values();
        // Rewards 1, 2 and 0: mean 1, std 1.
        double one = 1 / (1 + 1e-6);
        assertThat(process.get(0)).containsExactly(new double[] {one, one, 0, one, 0}, CLOSE);
        assertThat(process.get(1)).containsExactly(new double[] {-one, -one}, CLOSE);

        double[] toGo = new ReinforcePlusPlus(0.5)
                .of(List.of(group))
                .getFirst()
                .values()
                .getFirst();
        // 0.5 (2) + 1 = 2, then 0.5 (2) = 1: the masked token takes no step.
        double[] raw = {1, 2, 2, 0, 0, 0};
        double mean = Arrays.stream(raw).sum() / 6;
        double std =
                Math.sqrt(Arrays.stream(raw).map(x -> (x - mean) * (x - mean)).sum() / 5 + 1e-8);
        assertThat(toGo)
                .containsExactly(
                        new double[] {
                            (1 - mean) / std, (2 - mean) / std, 0, (2 - mean) / std, (0 - mean) / std,
                        },
                        CLOSE);
        assertThatThrownBy(() -> Response.of(first, 3))
                .hasMessage("a score's steps must be at tokens of the response, [0, 3), got: 3");
    }

    /** Turns of two, one and two tokens, with a token of the environment after each. */
    @Test
    void aTurnIsComparedWithTheSameTurnOfTheOthers() {
        boolean[] mask = {true, true, false, true, false, true, true};
        Score three = new Score(true, 1, Map.of(), "", new TreeMap<>(Map.of(1, -1.0, 3, 0.0, 6, 2.0)));
        Score two = new Score(true, 3, Map.of(), "", new TreeMap<>(Map.of(1, 1.0, 3, 2.0)));
        List<Response> group =
                List.of(new Response(three, mask), new Response(two, new boolean[] {true, true, false, true}));
        // Two values differ from their mean by half their difference d, whose std is d / sqrt 2: 1 / sqrt 2 each.
        double half = Math.sqrt(0.5);
        Offset<Double> close = within(1e-5);

        List<double[]> own =
                new TurnRelative(0, 1e-6).of(List.of(group)).getFirst().values();
        assertThat(own.get(0)).containsExactly(new double[] {-half, -half, 0, -half, 0, 0, 0}, close);
        assertThat(own.get(1)).containsExactly(new double[] {half, half, 0, half}, close);

        // To go: 1, 2, 2 and 3, 2: the second turns are alike.
        List<double[]> all =
                new TurnRelative(1, 1e-6).of(List.of(group)).getFirst().values();
        assertThat(all.get(0)).containsExactly(new double[] {-half, -half, 0, 0, 0, 0, 0}, close);
        assertThat(all.get(1)).containsExactly(new double[] {half, half, 0, 0}, close);
    }

    @ParameterizedTest
    @MethodSource("names")
    void undecidedScoresLeaveStatisticsAndLoss(String name) {
        List<Score> group = Stream.of(
                        Score.of(1), Score.undecided("no answer found"), Score.of(0), Score.undecided("timeout"))
                .toList();
        TokenAdvantages advantages = of(Advantages.of(name), group);
        double[] expected = values(name, scores(1, 0));
        assertThat(values(name, group)).containsExactly(expected[0], 0, expected[1], 0);
        assertThat(advantages.counted()).containsExactly(true, false, true, false);
        assertThat(Advantages.of(name).tellsApart(group)).isTrue();
    }

    @ParameterizedTest
    @MethodSource("names")
    void equalRewardsGiveExactlyZero(String name) {
        // The mean of three times 0.1 is not 0.1 in floating point.
        assertThat(values(name, scores(0.1, 0.1, 0.1))).containsExactly(0, 0, 0);
        assertThat(Advantages.of(name).tellsApart(scores(0.1, 0.1, 0.1))).isFalse();
        // Zeros of either sign are the same reward.
        assertThat(Advantages.of(name).tellsApart(scores(0.0, -0.0))).isFalse();
    }

    @ParameterizedTest
    @MethodSource("names")
    void aGroupOfOneTellsNothing(String name) {
        Advantage advantage = Advantages.of(name);
        assertThat(values(name, scores(1))).containsExactly(0);
        assertThat(advantage.tellsApart(scores(1))).isFalse();
        assertThat(of(advantage, List.of()).values()).isEmpty();
        List<Score> left = List.of(Score.of(1), Score.undecided("timeout"));
        assertThat(values(name, left)).containsExactly(0, 0);
        assertThat(of(advantage, left).counted()).containsExactly(true, false);
        assertThat(advantage.tellsApart(left)).isFalse();
    }

    @ParameterizedTest
    @MethodSource("names")
    void masksAreZeroAndTheOrderOfResponsesDoesNotMatter(String name) {
        List<Response> group = IntStream.range(0, 6)
                .mapToObj(i -> new Response(Score.of(i % 3 - 0.5), new boolean[] {true, false, i % 2 == 0}))
                .toList();
        List<double[]> values =
                Advantages.of(name).of(List.of(group, group)).getLast().values();
        List<double[]> reversed = Advantages.of(name)
                .of(List.of(group.reversed(), group.reversed()))
                .getFirst()
                .values();
        for (int i = 0; i < 6; i++) {
            assertThat(values.get(i)[1]).isZero();
            assertThat(reversed.get(5 - i)).containsExactly(values.get(i), within(1e-12));
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void advantagesWithTheMeanAsBaselineSumToZero(String name) {
        if (Set.of("pass-at-k", "remax").contains(name)) {
            return;
        }
        double[] values = values(name, scores(0.3, -2, 17, 1e6, 4));
        assertThat(Arrays.stream(values).sum()).isCloseTo(0, within(1e-6));
        assertThat(values).isNotEqualTo(new double[5]);
    }

    @Test
    void remaxLearnsNothingWithoutAGreedyReward() {
        assertThat(new ReMax().readsGreedy()).isTrue();
        boolean[] mask = {true, true};
        for (Score greedy : Arrays.asList(null, Score.undecided("timeout"))) {
            List<Response> group =
                    List.of(new Response(Score.of(1), mask, greedy), new Response(Score.of(0), mask, greedy));
            assertThat(new ReMax().of(List.of(group)).getFirst().values())
                    .allSatisfy(ofTokens -> assertThat(ofTokens).containsOnly(0));
        }
    }

    @Test
    void partsThatDifferTellAGroupApartForGdpoAlone() {
        List<Score> group = List.of(
                new Score(true, 1, Map.of("right", 1.0, "short", 0.0, "short/inner", 3.0), ""),
                new Score(true, 1, Map.of("right", 0.0, "short", 1.0), ""));
        assertThat(new GroupRelative().tellsApart(group)).isFalse();
        assertThat(new GroupDecoupled().tellsApart(group)).isTrue();
        // Each part's advantages are the other's negated.
        assertThat(values("gdpo", group)).containsExactly(0, 0);
        double[] right = of(new GroupDecoupled(Map.of("right", 1.0)), group).values().stream()
                .mapToDouble(ofTokens -> ofTokens[0])
                .toArray();
        assertThat(right[0]).isPositive().isCloseTo(-right[1], within(1e-12));
        assertThatThrownBy(() -> of(new GroupDecoupled(Map.of("format", 1.0)), group))
                .hasMessage(
                        "weights of advantage gdpo must name parts that every decided response has, got: 'format', and"
                                + " one has [right, short, short/inner]");
    }

    @Test
    void theTableInTheDocumentationIsTheTable() throws IOException {
        List<String> lines = Files.readAllLines(Path.of("..", "docs", "objectives.md"));
        List<String> documented = new ArrayList<>();
        for (String line : lines.subList(lines.indexOf("## Advantages"), lines.indexOf("## Metrics"))) {
            if (line.startsWith("| `")) {
                Matcher name = Pattern.compile("`([a-z-]+)`").matcher(line.substring(0, line.indexOf(" | ")));
                while (name.find()) {
                    documented.add(name.group(1));
                }
            }
        }
        assertThat(documented).isEqualTo(names());
    }

    @Test
    void namesAndParametersAreChecked() {
        ClassLoader loader = AdvantagesTest.class.getClassLoader();
        assertThat(Advantages.of("grpo", Map.of("epsilon", 1e-4), loader)).isEqualTo(new GroupRelative(1e-4));
        assertThat(Advantages.defaults("grpo")).isEqualTo(Map.of("epsilon", 1e-6));
        assertThat(Advantages.of("gdpo", Map.of("weights", Map.of("math", 2)), loader))
                .isEqualTo(new GroupDecoupled(Map.of("math", 2.0)));
        assertThat(names()).isSorted();
        assertThatThrownBy(() -> Advantages.of("rlo")).hasMessageContaining("Did you mean 'rloo'?");
        assertThatThrownBy(() -> Advantages.of("grpo", Map.of("epsilon", -1), loader))
                .hasMessage("epsilon must be >= 0 and finite, got: -1.0");
        assertThatThrownBy(() -> Advantages.of("reinforce-plus-plus", Map.of("gamma", 0), loader))
                .hasMessage("gamma must be in (0, 1], got: 0.0");
    }
}
