package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.minpro.config.Settings;
import org.minpro.recipe.DemonstrationSection;
import org.minpro.recipe.Recipe;
import org.minpro.recipe.SftRecipe;
import org.minpro.recipe.SourceSection;
import org.minpro.study.Study;

/** Every committed recipe runs for two steps on a model of a few thousand weights and ten problems of its own. */
final class RecipesTest {
    private static final Pattern COMMAND = Pattern.compile("minpro (train|sft) --config recipes/");
    private static final Pattern PLACEHOLDER = Pattern.compile("\\{(\\w+)}");

    @TempDir
    static Path folder;

    private static String model = "";

    @BeforeAll
    static void writeModel() {
        model = TinyModelFolder.write(folder).toString();
    }

    static List<Path> recipes() throws IOException {
        Path recipes = Path.of("..", "recipes");
        try (Stream<Path> files = Files.list(recipes);
                Stream<Path> ofEnvironments = Files.list(recipes.resolve("environments"))) {
            return Stream.concat(files, ofEnvironments)
                    .filter(file -> file.toString().endsWith(".yaml"))
                    .sorted()
                    .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("recipes")
    void runsForTwoSteps(Path recipe) throws IOException {
        String text = Files.readString(recipe);
        Matcher command = COMMAND.matcher(text);
        assertThat(command.find()).as("the command in the head of " + recipe).isTrue();
        Path data = Files.createTempDirectory(folder, "data");
        Path runs = Files.createTempDirectory(folder, "runs");
        List<String> line = new ArrayList<>(List.of(command.group(1), "--config", recipe.toString(), "--model", model));
        Settings settings = new Settings().file(recipe);
        Map<String, String> small = new LinkedHashMap<>();
        small.put("data.folder", data.toString());
        small.put("runs", runs.toString());
        small.put("compute.workers", "1");
        if (command.group(1).equals("sft")) {
            SftRecipe bound = SftRecipe.binder().bind(SftRecipe.class, settings);
            assertThat(bound.warnings()).isEmpty();
            writeDemonstrations(bound.data(), data);
            small.put("updates", "2");
            small.put("batch-rows", "2");
        } else {
            Recipe bound = Recipe.binder(getClass().getClassLoader()).bind(Recipe.class, settings);
            writeProblems(bound, data);
            small.put("iterations", Integer.toString(bound.staleness().idleIterations() + 2));
            small.put("groups-per-iteration", Integer.toString(bound.updatesPerIteration()));
            small.put("group-size", "2");
            small.put("sampling.max-new-tokens", "4");
            small.put("evaluation.problems", "3");
            // A random model says nothing right, and an update that moves nothing fails the run.
            line.addAll(List.of("--reward", TrainCommandTest.Varied.class.getName()));
        }
        small.forEach((name, value) -> line.addAll(List.of("--set", name + "=" + value)));
        CommandLineRun run = CommandLineRun.of(line.toArray(String[]::new));
        assertThat(run.code()).as(run.err()).isZero();
        Path first = runs.resolve("0001");
        assertThat(Files.readAllLines(first.resolve("metrics.jsonl"))).hasSizeGreaterThanOrEqualTo(2);
        assertThat(Stream.of("model/model.safetensors", "adapter/adapter_model.safetensors"))
                .filteredOn(file -> Files.isRegularFile(first.resolve(file)))
                .hasSize(1);
    }

    private static void writeProblems(Recipe recipe, Path data) throws IOException {
        List<SourceSection> sources = new ArrayList<>(recipe.data().more());
        if (!recipe.data().files().isEmpty()) {
            sources.add(new SourceSection(
                    recipe.data().files(),
                    recipe.data().promptField(),
                    recipe.data().promptTemplate(),
                    recipe.data().answerField(),
                    recipe.data().answerAfter(),
                    null,
                    null));
        }
        for (SourceSection source : sources) {
            for (Path file : source.files()) {
                List<String> rows = new ArrayList<>();
                for (int i = 0; i < 10; i++) {
                    JsonLine row = new JsonLine();
                    if (source.promptTemplate() == null) {
                        row.with(source.promptField(), file + " " + i + "+1=");
                    } else {
                        Matcher placeholder = PLACEHOLDER.matcher(source.promptTemplate());
                        while (placeholder.find()) {
                            row.with(placeholder.group(1), file + " " + i + "+1");
                        }
                    }
                    String after = source.answerAfter();
                    row.with(source.answerField(), after == null ? i + 1 : "so " + after + " " + (i + 1));
                    rows.add(row.toString());
                }
                Files.write(data.resolve(file), rows);
            }
        }
    }

    private static void writeDemonstrations(DemonstrationSection section, Path data) throws IOException {
        for (Path file : section.files()) {
            List<String> rows = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                rows.add(new JsonLine()
                        .with(section.promptField(), i + "+1=")
                        .with(section.completionField(), "<<" + i + "+1>>" + (i + 1))
                        .toString());
            }
            Files.write(data.resolve(file), rows);
        }
    }

    static List<Path> studies() throws IOException {
        Path recipes = Path.of("..", "recipes");
        try (Stream<Path> files = Files.list(recipes.resolve("study"));
                Stream<Path> paper = Stream.of(recipes.resolve("paper").resolve("study.yaml"))) {
            return Stream.concat(files, paper)
                    .filter(file -> file.toString().endsWith(".yaml"))
                    .sorted()
                    .toList();
        }
    }

    /** The studies take hours: they are read, with all that their runs are told, and the command in their heads is theirs. */
    @ParameterizedTest
    @MethodSource("studies")
    void aStudyCanBeRead(Path file) throws IOException {
        String name = Path.of("..").relativize(file).toString();
        String text = Files.readString(file);
        if (file.toString().endsWith("-base.yaml")) {
            SftRecipe bound = SftRecipe.binder().bind(SftRecipe.class, new Settings().file(file));
            assertThat(bound.warnings()).isEmpty();
            assertThat(text).contains("minpro sft --config " + name);
            // The study that begins with it names its folder.
            String runs = "studies/bases/" + name.replaceAll(".*/|-base.yaml", "");
            assertThat(text).contains("--set runs=" + runs);
            assertThat(Files.readString(Path.of(file.toString().replace("-base", ""))))
                    .contains("model.path: " + runs + "/0001/model");
            return;
        }
        // A base is named from the repository's root, where users stand.
        Path standing = Files.createTempFile(folder, "study", ".yaml");
        Files.writeString(standing, text.replace("base: recipes", "base: ../recipes"));
        Study study = Study.read(standing, getClass().getClassLoader());
        assertThat(text).contains("minpro compare --config " + name);
        Matcher runs = Pattern.compile("(\\d+) runs\\b").matcher(text);
        if (runs.find()) {
            assertThat(study.runs()).hasSize(Integer.parseInt(runs.group(1)));
        }
    }
}
