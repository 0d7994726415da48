package org.minpro.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.minpro.config.NamedRecords;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Losses and gradients against those of TRL's and verl's own functions, by bench/goldens/frameworks.py. */
class FrameworksTest {
    private static final JsonMapper JSON = new JsonMapper();

    /** The frameworks add 1e-8 to counts of tokens, and the file has twelve digits. */
    private static final double ROUNDING = 2e-8;

    private static JsonNode file() throws IOException {
        try (InputStream stream = FrameworksTest.class.getResourceAsStream("/frameworks/losses.json")) {
            return JSON.readTree(Objects.requireNonNull(stream, "made by bench/goldens/frameworks.py"));
        }
    }

    static Stream<Named<JsonNode>> cases() throws IOException {
        JsonNode file = file();
        return file.get("cases").valueStream().map(of -> {
            ObjectNode json = (ObjectNode) of;
            json.set("data", file.get("batches").get(of.get("batch").asString()));
            return Named.of(
                    of.get("framework").asString() + ", " + of.get("case").asString() + ", "
                            + of.get("batch").asString(),
                    json);
        });
    }

    @ParameterizedTest
    @MethodSource("cases")
    void equalsTheFramework(JsonNode of) {
        ObjectNode data = (ObjectNode) of.get("data").deepCopy();
        data.put("anchor", of.path("anchor").asString("behavior"));
        Aggregation.Mode mode = Aggregation.of(of.get("aggregation").asString()).mode();
        Anchor anchor = data.get("anchor").asString().equals("proximal") ? Anchor.PROXIMAL : Anchor.BEHAVIOR;
        Loss loss = Loss.of(
                Objectives.of(of.get("objective").asString(), parameters(of.get("parameters"))),
                parts(Corrections.table(), of.path("corrections")),
                parts(Penalties.table(), of.path("penalties")),
                new Aggregation(mode, of.get("length").asInt()),
                anchor);

        ObjectiveExample.Answer answer = ObjectiveExample.parse(data).evaluate(loss);

        JsonNode expected = of.get("expected");
        assertClose("loss", answer.loss(), expected.get("loss").asDouble());
        for (int i = 0; i < answer.gradient().length; i++) {
            for (int t = 0; t < answer.gradient()[i].length; t++) {
                assertClose(
                        "row " + i + " token " + t,
                        answer.gradient()[i][t],
                        expected.get("gradient").get(i).get(t).asDouble());
            }
        }
    }

    private static void assertClose(String what, double got, double expected) {
        assertThat(got).as(what).isCloseTo(expected, within(ROUNDING * Math.max(1, Math.abs(expected))));
    }

    private static Map<String, Object> parameters(JsonNode json) {
        return JSON.convertValue(json, new TypeReference<>() {});
    }

    private static <P> List<P> parts(NamedRecords<P> table, JsonNode json) {
        List<P> parts = new ArrayList<>();
        for (JsonNode part : json) {
            Map<String, Object> parameters = new TreeMap<>(parameters(part));
            parts.add(table.create(
                    (String) Objects.requireNonNull(parameters.remove("name")),
                    parameters,
                    FrameworksTest.class.getClassLoader()));
        }
        return parts;
    }

    @Test
    void whatTheFrameworksHaveIsCompared() throws IOException {
        TreeSet<String> compared = new TreeSet<>();
        file().get("cases").forEach(of -> compared.add(of.get("objective").asString()));
        assertThat(compared)
                .contains(
                        "cispo",
                        "clip-cov",
                        "dapo",
                        "dppo-kl",
                        "dppo-tv",
                        "dual-clip",
                        "gmpo",
                        "grpo",
                        "gspo",
                        "gspo-sequence",
                        "kimi",
                        "kl-cov",
                        "luspo",
                        "opsm",
                        "reinforce",
                        "sapo",
                        "tis-reinforce",
                        "vespo");
    }
}
