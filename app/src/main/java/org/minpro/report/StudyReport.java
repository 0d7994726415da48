package org.minpro.report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.minpro.chart.LineChart;
import org.minpro.chart.Series;
import org.minpro.model.Kernels;
import org.minpro.run.BuildVersion;
import org.minpro.run.WholeFile;
import org.minpro.study.Comparison;
import org.minpro.study.Curve;
import org.minpro.study.Difference;
import org.minpro.study.Interval;
import org.minpro.study.Measures;
import org.minpro.study.Positions;
import org.minpro.study.RunResult;
import org.minpro.study.StudyTables;

/**
 * The report of a comparison: a page, the same as Markdown, and its tables of measures as CSV.
 *
 * @param title above it
 * @param comparison what was found
 * @param planned runs that there are to be, done or not
 * @param difference of accuracy for which the number of seeds is given
 * @param labels what the labels of the axes stand for, by axis and label
 * @param settings that all runs share, by name
 * @param commands that make it again
 * @param failures what the runs said that failed, by run
 * @param rollouts responses with the ratios of their tokens
 */
public record StudyReport(
        String title,
        Comparison comparison,
        int planned,
        double difference,
        Map<String, String> labels,
        Map<String, String> settings,
        List<String> commands,
        Map<String, String> failures,
        List<Block.Tokens> rollouts) {
    private static final String TENTH = "tenth of the response";
    /** What charts call {@link Positions#RATIOS}. */
    private static final String[] KINDS = {"token", "product", "minimum"};

    private static final String[] QUANTILES = {"01", "05", "25", "50", "75", "95", "99"};

    /**
     * Writes {@code report.html}, {@code report.md}, {@code measures.csv} and {@code differences.csv}, and the curves of accuracy
     * at each place as a picture, {@code accuracy-PLACE.svg}.
     */
    public void write(Path folder) {
        Report report = report();
        WholeFile.write(folder.resolve("report.html"), report.html());
        WholeFile.write(folder.resolve("report.md"), report.markdown());
        StudyTables.write(folder.resolve("measures.csv"), measures());
        StudyTables.write(folder.resolve("differences.csv"), differences());
        writePictures(folder);
    }

    private void writePictures(Path folder) {
        boolean alone = comparison.places().size() == 1;
        Map<String, LineChart> pictures = new LinkedHashMap<>();
        for (Comparison.Place place : comparison.places()) {
            String name = alone ? "accuracy" : "accuracy-" + title(place).replaceAll("[^\\p{Alnum}.]+", "-");
            String free = name;
            for (int i = 2; pictures.containsKey(free + ".svg"); i++) {
                free = name + "-" + i;
            }
            pictures.put(free + ".svg", accuracyChart(alone ? "Accuracy, %" : "Accuracy, %: " + title(place), place));
        }
        pictures.forEach((file, chart) -> WholeFile.write(folder.resolve(file), chart.standalone()));
        // Of a report that had other places.
        try (DirectoryStream<Path> old = Files.newDirectoryStream(folder, "accuracy*.svg")) {
            for (Path file : old) {
                if (!pictures.containsKey(String.valueOf(file.getFileName()))) {
                    Files.delete(file);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(folder + " cannot be tidied up: " + e.getMessage(), e);
        }
    }

    /** All of it. */
    public Report report() {
        List<Block> blocks = new ArrayList<>();
        blocks.add(new Block.Text(introduction()));
        if (comparison.places().size() > 1) {
            blocks.add(overview());
        }
        blocks.add(new Block.Heading("Accuracy"));
        blocks.add(new Block.Text(
                "In per cent, means over seeds with the bootstrap's 95 % interval, from three seeds on. End: held-out"
                        + " problems after training. Peak: the largest of the curve, of the end and of the accuracy before"
                        + " training; of sampled responses the largest mean of a fifth of the curve. Area: mean over the iterations. Updates: until the"
                        + " curve first reaches " + percent(comparison.threshold()) + " %, mean of the runs that do."));
        comparison.places().forEach(place -> blocks.add(accuracy(place)));
        blocks.add(new Block.Heading("Ranks"));
        blocks.add(new Block.Text(
                "Ranks are by the mean of the seeds that a variant has, differences of pairs with one seed: while runs are"
                        + " missing the two may disagree. Two variants are separable where there are three pairs or more"
                        + " and the bootstrap's and Student's 95 % intervals of the mean difference both exclude 0: with three seeds the bootstrap alone would"
                        + " tell equals apart in one study of four. The intervals are of one pair each; among many pairs one"
                        + " in twenty is off by chance."));
        comparison.places().forEach(place -> blocks.add(ranks(place)));
        blocks.add(new Block.Heading("Collapse"));
        blocks.add(new Block.Text(
                "A run has collapsed where its accuracy on held-out problems ends below half of its largest, where the last fifth"
                        + " of the curve of sampled responses, and the end with it, is below half of its largest fifth, where its"
                        + " entropy goes over the"
                        + " bound (four times that of its first point, unless the study says otherwise), or where an update was not"
                        + " finite."));
        blocks.add(collapse());
        blocks.add(new Block.Heading("Drift and entropy"));
        blocks.add(new Block.Text(
                "Drift is measured before each update, of the policy against the one that sampled: the mean"
                        + " of |log ρ| over tokens, the largest |Σ log ρ| of a response, the effective sample size (ESS) of the tokens, and the smallest mean of the prefix"
                        + " minimum in the last tenth of the responses. All are means over seeds, those of extremes too."
                        + " Entropy in nats."));
        comparison.places().forEach(place -> blocks.add(drift(place)));
        equalDrift().ifPresent(blocks::add);
        for (Comparison.Place place : comparison.places()) {
            curves(place, blocks);
        }
        blocks.add(new Block.Heading("How many seeds a difference needs"));
        blocks.add(new Block.Text(String.format(
                Locale.ROOT,
                "Pairs of which a paired t test at 5 %% finds a difference of %.0f points with a chance of 80 %%, if the"
                        + " differences from the best variant spread as they do here: n ≥ ((t(0.975, n−1) + t(0.8, n−1)) s /"
                        + " difference)².",
                100 * difference)));
        comparison.places().forEach(place -> blocks.add(power(place)));
        if (!rollouts.isEmpty()) {
            blocks.add(new Block.Heading("Rollouts"));
            blocks.add(
                    new Block.Text(
                            "Tokens are coloured by log ρ of the policy against the one that sampled: orange where it"
                                    + " has become likelier, blue where less; full at a factor of e. Point at a token for its numbers."));
            blocks.addAll(rollouts);
        }
        blocks.add(new Block.Heading("Runs"));
        blocks.add(runs());
        if (!failures.isEmpty()) {
            blocks.add(new Block.Table(
                    "Runs that failed",
                    List.of("run", "what it said"),
                    failures.entrySet().stream()
                            .map(failure -> List.of(failure.getKey(), failure.getValue()))
                            .toList()));
        }
        blocks.add(new Block.Heading("Settings"));
        if (!labels.isEmpty()) {
            blocks.add(new Block.Table(
                    "What the runs differ in",
                    List.of("label", "settings"),
                    labels.entrySet().stream()
                            .map(label -> List.of(label.getKey(), label.getValue()))
                            .toList()));
        }
        blocks.add(new Block.Table(
                "What all runs share",
                List.of("setting", "value"),
                settings.entrySet().stream()
                        .map(setting -> List.of(setting.getKey(), setting.getValue()))
                        .toList()));
        blocks.add(new Block.Text("The runs were done by MinPRO " + String.join("; ", versions())
                + ". This report was written by MinPRO " + BuildVersion.present() + ", on Java "
                + Runtime.version().feature() + ", " + System.getProperty("os.name") + " "
                + System.getProperty("os.arch") + "; kernels here: " + Kernels.description() + "."));
        blocks.add(new Block.Heading("To repeat it"));
        blocks.add(new Block.Code(String.join("\n", commands)));
        return new Report(title, blocks);
    }

    private String introduction() {
        long seeds = seeds();
        int problems = comparison.runs().stream()
                .mapToInt(run -> run.result().problems())
                .max()
                .orElse(0);
        Interval before = Interval.bootstrap(comparison.runs().stream()
                .map(run -> run.result().before())
                .filter(OptionalDouble::isPresent)
                .map(OptionalDouble::getAsDouble)
                .toList());
        return comparison.runs().size() + " of " + planned + " runs are done: "
                + comparison.variants().size()
                + " variants at " + comparison.places().size()
                + (comparison.places().size() == 1 ? " place" : " places") + ", " + seeds
                + (seeds == 1 ? " seed" : " seeds") + " in all. "
                + (problems == 0
                        ? "No held-out problems were evaluated; accuracy is that of the sampled responses."
                        : "Accuracy is of " + problems + " held-out problems; before training it is "
                                + percent(before.mean()) + " % on average.");
    }

    private long seeds() {
        return comparison.runs().stream()
                .map(run -> run.result().key().seed())
                .distinct()
                .count();
    }

    private TreeSet<String> versions() {
        TreeSet<String> versions = new TreeSet<>();
        comparison.runs().forEach(run -> versions.add(run.result().version()));
        return versions;
    }

    private String title(Comparison.Place place) {
        return place.title(comparison.axes(), comparison.compared());
    }

    private Block overview() {
        List<String> header = new ArrayList<>(List.of(comparison.axes().get(comparison.compared())));
        comparison.places().forEach(place -> header.add(title(place)));
        List<List<String>> rows = new ArrayList<>();
        for (String variant : comparison.variants()) {
            List<String> row = new ArrayList<>(List.of(variant));
            for (Comparison.Place place : comparison.places()) {
                Comparison.Variant at = place.variants().get(variant);
                row.add(at == null ? "–" : at.end().percent() + (at.collapsed() > 0 ? " ✝" + at.collapsed() : ""));
            }
            rows.add(row);
        }
        return new Block.Table("Accuracy at the end in %, mean over seeds [95 %]; ✝ runs that collapsed", header, rows);
    }

    private Block accuracy(Comparison.Place place) {
        List<List<String>> rows = new ArrayList<>();
        for (Comparison.Variant variant : place.ranked()) {
            List<OptionalLong> steps = variant.runs().values().stream()
                    .map(run -> run.measures().stepsToThreshold())
                    .filter(OptionalLong::isPresent)
                    .toList();
            rows.add(List.of(
                    variant.label(),
                    Integer.toString(variant.runs().size()),
                    variant.end().percent(),
                    variant.over(Measures::peak).percent(),
                    variant.over(Measures::area).percent(),
                    steps.isEmpty()
                            ? "never"
                            : Math.round(steps.stream()
                                            .mapToLong(OptionalLong::getAsLong)
                                            .average()
                                            .orElseThrow())
                                    + (steps.size() == variant.runs().size() ? "" : " (" + steps.size() + " runs)")));
        }
        return new Block.Table(title(place), List.of("variant", "seeds", "end", "peak", "area", "updates"), rows);
    }

    private Block ranks(Comparison.Place place) {
        List<Comparison.Variant> ranked = place.ranked();
        List<List<String>> rows = new ArrayList<>();
        for (int i = 0; i < ranked.size(); i++) {
            Comparison.Variant variant = ranked.get(i);
            String notSeparable = ranked.stream()
                    .filter(other -> !other.label().equals(variant.label()))
                    .filter(other -> !variant.minus(other).separable())
                    .map(Comparison.Variant::label)
                    .collect(Collectors.joining(", "));
            Difference fromBest = variant.minus(ranked.getFirst());
            rows.add(List.of(
                    Integer.toString(i + 1),
                    variant.label(),
                    variant.end().percent(),
                    i == 0 ? "" : fromBest.bootstrap().percent(),
                    i == 0 ? "" : interval(fromBest.student()),
                    ranked.size() == 1
                            ? ""
                            : notSeparable.isEmpty() ? "separable from all" : "not separable from " + notSeparable));
        }
        return new Block.Table(
                title(place), List.of("rank", "variant", "end", "minus the best", "Student's", "what that says"), rows);
    }

    private static String interval(Interval interval) {
        return Double.isNaN(interval.low())
                ? "–"
                : String.format(Locale.ROOT, "[%.1f, %.1f]", 100 * interval.low(), 100 * interval.high());
    }

    private Block collapse() {
        List<String> header = new ArrayList<>(List.of("variant"));
        comparison.places().forEach(place -> header.add(title(place)));
        List<List<String>> rows = new ArrayList<>();
        for (String label : comparison.variants()) {
            List<String> row = new ArrayList<>(List.of(label));
            for (Comparison.Place place : comparison.places()) {
                Comparison.Variant variant = place.variants().get(label);
                row.add(variant == null ? "–" : collapse(variant));
            }
            rows.add(row);
        }
        return new Block.Table("Runs that collapsed, of all", header, rows);
    }

    private static String collapse(Comparison.Variant variant) {
        SortedMap<String, Integer> reasons = new TreeMap<>();
        variant.runs().values().stream()
                .map(run -> run.measures().collapse())
                .filter(reason -> !reason.isEmpty())
                .forEach(reason -> reasons.merge(reason, 1, Integer::sum));
        return variant.collapsed() + " of " + variant.runs().size()
                + reasons.entrySet().stream()
                        .map(reason -> (reason.getValue() == 1 ? "" : reason.getValue() + " ") + reason.getKey())
                        .collect(Collectors.joining(", ", reasons.isEmpty() ? "" : ": ", ""));
    }

    private Block drift(Comparison.Place place) {
        List<List<String>> rows = new ArrayList<>();
        for (Comparison.Variant variant : place.variants().values()) {
            rows.add(List.of(
                    variant.label(),
                    number(variant, Measures::meanLogRatio),
                    number(variant, Measures::largestLogProduct),
                    number(variant, Measures::ess),
                    number(variant, Measures::essMin),
                    number(variant, Measures::minimumAtEnd),
                    number(variant, Measures::entropyStart),
                    number(variant, Measures::entropyEnd),
                    number(variant, Measures::entropyMax)));
        }
        return new Block.Table(
                title(place),
                List.of(
                        "variant",
                        "mean |log ρ|",
                        "largest |Σ log ρ|",
                        "ESS",
                        "smallest ESS",
                        "prefix minimum",
                        "entropy first",
                        "last",
                        "largest"),
                rows);
    }

    private static String number(Comparison.Variant variant, Function<Measures, OptionalDouble> measure) {
        double mean = variant.over(measure).mean();
        return Double.isNaN(mean)
                ? "–"
                : String.format(Locale.ROOT, mean < 0.1 ? "%.4f" : mean < 10 ? "%.3f" : "%.1f", mean);
    }

    /** Read off at the drifts that the first variant has at its places; only where places differ along one axis. */
    private Optional<Block> equalDrift() {
        if (comparison.places().size() < 2 || comparison.axes().size() > 2) {
            return Optional.empty();
        }
        List<String> variants = comparison.variants();
        TreeSet<Double> drifts = new TreeSet<>();
        for (Comparison.Place place : comparison.places()) {
            Comparison.Variant first = place.variants().get(variants.getFirst());
            double drift = first == null
                    ? Double.NaN
                    : first.over(Measures::meanLogRatio).mean();
            if (drift > 0) {
                drifts.add(drift);
            }
        }
        long seeds = seeds();
        List<String> header = new ArrayList<>(List.of("variant"));
        drifts.forEach(drift -> header.add(String.format(Locale.ROOT, "%.4f", drift)));
        List<List<String>> rows = new ArrayList<>();
        for (String variant : variants) {
            List<String> row = new ArrayList<>(List.of(variant));
            for (double drift : drifts) {
                Interval accuracy = comparison.accuracyAt(variant, comparison.places(), drift);
                row.add(accuracy.percent()
                        + (accuracy.seeds() == 0 || accuracy.seeds() == seeds ? "" : " (" + accuracy.seeds() + ")"));
            }
            rows.add(row);
        }
        return Optional.of(new Block.Table(
                "Accuracy at the end in % at equal drift (mean |log ρ| as " + variants.getFirst()
                        + " has it), read off the lines between each seed's places; – outside of them, (n) where n seeds"
                        + " alone come to it",
                header,
                rows));
    }

    private void curves(Comparison.Place place, List<Block> blocks) {
        blocks.add(new Block.Heading("Curves: " + title(place)));
        blocks.add(
                new Block.Text(
                        "Means over seeds; bands are the bootstrap's 95 % interval. A line ends where a run of its variant has ended."));
        List<LineChart> charts = new ArrayList<>();
        charts.add(accuracyChart("Accuracy, %", place));
        charts.add(chart("Entropy, nats", place, Curve.ENTROPY, false));
        charts.add(chart("Effective sample size of the tokens, share", place, Curve.ESS, false));
        charts.add(chart("Largest |Σ log ρ| of a response, nats", place, Curve.LARGEST_LOG_PRODUCT, true));
        charts.add(new LineChart(
                "Prefix minimum by position, last third of the run",
                TENTH,
                lines(place, variant -> byPosition(variant, Positions.MINIMUM_MEAN))));
        charts.removeIf(
                chart -> chart.series().stream().allMatch(line -> line.points().isEmpty()));
        blocks.add(new Block.Charts(charts));
        List<LineChart> ratios = new ArrayList<>();
        int style = 0;
        for (String label : comparison.variants()) {
            Comparison.Variant variant = place.variants().get(label);
            if (variant != null) {
                LineChart chart = ratios(variant, style);
                if (!chart.series().getFirst().points().isEmpty()) {
                    ratios.add(chart);
                }
            }
            style++;
        }
        if (!ratios.isEmpty()) {
            blocks.add(new Block.Text(
                    "Ratios ρ of the tokens: the median, and bands of 25 to 75, 5 to 95 and 1 to 99 %."));
            blocks.add(new Block.Charts(ratios));
        }
        List<LineChart> positions = comparison.variants().stream()
                .map(place.variants()::get)
                .filter(Objects::nonNull)
                .map(StudyReport::ratiosByPosition)
                .filter(chart ->
                        chart.series().stream().anyMatch(line -> !line.points().isEmpty()))
                .toList();
        if (!positions.isEmpty()) {
            blocks.add(
                    new Block.Text("Ratios by position in the response, in the last third of the run: of the token, of"
                            + " all tokens up to it (product), and the prefix minimum times the token's (minimum). The median, and"
                            + " a band of 5 to 95 %; means over the updates and over the runs that kept them."));
            blocks.add(new Block.Charts(positions));
        }
    }

    private LineChart accuracyChart(String title, Comparison.Place place) {
        return new LineChart(title, "iterations", series(place, run -> {
            Map<Long, Double> points = new TreeMap<>();
            run.before().ifPresent(value -> points.put(0L, 100 * value));
            run.curve().accuracy(comparison.heldOut()).forEach((at, value) -> points.put(at, 100 * value));
            return points;
        }));
    }

    private LineChart chart(String title, Comparison.Place place, String metric, boolean logarithmic) {
        return new LineChart(
                title,
                "iterations",
                series(place, run -> {
                    Map<Long, Double> points = new TreeMap<>();
                    run.curve()
                            .points()
                            .forEach(point ->
                                    point.value(metric).ifPresent(value -> points.put(point.iterations(), value)));
                    return points;
                }),
                logarithmic,
                new double[0]);
    }

    private List<Series> series(Comparison.Place place, Function<RunResult, Map<Long, Double>> curve) {
        return lines(place, variant -> points(variant, curve));
    }

    /** A line for each variant of a place, in one style at all places. */
    private List<Series> lines(Comparison.Place place, Function<Comparison.Variant, List<Series.Point>> points) {
        List<Series> lines = new ArrayList<>();
        int style = 0;
        for (String label : comparison.variants()) {
            Comparison.Variant variant = place.variants().get(label);
            if (variant != null) {
                lines.add(new Series(label, style, points.apply(variant)));
            }
            style++;
        }
        return lines;
    }

    /** A mean of the runs that are left would be of others: the line ends where one has ended. */
    private static List<Series.Point> points(Comparison.Variant variant, Function<RunResult, Map<Long, Double>> curve) {
        Map<Long, List<Double>> bySeed = new TreeMap<>();
        variant.runs()
                .values()
                .forEach(run -> curve.apply(run.result())
                        .forEach((at, value) -> bySeed.computeIfAbsent(at, key -> new ArrayList<>())
                                .add(value)));
        List<Series.Point> points = new ArrayList<>();
        bySeed.values().removeIf(values -> values.size() < variant.runs().size());
        bySeed.forEach((at, values) -> {
            Interval interval = Interval.bootstrap(values);
            points.add(new Series.Point(at, interval.mean(), interval.low(), interval.high()));
        });
        return points;
    }

    private LineChart ratios(Comparison.Variant variant, int style) {
        Map<String, List<Series.Point>> quantiles = new LinkedHashMap<>();
        for (String quantile : QUANTILES) {
            quantiles.put(quantile, points(variant, run -> {
                Map<Long, Double> points = new TreeMap<>();
                run.curve()
                        .points()
                        .forEach(point -> point.value("ratio/p" + quantile)
                                .ifPresent(value -> points.put(point.iterations(), value)));
                return points;
            }));
        }
        List<Series> lines = new ArrayList<>();
        lines.add(new Series("", style, plain(quantiles.getOrDefault("50", List.of()))));
        for (String[] ends : new String[][] {{"01", "99"}, {"05", "95"}, {"25", "75"}}) {
            lines.add(new Series(
                    "",
                    style,
                    between(quantiles.getOrDefault(ends[0], List.of()), quantiles.getOrDefault(ends[1], List.of()))));
        }
        return new LineChart(variant.label() + ": ratios ρ", "iterations", lines, true, new double[] {0.8, 1.25});
    }

    private static List<Series.Point> plain(List<Series.Point> points) {
        return points.stream()
                .map(point -> new Series.Point(point.x(), point.y()))
                .toList();
    }

    private static List<Series.Point> between(List<Series.Point> low, List<Series.Point> high) {
        List<Series.Point> points = new ArrayList<>();
        for (int i = 0; i < Math.min(low.size(), high.size()); i++) {
            points.add(new Series.Point(
                    low.get(i).x(), Double.NaN, low.get(i).y(), high.get(i).y()));
        }
        return points;
    }

    /** A metric's means over the runs that have it, tenth by tenth. */
    private static List<Series.Point> byPosition(Comparison.Variant variant, String metric) {
        List<Series.Point> points = new ArrayList<>();
        for (int tenth = 0; tenth < Positions.TENTHS; tenth++) {
            int at = tenth;
            List<Double> values = variant.runs().values().stream()
                    .map(run -> run.result().positions().value(metric, at))
                    .flatMap(value -> value.stream().boxed())
                    .toList();
            if (!values.isEmpty()) {
                Interval interval = Interval.bootstrap(values);
                points.add(new Series.Point(tenth + 1.0, interval.mean(), interval.low(), interval.high()));
            }
        }
        return points;
    }

    /** Of a variant, the median of each kind of ratio with its band over the response. */
    private static LineChart ratiosByPosition(Comparison.Variant variant) {
        List<Series> lines = new ArrayList<>();
        for (int kind = 0; kind < Positions.RATIOS.size(); kind++) {
            String ratio = Positions.RATIOS.get(kind);
            List<Series.Point> low = byPosition(variant, ratio + "/p05");
            List<Series.Point> middle = byPosition(variant, ratio + "/p50");
            List<Series.Point> high = byPosition(variant, ratio + "/p95");
            List<Series.Point> points = new ArrayList<>();
            for (int i = 0; i < Math.min(middle.size(), Math.min(low.size(), high.size())); i++) {
                points.add(new Series.Point(
                        middle.get(i).x(),
                        middle.get(i).y(),
                        low.get(i).y(),
                        high.get(i).y()));
            }
            lines.add(new Series(KINDS[kind], kind, points));
        }
        long kept = variant.runs().values().stream()
                .filter(run -> run.result().positions().values().containsKey(Positions.RATIOS.getFirst() + "/p50"))
                .count();
        String seeds = kept == variant.runs().size()
                ? ""
                : " (" + kept + " of " + variant.runs().size() + " seeds)";
        return new LineChart(
                variant.label() + ": ratios by position" + seeds, TENTH, lines, true, new double[] {0.8, 1.25});
    }

    private Block power(Comparison.Place place) {
        List<Comparison.Variant> ranked = place.ranked();
        List<List<String>> rows = new ArrayList<>();
        for (Comparison.Variant variant : ranked.subList(Math.min(1, ranked.size()), ranked.size())) {
            Difference minus = variant.minus(ranked.getFirst());
            OptionalInt seeds = minus.seedsFor(difference);
            rows.add(List.of(
                    variant.label(),
                    Integer.toString(minus.bootstrap().seeds()),
                    Double.isNaN(minus.deviation()) ? "–" : percent(minus.deviation()),
                    seeds.isEmpty() ? "–" : Integer.toString(seeds.getAsInt())));
        }
        return new Block.Table(
                title(place), List.of("variant", "pairs", "deviation of differences, points", "seeds needed"), rows);
    }

    private Block runs() {
        List<String> header = new ArrayList<>(comparison.axes());
        header.addAll(List.of("seed", "outcome", "before", "end", "peak", "collapse", "updates", "minutes"));
        return new Block.Table(
                "Every run",
                header,
                comparison.runs().stream()
                        .map(run -> {
                            List<String> row =
                                    new ArrayList<>(run.result().key().labels());
                            row.addAll(List.of(
                                    Long.toString(run.result().key().seed()),
                                    run.result().outcome().label(),
                                    percent(run.result().before()),
                                    percent(run.measures().end()),
                                    percent(run.measures().peak()),
                                    run.measures().collapse(),
                                    Long.toString(run.result().updates()),
                                    String.format(
                                            Locale.ROOT, "%.1f", run.result().seconds() / 60)));
                            return row;
                        })
                        .toList());
    }

    private List<List<String>> measures() {
        List<List<String>> rows = new ArrayList<>();
        List<String> header = new ArrayList<>(comparison.axes());
        header.addAll(List.of(
                "seed",
                "end",
                "peak",
                "area",
                "collapse",
                "steps_to_threshold",
                "entropy_first",
                "entropy_last",
                "entropy_max",
                "mean_log_ratio",
                "largest_log_product",
                "ess",
                "ess_min",
                "prefix_minimum_at_end"));
        rows.add(header);
        for (Comparison.Run run : comparison.runs()) {
            Measures measures = run.measures();
            List<String> row = new ArrayList<>(run.result().key().labels());
            row.add(Long.toString(run.result().key().seed()));
            row.add(plain(measures.end()));
            row.add(plain(measures.peak()));
            row.add(plain(measures.area()));
            row.add(measures.collapse());
            row.add(
                    measures.stepsToThreshold().isPresent()
                            ? Long.toString(measures.stepsToThreshold().getAsLong())
                            : "");
            for (OptionalDouble value : List.of(
                    measures.entropyStart(),
                    measures.entropyEnd(),
                    measures.entropyMax(),
                    measures.meanLogRatio(),
                    measures.largestLogProduct(),
                    measures.ess(),
                    measures.essMin(),
                    measures.minimumAtEnd())) {
                row.add(plain(value));
            }
            rows.add(row);
        }
        return rows;
    }

    private List<List<String>> differences() {
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of(
                "place",
                "variant",
                "minus",
                "pairs",
                "mean",
                "bootstrap_low",
                "bootstrap_high",
                "student_low",
                "student_high",
                "deviation",
                "separable",
                "seeds_needed"));
        for (Comparison.Place place : comparison.places()) {
            List<Comparison.Variant> ranked = place.ranked();
            for (int i = 0; i < ranked.size(); i++) {
                for (int j = i + 1; j < ranked.size(); j++) {
                    Difference minus = ranked.get(i).minus(ranked.get(j));
                    rows.add(List.of(
                            title(place),
                            ranked.get(i).label(),
                            ranked.get(j).label(),
                            Integer.toString(minus.bootstrap().seeds()),
                            plain(minus.bootstrap().mean()),
                            plain(minus.bootstrap().low()),
                            plain(minus.bootstrap().high()),
                            plain(minus.student().low()),
                            plain(minus.student().high()),
                            plain(minus.deviation()),
                            Boolean.toString(minus.separable()),
                            minus.seedsFor(difference).stream()
                                    .mapToObj(Integer::toString)
                                    .collect(Collectors.joining())));
                }
            }
        }
        return rows;
    }

    private static String plain(OptionalDouble value) {
        return value.isEmpty() ? "" : plain(value.getAsDouble());
    }

    private static String plain(double value) {
        return Double.isNaN(value) ? "" : String.format(Locale.ROOT, "%.5g", value);
    }

    private static String percent(OptionalDouble share) {
        return share.isEmpty() ? "–" : percent(share.getAsDouble());
    }

    private static String percent(double share) {
        return Double.isNaN(share) ? "–" : String.format(Locale.ROOT, "%.1f", 100 * share);
    }
}
