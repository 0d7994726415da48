package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.config.Settings;
import org.minpro.objective.Corrections;
import org.minpro.objective.Objectives;
import org.minpro.recipe.Recipe;
import org.minpro.recipe.SftRecipe;
import org.minpro.reward.Score;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** docs/metrics.md lists the fields of {@code metrics.jsonl}, all of them and no other. */
final class MetricsDocumentationTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final Pattern CELL = Pattern.compile("`([^`]+)`");

    @TempDir
    Path folder;

    /** The fields of a command's tables, with their placeholders. */
    private static Set<String> documented(String command) throws IOException {
        Set<String> names = new TreeSet<>();
        String section = "";
        for (String line : Files.readAllLines(Path.of("..", "docs", "metrics.md"))) {
            section = line.startsWith("## ") ? line : section;
            if (section.equals("## `minpro " + command + "`") && line.startsWith("| `")) {
                Matcher name = CELL.matcher(line.substring(0, line.indexOf(" | ")));
                while (name.find()) {
                    assertThat(names.add(name.group(1)))
                            .as(name.group(1) + " once")
                            .isTrue();
                }
            }
        }
        return names;
    }

    private static Set<String> written(Path metrics) throws IOException {
        Set<String> names = new TreeSet<>();
        for (String line : Files.readAllLines(metrics)) {
            JsonNode node = JSON.readTree(line);
            for (String name : node.propertyNames()) {
                if (name.equals("updates")) {
                    node.get(name)
                            .forEach(update -> update.forEachEntry(
                                    (inner, value) -> names.add((value.isArray() ? "updates." : "") + inner)));
                } else if (name.equals("time")) {
                    node.get(name).propertyNames().forEach(inner -> names.add("time." + inner));
                } else {
                    names.add(name);
                }
            }
        }
        return names;
    }

    private static void assertSame(Set<String> documented, Set<String> written) {
        List<String> unknown = new ArrayList<>(written);
        List<String> absent = new ArrayList<>(documented);
        for (String name : documented) {
            Pattern pattern = Pattern.compile(name.replace(".", "\\.")
                    .replace("<NN>", "[0-9]{2}")
                    .replace("<part>", ".+")
                    .replace("<field>", ".+")
                    .replace("<policy>", "[a-z]+"));
            if (unknown.removeIf(field -> pattern.matcher(field).matches())) {
                absent.remove(name);
            }
        }
        assertThat(unknown).as("written and not documented").isEmpty();
        assertThat(absent).as("documented and not written").isEmpty();
    }

    private Set<String> train(Map<String, ?> more) throws IOException {
        Map<String, Object> settings = new LinkedHashMap<>(Map.of(
                "iterations", 1,
                "lag", 0,
                "groups-per-iteration", 1,
                "group-size", 2,
                "updates-per-iteration", 1,
                "runs", folder.toString(),
                "sampling", Map.of("max-new-tokens", 12, "ignore-eos", true),
                "prompts", Map.of("chat-template", "off"),
                "compute", Map.of("workers", 1)));
        settings.putAll(more);
        ClassLoader loader = getClass().getClassLoader();
        Recipe recipe = Recipe.binder(loader).bind(Recipe.class, new Settings().map("this test", settings));
        try (TrainingSession session = TrainingSession.of(recipe)
                .reward((problem, rollout) -> new Score(true, rollout.sample(), Map.of("own", 1.0), ""))
                .start()) {
            assertThat(session.run()).isTrue();
            return written(session.folder().metrics());
        }
    }

    @Test
    @Tag("slow")
    void everyFieldOfARunIsDocumented() throws IOException {
        Set<String> written = new TreeSet<>();
        for (String objective : Objectives.table().names()) {
            written.addAll(train(Map.of("objective", objective)));
        }
        written.addAll(train(Map.of("objective", Map.of("name", "m2po", "form", "mask"))));
        written.addAll(train(Map.of("objective", Map.of("name", "minpro", "form", "clip"))));
        written.addAll(train(Map.of(
                "corrections",
                Corrections.table().names(),
                "penalties",
                List.of("kl", Map.of("name", "kl", "against", "proximal")),
                "kl",
                Map.of("coefficient", 1),
                "entropy",
                Map.of("target", 0.1))));
        written.addAll(train(Map.of(
                "kl",
                Map.of("coefficient", 1, "where", "reward"),
                "sampling",
                Map.of("max-new-tokens", 12, "ignore-eos", true, "top-k", 2))));
        // A window is needed where the policy has moved: in the second update.
        written.addAll(train(Map.of(
                "objective",
                Map.of("name", "m2po", "threshold", 1e-9),
                "optimizer",
                Map.of("learning-rate", 0.01, "warmup-updates", 0),
                "groups-per-iteration",
                2,
                "updates-per-iteration",
                2)));
        assertThat(written).noneMatch(name -> name.startsWith("router/"));
        Set<String> ofExperts = train(Map.of("model", Map.of("path", experts().toString())));
        assertThat(ofExperts).anyMatch(name -> name.startsWith("router/"));
        written.addAll(ofExperts);
        Set<String> documented = documented("train");
        assertThat(documented.remove("time.sent_bytes"))
                .as("what only a run of several processes has")
                .isTrue();
        assertThat(documented.removeIf(name -> name.startsWith("ratio/mismatch/")))
                .as("what only a run with servers has: ServedRunTest")
                .isTrue();
        assertThat(documented.removeIf(name -> name.startsWith("ratio/drift/"))).isTrue();
        assertSame(documented, written);
    }

    @Test
    void everyFieldOfASupervisedRunIsDocumented() throws IOException {
        Path rows = Files.writeString(folder.resolve("rows.jsonl"), "{\"prompt\":\"1+1=\",\"completion\":\"2\"}\n");
        Map<String, Object> data =
                Map.of("files", List.of(rows.toString()), "evaluation-files", List.of(rows.toString()));
        Settings settings = new Settings()
                .map("this test", Map.of("updates", 1, "batch-rows", 1, "runs", folder.toString(), "data", data));
        try (SftSession session = SftSession.start(SftRecipe.binder().bind(SftRecipe.class, settings), line -> {})) {
            assertThat(session.run((report, seconds) -> {})).isTrue();
            assertSame(documented("sft"), written(session.folder().metrics()));
        }
    }

    /** A mixture of experts with the built-in tokenizer. */
    private Path experts() throws IOException {
        Path source = Path.of("src", "test", "resources", "models", "qwen3-moe");
        Path model = Files.createDirectories(folder.resolve("experts"));
        try (Stream<Path> files = Files.list(source)) {
            for (Path file : files.toList()) {
                Files.copy(file, model.resolve(Objects.requireNonNull(file.getFileName())));
            }
        }
        Files.copy(BuiltinModel.folder().resolve("tokenizer.json"), model.resolve("tokenizer.json"));
        return model;
    }
}
