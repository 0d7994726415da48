package org.minpro.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.minpro.config.Doc;
import org.minpro.config.NamedRecords;

class ObjectivesTest {
    /** An objective outside the table, as a user's jar would hold it. */
    record Halved(double factor, boolean loud) implements Objective {
        Halved() {
            this(0.5, false);
        }

        @Override
        public ObjectiveResult compute(ObjectiveInputs inputs) {
            return new ObjectiveResult(inputs.logProbs().multiply(factor));
        }
    }

    private static List<String> names() {
        return Objectives.entries().stream().map(NamedRecords.Entry::name).toList();
    }

    @Test
    void theTableIsSortedAndComplete() {
        assertThat(names())
                .isSorted()
                .containsExactly(
                        "a3po",
                        "aspo",
                        "cispo",
                        "clip-cov",
                        "cppo",
                        "ctpo",
                        "dapo",
                        "decoupled-ppo",
                        "dppo-kl",
                        "dppo-tv",
                        "drpo",
                        "dual-clip",
                        "gepo",
                        "gmpo",
                        "grpo",
                        "gspo",
                        "gspo-sequence",
                        "kimi",
                        "kl-cov",
                        "kpo",
                        "luspo",
                        "m2po",
                        "minirl",
                        "minpro",
                        "mis-po",
                        "opsm",
                        "pnpo",
                        "prefix",
                        "prefix-weight",
                        "prime-rl",
                        "reinforce",
                        "sapo",
                        "sspo",
                        "tis-reinforce",
                        "topr",
                        "trm",
                        "vcpo",
                        "vespo");
        for (String name : names()) {
            assertThat(Objectives.nameOf(Objectives.of(name))).isEqualTo(name);
        }
    }

    @Test
    void parametersChangeTheDefaults() {
        assertThat(Objectives.of("minpro")).isEqualTo(new MinPro());
        assertThat(Objectives.of("minpro", Map.of("cap", 2, "form", "clip", "prefix-minimum-includes-one", true)))
                .isEqualTo(new MinPro(0, 2, true, PrefixForm.CLIP, 0.2, 0.28));
        assertThat(Objectives.of("cispo", Map.of("cap", ".inf", "floor", "0.5")))
                .isEqualTo(new Cispo(0.5, Double.POSITIVE_INFINITY));
    }

    @Test
    void anUnknownNameGetsTheNearestOne() {
        assertThatThrownBy(() -> Objectives.of("minpo"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("objective must be one of a3po, aspo")
                .hasMessageContaining("got: 'minpo'. Did you mean 'minpro'?");
        assertThatThrownBy(() -> Objectives.of("something else")).hasMessageNotContaining("Did you mean");
    }

    @Test
    void everyProblemWithParametersIsNamedAtOnce() {
        assertThatThrownBy(() -> Objectives.of("minpro", new LinkedHashMap<>(Map.of("kap", 2, "form", "wait"))))
                .hasMessageContaining("'kap'. Did you mean 'cap'?")
                .hasMessageContaining("form must be one of weight, clip, got: wait");
        assertThatThrownBy(() -> Objectives.of("minpro", Map.of("cap", "high")))
                .hasMessage("cap must be a number, got: high");
        assertThatThrownBy(() -> Objectives.of("reinforce", Map.of("cap", 2)))
                .hasMessageContaining("unknown setting 'cap'");
    }

    @Test
    void valuesOutOfRangeAreRefused() {
        assertThatThrownBy(() -> Objectives.of("minpro", Map.of("floor", 6)))
                .hasMessage("cap must be > 0 and >= floor (6.0); .inf is no cap, got: 1.28");
        assertThatThrownBy(() -> Objectives.of("grpo", Map.of("clip-low", -0.1)))
                .hasMessage("clip-low must be >= 0 and finite, got: -0.1");
        assertThatThrownBy(() -> new Grpo(0.2, Double.NaN)).hasMessage("clip-high must be >= 0, got: NaN");
        assertThatThrownBy(() -> Objectives.of("m2po", Map.of("threshold", 0)))
                .hasMessage("threshold must be > 0 and finite, got: 0.0");
    }

    @Test
    void aClassNameWorksInPlaceOfAName() {
        ClassLoader loader = ObjectivesTest.class.getClassLoader();
        String name = Halved.class.getName();
        assertThat(Objectives.of(name, Map.of(), loader)).isEqualTo(new Halved());
        assertThat(Objectives.of(name, Map.of("loud", "true"), loader)).isEqualTo(new Halved(0.5, true));
        assertThat(Objectives.nameOf(new Halved())).isEqualTo(name);
        assertThatThrownBy(() -> Objectives.of("com.acme.Missing", Map.of(), loader))
                .hasMessageContaining("--class-path")
                .hasMessageContaining("com.acme.Missing");
        assertThatThrownBy(() -> Objectives.of("java.lang.String", Map.of(), loader))
                .hasMessage("objective must implement org.minpro.objective.Objective, got: class 'java.lang.String'");
    }

    // ---- docs/objectives.md -------------------------------------------------------------------------------------

    private static final Pattern TABLE_ROW = Pattern.compile("\\| \\[`([a-z0-9-]+)`]\\(#[a-z0-9-]+\\) \\| (.+?) \\|.*");
    private static final Pattern SECTION = Pattern.compile("### `([a-z0-9-]+)`");
    private static final Pattern PARAMETER = Pattern.compile("\\| `([a-z0-9-]+)` \\| `([^`]+)` \\| (.+) \\|");

    /** A table of the code with the headings that its table and its sections stand below. */
    record Documented<T>(NamedRecords<T> table, String tableBelow, String sectionsBelow) {
        private Map<String, @Nullable Object> defaults(String name) {
            return table.parameters(table.create(name, Map.of(), ObjectivesTest.class.getClassLoader()));
        }
    }

    private static List<Documented<?>> documented() {
        return List.of(
                new Documented<>(Objectives.table(), "# Objectives", "## The objectives"),
                new Documented<>(Corrections.table(), "## Corrections", "## Corrections"),
                new Documented<>(Penalties.table(), "## Penalties", "## Penalties"));
    }

    /** The lines from a heading to the next that is not below it. */
    private static List<String> below(String heading) throws IOException {
        List<String> lines = Files.readAllLines(Path.of("..", "docs", "objectives.md"));
        int from = lines.indexOf(heading) + 1;
        assertThat(from).as(heading).isPositive();
        int to = from;
        while (to < lines.size() && !lines.get(to).matches("##? .*")) {
            to++;
        }
        return lines.subList(from, to);
    }

    @ParameterizedTest
    @MethodSource("documented")
    void theTableInTheDocumentationIsTheTable(Documented<?> documented) throws IOException {
        List<String> rows = new ArrayList<>();
        for (String line : below(documented.tableBelow)) {
            Matcher row = TABLE_ROW.matcher(line);
            if (row.matches()) {
                rows.add(row.group(1) + ": " + row.group(2));
            }
        }
        assertThat(rows)
                .containsExactlyElementsOf(documented.table.entries().stream()
                        .map(entry -> entry.name() + ": " + entry.summary())
                        .toList());
    }

    @Test
    void theDocumentationHasFamilyFormulaAndSourceOfEveryObjective() throws IOException {
        Map<String, List<String>> rows = new LinkedHashMap<>();
        for (String line : below("# Objectives")) {
            Matcher row = TABLE_ROW.matcher(line);
            if (row.matches()) {
                String[] cells = line.split(" \\| ", -1);
                rows.put(row.group(1), List.of(cells[2], cells[3].replace("\\|", "|"), cells[4]));
            }
        }
        Map<String, List<String>> expected = new LinkedHashMap<>();
        for (NamedRecords.Entry<Objective> entry : Objectives.entries()) {
            Described described = entry.type().getAnnotation(Described.class);
            assertThat(described).as(entry.name()).isNotNull();
            expected.put(entry.name(), List.of(described.family(), described.formula(), described.source()));
        }
        assertThat(rows).isEqualTo(expected);
    }

    private static final Pattern ARXIV = Pattern.compile("\\d{4}\\.\\d{5}");
    private static final Pattern PAPER = Pattern.compile("\\| \\[(\\d{4}\\.\\d{5})]\\(.*\\) \\| (.+) \\|");

    @Test
    void theIndexOfPapersHasThoseOfTheSources() throws IOException {
        Map<String, List<String>> expected = new TreeMap<>();
        for (NamedRecords.Entry<Objective> entry : Objectives.entries()) {
            Described described = entry.type().getAnnotation(Described.class);
            Matcher paper = ARXIV.matcher(described.source());
            while (paper.find()) {
                expected.computeIfAbsent(paper.group(), absent -> new ArrayList<>())
                        .add("`" + entry.name() + "`");
            }
        }
        Map<String, List<String>> read = new LinkedHashMap<>();
        for (String line : below("## Papers")) {
            Matcher row = PAPER.matcher(line);
            if (row.matches()) {
                read.put(row.group(1), List.of(row.group(2).split(", ", -1)));
            }
        }
        assertThat(read).containsExactlyEntriesOf(expected);
    }

    @ParameterizedTest
    @MethodSource("documented")
    void theDocumentationNamesEveryParameterWithItsDefault(Documented<?> documented) throws IOException {
        Map<String, Map<String, String>> sections = new LinkedHashMap<>();
        String section = "";
        for (String line : below(documented.sectionsBelow)) {
            Matcher start = SECTION.matcher(line);
            if (start.matches()) {
                section = start.group(1);
                sections.put(section, new LinkedHashMap<>());
            }
            Matcher parameter = PARAMETER.matcher(line);
            if (parameter.matches() && !section.isEmpty()) {
                sections.getOrDefault(section, Map.of()).put(parameter.group(1), canonical(parameter.group(2)));
            }
        }
        List<String> names = documented.table.names();
        assertThat(sections.keySet()).containsExactlyInAnyOrderElementsOf(names);
        for (String name : names) {
            Map<String, String> defaults = new LinkedHashMap<>();
            documented
                    .defaults(name)
                    .forEach((parameter, value) -> defaults.put(parameter, canonical(String.valueOf(value))));
            assertThat(sections.getOrDefault(name, Map.of())).as(name).containsExactlyEntriesOf(defaults);
        }
    }

    @ParameterizedTest
    @MethodSource("documented")
    void theDocumentationSaysOfEveryParameterWhatARecipeDoes(Documented<?> documented) throws IOException {
        List<String> written = new ArrayList<>();
        for (NamedRecords.Entry<?> entry : documented.table.entries()) {
            List<String> parameters =
                    List.copyOf(documented.defaults(entry.name()).keySet());
            RecordComponent[] components = entry.type().getRecordComponents();
            for (int i = 0; i < components.length; i++) {
                Doc doc = components[i].getAnnotation(Doc.class);
                assertThat(doc).as("%s of %s", components[i], entry.name()).isNotNull();
                written.add(parameters.get(i) + ": " + doc.value());
            }
        }
        List<String> read = new ArrayList<>();
        for (String line : below(documented.sectionsBelow)) {
            Matcher parameter = PARAMETER.matcher(line);
            if (parameter.matches()) {
                read.add(parameter.group(1) + ": "
                        + parameter.group(3).replace("`", "").replace("form: ", "form "));
            }
        }
        assertThat(read).containsExactlyElementsOf(written);
    }

    /** One spelling for each number. */
    private static String canonical(String value) {
        return value.matches("[-+.eE0-9]+") ? Double.toString(Double.parseDouble(value)) : value;
    }
}
