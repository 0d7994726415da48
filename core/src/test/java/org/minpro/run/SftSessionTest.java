package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.config.Binder;
import org.minpro.config.Settings;
import org.minpro.data.DataException;
import org.minpro.recipe.ModelSection;
import org.minpro.recipe.SftRecipe;
import org.minpro.train.SupervisedTrainer;
import tools.jackson.databind.json.JsonMapper;

final class SftSessionTest {
    private static final int ROWS = 6;

    @TempDir
    Path folder;

    /** Sums whose solutions the built-in model would not write, of lengths that tell which row was visited. */
    private SftRecipe recipe(String settings) throws IOException {
        StringBuilder rows = new StringBuilder();
        for (int row = 0; row < ROWS; row++) {
            rows.append("{\"prompt\":\"1")
                    .append(row)
                    .append("+22=\",\"completion\":\"")
                    .append("9".repeat(2 + 3 * row))
                    .append("\"}\n");
        }
        Files.writeString(folder.resolve("rows.jsonl"), rows);
        return SftRecipe.binder()
                .bind(
                        SftRecipe.class,
                        new Settings()
                                .yaml(
                                        "test",
                                        "data: {files: [rows.jsonl], folder: " + folder + "}\nruns: " + folder + "\n"
                                                + "compute: {workers: 2}\n" + settings));
    }

    private static List<SupervisedTrainer.Report> run(SftRecipe recipe) {
        List<SupervisedTrainer.Report> reports = new ArrayList<>();
        try (SftSession session = SftSession.start(recipe, line -> {})) {
            assertThat(session.run((report, seconds) -> reports.add(report))).isTrue();
        }
        return reports;
    }

    /** Tokens of a row's completion, with the end that the model adds. */
    private static long tokens(int row) {
        return 3 + 3L * row;
    }

    @Test
    void everyEpochVisitsEachRowOnceInAnOrderOfItsOwn() throws IOException {
        List<SupervisedTrainer.Report> reports =
                run(recipe("batch-rows: 1\nepochs: 3\noptimizer: {learning-rate: 1e-6, warmup-updates: 0}\n"));
        assertThat(reports).hasSize(3 * ROWS);
        List<List<Long>> epochs = new ArrayList<>();
        for (int epoch = 0; epoch < 3; epoch++) {
            epochs.add(reports.subList(epoch * ROWS, (epoch + 1) * ROWS).stream()
                    .map(SupervisedTrainer.Report::tokens)
                    .toList());
            assertThat(epochs.get(epoch))
                    .containsExactlyInAnyOrder(tokens(0), tokens(1), tokens(2), tokens(3), tokens(4), tokens(5));
        }
        assertThat(epochs).doesNotHaveDuplicates();
    }

    /** Batches go on over the end of an epoch: no row is left out because it does not fill one. */
    @Test
    void batchesGoOnOverTheEndOfAnEpoch() throws IOException {
        List<SupervisedTrainer.Report> reports =
                run(recipe("batch-rows: 4\nepochs: 2\noptimizer: {learning-rate: 1e-6, warmup-updates: 0}\n"));
        assertThat(reports).hasSize(3);
        long all = 0;
        for (int row = 0; row < ROWS; row++) {
            all += tokens(row);
        }
        assertThat(reports.stream().mapToLong(SupervisedTrainer.Report::tokens).sum())
                .isEqualTo(2 * all);
    }

    @Test
    void theLossFalls() throws IOException {
        List<SupervisedTrainer.Report> reports =
                run(recipe("batch-rows: 6\nepochs: 8\noptimizer: {learning-rate: 2e-3, warmup-updates: 2}\n"));
        double first = reports.getFirst().loss();
        double last = reports.getLast().loss();
        assertThat(first).isGreaterThan(2);
        assertThat(last).isLessThan(first / 4);
        assertThat(reports)
                .allSatisfy(report -> assertThat(report.gradientNorm()).isFinite());
    }

    /** Without its template a model that learnt conversations would be asked in another form. */
    @Test
    void aModelThatBeganFromASeedIsSavedWithAllThatItsFolderHasBesideWeights() throws IOException {
        Path bare = Files.createDirectories(folder.resolve("bare"));
        Path builtin = ModelFiles.open(ModelSection.BUILTIN).path();
        List<String> names = List.of("tokenizer.json", "tokenizer_config.json", "generation_config.json");
        for (String name : names) {
            Files.copy(builtin.resolve(name), bare.resolve(name));
        }
        Files.copy(builtin.resolve("config.json"), bare.resolve("config.json"));
        Files.writeString(bare.resolve("chat_template.jinja"), "{% for m in messages %}{{ m.content }}{% endfor %}=");
        Files.writeString(bare.resolve("LICENSE"), "Apache-2.0");
        SftRecipe recipe = recipe("model: {path: " + bare + "}\ninitialise: true\nupdates: 1\nbatch-rows: 2\n");
        Path saved;
        try (SftSession session = SftSession.start(recipe, line -> {})) {
            assertThat(session.run((report, seconds) -> {})).isTrue();
            saved = session.saveModel();
        }
        for (String name : Stream.concat(names.stream(), Stream.of("chat_template.jinja", "LICENSE"))
                .toList()) {
            assertThat(saved.resolve(name)).hasSameBinaryContentAs(bare.resolve(name));
        }
        assertThat(ModelFiles.open(saved.toString()).chatTemplate(LocalDate.EPOCH))
                .isPresent();
    }

    @Test
    void aStoppedRunContinuesAsIfItHadNotBeen() throws IOException {
        SftRecipe recipe = recipe("batch-rows: 4\nepochs: 6\noptimizer: {learning-rate: 1e-3, warmup-updates: 2}\n");
        List<SupervisedTrainer.Report> whole = run(recipe);
        List<SupervisedTrainer.Report> parts = new ArrayList<>();
        Path run;
        try (SftSession session = SftSession.start(recipe, line -> {})) {
            run = session.folder().path();
            session.run((report, seconds) -> {
                parts.add(report);
                if (parts.size() == 4) {
                    session.stop();
                }
            });
        }
        assertThat(parts).hasSize(4);
        try (SftSession session = SftSession.resume(run, line -> {})) {
            assertThat(session.done()).isEqualTo(4);
            assertThat(session.run((report, seconds) -> parts.add(report))).isTrue();
        }
        assertThat(parts).isEqualTo(whole);
    }

    @Test
    void aFinishedRunGoesOnForMoreUpdates() throws IOException {
        String settings = "batch-rows: 4\noptimizer: {learning-rate: 1e-3, warmup-updates: 2}\n";
        List<SupervisedTrainer.Report> parts = new ArrayList<>();
        Path run;
        try (SftSession session = SftSession.start(recipe("updates: 3\n" + settings), line -> {})) {
            run = session.folder().path();
            assertThat(session.run((report, seconds) -> parts.add(report))).isTrue();
        }
        Path stored = run.resolve("recipe.yaml");
        Files.writeString(stored, Files.readString(stored).replace("\nupdates: 3\n", "\nupdates: 6\n"));
        try (SftSession session = SftSession.resume(run, line -> {})) {
            assertThat(session.done()).isEqualTo(3);
            assertThat(session.run((report, seconds) -> parts.add(report))).isTrue();
        }
        assertThat(parts).hasSize(6).isEqualTo(run(recipe("updates: 6\n" + settings)));
    }

    @Test
    void anExampleBeyondTheModelsPositionsIsRefusedUnlessAllowed() throws IOException {
        String settings = "prompts: {max-tokens: 1024}\nmax-completion-tokens: 1024\nupdates: 1\nbatch-rows: 1\n";
        SftRecipe recipe = recipe(settings);
        Files.writeString(
                folder.resolve("rows.jsonl"),
                "{\"prompt\":\"1+2=\",\"completion\":\"" + "9".repeat(300) + "\"}\n",
                StandardOpenOption.APPEND);
        assertThatThrownBy(() -> SftSession.start(recipe, line -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("the longest example: a sequence must fit the model's positions,"
                        + " max_position_embeddings (256), got: 305 tokens")
                .hasMessageContaining("model.beyond-positions: true");
        SftRecipe allowed = Binder.with(recipe, "model.beyond-positions", true);
        assertThat(run(allowed)).hasSize(1);
    }

    @Test
    void aHeldOutExampleBeyondTheModelsPositionsIsRefusedToo() throws IOException {
        SftRecipe recipe =
                recipe("prompts: {max-tokens: 1024}\nmax-completion-tokens: 1024\nupdates: 1\nbatch-rows: 1\n");
        Files.writeString(
                folder.resolve("held-out.jsonl"), "{\"prompt\":\"1+2=\",\"completion\":\"" + "9".repeat(300) + "\"}\n");
        SftRecipe evaluated = Binder.with(recipe, "data.evaluation-files", List.of(Path.of("held-out.jsonl")));
        assertThatThrownBy(() -> SftSession.start(evaluated, line -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("max_position_embeddings (256), got: 305 tokens");
    }

    @Test
    void measuresTheLossOfExamplesThatAreNotLearnt() throws IOException {
        List<String> notices = new ArrayList<>();
        SftRecipe recipe = recipe("""
                batch-rows: 2
                updates: 6
                evaluation-every: 4
                optimizer: {learning-rate: 2e-3, warmup-updates: 1}
                """);
        Path held = Files.writeString(
                folder.resolve("held.jsonl"), "{\"prompt\":\"17+22=\",\"completion\":\"99999999\"}\n");
        recipe = Binder.with(recipe, "data.evaluation-files", List.of(held));
        Path run;
        try (SftSession session = SftSession.start(recipe, notices::add)) {
            run = session.folder().path();
            session.run((report, seconds) -> {});
        }
        assertThat(notices)
                .filteredOn(line -> line.startsWith("evaluation loss"))
                .hasSize(3);
        List<Double> losses = new ArrayList<>();
        for (String line : Files.readAllLines(run.resolve("metrics.jsonl"))) {
            losses.add(
                    JsonMapper.shared().readTree(line).path("evaluation_loss").doubleValue(-1));
        }
        assertThat(losses).hasSize(6);
        assertThat(List.of(losses.get(0), losses.get(1), losses.get(2), losses.get(4)))
                .containsOnly(-1.0);
        assertThat(losses.get(5)).isPositive().isLessThan(losses.get(3));
    }

    @Test
    void keepsAShareOfTheExamplesForTheEvaluation() throws IOException {
        SftRecipe recipe = Binder.with(
                recipe("batch-rows: 1\noptimizer: {learning-rate: 1e-6, warmup-updates: 0}\n"), "data.held-out", 0.5);
        try (SftSession session = SftSession.start(recipe, line -> {})) {
            assertThat(session.description()).matches("[1-5] examples \\([1-5] held out\\)");
            assertThat(session.updates()).isBetween(1L, 5L);
        }
    }

    @Test
    void refusesToContinueOnOtherData() throws IOException {
        Path run;
        try (SftSession session = SftSession.start(recipe("batch-rows: 2\nupdates: 4\n"), line -> {})) {
            run = session.folder().path();
            session.run((report, seconds) -> session.stop());
        }
        Path rows = folder.resolve("rows.jsonl");
        String before = Files.readString(rows);
        Files.writeString(rows, before.replace("\"99\"", "\"98\""));
        assertThatThrownBy(() -> SftSession.resume(run, line -> {}))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("must be continued on the data that it began with")
                .hasMessageContaining("rows.jsonl (")
                .hasMessageContaining("Restore the file, or start a new run");
        Files.writeString(rows, before);
        try (SftSession session = SftSession.resume(run, line -> {})) {
            assertThat(session.run((report, seconds) -> {})).isTrue();
        }
    }
}
