package org.minpro.dashboard;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.minpro.run.MetricsFile;
import org.minpro.run.RunChecks;
import org.minpro.run.RunFailure;
import tools.jackson.databind.JsonNode;

/** What {@link RunChecks} finds in a run's folder, each with a rollout that shows it. */
public final class RunDiagnosis {
    private RunDiagnosis() {}

    /**
     * One line for each finding, in the order of the iterations.
     *
     * @param rollouts of the run's journal
     */
    public static List<String> of(RunView run, RolloutIndex rollouts) throws IOException {
        List<String> lines = new ArrayList<>();
        RunChecks checks = new RunChecks();
        List<RunChecks.Finding> findings = new ArrayList<>();
        List<Integer> damaged = MetricsFile.read(
                run.metrics(), (iteration, numbers) -> findings.addAll(checks.next(iteration, numbers)));
        if (findings.stream().anyMatch(finding -> finding.example() != RunChecks.Example.NONE)) {
            rollouts.refresh();
        }
        for (RunChecks.Finding finding : findings) {
            lines.add(finding.line(example(finding, rollouts)));
        }
        for (int line : damaged) {
            lines.add("damaged: line " + line + " of " + run.metrics()
                    + " is left out; the run writes lines of JSON there");
        }
        for (JsonNode notice : run.notices()) {
            String line = notice.path("line").asString("");
            // Warnings are the findings themselves, or of the recipe.
            if (RunSummary.isVerdict(line)) {
                lines.add(line);
            }
        }
        RunFailure.of(run.folder()).ifPresent(line -> lines.add("failed: " + line));
        return lines;
    }

    private static @Nullable String example(RunChecks.Finding finding, RolloutIndex rollouts) {
        RolloutIndex.Order order = switch (finding.example()) {
            case NONE -> null;
            case CUT_OFF, UNDECIDED -> RolloutIndex.Order.OLDEST;
            case LARGEST_REWARD -> RolloutIndex.Order.LARGEST_REWARD;
            case SMALLEST_REWARD -> RolloutIndex.Order.SMALLEST_REWARD;
            case SHORTEST -> RolloutIndex.Order.SHORTEST;
        };
        if (order == null) {
            return null;
        }
        RolloutIndex.Filter filter = new RolloutIndex.Filter(
                finding.iteration(),
                null,
                null,
                null,
                null,
                finding.example() == RunChecks.Example.UNDECIDED ? Boolean.TRUE : null,
                finding.example() == RunChecks.Example.CUT_OFF ? Boolean.TRUE : null,
                false);
        return rollouts.find(filter, order, 0, 1).page().stream()
                .findFirst()
                .map(entry -> entry.draw() + "." + entry.sample())
                .orElse(null);
    }
}
