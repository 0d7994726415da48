package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.report.Block;
import org.minpro.study.RunKey;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code minpro compare}: what is done, what is not done again, and what is said of it. */
final class CompareCommandTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    @TempDir
    static Path modelFolder;

    private static String model = "";

    @TempDir
    Path folder;

    private final List<String> executed = new ArrayList<>();
    private String fails = "";

    @BeforeAll
    static void writeModel() {
        model = TinyModelFolder.write(modelFolder).toString();
    }

    @BeforeEach
    void forget() {
        executed.clear();
        fails = "";
    }

    private Path study(String objectives, String seeds, String more) throws IOException {
        return Files.writeString(folder.resolve("study.yaml"), """
                title: A test's study
                folder: '%s'
                grid:
                  objective: %s
                  lag: [0, 1]
                seeds: %s
                window: 1
                recipe:
                  model.path: '%s'
                  reward: %s
                  iterations: 2
                  groups-per-iteration: 2
                  group-size: 2
                  updates-per-iteration: 1
                  sampling: {max-new-tokens: 4}
                  optimizer.warmup-updates: 0
                  prompts.chat-template: off
                  compute.workers: 1
                  evaluation.problems: 3
                %s
                """.formatted(
                folder.resolve("out"), objectives, seeds, model, TrainCommandTest.Varied.class.getName(), more));
    }

    /** Runs the command with runs in this process. */
    private CommandLineRun compare(String... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Console console = new Console(
                new ByteArrayInputStream(new byte[0]),
                new PrintStream(out, false, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                false);
        int code = new CommandLine(new CompareCommand(console, (run, progress) -> {
                    executed.add(String.valueOf(run.getFileName()));
                    if (String.valueOf(run.getFileName()).equals(fails)) {
                        Files.writeString(run.resolve("log.txt"), "something\nminpro: the disk is full\n");
                        return 1;
                    }
                    progress.accept("1 2");
                    return StudyRun.run(run, getClass().getClassLoader(), console);
                }))
                .setExecutionExceptionHandler((e, command, result) -> Main.failure(console, e))
                .execute(arguments);
        console.out().flush();
        return new CommandLineRun(code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    private static void remove(Path path) throws IOException {
        try (Stream<Path> files = Files.walk(path)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    @Test
    void runsThatAreDoneAreNotDoneAgainAndAFailureStopsNoOther() throws IOException {
        String config = study("[minpro, grpo]", "[1]", "").toString();
        fails = "grpo_0_1";
        CommandLineRun first = compare("--config", config);
        assertThat(executed).containsExactly("minpro_0_1", "minpro_1_1", "grpo_0_1", "grpo_1_1");
        assertThat(first.code()).as(first.err()).isEqualTo(1);
        assertThat(first.err())
                .contains("failed: grpo, 0, seed 1: minpro: the disk is full")
                .contains("1 runs are not done; go on with: ")
                .contains("ETA ");
        Path out = folder.resolve("out");
        assertThat(Files.readString(out.resolve("report.md"))).contains("3 of 4 runs are done", "the disk is full");
        String curves = Files.readString(out.resolve("curves.csv"));

        // The folders of the runs are gone: the tables alone say what is done.
        remove(out.resolve("runs"));
        forget();
        CommandLineRun second = compare("--config", config);
        assertThat(executed).containsExactly("grpo_0_1");
        assertThat(second.code()).as(second.err()).isZero();
        assertThat(Files.readString(out.resolve("curves.csv"))).startsWith(curves);
        assertThat(second.lines().subList(2, 6)).allMatch(line -> line.endsWith("0 of 1 collapsed"));

        forget();
        assertThat(compare("--config", config).code()).isZero();
        assertThat(executed).isEmpty();

        // Runs that are added later: only what is new.
        assertThat(compare(
                                "--config",
                                study("[minpro, grpo, cispo]", "[1, 2]", "keep-runs: false")
                                        .toString())
                        .code())
                .isZero();
        assertThat(executed)
                .containsExactly(
                        "cispo_0_1",
                        "cispo_1_1",
                        "minpro_0_2",
                        "minpro_1_2",
                        "grpo_0_2",
                        "grpo_1_2",
                        "cispo_0_2",
                        "cispo_1_2");
        assertThat(out.resolve("runs").resolve("cispo_0_1")).doesNotExist();
        assertThat(out.resolve("runs").resolve("grpo_0_1")).isDirectory();

        // The page holds all that it shows.
        String page = Files.readString(out.resolve("report.html"));
        assertThat(page)
                .contains("12 of 12 runs are done", "<svg", "prefers-color-scheme", "not separable from", "minpro_0_1");
        assertThat(page.replace("http://www.w3.org/2000/svg", ""))
                .doesNotContain("http:", "https:", "<script", "<link", "url(");
        assertThat(Files.readAllLines(out.resolve("measures.csv"))).hasSize(13);
        // Three variants at two places: three pairs each.
        assertThat(Files.readAllLines(out.resolve("differences.csv"))).hasSize(7);
        assertThat(page).contains("grpo: ratios by position<", ">product<");
        try (Stream<Path> files = Files.list(out)) {
            assertThat(files.map(file -> file.getFileName().toString()).filter(name -> name.endsWith(".svg")))
                    .containsExactlyInAnyOrder("accuracy-lag-0.svg", "accuracy-lag-1.svg");
        }
    }

    @Test
    void aRunKeepsTheSettingsItWasDoneWith() throws IOException {
        assertThat(compare("--config", study("[minpro]", "[1]", "").toString()).code())
                .isZero();
        CommandLineRun other =
                compare("--config", study("[minpro]", "[1]", "  temperature: 2").toString());
        assertThat(other.code()).isEqualTo(2);
        String warmer =
                Files.readString(study("[minpro]", "[1]", "")).replace("max-new-tokens: 4", "max-new-tokens: 5");
        Files.writeString(folder.resolve("study.yaml"), warmer);
        CommandLineRun changed =
                compare("--config", folder.resolve("study.yaml").toString());
        assertOtherSettingsAreRefused(changed);
    }

    private static void assertOtherSettingsAreRefused(CommandLineRun changed) {
        assertThat(changed.code()).isEqualTo(2);
        assertThat(changed.errors())
                .last()
                .asString()
                .startsWith("minpro: a run must keep the settings that it was done with");
    }

    @Test
    void anotherWindowIsAnotherMeasurement() throws IOException {
        assertThat(compare("--config", study("[minpro]", "[1]", "").toString()).code())
                .isZero();
        Path two = study("[minpro]", "[1, 2]", "");
        Files.writeString(two, Files.readString(two).replace("window: 1", "window: 2"));
        CommandLineRun changed = compare("--config", two.toString());
        assertOtherSettingsAreRefused(changed);
    }

    @Test
    void aRunWhoseWeightsBreakHasEndedSo() throws IOException {
        String config =
                study("[minpro]", "[1]", "  optimizer.learning-rate: 1e30").toString();
        CommandLineRun run = compare("--config", config);
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(run.lines())
                .filteredOn(line -> line.contains("\t"))
                .hasSize(2)
                .allMatch(line -> line.endsWith("1 of 1 collapsed"));
        assertThat(Files.readString(folder.resolve("out").resolve("runs.csv"))).contains("\"not finite\"");
        // Nothing is compared with it, so nothing is said of it.
        assertThat(Files.readString(folder.resolve("out").resolve("report.md"))).doesNotContain("separable from all");
        CommandLineRun alone = compare(
                "--out",
                folder.resolve("c").toString(),
                folder.resolve("out")
                        .resolve("runs")
                        .resolve("minpro_0_1")
                        .resolve("0001")
                        .toString());
        assertThat(alone.code()).as(alone.err()).isZero();
        assertThat(alone.lines()).singleElement().asString().endsWith("1 of 1 collapsed");
    }

    @Test
    void aReportThatCannotBeWrittenStopsNoRun() throws IOException {
        Files.createDirectories(folder.resolve("out").resolve("report.html").resolve("in-the-way"));
        CommandLineRun run = compare("--config", study("[minpro]", "[1]", "").toString());
        assertThat(executed).containsExactly("minpro_0_1", "minpro_1_1");
        assertThat(run.err())
                .contains("warning: the report cannot be written: ")
                .doesNotContain("failed: minpro");
        assertThat(Files.readAllLines(folder.resolve("out").resolve("runs.csv")))
                .hasSize(3);
    }

    @Test
    void aRunsRecipeMakesTheSameRun() throws IOException {
        String config = study("[minpro]", "[1]", "").toString();
        assertThat(compare("--config", config).code()).isZero();
        CommandLineRun recipe = compare("--config", config, "--recipe", "minpro_1_1");
        assertThat(recipe.code()).isZero();
        Path alone = Files.writeString(folder.resolve("alone.yaml"), recipe.out());
        CommandLineRun trained = CommandLineRun.of(
                "train",
                "--config",
                alone.toString(),
                "--runs",
                folder.resolve("r").toString());
        assertThat(trained.code()).as(trained.err()).isZero();
        assertThat(numbers(folder.resolve("r").resolve("0001")))
                .isEqualTo(numbers(folder.resolve("out")
                        .resolve("runs")
                        .resolve("minpro_1_1")
                        .resolve("0001")));
        assertThat(compare("--config", config, "--recipe", "none").code()).isEqualTo(2);
    }

    /** All that does not depend on the clock. */
    private static List<String> numbers(Path run) throws IOException {
        return Files.readAllLines(run.resolve("metrics.jsonl")).stream()
                .map(line -> line.substring(0, line.indexOf(",\"time\":")))
                .toList();
    }

    @Test
    void finishedRunsAreComparedByWhatTheirRecipesDifferIn() throws IOException {
        assertThat(compare("--config", study("[minpro, grpo]", "[1, 2]", "").toString())
                        .code())
                .isZero();
        Path runs = folder.resolve("out").resolve("runs");
        List<String> line = new ArrayList<>(List.of("--out", folder.resolve("c").toString()));
        for (String run : List.of("minpro_0_1", "minpro_0_2", "grpo_0_1", "grpo_0_2")) {
            line.add(runs.resolve(run).resolve("0001").toString());
        }
        // Begun on another day, with other workers: the same variant all the same.
        Path recipe = runs.resolve("minpro_0_2").resolve("0001").resolve("recipe.yaml");
        String text = Files.readString(recipe);
        Files.writeString(
                recipe,
                text.replaceFirst(" date: .*", " date: \"2020-01-01\"").replaceFirst(" workers: .*", " workers: 3"));
        assertThat(Files.readString(recipe)).isNotEqualTo(text);
        CommandLineRun compared = compare(line.toArray(String[]::new));
        assertThat(compared.code()).as(compared.err()).isZero();
        assertThat(compared.lines()).hasSize(2);
        assertThat(compared.out()).contains("\tgrpo\t", "\tminpro\t");
        assertThat(Files.readString(folder.resolve("c").resolve("report.md"))).contains("4 of 4 runs", "2 variants");
        assertThat(Files.readString(folder.resolve("c").resolve("accuracy.svg")))
                .startsWith("<svg")
                .contains(">minpro<");
        assertThat(compare(folder.toString()).code()).isEqualTo(2);
        line.addFirst("compare");
        line.add("--list");
        assertThat(CommandLineRun.of(line.toArray(String[]::new)).err())
                .contains("--list, --report and --recipe are for a study");
        CommandLineRun missing = CommandLineRun.of(
                "compare", "--config", folder.resolve("nothere.yaml").toString());
        assertThat(missing.code()).isEqualTo(2);
        assertThat(missing.err()).contains("nothere.yaml", "does not exist").doesNotContain("grid must");
        CommandLineRun plan = CommandLineRun.of(
                "plan", "--config", study("[minpro]", "[1]", "").toString());
        assertThat(plan.code()).isEqualTo(2);
        assertThat(plan.err()).contains("must name a recipe, got a study").doesNotContain("unknown");
        assertThat(compare().code()).isEqualTo(2);
    }

    @Test
    void aResponseIsShownWithTheRatiosOfItsTokens() throws IOException {
        assertThat(compare("--config", study("[minpro]", "[1]", "").toString()).code())
                .isZero();
        Path run = folder.resolve("out").resolve("runs").resolve("minpro_0_1").resolve("0001");
        JsonNode rollout =
                JSON.readTree(Files.readAllLines(run.resolve("journal.jsonl")).getFirst());
        StringBuilder tokens = new StringBuilder();
        for (int t = 0; t < rollout.path("response_ids").size(); t++) {
            tokens.append("""
                    {"iteration":2,"update":1,"draw":%s,"sample":%s,"position":%d,"version":0,"age":2,"log_mu":-1.5,\
                    "log_pi":-1.0,"min_prefix":1.0,"weight":null,"entropy":0.5}
                    """.formatted(rollout.path("draw"), rollout.path("sample"), t));
        }
        Files.writeString(run.resolve("tokens.jsonl"), tokens);
        Optional<Block.Tokens> shown =
                StudyRollouts.of(run, "a run", RunSettings.read(run, getClass().getClassLoader()));
        assertThat(shown).isPresent();
        assertThat(shown.get().tokens())
                .hasSize(rollout.path("response_ids").size())
                .allSatisfy(token -> {
                    assertThat(token.logRatio()).isEqualTo(0.5);
                    assertThat(token.note()).contains("ρ 1.649", "weight -", "entropy 0.500");
                });
        assertThat(shown.get().title()).contains("a run: to ", "2 updates old in iteration 3");
        String text = String.join(
                "", shown.get().tokens().stream().map(Block.Token::text).toList());
        assertThat(text).startsWith(rollout.path("text").asString(""));

        // Of a variant the response that drifted farthest is kept.
        for (String[] variant :
                new String[][] {{"minpro", "-1.0"}, {"minpro", "-1.25"}, {"cispo", "-1.5"}, {"minpro", "-0.5"}}) {
            Files.writeString(
                    run.resolve("tokens.jsonl"),
                    tokens.toString().replace("\"log_pi\":-1.0", "\"log_pi\":" + variant[1]));
            StudyRollouts.keep(
                    run,
                    folder,
                    new RunKey(List.of(variant[0], "lag 8"), 1),
                    variant[0],
                    RunSettings.read(run, getClass().getClassLoader()));
        }
        assertThat(StudyRollouts.read(folder))
                .extracting(kept -> kept.tokens().getFirst().logRatio())
                .containsExactly(0.0, 1.0);
    }

    /** As a user runs it: each run a process. */
    @Test
    @Tag("slow")
    void aRunIsAProcessOfItsOwn() throws IOException {
        String config = study("[minpro]", "[1]", "processes: 2").toString();
        CommandLineRun run = CommandLineRun.of("compare", "--config", config);
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(run.lines()).hasSize(2);
        assertThat(folder.resolve("out").resolve("runs").resolve("minpro_1_1").resolve("log.txt"))
                .exists();
    }
}
