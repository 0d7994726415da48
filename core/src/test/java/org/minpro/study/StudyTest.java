package org.minpro.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.minpro.config.ConfigurationException;
import org.minpro.config.Settings;
import org.minpro.data.DataException;
import org.minpro.experience.Delayed;
import org.minpro.experience.Replay;
import org.minpro.objective.Cispo;
import org.minpro.objective.MinPro;

/** Studies from YAML to runs, and the tables that keep what has ended. */
final class StudyTest {
    @TempDir
    Path folder;

    private static Study study(String yaml) {
        StudyRecipe recipe = StudyRecipe.binder().bind(StudyRecipe.class, new Settings().yaml("study.yaml", yaml));
        return Study.of(recipe, "study.yaml", Path.of("studies", "x"), StudyTest.class.getClassLoader());
    }

    @Test
    void everyCombinationIsARunAndSeedsComeLast() {
        Study study = study("""
                grid:
                  objective: [minpro, {name: cispo, cap: 1.28}]
                  staleness:
                    fresh: {lag: 0}
                    old: {lag: 4, optimizer.warmup-updates: 7}
                seeds: [5, 6]
                recipe:
                  iterations: 9
                  optimizer.learning-rate: 1e-5
                """);
        assertThat(study.runs()).hasSize(8);
        assertThat(study.runs().subList(0, 5))
                .extracting(run -> run.key().id())
                .containsExactly(
                        "minpro_fresh_5",
                        "minpro_old_5",
                        "cispo-cap-1.28_fresh_5",
                        "cispo-cap-1.28_old_5",
                        "minpro_fresh_6");
        var last = study.runs().get(3).recipe();
        assertThat(last.objective()).isEqualTo(new Cispo(0, 1.28));
        assertThat(last.staleness()).isEqualTo(new Delayed(4));
        assertThat(last.optimizer().warmupUpdates()).isEqualTo(7);
        assertThat(last.optimizer().learningRate()).isEqualTo(1e-5);
        assertThat(last.iterations()).isEqualTo(9);
        assertThat(last.seed()).isEqualTo(5);
        assertThat(last.runs()).isEqualTo(Path.of("studies", "x", "runs", "cispo-cap-1.28_old_5"));
        assertThat(study.runs().getFirst().recipe().objective()).isEqualTo(new MinPro());
    }

    @Test
    void aValueOfAnAxisWinsOverAShortFormOfIt() {
        List<Study.Run> runs = study("""
                grid:
                  staleness: [{name: replay, capacity: 3}, {name: delayed, lag: 2}]
                seeds: [1]
                recipe: {lag: 4}
                """).runs();
        assertThat(runs.getFirst().recipe().staleness()).isInstanceOf(Replay.class);
        assertThat(runs.getLast().recipe().staleness()).isEqualTo(new Delayed(2));
        assertThat(study("grid: {lag: [7]}\nseeds: [1]\nrecipe: {staleness: {name: replay, capacity: 3}}\n")
                        .runs()
                        .getFirst()
                        .recipe()
                        .staleness())
                .isEqualTo(new Delayed(7));
        assertThatThrownBy(() -> study("grid: {lag: [4, 8], staleness: [{name: replay, capacity: 3}]}\n"))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("grid must give lag and staleness");
    }

    @Test
    void settingsThatAreTheSameHaveOneHashAndOthersAnother() {
        String grid = "grid: {lag: [1]}\nseeds: [1]\n";
        String hash = study(grid + "recipe: {iterations: 5, group-size: 4}")
                .runs()
                .getFirst()
                .settings();
        assertThat(study(grid + "recipe: {group-size: 4, iterations: 5}")
                        .runs()
                        .getFirst()
                        .settings())
                .isEqualTo(hash);
        assertThat(study(grid + "recipe: {group-size: 5, iterations: 5}")
                        .runs()
                        .getFirst()
                        .settings())
                .isNotEqualTo(hash);
    }

    /** An objective and its parameters may be axes of their own, or stand in the base and in the grid. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "grid: {objective: [minpro, cispo], objective.cap: [1.28, 5]}",
                "grid: {objective.cap: [1.28, 5], objective: [minpro, cispo]}"
            })
    void aChoiceAndItsParametersComeTogether(String grid) {
        assertThat(study(grid + "\nseeds: [1]").runs())
                .extracting(run -> switch (run.recipe().objective()) {
                    case MinPro minpro -> "minpro " + minpro.cap();
                    case Cispo cispo -> "cispo " + cispo.cap();
                    default -> "another";
                })
                .containsExactlyInAnyOrder("minpro 1.28", "minpro 5.0", "cispo 1.28", "cispo 5.0");
    }

    @Test
    void anInfiniteCapIsOne() {
        assertThat(study("grid: {objective: [{name: cispo, cap: .inf}]}")
                        .runs()
                        .getFirst()
                        .recipe()
                        .objective())
                .isEqualTo(new Cispo(0, Double.POSITIVE_INFINITY));
    }

    @Test
    void problemsNameTheStudyAndTheAxis() {
        assertThatThrownBy(() -> study("grid: {objective: [minpo]}"))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("study.yaml: grid.objective minpo")
                .hasMessageContaining("minpro");
        assertThatThrownBy(() -> study("grid: {lag: 4}")).hasMessageContaining("grid must hold lists");
        assertThatThrownBy(() -> study("grid: {updates: {few: {iterations: 2}}}"))
                .hasMessageContaining("no axis is named as a column of runs.csv is")
                .hasMessageContaining("got: updates");
        assertThatThrownBy(() -> study("seeds: [1]")).hasMessageContaining("grid must be given");
        assertThatThrownBy(() -> study("grid: {lag: [1]}\nseeds: [1, 1]")).hasMessageContaining("seeds must be");
        assertThatThrownBy(() -> study("grid: {lag: [1]}\ncompared: rate")).hasMessageContaining("compared must be");
        assertThatThrownBy(() -> study("grid: {lag: [1]}\nrecipe: {seed: 4}")).hasMessageContaining("recipe must be");
        assertThatThrownBy(() -> study("grid: {objective: {'a b': {lag: 0}, 'a/b': {lag: 1}}}"))
                .hasMessageContaining("different folders");
    }

    @Test
    void aRunIsDoneWhenItsLineAndItsCurveStandInTheTables() throws IOException {
        List<String> axes = List.of("objective", "lag");
        StudyTables tables = StudyTables.open(folder, axes);
        RunResult odd = MeasuresTest.run("a, \"b\"", "8", 1, RunResult.Outcome.NOT_FINITE, 0.5, 0.25, 0.75);
        RunResult even = MeasuresTest.run("c", "8", 2, RunResult.Outcome.DONE, 0.5, 0.125);
        tables.add(odd);
        tables.add(even);
        assertThat(StudyTables.open(folder, axes).results()).containsExactly(odd, even);

        RunResult none = MeasuresTest.run("d", "8", 9007199254740993L, RunResult.Outcome.NOT_FINITE, 0.5);
        tables.add(none);
        assertThat(StudyTables.open(folder, axes).results()).containsExactly(odd, even, none);

        RunResult plain = MeasuresTest.run("e", "8", 3, RunResult.Outcome.DONE, 0.5, 0.125);
        RunResult placed = MeasuresTest.with(
                plain,
                plain.curve(),
                new Positions(Map.of(
                        "ratio/prefix/p95", List.of(1.0, 2.0, Double.NaN, 4.0, 5.0, 6.0, 7.0, 8.0, 9.5, 1234.0))));
        tables.add(placed);
        assertThat(StudyTables.open(folder, axes).results()).containsExactly(odd, even, none, placed);
        tables.add(plain);

        // A line without its curve is a run that is not done.
        List<String> curves = Files.readAllLines(folder.resolve("curves.csv"));
        curves.removeIf(line -> line.startsWith("c_8_2"));
        Files.write(folder.resolve("curves.csv"), curves);
        assertThat(StudyTables.open(folder, axes).results())
                .extracting(run -> run.key().id())
                .doesNotContain(even.key().id())
                .contains(odd.key().id(), none.key().id());
        assertThatThrownBy(() -> StudyTables.open(folder, List.of("objective")))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("one set of axes");
    }
}
