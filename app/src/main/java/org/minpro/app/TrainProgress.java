package org.minpro.app;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.minpro.data.Dataset;
import org.minpro.experience.RewardFailure;
import org.minpro.rollout.Rollout;
import org.minpro.run.IterationReport;
import org.minpro.run.RunListener;
import org.minpro.run.TrainingSession;

/**
 * A training run as a person watches it: a live line with phase, iteration, reward and the time left, a line that stays
 * for each iteration, and now and then a prompt with its best and its worst completion.
 */
final class TrainProgress implements RunListener {
    private final Console console;
    private final LiveLine live;
    private final int showSamples;
    private final int showLedger;
    private final ShownRewardFailure failures;
    private final AtomicLong tokens = new AtomicLong();
    private volatile @Nullable TrainingSession session;
    private volatile State state = new State("", "", Double.NaN, 0);
    private double seconds;
    private int iterations;

    /**
     * @param showSamples every how many iterations samples are shown; 0 for never
     * @param showLedger every how many iterations all numbers of the last update are shown; 0 for never
     */
    TrainProgress(Console console, LiveLine live, int showSamples, int showLedger) {
        this.console = console;
        this.live = live;
        this.showSamples = showSamples;
        this.showLedger = showLedger;
        this.failures = new ShownRewardFailure(live::say);
    }

    /**
     * What the live line says beside the phase.
     *
     * @param iteration which one is under way, and of how many
     * @param reward of the last one
     * @param secondsLeft as they were estimated at {@code nanos}
     */
    private record State(String iteration, String reward, double secondsLeft, long nanos) {
        /** The line for a phase: where it is too long the detail goes first, then the reward, then the phase. */
        String line(int columns, String phase, String detail) {
            double left = Math.max(0, secondsLeft - (System.nanoTime() - nanos) / 1e9);
            return TrainProgress.line(
                    columns,
                    List.of(
                            new Part(0, iteration),
                            new Part(1, phase),
                            new Part(3, detail),
                            new Part(2, reward),
                            new Part(0, Double.isNaN(left) ? "" : "ETA " + Figures.duration(left))));
        }
    }

    /** Columns that a line may take; a file has no width. */
    private int columns() {
        return console.terminal() ? console.width().getAsInt() - 1 : Integer.MAX_VALUE;
    }

    private void show(String phase, String detail) {
        live.show(state.line(columns(), phase, detail));
    }

    void start(TrainingSession started) {
        session = started;
        state = new State(underWay(started.iteration(), started), "", Double.NaN, System.nanoTime());
        show("starting", "");
    }

    private static String underWay(long iteration, TrainingSession session) {
        int all = session.recipe().iterations();
        return "iteration " + Math.min(iteration + 1, all) + "/" + all;
    }

    @Override
    public void dataRead(Dataset.Pass pass, long done, long all) {
        String phase = switch (pass) {
            case READ -> "reading the data";
            case JOIN -> "joining the data";
            case SPLIT -> "splitting the data";
        };
        String of =
                pass == Dataset.Pass.READ ? Figures.count(all / 1_000_000) + " MB" : Figures.count(all) + " problems";
        show(phase, 100 * done / all + " % of " + of);
    }

    @Override
    public void rolloutFinished(Rollout rollout) {
        show("sampling", Figures.count(tokens.addAndGet(rollout.length())) + " tokens");
    }

    @Override
    public void updateFinished(int update, int updates) {
        show("training", "update " + update + " of " + updates);
    }

    @Override
    public void rewardFailed(RewardFailure failure) {
        failures.show(failure);
    }

    @Override
    public void notice(String line) {
        live.say(line);
    }

    @Override
    public void iterationFinished(IterationReport report) {
        TrainingSession of = Objects.requireNonNull(session);
        tokens.set(0);
        double spent = report.samplingSeconds() + report.trainingSeconds();
        seconds += spent;
        iterations++;
        double left = seconds / iterations * (of.recipe().iterations() - report.iteration() - 1);
        Map<String, Double> metrics = report.metrics().named();
        String reward = part("reward %.3f", metrics.get("reward"));
        // What it says is of the iteration that has ended.
        live.close();
        live.say(line(
                columns(),
                List.of(
                        new Part(0, underWay(report.iteration(), of)),
                        new Part(0, reward),
                        new Part(3, part("accuracy %.3f", metrics.get("accuracy"))),
                        new Part(1, part("undecided %.3f", positive(metrics.get("undecided")))),
                        new Part(5, part("entropy %.3f", metrics.get("entropy"))),
                        new Part(4, part("age %.1f", metrics.get("age/mean"))),
                        new Part(6, part("ESS %.3f", metrics.get("rollout_corr/rollout_is_eff_sample_size"))),
                        new Part(
                                7,
                                part("min-prefix %.3f", metrics.get("prefix/minimum_mean"))
                                        + part(" (end %.3f)", metrics.get("prefix/minimum_mean_tenth_10"))),
                        new Part(8, part("k3 %.4f", metrics.get("rollout_corr/k3_kl"))),
                        new Part(9, part("chi2 %.3f", metrics.get("rollout_corr/chi2_token"))),
                        new Part(10, part("reference k3 %.4f", metrics.get("reference/k3"))),
                        new Part(2, Figures.count(Math.round(report.sampledTokens() / spent)) + " tok/s"),
                        new Part(0, "ETA " + Figures.duration(left)))));
        state = new State(underWay(report.iteration() + 1, of), reward, left, System.nanoTime());
        if (showLedger > 0 && report.iteration() % showLedger == 0) {
            LedgerTable.of(report, console.width().getAsInt() - 1).forEach(live::say);
        }
        if (showSamples > 0 && report.iteration() % showSamples == 0) {
            SampleTable.of(report, of::prompt, console.width().getAsInt() - 1).forEach(live::say);
        }
    }

    /**
     * A part of an iteration's line.
     *
     * @param rank the parts of the highest are left out first where the line is too long; those of 0 stay
     */
    record Part(int rank, String text) {}

    /** The parts in their order, without those that the width has no room for. */
    static String line(int columns, List<Part> parts) {
        int most = parts.stream().mapToInt(Part::rank).max().orElse(0);
        for (int rank = most; ; rank--) {
            int last = rank;
            String line = parts.stream()
                    .filter(part -> part.rank <= last && !part.text.isEmpty())
                    .map(Part::text)
                    .collect(Collectors.joining("  "));
            if (rank == 0 || DisplayText.width(line) <= columns) {
                return line;
            }
        }
    }

    private static @Nullable Double positive(@Nullable Double value) {
        return value == null || value <= 0 ? null : value;
    }

    private static String part(String format, @Nullable Double value) {
        return value == null ? "" : String.format(Locale.ROOT, format, value);
    }
}
