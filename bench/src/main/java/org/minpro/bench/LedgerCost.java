package org.minpro.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.minpro.recipe.Recipe;
import org.minpro.run.RunListener;
import org.minpro.run.TokensFile;
import org.minpro.run.TrainingSession;
import org.minpro.train.LearnerReport;
import org.minpro.train.Update;
import tools.jackson.databind.ObjectMapper;

/**
 * What the ledger costs: CPU time of the numbers and the tokens that a run writes down of its updates, as a share of the CPU
 * time of the updates, for {@code minpro train} without arguments.
 *
 * <p>It runs some iterations, keeps their updates, and makes their ledgers, their lines of {@code metrics.jsonl} and of
 * {@code tokens.jsonl} again, many times, on one thread whose CPU time is read.
 *
 * <p>Arguments: ITERATIONS.
 */
public final class LedgerCost {
    private static final int REPEATS = 20;
    private static final int WARM_UP = 2;

    private LedgerCost() {}

    public static void main(String[] arguments) throws IOException {
        int iterations = arguments.length == 0 ? 6 : Integer.parseInt(arguments[0]);
        Path runs = Files.createTempDirectory("ledger-cost");
        Recipe recipe = new Recipe()
                .with("iterations", iterations)
                .with("evaluation.problems", 0)
                .with("runs", runs);
        List<List<Update>> updates = new ArrayList<>();
        double[] updateSeconds = new double[1];
        int[] timed = new int[1];
        RunListener listener = new RunListener() {
            private long before;

            @Override
            public void updated(int ordinal, Update update) {
                // The first update of an iteration has what came before it in its time; those of the first iterations
                // warm up.
                if (ordinal > 1 && updates.size() > WARM_UP) {
                    updateSeconds[0] += (processCpu() - before) / 1e9;
                    timed[0]++;
                }
                if (ordinal == 1) {
                    updates.add(new ArrayList<>());
                }
                updates.getLast().add(update);
                before = processCpu();
            }
        };
        try (TrainingSession session =
                TrainingSession.of(recipe).listener(listener).start()) {
            session.run();
        }
        double numbers = 0;
        double tokens = 0;
        ObjectMapper json = new ObjectMapper();
        long bytes = 0;
        int count = updates.stream().mapToInt(List::size).sum();
        for (int repeat = 0; repeat < 2 * REPEATS; repeat++) {
            // The first half warms up.
            double share = repeat < REPEATS ? 0 : 1e-9 / REPEATS / count;
            long start = threadCpu();
            bytes = 0;
            for (List<Update> ofIteration : updates) {
                LearnerReport report = LearnerReport.of(ofIteration);
                bytes += json.writeValueAsString(report.metrics()).length();
                for (LearnerReport.OfUpdate update : report.each()) {
                    bytes += json.writeValueAsString(update.metrics()).length();
                }
            }
            long half = threadCpu();
            Path file = runs.resolve("tokens-" + repeat + ".jsonl");
            try (TokensFile lines =
                    TokensFile.open(file, 0, recipe.seed(), recipe.record().rows())) {
                for (int i = 0; i < updates.size(); i++) {
                    for (Update update : updates.get(i)) {
                        lines.append(i, 1, update);
                    }
                }
            }
            numbers += share * (half - start);
            tokens += share * (threadCpu() - half);
        }
        long trained = updates.stream()
                .flatMap(List::stream)
                .flatMap(update -> update.rows().stream())
                .mapToLong(row -> row.length())
                .sum();
        double update = updateSeconds[0] / timed[0];
        System.out.printf(
                Locale.ROOT,
                "%d updates of %d tokens, %.4f CPU seconds each; metrics of an update %.5f s (%.2f %%, %d bytes), tokens of %d"
                        + " rows %.5f s (%.2f %%)%n",
                count,
                trained / count,
                update,
                numbers,
                100 * numbers / update,
                bytes / count,
                recipe.record().rows(),
                tokens,
                100 * tokens / update);
        delete(runs);
    }

    private static void delete(Path folder) throws IOException {
        try (var paths = Files.walk(folder)) {
            for (Path path : paths.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.delete(path);
            }
        }
    }

    private static long processCpu() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime();
    }

    private static long threadCpu() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }
}
