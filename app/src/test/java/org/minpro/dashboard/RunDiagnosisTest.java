package org.minpro.dashboard;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each thing that goes wrong in a run is named with its numbers and, where one shows it, a rollout. */
final class RunDiagnosisTest {
    @TempDir
    Path folder;

    private Path run;

    @BeforeEach
    void write() throws IOException {
        run = SyntheticRun.write(folder.resolve("run"), 6, 40);
        replace("\"rollout_corr/kl\":null,", "");
    }

    private void replace(String expression, String replacement) throws IOException {
        Path metrics = run.resolve("metrics.jsonl");
        Files.writeString(metrics, Files.readString(metrics).replaceAll(expression, replacement));
    }

    /** Gives each iteration's line another number. */
    private void say(String number) throws IOException {
        replace("\"iteration\"", number + ",\"iteration\"");
    }

    private List<String> found() throws IOException {
        RunView view = new RunView(run);
        return RunDiagnosis.of(view, new RolloutIndex(view.journal(), view.tokens(), folder.resolve("cache")));
    }

    @Test
    void aHealthyRunHasNothing() throws IOException {
        say("\"undecided\":0.1");
        assertThat(found()).isEmpty();
    }

    @Test
    void responsesThatCouldNotBeJudgedComeWithOneOfThem() throws IOException {
        say("\"undecided\":0.34");
        assertThat(found())
                .singleElement()
                .satisfies(line -> assertThat(line)
                        .startsWith("undecided in iteration 4: 34.0 % of the responses")
                        .contains("(such as rollout 4.2)"));
    }

    @Test
    void whereNearlyNothingIsRightTheBestResponseIsShown() throws IOException {
        replace("\"accuracy\":[0-9.]+", "\"accuracy\":0.0");
        assertThat(found())
                .singleElement()
                .satisfies(line ->
                        assertThat(line).startsWith("too hard in iteration 4: ").contains("(such as rollout 4.1)"));
    }

    @Test
    void whatNoRolloutShowsComesWithItsNumbersAlone() throws IOException {
        say("\"mismatch/mean\":0.5,\"mismatch/max\":2.0");
        assertThat(found())
                .singleElement()
                .satisfies(line -> assertThat(line)
                        .startsWith("mismatch in iteration 0: sampler and trainer differ by 0.5000 nats")
                        .doesNotContain("rollout "));
    }

    @Test
    void theLineThatTheRunEndedWithIsSaid() throws IOException {
        Files.writeString(run.resolve("failure.txt"), "loss and gradient must be finite, got: NaN\n");
        assertThat(found()).containsExactly("failed: loss and gradient must be finite, got: NaN");
        assertThat(new RunView(run).state(6, 40)).isEqualTo(RunState.FAILED);
    }

    @Test
    void aRunThatWasForNothingIsNotHealthy() throws IOException {
        String line = "0 of 4 updates took a step: the model is unchanged.";
        Files.writeString(run.resolve("notices.jsonl"), "{\"time\":5.0,\"iteration\":4,\"line\":\"" + line + "\"}\n");
        assertThat(found()).containsExactly(line);
    }

    @Test
    void damagedLinesAreNamedAndTheOthersRead() throws IOException {
        Path metrics = run.resolve("metrics.jsonl");
        List<String> lines = new ArrayList<>(Files.readAllLines(metrics));
        lines.set(1, "x" + lines.get(1));
        lines.add("");
        lines.add("{\"iteration\":1e400}");
        Files.write(metrics, lines);
        assertThat(found())
                .satisfiesExactly(
                        first -> assertThat(first).startsWith("damaged: line 2 of "),
                        second -> assertThat(second).startsWith("damaged: line 7 of "),
                        third -> assertThat(third).startsWith("damaged: line 8 of "));
        assertThat(new RunView(run).done()).isEqualTo(6);
    }

    @Test
    void aLastLineMayBeLong() throws IOException {
        String update = "0.125,".repeat(50_000) + "0.125";
        say("\"updates\":[" + update + "]");
        assertThat(Files.size(run.resolve("metrics.jsonl"))).isGreaterThan(1 << 20);
        assertThat(new RunView(run).done()).isEqualTo(6);
        Files.writeString(run.resolve("metrics.jsonl"), "{\"iteration\":6,\"upd", StandardOpenOption.APPEND);
        assertThat(new RunView(run).done()).isEqualTo(6);
    }
}
