package org.minpro.report;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.minpro.chart.LineChart;
import org.minpro.chart.Series;
import org.minpro.chart.Styles;
import org.minpro.dashboard.MetricsTable;
import org.minpro.dashboard.RolloutIndex;
import org.minpro.dashboard.RunDiagnosis;
import org.minpro.dashboard.RunState;
import org.minpro.dashboard.RunView;
import org.minpro.dashboard.ShownRollouts;
import org.minpro.run.RunFiles;
import org.minpro.run.WholeFile;
import org.minpro.tracker.MetricPoint;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The report of one run, or of several over each other: the figures of the dashboard, responses, settings and commands.
 *
 * @param runs with their names; runs of one name have one colour
 * @param cache folder in which indexes are kept
 */
public record RunReport(List<Named> runs, Path cache) {
    private static final String TENTH = "prefix/minimum_mean_tenth_";
    private static final int TENTHS = 10;
    /** Iterations whose positions are drawn, of one run. */
    private static final int MOMENTS = 5;

    private static final int RESPONSES = 8;
    private static final int COLOURED = 3;

    /** A run and what it is called. */
    public record Named(String name, RunView run) {}

    /**
     * A figure: names of numbers, each a line.
     *
     * @param factor that the numbers are multiplied by
     */
    private record Figure(String title, double factor, List<String> names) {
        Figure(String title, String... names) {
            this(title, 1, List.of(names));
        }
    }

    private static final List<Figure> FIGURES = List.of(
            new Figure("reward", "reward"),
            new Figure("loss", "loss"),
            new Figure("loss of held-out examples, nats per token", "evaluation_loss"),
            new Figure("entropy, nats per token", "entropy"),
            new Figure(
                    "effective sample size: tokens, responses",
                    "rollout_corr/rollout_is_eff_sample_size",
                    "ratio/sequence_ess"),
            new Figure("ratio π/μ: quantiles of tokens", "ratio/p01", "ratio/p50", "ratio/p99"),
            new Figure("minimum prefix ratio: mean, last tenth", "prefix/minimum_mean", TENTH + "10"),
            new Figure("lengths of responses, tokens", "completions/mean_length", "completions/max_length"),
            new Figure(
                    "shares: cut off, undecided, equal groups",
                    "completions/clipped_ratio",
                    "undecided",
                    "frac_reward_zero_std"),
            new Figure("age of tokens, updates", "age/mean"),
            new Figure("norm of the gradient", "grad_norm"),
            new Figure("sampler against trainer, nats", "mismatch/max", "mismatch/mean"),
            new Figure(
                    "tokens per second: sampled, trained",
                    "time/sampled_tokens_per_second",
                    "time/trained_tokens_per_second"),
            new Figure("memory of the process, GB", 1e-9, List.of("time/resident_bytes")));

    public RunReport {
        runs = List.copyOf(runs);
    }

    /** All of it. */
    public Report report() throws IOException {
        List<Read> read = new ArrayList<>();
        for (Named named : runs) {
            read.add(Read.of(named));
        }
        List<Block> blocks = new ArrayList<>();
        blocks.add(overview(read));
        findings(blocks);
        blocks.add(new Block.Heading("Figures"));
        blocks.add(new Block.Charts(charts(read)));
        for (Named named : runs) {
            responses(named, blocks);
        }
        settings(blocks);
        blocks.add(new Block.Heading("To repeat it"));
        blocks.add(new Block.Code(String.join("\n", commands())));
        return new Report(runs.size() == 1 ? "Run " + runs.getFirst().name() : runs.size() + " runs", blocks);
    }

    /** The two figures of a picture: accuracy while training, and how far the policy is from what sampled. */
    public List<LineChart> picture() throws IOException {
        List<Read> read = new ArrayList<>();
        for (Named named : runs) {
            read.add(Read.of(named));
        }
        return List.of(
                chart("share of right answers while training (mean of 3 iterations)", read, "accuracy", 3),
                chart("mean minimum prefix ratio, last tenth of the responses", read, TENTH + "10", 1));
    }

    /** A run's numbers. */
    private record Read(Named named, MetricsTable metrics, MetricsTable evaluations, Map<String, String> settings) {
        static Read of(Named named) throws IOException {
            MetricsTable metrics = new MetricsTable(named.run().metrics(), MetricPoint.Series.TRAINING);
            metrics.refresh();
            MetricsTable evaluations = new MetricsTable(named.run().evaluations(), MetricPoint.Series.EVALUATION);
            evaluations.refresh();
            return new Read(named, metrics, evaluations, named.run().settings());
        }

        List<Series.Point> points(String name, double factor, int window) {
            List<Series.Point> points = new ArrayList<>();
            List<Double> last = new ArrayList<>();
            for (int row = 0; row < metrics.rows(); row++) {
                double value = metrics.value(name, row);
                if (Double.isNaN(value)) {
                    continue;
                }
                last.add(value * factor);
                if (last.size() > window) {
                    last.removeFirst();
                }
                points.add(new Series.Point(
                        metrics.step(row),
                        last.stream().mapToDouble(Double::doubleValue).average().orElseThrow()));
            }
            return points;
        }

        List<Series.Point> accuracies() {
            List<Series.Point> points = new ArrayList<>();
            for (int row = 0; row < evaluations.rows(); row++) {
                points.add(new Series.Point(
                        evaluations.step(row),
                        evaluations.value("eval/accuracy", row),
                        evaluations.value("eval/accuracy_low", row),
                        evaluations.value("eval/accuracy_high", row)));
            }
            return points;
        }
    }

    private Block overview(List<Read> read) {
        List<List<String>> rows = new ArrayList<>();
        for (Read run : read) {
            long done = run.metrics.rows() == 0 ? 0 : run.metrics.step(run.metrics.rows() - 1) + 1;
            long due = RunView.due(run.settings);
            RunState state = run.named.run().state(done, due);
            Map<String, Double> newest = run.metrics.newest();
            rows.add(List.of(
                    run.named.name(),
                    state.word(),
                    due == 0 ? String.valueOf(done) : done + " of " + due,
                    run.settings.getOrDefault("objective.name", run.settings.getOrDefault("objective", "sft")),
                    run.settings.getOrDefault("lag", run.settings.getOrDefault("staleness.lag", "")),
                    number(newest.get("reward")),
                    number(newest.get("loss")),
                    number(newest.get("entropy")),
                    accuracy(run.evaluations, 0),
                    run.evaluations.rows() < 2 ? "" : accuracy(run.evaluations, run.evaluations.rows() - 1)));
        }
        return new Block.Table(
                "Where they are; accuracy on held-out problems with 95 % intervals",
                List.of(
                        "run",
                        "state",
                        "iterations",
                        "objective",
                        "lag",
                        "reward",
                        "loss",
                        "entropy",
                        "first accuracy",
                        "last accuracy"),
                rows);
    }

    private static String number(@Nullable Double value) {
        return value == null ? "" : String.format(Locale.ROOT, "%.4g", value);
    }

    private static String accuracy(MetricsTable evaluations, int row) {
        return row >= evaluations.rows()
                ? ""
                : String.format(
                        Locale.ROOT,
                        "%.1f %% [%.1f, %.1f]",
                        100 * evaluations.value("eval/accuracy", row),
                        100 * evaluations.value("eval/accuracy_low", row),
                        100 * evaluations.value("eval/accuracy_high", row));
    }

    private void findings(List<Block> blocks) throws IOException {
        List<List<String>> rows = new ArrayList<>();
        for (Named named : runs) {
            for (String line : RunDiagnosis.of(named.run(), index(named))) {
                rows.add(List.of(named.name(), line));
            }
        }
        if (!rows.isEmpty()) {
            blocks.add(new Block.Table("What minpro doctor finds", List.of("run", "finding"), rows));
        }
    }

    private RolloutIndex index(Named named) {
        return new RolloutIndex(named.run().journal(), named.run().tokens(), cache);
    }

    private int style(Named named) {
        return runs.stream().map(Named::name).distinct().toList().indexOf(named.name());
    }

    private List<LineChart> charts(List<Read> read) {
        List<LineChart> charts = new ArrayList<>();
        List<Series> accuracy = new ArrayList<>();
        for (Read run : read) {
            boolean one = read.size() == 1;
            add(accuracy, one ? "training" : run.named.name(), style(run.named), run.points("accuracy", 1, 1));
            add(accuracy, one ? "held out" : "", one ? 1 : style(run.named), run.accuracies());
        }
        if (!accuracy.isEmpty()) {
            charts.add(
                    new LineChart("accuracy: training, held-out problems with 95 % intervals", "iteration", accuracy));
        }
        for (Figure figure : FIGURES) {
            List<Series> lines = new ArrayList<>();
            for (Read run : read) {
                for (int n = 0; n < figure.names.size(); n++) {
                    String name = figure.names.get(n);
                    boolean one = read.size() == 1;
                    String label = !one ? n == 0 ? run.named.name() : "" : figure.names.size() == 1 ? "" : last(name);
                    add(lines, label, one ? n : style(run.named), run.points(name, figure.factor, 1));
                }
            }
            if (!lines.isEmpty()) {
                charts.add(new LineChart(figure.title, "iteration", lines));
            }
        }
        positions(read, charts);
        return charts;
    }

    private static String last(String name) {
        return name.substring(name.lastIndexOf('/') + 1).replace("rollout_is_eff_sample_size", "tokens");
    }

    private static void add(List<Series> lines, String label, int style, List<Series.Point> points) {
        if (!points.isEmpty()) {
            lines.add(new Series(label, style, points));
        }
    }

    private LineChart chart(String title, List<Read> read, String name, int window) {
        List<Series> lines = new ArrayList<>();
        TreeSet<String> labelled = new TreeSet<>();
        for (Read run : read) {
            String label = labelled.add(run.named.name()) ? run.named.name() : "";
            add(lines, label, style(run.named), run.points(name, 1, window));
        }
        return new LineChart(title, "iteration", lines, false, new double[] {0, 1});
    }

    /** The minimum prefix ratio over the tenths of a response: of one run at some moments, of several at the last. */
    private void positions(List<Read> read, List<LineChart> charts) {
        List<Series> lines = new ArrayList<>();
        for (Read run : read) {
            List<Integer> rows = new ArrayList<>();
            for (int row = 0; row < run.metrics.rows(); row++) {
                if (!Double.isNaN(run.metrics.value(TENTH + "10", row))) {
                    rows.add(row);
                }
            }
            TreeSet<Integer> shown = new TreeSet<>();
            for (int moment = 0; moment < MOMENTS && !rows.isEmpty(); moment++) {
                shown.add(
                        read.size() > 1
                                ? rows.getLast()
                                : rows.get(Math.round(moment * (rows.size() - 1) / (float) (MOMENTS - 1))));
            }
            for (int row : shown) {
                List<Series.Point> points = new ArrayList<>();
                for (int tenth = 1; tenth <= TENTHS; tenth++) {
                    points.add(new Series.Point(
                            tenth, run.metrics.value(String.format(Locale.ROOT, "%s%02d", TENTH, tenth), row)));
                }
                add(
                        lines,
                        read.size() > 1 ? run.named.name() : "iteration " + run.metrics.step(row),
                        read.size() > 1 ? style(run.named) : lines.size(),
                        points);
            }
        }
        if (!lines.isEmpty()) {
            charts.add(new LineChart("minimum prefix ratio by position", "tenth of the response", lines));
        }
    }

    private void responses(Named named, List<Block> blocks) throws IOException {
        RolloutIndex index = index(named);
        index.refresh();
        if (index.size() == 0) {
            return;
        }
        blocks.add(new Block.Heading("Responses of " + named.name()));
        long last = index.find(RolloutIndex.Filter.all(), RolloutIndex.Order.NEWEST, 0, 1)
                .page()
                .getFirst()
                .iteration();
        RolloutIndex.Filter ofLast = new RolloutIndex.Filter(last, null, null, null, null, null, null, false);
        List<List<String>> rows = new ArrayList<>();
        for (RolloutIndex.Order order :
                List.of(RolloutIndex.Order.LARGEST_REWARD, RolloutIndex.Order.SMALLEST_REWARD)) {
            for (RolloutIndex.Entry entry :
                    index.find(ofLast, order, 0, RESPONSES / 2).page()) {
                JsonNode line = index.read(entry);
                rows.add(List.of(
                        entry.draw() + "." + entry.sample(),
                        line.path("problem").asString(""),
                        line.path("answer").asString(""),
                        entry.undecided() ? "undecided" : number((double) entry.reward()),
                        entry.tokens() + (entry.truncated() ? ", cut off" : ""),
                        "“" + line.path("text").asString("") + "”"));
            }
        }
        blocks.add(new Block.Table(
                "The best and the worst of iteration " + last,
                List.of("rollout", "problem", "reference", "reward", "tokens", "response"),
                rows));
        RolloutIndex.Filter recorded = new RolloutIndex.Filter(null, null, null, null, null, null, null, true);
        List<RolloutIndex.Entry> largest = index.find(recorded, RolloutIndex.Order.LARGEST_RATIO, 0, COLOURED)
                .page();
        if (largest.isEmpty()) {
            return;
        }
        blocks.add(new Block.Text(
                "The recorded responses with the largest ratios. Tokens are coloured by log ρ of the policy"
                        + " against the one that sampled: orange where it has become likelier, blue where less; full at a factor of"
                        + " e. Point at a token for its numbers."));
        try (ShownRollouts shown = ShownRollouts.of(named.run())) {
            for (RolloutIndex.Entry entry : largest) {
                ObjectNode rollout = shown.shown(index.read(entry), index.tokens(entry.draw(), entry.sample()));
                List<Block.Token> tokens = new ArrayList<>();
                for (JsonNode token : rollout.path("tokens")) {
                    tokens.add(new Block.Token(
                            token.path("text").asString(""),
                            token.path("log_ratio").doubleValue(0),
                            note(token)));
                }
                blocks.add(new Block.Tokens(
                        "Rollout " + entry.draw() + "." + entry.sample() + ", reward "
                                + (entry.undecided() ? "undecided" : number((double) entry.reward())),
                        tokens));
            }
        }
    }

    private static String note(JsonNode token) {
        StringBuilder note = new StringBuilder();
        for (String name : List.of("log_mu", "log_pi", "log_ratio", "min_prefix", "weight", "entropy")) {
            if (token.path(name).isNumber()) {
                note.append(note.isEmpty() ? "" : ", ")
                        .append(name.replace('_', ' '))
                        .append(String.format(
                                Locale.ROOT, " %.4f", token.path(name).doubleValue()));
            }
        }
        return note.toString();
    }

    private void settings(List<Block> blocks) {
        blocks.add(new Block.Heading("Settings"));
        Map<String, List<String>> all = new LinkedHashMap<>();
        for (int r = 0; r < runs.size(); r++) {
            for (Map.Entry<String, String> setting :
                    runs.get(r).run().settings().entrySet()) {
                all.computeIfAbsent(setting.getKey(), key -> new ArrayList<>(Collections.nCopies(runs.size(), "")))
                        .set(r, setting.getValue());
            }
        }
        List<List<String>> differing = new ArrayList<>();
        List<List<String>> shared = new ArrayList<>();
        all.forEach((name, values) -> {
            if (values.stream().distinct().count() > 1) {
                List<String> row = new ArrayList<>(List.of(name));
                row.addAll(values);
                differing.add(row);
            } else {
                shared.add(List.of(name, values.getFirst()));
            }
        });
        if (!differing.isEmpty()) {
            List<String> header = new ArrayList<>(List.of("setting"));
            runs.forEach(named -> header.add(named.name()));
            blocks.add(new Block.Table("In which they differ", header, differing));
        }
        blocks.add(new Block.Table(
                runs.size() == 1 ? "All of them" : "What all share", List.of("setting", "value"), shared));
    }

    private List<String> commands() {
        List<String> commands = new ArrayList<>();
        for (Named named : runs) {
            String command = named.run().recipe().startsWith("# minpro sft") ? "sft" : "train";
            commands.add("./minpro " + command + " --config "
                    + new RunFiles(named.run().folder()).recipe());
        }
        commands.add("./minpro report "
                + String.join(
                        " ",
                        runs.stream()
                                .map(named -> String.valueOf(named.run().folder()))
                                .toList()));
        return commands;
    }

    /** One page of the picture's figures alone, on white. */
    static String page(List<LineChart> charts) {
        return "<!DOCTYPE html><meta charset=\"utf-8\"><style>html{color-scheme:light}body{margin:8px;background:#fff}"
                + ".charts{display:grid;grid-template-columns:1fr 1fr;gap:8px}.chart{width:100%;height:auto}"
                + Styles.SHEET.replaceAll("@media\\(prefers-color-scheme:dark\\)\\{.*?\\}\\}", "")
                + "</style><div class=\"charts\">"
                + String.join("", charts.stream().map(LineChart::svg).toList()) + "</div>";
    }

    /** Writes the report whole or not at all. */
    public void write(Path file) throws IOException {
        WholeFile.write(file, report().html());
    }

    /**
     * Draws the picture with a browser of this machine.
     *
     * @throws IllegalArgumentException where there is none
     */
    public void writePicture(Path file) throws IOException, InterruptedException {
        PagePicture.write(page(picture()), 1160, 330, file);
    }
}
