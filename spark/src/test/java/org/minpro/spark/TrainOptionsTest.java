package org.minpro.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the driver does by itself, without a cluster. */
final class TrainOptionsTest {
    @TempDir
    private Path folder;

    private static TrainOptions of(String... arguments) {
        return TrainOptions.of(arguments, 0);
    }

    @Test
    void whatIsNotTheDriversOwnMakesTheRecipe() {
        TrainOptions options = of("--config", "r.yaml", "--ranks", "4", "--set", "seed=2", "--ignore-memory");
        assertThat(options.ranks()).isEqualTo(4);
        assertThat(options.recipe()).containsExactly("--config", "r.yaml", "--set", "seed=2");
        assertThat(options.ofRanks()).containsExactly("--ignore-memory");
        assertThat(TrainOptions.of(new String[0], 3).ranks()).isEqualTo(3);
    }

    @Test
    void aWrongLineSaysWhatMustBe() {
        assertThatThrownBy(() -> of("--config", "r.yaml"))
                .hasMessageStartingWith("--ranks must say how many processes");
        assertThatThrownBy(() -> of("--ranks", "two")).hasMessage("--ranks must be a whole number >= 1, got: two");
        assertThatThrownBy(() -> of("--ranks", "0")).hasMessage("--ranks must be a whole number >= 1, got: 0");
        assertThatThrownBy(() -> of("--ranks")).hasMessage("--ranks must have a value, got: nothing");
        assertThatThrownBy(() -> of("--ranks", "2", "--resume", "runs/0001", "--set", "seed=2"))
                .hasMessageContaining("must stand without others, got: --set seed=2");
    }

    @Test
    void everyStartHasAGenerationOfItsOwn() {
        SharedRun run = new SharedRun(folder);
        assertThat(run.iterations()).isZero();
        assertThat(List.of(run.nextGeneration(), run.nextGeneration(), new SharedRun(folder).nextGeneration()))
                .containsExactly(1L, 2L, 3L);
    }

    @Test
    void aGrowingFileTellsWholeLines() throws Exception {
        Path file = Files.writeString(folder.resolve("log"), "old\n");
        GrowingFile growing = new GrowingFile(file);
        StringBuilder said = new StringBuilder();
        growing.read(said::append);
        assertThat(said).isEmpty();
        Files.writeString(file, "old\nnew\nha");
        growing.read(line -> said.append('<').append(line).append('>'));
        Files.writeString(file, "old\nnew\nhalf\n");
        growing.read(line -> said.append('<').append(line).append('>'));
        Files.writeString(file, "one\n");
        growing.read(line -> said.append('<').append(line).append('>'));
        assertThat(said.toString()).isEqualTo("<new><half><one>");
    }

    @Test
    void processesHaveTheEnvironmentAndTheOptionsOfTheLauncher() throws Exception {
        Map<String, String> launcher = new HashMap<>();
        List<String> options = new ArrayList<>();
        Pattern export = Pattern.compile("export (\\w+)=\"\\$\\{\\1-([^}]*)}\"");
        Pattern java = Pattern.compile("exec .*/bin/java\" (.*) \\$\\{MINPRO_JAVA_OPTIONS-}.*");
        for (String line : Files.readAllLines(Path.of("..", "minpro"))) {
            Matcher exported = export.matcher(line);
            if (exported.matches()) {
                launcher.put(exported.group(1), exported.group(2));
            }
            Matcher started = java.matcher(line);
            if (started.matches()) {
                options.addAll(List.of(started.group(1).split(" ", -1)));
            }
        }
        assertThat(MinproProcess.ENVIRONMENT).isEqualTo(launcher).isNotEmpty();
        assertThat(MinproProcess.OPTIONS).isEqualTo(options).isNotEmpty();
    }

    @Test
    void aFailedJobIsToldWithoutItsTraces() {
        Exception failed =
                new IllegalStateException("Job aborted.\n\tat a.B(C.java)\n\nrank 1 ended\nDriver stacktrace:\n more");
        assertThat(TrainOnSpark.reason(new ExecutionException(failed))).isEqualTo("Job aborted. rank 1 ended");
    }

    @Test
    void jarsMustBeShipped() {
        assertThatThrownBy(() -> ShippedJars.in(ClassLoader.getPlatformClassLoader()))
                .hasMessageStartingWith("spark-submit must be given the jars of MinPRO with --jars");
    }

    @Test
    void commandsAreLinesOfWords() throws Exception {
        Path file = Files.writeString(folder.resolve("commands"), "# none\n\neval --set \"a b=c\" 'd'\n");
        assertThat(CommandsOnSpark.commands(file)).containsExactly(List.of("eval", "--set", "a b=c", "d"));
    }
}
