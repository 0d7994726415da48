package org.minpro.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What is measured of a run, on curves of a few points. */
final class MeasuresTest {
    static RunResult run(
            String variant, String place, long seed, RunResult.Outcome outcome, double end, double... curve) {
        List<Curve.Point> points = new ArrayList<>();
        for (int i = 0; i < curve.length; i++) {
            points.add(new Curve.Point(
                    2L * (i + 1),
                    8L * (i + 1),
                    Map.of(Curve.ACCURACY, curve[i], Curve.ENTROPY, 0.1 + 0.01 * i, Curve.MEAN_ABSOLUTE, 0.2)));
        }
        return new RunResult(
                new RunKey(List.of(variant, place), seed),
                outcome,
                OptionalDouble.of(0.4),
                OptionalDouble.of(end),
                100,
                8L * curve.length,
                1000,
                60,
                "test",
                "abc",
                new Curve(points),
                Positions.NONE);
    }

    private static Measures measures(double end, double... curve) {
        return of(run("a", "b", 1, RunResult.Outcome.DONE, end, curve), 0.55, Double.NaN);
    }

    private static Measures of(RunResult run, double threshold, double entropyBound) {
        return Measures.of(run, run.evaluatedOnTheWay(), 6, threshold, entropyBound);
    }

    @Test
    void peakAreaAndStepsAreOfTheCurve() {
        Measures measures = measures(0.6, 0.4, 0.5, 0.7);
        assertThat(measures.end()).hasValue(0.6);
        assertThat(measures.peak()).hasValue(0.7);
        // Trapezoids over 0, 2, 4, 6 iterations: 0.4, 0.45, 0.6.
        assertThat(measures.area().getAsDouble()).isEqualTo((0.4 + 0.45 + 0.6) / 3, within(1e-12));
        // 8 updates in 2 iterations: the last of them was sampled 4 updates before their end.
        assertThat(measures.stepsToThreshold()).hasValue(20);
        assertThat(measures(0.5, 0.4, 0.5).stepsToThreshold()).isEmpty();
        assertThat(measures.meanLogRatio().getAsDouble()).isEqualTo(0.2, within(1e-12));
    }

    @Test
    void heldOutAccuracyIsTheCurveWhereItWasMeasuredOnTheWay() {
        Curve curve = new Curve(List.of(
                new Curve.Point(2, 2, Map.of(Curve.ACCURACY, 0.9, Curve.EVALUATED, 0.3)),
                new Curve.Point(4, 4, Map.of(Curve.ACCURACY, 0.9, Curve.EVALUATED, 0.5))));
        assertThat(curve.accuracy(true)).containsExactly(Map.entry(2L, 0.3), Map.entry(4L, 0.5));
        Curve endAlone = new Curve(List.of(
                new Curve.Point(2, 2, Map.of(Curve.ACCURACY, 0.9)),
                new Curve.Point(4, 4, Map.of(Curve.ACCURACY, 0.8, Curve.EVALUATED, 0.5))));
        assertThat(endAlone.accuracy(false)).containsExactly(Map.entry(2L, 0.9), Map.entry(4L, 0.8));
    }

    @Test
    void aRunHasCollapsedByItsStatedRules() {
        assertThat(measures(0.6, 0.5, 0.6).collapse()).isEmpty();
        // Of held-out problems, from 0.4 before.
        assertThat(measures(0.19, 0.5, 0.6).collapse()).isEqualTo("below half of its peak");
        assertThat(measures(0.21, 0.5, 0.6).collapse()).isEmpty();
        // Of the sampled responses, and the end with them.
        assertThat(measures(0.25, 0.7, 0.3).collapse()).isEqualTo("below half of its peak");
        assertThat(measures(0.25, 0.7, 0.36).collapse()).isEmpty();
        assertThat(measures(0.36, 0.7, 0.3).collapse()).as("it has come back").isEmpty();
        RunResult rising = run("a", "b", 1, RunResult.Outcome.DONE, 0.6, 0.5, 0.6, 0.6);
        assertThat(of(rising, 0.5, 0.115).collapse()).isEqualTo("entropy over the bound");
        assertThat(of(rising, 0.5, Double.NaN).collapse()).isEmpty();
        RunResult broken = run("a", "b", 1, RunResult.Outcome.NOT_FINITE, 0.6, 0.5);
        assertThat(of(broken, 0.5, Double.NaN).collapse()).isEqualTo("not finite");
        assertThat(of(broken, 0.5, Double.NaN).end()).hasValue(0);
        // 0.45 over two iterations, then a fall to 0 within one and 0 to the sixth.
        assertThat(of(broken, 0.5, Double.NaN).area().getAsDouble()).isEqualTo((2 * 0.45 + 0.25) / 6, within(1e-12));
    }

    /** What resampling keeps is right more often than what it puts aside, and a point has few responses. */
    @Test
    void sampledResponsesAreNotComparedWithHeldOutProblems() {
        double[] noisy = {0.2, 0.1, 0.05, 0.15, 0.1, 0.25, 0.15, 0.2, 0.1, 0.05};
        assertThat(measures(0.21, noisy).collapse()).isEmpty();
        assertThat(measures(0.21, 0.8, 0.8, 0.8, 0.8).collapse()).isEmpty();
        // Means of two points; the accuracy before is 0.4.
        assertThat(measures(0.21, 0.3, 0.3, 0.3, 0.3, 0.5, 0.6, 0.3, 0.3, 0.3, 0.3)
                        .peak()
                        .getAsDouble())
                .isEqualTo(0.55, within(1e-12));
    }

    private static JsonNode iteration(int iteration, double accuracy) {
        return new JsonMapper()
                .readTree("{\"iteration\": " + iteration + ", \"version\": " + 4 * (iteration + 1) + ", \"accuracy\": "
                        + accuracy + "}");
    }

    @Test
    void aPointEndsWhereAnEvaluationStands() {
        List<JsonNode> lines = IntStream.range(0, 6)
                .mapToObj(iteration -> iteration(iteration, 0.1 * iteration))
                .toList();
        Curve curve = Curve.of(lines, Map.of(3L, 0.9, 4L, 0.4), 2);
        assertThat(curve.points()).extracting(Curve.Point::iterations).containsExactly(2L, 3L, 4L, 6L);
        assertThat(curve.points()).extracting(Curve.Point::updates).containsExactly(8L, 12L, 16L, 24L);
        assertThat(curve.accuracy(true)).containsExactly(Map.entry(3L, 0.9), Map.entry(4L, 0.4));
    }

    @Test
    void positionsAreMeansOfTheLastThirdsUpdates() {
        List<JsonNode> lines = IntStream.range(0, 3)
                .mapToObj(i -> JsonMapper.shared().readTree("""
                        {"iteration": %d, "prefix/minimum_mean_tenth_02": 0.5, "updates": [
                        {"ratio/token/p50_by_tenth": [1, null, 3, 4, 5, 6, 7, 8, 9, %d]}, {"updates_skipped": 1},
                        {"ratio/token/p50_by_tenth": [3, null, 3, 4, 5, 6, 7, 8, 9, %d]}]}
                        """.formatted(i, i, i + 1)))
                .toList();
        Positions positions = Positions.of(lines);
        assertThat(positions.values()).containsOnlyKeys("ratio/token/p50", Positions.MINIMUM_MEAN);
        assertThat(positions.value("ratio/token/p50", 0)).hasValue(2);
        assertThat(positions.value("ratio/token/p50", 1)).isEmpty();
        assertThat(positions.value("ratio/token/p50", 9)).hasValue(2.5);
        assertThat(positions.value(Positions.MINIMUM_MEAN, 0)).isEmpty();
        assertThat(positions.value(Positions.MINIMUM_MEAN, 1)).hasValue(0.5);
        assertThat(Positions.of(lines.subList(0, 0))).isEqualTo(Positions.NONE);
    }

    /** One that was cut short has an evaluation on the way and none at its end. */
    @Test
    void whatTheCurveIsOfIsDecidedForAllRunsAlike() {
        RunResult dead = run("a", "b", 1, RunResult.Outcome.NOT_FINITE, 0, 0.5);
        RunResult evaluated = new RunResult(
                dead.key(),
                dead.outcome(),
                dead.before(),
                OptionalDouble.empty(),
                100,
                8,
                1000,
                60,
                "test",
                "abc",
                new Curve(List.of(new Curve.Point(2, 8, Map.of(Curve.ACCURACY, 0.5, Curve.EVALUATED, 0.6)))),
                Positions.NONE);
        assertThat(dead.evaluatedOnTheWay()).isFalse();
        assertThat(evaluated.evaluatedOnTheWay()).isTrue();
        assertThat(Comparison.of(
                                List.of("objective", "lag"),
                                0,
                                List.of(evaluated, run("a", "b", 2, RunResult.Outcome.DONE, 0.6, 0.5, 0.6)),
                                null,
                                null)
                        .heldOut())
                .isTrue();
    }

    /** Between drifts of e^-2 and e^0, at e^-1: the middle of what each seed has at both. */
    @Test
    void atEqualDriftAccuracyIsReadOffEachSeedsLine() {
        List<RunResult> runs = new ArrayList<>();
        for (long seed = 1; seed <= 4; seed++) {
            runs.add(drifted("near", seed, Math.exp(-2), 0.6 + 0.01 * seed));
            // The last does not come as far.
            runs.add(drifted("far", seed, seed == 4 ? Math.exp(-1.9) : 1, 0.4));
        }
        Comparison comparison = Comparison.of(List.of("objective", "lag"), 0, runs, null, null);
        Interval middle = comparison.accuracyAt("x", comparison.places(), Math.exp(-1));
        assertThat(middle.seeds()).isEqualTo(3);
        assertThat(middle.mean()).isEqualTo((0.62 + 0.4) / 2, within(1e-9));
        assertThat(middle.high()).isBetween(0.5133, 0.515);
        assertThat(comparison.accuracyAt("x", comparison.places(), 10).seeds()).isZero();
    }

    private static RunResult drifted(String place, long seed, double drift, double end) {
        return with(
                run("x", place, seed, RunResult.Outcome.DONE, end),
                new Curve(List.of(new Curve.Point(2, 8, Map.of(Curve.ACCURACY, end, Curve.MEAN_ABSOLUTE, drift)))),
                Positions.NONE);
    }

    static RunResult with(RunResult run, Curve curve, Positions positions) {
        return new RunResult(
                run.key(),
                run.outcome(),
                run.before(),
                run.after(),
                run.problems(),
                run.updates(),
                run.sampledTokens(),
                run.seconds(),
                run.version(),
                run.settings(),
                curve,
                positions);
    }

    @Test
    void variantsAreComparedPlaceByPlaceAndSeedBySeed() {
        List<RunResult> runs = new ArrayList<>();
        for (long seed = 1; seed <= 3; seed++) {
            double noise = 0.1 * seed;
            runs.add(run("x", "8", seed, RunResult.Outcome.DONE, 0.50 + noise, 0.5, 0.6));
            runs.add(run("y", "8", seed, RunResult.Outcome.DONE, 0.45 + noise + 0.001 * seed, 0.5, 0.6));
        }
        Comparison comparison = Comparison.of(List.of("objective", "lag"), 0, runs, null, null);
        assertThat(comparison.places()).singleElement().satisfies(place -> {
            assertThat(place.title(comparison.axes(), 0)).isEqualTo("lag 8");
            assertThat(place.ranked()).extracting(Comparison.Variant::label).containsExactly("x", "y");
            Comparison.Variant x = place.ranked().get(0);
            Comparison.Variant y = place.ranked().get(1);
            // The seeds differ by 20 points, the pairs by 4.8: what pairing is for.
            assertThat(x.minus(y).bootstrap().mean()).isEqualTo(0.048, within(1e-12));
            assertThat(x.minus(y).separable()).isTrue();
            assertThat(x.minus(x).separable()).isFalse();
        });
        assertThat(comparison.threshold()).isEqualTo((0.4 + 0.7) / 2, within(1e-12));
        assertThat(comparison.variants()).containsExactly("x", "y");
    }
}
