package org.minpro.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.minpro.config.NamedRecords;
import org.minpro.tensor.Scope;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Losses and gradients against numbers made by bench/goldens/objectives.py and by an older independent catalogue. */
class ObjectiveGoldenTest {
    private static final JsonMapper JSON = new JsonMapper();

    static Stream<String> names() {
        return Objectives.entries().stream().map(NamedRecords.Entry::name);
    }

    private static JsonNode resource(String name) throws IOException {
        try (InputStream stream = ObjectiveGoldenTest.class.getResourceAsStream(name)) {
            return JSON.readTree(Objects.requireNonNull(stream, name + " is missing; bench/goldens/objectives.py"));
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void equalsTheIndependentComputation(String name) throws IOException {
        JsonNode cases = resource("/objectives/" + name + ".json");
        assertThat(cases.size()).isGreaterThanOrEqualTo(10);
        for (JsonNode golden : cases) {
            ObjectNode json = (ObjectNode) golden.deepCopy();
            json.remove(List.of("case", "parameters", "expected"));
            Map<String, Object> parameters =
                    JSON.convertValue(golden.get("parameters"), new TypeReference<Map<String, Object>>() {});
            Objective objective = Objectives.of(name, parameters);

            assertEquals(golden, ObjectiveExample.parse(json).evaluate(objective));
        }
    }

    static Stream<String> corrections() {
        return Corrections.table().names().stream();
    }

    static Stream<String> penalties() {
        return Penalties.table().names().stream();
    }

    @ParameterizedTest
    @MethodSource("corrections")
    void aCorrectionEqualsTheIndependentComputation(String name) throws IOException {
        assertPart(
                "/corrections/" + name + ".json",
                (objective, parameters, anchor) -> Loss.of(
                        objective,
                        List.of(Corrections.table()
                                .create(name, parameters, getClass().getClassLoader())),
                        List.of(),
                        null,
                        anchor));
    }

    @ParameterizedTest
    @MethodSource("penalties")
    void aPenaltyEqualsTheIndependentComputation(String name) throws IOException {
        assertPart(
                "/penalties/" + name + ".json",
                (objective, parameters, anchor) -> Loss.of(
                        objective,
                        List.of(),
                        List.of(Penalties.table()
                                .create(name, parameters, getClass().getClassLoader())),
                        null,
                        anchor));
    }

    private interface Combination {
        Loss of(Objective objective, Map<String, Object> parameters, Anchor anchor);
    }

    private static void assertPart(String resource, Combination combination) throws IOException {
        JsonNode cases = resource(resource);
        assertThat(cases.size()).isGreaterThanOrEqualTo(10);
        for (JsonNode golden : cases) {
            ObjectNode json = (ObjectNode) golden.deepCopy();
            json.remove(List.of("case", "parameters", "objective", "expected"));
            ObjectiveExample example = ObjectiveExample.parse(json);
            Loss loss = combination.of(
                    Objectives.of(golden.get("objective").asString()),
                    JSON.convertValue(golden.get("parameters"), new TypeReference<Map<String, Object>>() {}),
                    example.anchor());
            assertEquals(golden, example.evaluate(loss));
            if (golden.get("expected").has("entropy_gradient")) {
                assertEntropyGradient(golden, example, loss);
            }
        }
    }

    private static void assertEntropyGradient(JsonNode golden, ObjectiveExample example, Loss loss) {
        try (Scope scope = Scope.open()) {
            double[] gradient = Objects.requireNonNull(
                            LossEvaluation.of(loss, example.inputs(loss)).entropyGradient())
                    .doubles();
            int at = 0;
            for (JsonNode row : golden.get("expected").get("entropy_gradient")) {
                for (JsonNode expected : row) {
                    assertThat(gradient[at++]).isCloseTo(expected.asDouble(), within(1e-15));
                }
            }
            assertThat(gradient).hasSize(at);
        }
    }

    private static void assertEquals(JsonNode golden, ObjectiveExample.Answer answer) {
        String what = golden.get("case") + " " + golden.get("parameters") + " " + golden.get("aggregation") + " "
                + golden.path("objective") + " " + golden.get("anchor");
        double loss = golden.get("expected").get("loss").asDouble();
        assertThat(answer.loss()).as(what).isCloseTo(loss, within(1e-12 * Math.max(1, Math.abs(loss))));
        JsonNode rows = golden.get("expected").get("gradient");
        for (int i = 0; i < rows.size(); i++) {
            for (int t = 0; t < rows.get(i).size(); t++) {
                double expected = rows.get(i).get(t).asDouble();
                assertThat(answer.gradient()[i][t])
                        .as("%s row %d token %d", what, i, t)
                        .isCloseTo(expected, within(1e-12 * Math.max(1, Math.abs(expected))));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"minpro, minimum, weight", "minpro, minimum, clip", "prefix, product, weight"})
    void aNamedPrefixObjectiveEqualsItsKind(String name, String kind, String form) throws IOException {
        Map<String, Object> ofForm = name.equals("prefix") ? Map.of() : Map.of("form", form, "cap", 5);
        Objective named = Objectives.of(name, ofForm);
        Objective ofKind = Objectives.of("prefix-weight", Map.of("kind", kind, "form", form));
        for (JsonNode golden : resource("/objectives/prefix.json")) {
            ObjectNode json = (ObjectNode) golden.deepCopy();
            json.remove(List.of("case", "parameters", "expected"));
            ObjectiveExample example = ObjectiveExample.parse(json);
            assertThat(example.evaluate(ofKind)).usingRecursiveComparison().isEqualTo(example.evaluate(named));
        }
    }

    /** What the catalogue of test vectors calls our objectives: all of its lines. */
    private static final Map<String, Objective> VECTORS = Map.ofEntries(
            Map.entry("REINFORCE (no IS)", new Reinforce()),
            Map.entry("PPO-clip 0.2/0.2", new Grpo()),
            Map.entry("DAPO clip-higher 0.2/0.28", new Dapo()),
            Map.entry("Dual-clip 0.2/0.2, c=1.5 (c=3 is inactive here)", new DualClip(0.2, 0.2, 1.5)),
            Map.entry("GSPO 3e-4/4e-4", new Gspo()),
            Map.entry("GMPO 0.4", new Gmpo()),
            Map.entry("CISPO floor 0, cap 1.28", new Cispo(0, 1.28)),
            Map.entry("SAPO 1.0/1.05", new Sapo()),
            Map.entry("TIS-REINFORCE cap 2.0", new TisReinforce()),
            Map.entry("TOPR (token ratio; R sign = A sign)", new Topr(Topr.Form.TOKEN)),
            Map.entry("ASPO 0.2/0.2 c=3", Aspo.ofOneWindow(0.2, 0.2, 3)),
            Map.entry("DPPO-TV 0.15", new DppoTv()),
            Map.entry("DPPO-KL 0.05", new DppoKl()),
            Map.entry("prime-rl default (0.2, 1e-3)", new PrimeRl()),
            Map.entry("CPPO 0.15", new Cppo()),
            Map.entry("M2PO official 0.04 (mini 0.3/0.5)", new M2po()),
            Map.entry("Full prefix product, sg clip [0,1.28]", new PrefixRatio(0, 1.28)),
            Map.entry("CTPO cumprod-la p=0.5", new Ctpo()),
            Map.entry("CTPO geomean-la p=-0.5", new Ctpo(Ctpo.Prefix.GEOMETRIC, 0.025, 0.05, -0.5)),
            Map.entry("PNPO-style geo prefix, sg clip [0,1.28]", new Pnpo(PrefixForm.WEIGHT, 0, 1.28, 0.2, 0.28)),
            Map.entry("VESPO", new Vespo()),
            Map.entry("SSPO arctan tau=1 (inferred)", new Sspo()),
            Map.entry("MinPRO sg clip [0.8,1.28]", new MinPro(0.8, 1.28, false, PrefixForm.WEIGHT, 0.2, 0.28)),
            Map.entry("MinPRO sg clip [0,1.28]", new MinPro(0, 1.28, false, PrefixForm.WEIGHT, 0.2, 0.28)),
            Map.entry("MinPRO no clip", new MinPro(0, Double.POSITIVE_INFINITY, false, PrefixForm.WEIGHT, 0.2, 0.28)));

    @Test
    void equalsTheVectorsOfTheCatalogue() throws IOException {
        double[] policy = {0.55, 0.425, 0.25, 0.10, 0.60};
        double[] behavior = {0.5, 0.5, 0.2, 0.2, 0.3};
        List<String> met = new ArrayList<>();
        for (JsonNode vector : resource("/objective-vectors.json")) {
            Objective objective =
                    Objects.requireNonNull(VECTORS.get(vector.get("objective").asString()), vector.toString());
            met.add(vector.get("objective").asString());
            ObjectNode json = JSON.createObjectNode();
            for (String name : List.of("log_probs", "behavior_log_probs", "advantages", "mask")) {
                var row = json.putArray(name).addArray();
                for (int t = 0; t < 5; t++) {
                    row.add(
                            switch (name) {
                                case "log_probs" -> Math.log(policy[t]);
                                case "behavior_log_probs" -> Math.log(behavior[t]);
                                case "advantages" -> vector.get("A").asDouble();
                                default -> 1;
                            });
                }
            }
            ObjectiveExample.Answer answer = ObjectiveExample.parse(json).evaluate(objective);
            // The catalogue's gradients are finite differences.
            assertThat(answer.loss()).isCloseTo(vector.get("loss").asDouble(), within(1e-12));
            for (int t = 0; t < 5; t++) {
                assertThat(answer.gradient()[0][t])
                        .as("%s token %d", vector, t)
                        .isCloseTo(vector.get("grad").get(t).asDouble(), within(1e-8));
            }
        }
        assertThat(met).hasSize(2 * VECTORS.size()).containsAll(VECTORS.keySet());
    }
}
