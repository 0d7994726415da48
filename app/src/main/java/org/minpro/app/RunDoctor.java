package org.minpro.app;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.minpro.dashboard.RolloutIndex;
import org.minpro.dashboard.RunDiagnosis;
import org.minpro.dashboard.RunState;
import org.minpro.dashboard.RunView;
import org.minpro.tensor.Engine;

/** What {@code minpro doctor RUN} says of a run. */
final class RunDoctor {
    private RunDoctor() {}

    /** A line for the run, and one for each finding. */
    static void examine(Path folder, Console console) throws IOException {
        if (!RunView.isRun(folder)) {
            throw new IllegalArgumentException(
                    "a run must be a folder with a recipe.yaml, got: " + folder + "; minpro train makes runs/0001");
        }
        RunView run = new RunView(folder);
        long done = run.done();
        long due = RunView.due(run.settings());
        RunState state = run.state(done, due);
        console.result(folder + ": " + state.word() + ", " + done + (due == 0 ? "" : " of " + due) + " iterations");
        List<String> findings = RunDiagnosis.of(
                run,
                new RolloutIndex(
                        run.journal(), run.tokens(), Engine.cacheFolder().resolve("index")));
        findings.forEach(console::result);
        if (findings.isEmpty()) {
            console.result(done == 0 ? "nothing is recorded yet" : "nothing found");
        }
        if (state == RunState.KILLED) {
            console.result("its process ended without a word; continue it with: "
                    + ShownCommand.of(List.of("train", "--resume", folder.toString())));
        }
    }
}
