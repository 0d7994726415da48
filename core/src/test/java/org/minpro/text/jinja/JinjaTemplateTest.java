package org.minpro.text.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.io.InputStream;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Against bench/goldens/text_jinja.py: what Python's jinja2 prints under transformers' settings. */
class JinjaTemplateTest {
    private static final LocalDateTime NOW = LocalDateTime.of(2026, 3, 7, 14, 5, 9);
    /** Errors whose words a user of the template knows. */
    private static final Set<String> SAME_WORDS = Set.of("TemplateError", "UndefinedError");

    @TestFactory
    Stream<DynamicTest> rendersAsPython() throws IOException {
        JsonNode goldens;
        try (InputStream in = JinjaTemplateTest.class.getResourceAsStream("/text/jinja.json")) {
            goldens = JsonMapper.shared().readTree(in);
        }
        assertThat(goldens.get("now").stringValue()).isEqualTo("2026-03-07T14:05:09");
        Map<?, ?> given = JsonMapper.shared().treeToValue(goldens.get("variables"), Map.class);
        Map<String, Object> variables = new LinkedHashMap<>();
        given.forEach((name, value) -> variables.put((String) name, value));
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode golden : goldens.get("cases")) {
            String template = golden.get("template").stringValue();
            tests.add(DynamicTest.dynamicTest(template, () -> check(golden, template, variables)));
        }
        assertThat(tests).hasSizeGreaterThan(200);
        return tests.stream();
    }

    private static void check(JsonNode golden, String template, Map<String, Object> variables) {
        if (golden.has("output")) {
            assertThat(JinjaTemplate.parse(template).render(variables, NOW))
                    .isEqualTo(golden.get("output").stringValue());
            return;
        }
        JinjaException error = catchThrowableOfType(
                JinjaException.class, () -> JinjaTemplate.parse(template).render(variables, NOW));
        assertThat(error).as(golden.get("message").stringValue()).isNotNull();
        assertThat(error.line()).isPositive();
        if (golden.has("line")) {
            assertThat(error.line()).isEqualTo(golden.get("line").intValue());
        }
        if (SAME_WORDS.contains(golden.get("error").stringValue())) {
            assertThat(error.reason()).isEqualTo(golden.get("message").stringValue());
        }
    }

    private static JinjaException failure(String template) {
        return catchThrowableOfType(
                JinjaException.class, () -> JinjaTemplate.parse(template).render(Map.of(), NOW));
    }

    @Test
    void namesTheLineOfAnError() {
        assertThat(failure("a\n\n{{ 1 + 'x' }}"))
                .hasMessage("line 3: unsupported operand type(s) for +: 'int' and 'str'");
    }

    @Test
    void stopsATemplateThatRunsOn() {
        String loop = "{% for a in range(100000) %}";
        assertThat(failure(loop + loop + "x{% endfor %}{% endfor %}")).hasMessageContaining("steps");
    }

    @Test
    void stopsATemplateThatGrows() {
        assertThat(failure(
                        "{% set ns = namespace(x='aaaaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}"
                                + "{% endfor %}"))
                .hasMessageContaining("at most");
        assertThat(failure("{{ 'x' * 10 ** 9 }}")).hasMessageContaining("at most");
        assertThat(failure("{{ ('x' * 10 ** 6).replace('x', 'x' * 10 ** 6) }}")).hasMessageContaining("at most");
        assertThat(failure("{{ 9 ** (9 ** 9) }}")).hasMessageContaining("bits");
        assertThat(failure("{{ '%999999s' % 1 * 100 }}")).hasMessageContaining("at most");
    }

    @Test
    void stopsATemplateThatCallsItself() {
        assertThat(failure("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}")).hasMessageContaining("deeply");
        assertThat(failure("(".repeat(100_000))).isNull();
        assertThat(failure("{{ " + "(".repeat(100_000) + "1" + ")".repeat(100_000) + " }}"))
                .hasMessageContaining("deeply");
    }

    @Test
    void seesNoJavaObject() {
        Map<String, Object> variables = Map.of("thing", new Object());
        JinjaException error = catchThrowableOfType(
                JinjaException.class, () -> JinjaTemplate.parse("{{ thing }}").render(variables, NOW));
        assertThat(error).hasMessageContaining("java.lang.Object");
    }

    @Test
    void leavesTheGivenValuesAlone() {
        List<Object> list = new ArrayList<>(List.of(2, 1));
        String printed = JinjaTemplate.parse("{{ x|sort }}{{ x|reverse|list }}").render(Map.of("x", list), NOW);
        assertThat(printed).isEqualTo("[1, 2][1, 2]");
        assertThat(list).containsExactly(2, 1);
    }
}
