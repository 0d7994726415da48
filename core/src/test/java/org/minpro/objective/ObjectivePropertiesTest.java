package org.minpro.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.minpro.tensor.DType;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/** What must hold for every objective of the table: a new one is tested here without new code. */
class ObjectivePropertiesTest {
    private static final Offset<Double> EXACT = within(1e-15);

    static Stream<Arguments> objectives() {
        Stream<Arguments> defaults =
                Objectives.entries().stream().map(entry -> Arguments.of(entry.name(), Objectives.of(entry.name())));
        Stream<Arguments> variants = Stream.of(
                Arguments.of("minpro, form clip", Objectives.of("minpro", Map.of("form", "clip"))),
                Arguments.of(
                        "minpro, minimum with one",
                        Objectives.of("minpro", Map.of("prefix-minimum-includes-one", true))),
                Arguments.of("m2po, form mask", Objectives.of("m2po", Map.of("form", "mask"))),
                Arguments.of(
                        "m2po, narrow window",
                        Objectives.of("m2po", Map.of("clip-low", 0, "clip-high", 0, "threshold", 0.02))));
        return Stream.concat(defaults, variants);
    }

    static Stream<Arguments> objectivesOfRowReach() {
        return objectives().filter(arguments -> ((Objective) arguments.get()[1]).reach() == Reach.ROW);
    }

    /** Rows of an update in plain arrays; advantages differ between rows, one row is empty, some tokens are masked. */
    private record Rows(double[][] logProbs, double[][] behavior, double[][] advantages, double[][] mask) {
        static Rows random(long seed, double spread) {
            Random random = new Random(seed);
            int[] lengths = {7, 4, 0, 1, 7, 5};
            Rows rows = new Rows(new double[6][7], new double[6][7], new double[6][7], new double[6][7]);
            for (int i = 0; i < 6; i++) {
                double advantage = random.nextGaussian();
                for (int t = 0; t < 7; t++) {
                    rows.logProbs[i][t] = -0.05 - random.nextDouble() * 3;
                    rows.behavior[i][t] = rows.logProbs[i][t] - spread * random.nextGaussian();
                    rows.advantages[i][t] = advantage;
                    rows.mask[i][t] = t < lengths[i] && !(i == 0 && t == 2) && !(i == 4 && t == 0) ? 1 : 0;
                }
            }
            return rows;
        }

        Rows pick(int... rows) {
            return new Rows(at(logProbs, rows), at(behavior, rows), at(advantages, rows), at(mask, rows));
        }

        private static double[][] at(double[][] values, int... rows) {
            return Arrays.stream(rows).mapToObj(i -> values[i]).toArray(double[][]::new);
        }

        ObjectiveInputs inputs(DType type) {
            return ObjectiveInputs.of(
                    tensor(logProbs, type), tensor(behavior, type), tensor(advantages, type), tensor(mask, type));
        }
    }

    private static Tensor tensor(double[][] rows, DType type) {
        double[] flat = Arrays.stream(rows).flatMapToDouble(Arrays::stream).toArray();
        return Tensor.of(flat, rows.length, rows.length == 0 ? 0 : rows[0].length)
                .to(type);
    }

    private static Aggregation aggregation(Objective objective) {
        return LossEvaluation.aggregationOf(objective, null);
    }

    private static LossEvaluation evaluate(Objective objective, ObjectiveInputs inputs) {
        return LossEvaluation.of(objective, inputs, aggregation(objective));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("objectives")
    void gradientEqualsFiniteDifferencesWithFrozenLogProbsHeld(String name, Objective objective) {
        try (Scope scope = Scope.open()) {
            for (double spread : new double[] {0.0003, 0.1, 0.5}) {
                Rows rows = Rows.random(11, spread);
                ObjectiveInputs inputs = rows.inputs(DType.F64);
                double[] gradient = evaluate(objective, inputs).gradient().doubles();
                double step = 1e-5;
                for (int at = 0; at < gradient.length; at++) {
                    double difference = 0;
                    for (int sign : new int[] {1, -1}) {
                        double[] moved = inputs.frozenLogProbs().doubles();
                        moved[at] += sign * step;
                        ObjectiveInputs shifted = inputs.withLogProbs(Tensor.of(moved, 6, 7));
                        difference += sign * evaluate(objective, shifted).loss();
                    }
                    assertThat(gradient[at])
                            .as("row %d token %d, spread %s", at / 7, at % 7, spread)
                            .isCloseTo(difference / (2 * step), within(1e-8));
                }
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("objectives")
    void onPolicyTheGradientIsThatOfReinforce(String name, Objective objective) {
        try (Scope scope = Scope.open()) {
            ObjectiveInputs inputs = Rows.random(12, 0).inputs(DType.F64);
            double[] expected = LossEvaluation.of(new Reinforce(), inputs, aggregation(objective))
                    .gradient()
                    .doubles();
            assertThat(Arrays.stream(expected).filter(g -> g != 0).count()).isGreaterThan(15);
            assertThat(evaluate(objective, inputs).gradient().doubles()).containsExactly(expected, EXACT);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("objectives")
    void paddingChangesNothing(String name, Objective objective) {
        Rows rows = Rows.random(13, 0.4);
        Rows padded = new Rows(
                padded(rows.logProbs, Double.NEGATIVE_INFINITY),
                padded(rows.behavior, Double.NaN),
                padded(rows.advantages, Double.POSITIVE_INFINITY),
                padded(rows.mask, 0));
        try (Scope scope = Scope.open()) {
            LossEvaluation narrow = evaluate(objective, rows.inputs(DType.F64));
            LossEvaluation wide = evaluate(objective, padded.inputs(DType.F64));
            assertThat(wide.loss()).isEqualTo(narrow.loss());
            double[] expected = narrow.gradient().doubles();
            double[] gradient = wide.gradient().doubles();
            for (int i = 0; i < 6; i++) {
                assertThat(Arrays.copyOfRange(gradient, i * 20, i * 20 + 7))
                        .containsExactly(Arrays.copyOfRange(expected, i * 7, i * 7 + 7), EXACT);
                assertThat(Arrays.copyOfRange(gradient, i * 20 + 7, i * 20 + 20))
                        .containsOnly(0);
            }
        }
    }

    private static double[][] padded(double[][] rows, double padding) {
        return Arrays.stream(rows)
                .map(row -> IntStream.range(0, 20)
                        .mapToDouble(t -> t < row.length ? row[t] : padding)
                        .toArray())
                .toArray(double[][]::new);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("objectives")
    void maskedTokensHaveNoSay(String name, Objective objective) {
        Rows rows = Rows.random(14, 0.4);
        Rows spoiled = Rows.random(14, 0.4);
        for (int i = 0; i < 6; i++) {
            for (int t = 0; t < 7; t++) {
                if (rows.mask[i][t] == 0) {
                    spoiled.logProbs[i][t] = -40;
                    spoiled.behavior[i][t] = Double.NEGATIVE_INFINITY;
                    spoiled.advantages[i][t] = -100;
                }
            }
        }
        try (Scope scope = Scope.open()) {
            LossEvaluation clean = evaluate(objective, rows.inputs(DType.F64));
            LossEvaluation other = evaluate(objective, spoiled.inputs(DType.F64));
            assertThat(other.loss()).isEqualTo(clean.loss());
            double[] gradient = other.gradient().doubles();
            assertThat(gradient).containsExactly(clean.gradient().doubles());
            for (int at = 0; at < gradient.length; at++) {
                assertThat(gradient[at] != 0 && rows.mask[at / 7][at % 7] == 0).isFalse();
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("objectives")
    void theOrderOfRowsDoesNotMatter(String name, Objective objective) {
        int[] order = {4, 2, 5, 0, 3, 1};
        Rows rows = Rows.random(15, 0.4);
        try (Scope scope = Scope.open()) {
            LossEvaluation first = evaluate(objective, rows.inputs(DType.F64));
            LossEvaluation second = evaluate(objective, rows.pick(order).inputs(DType.F64));
            assertThat(second.loss()).isCloseTo(first.loss(), within(1e-14));
            double[] expected = first.gradient().doubles();
            double[] gradient = second.gradient().doubles();
            for (int i = 0; i < 6; i++) {
                assertThat(Arrays.copyOfRange(gradient, i * 7, i * 7 + 7))
                        .containsExactly(Arrays.copyOfRange(expected, order[i] * 7, order[i] * 7 + 7), EXACT);
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("objectivesOfRowReach")
    void microBatchesAddUpToTheUpdate(String name, Objective objective) {
        Rows rows = Rows.random(16, 0.4);
        try (Scope scope = Scope.open()) {
            ObjectiveInputs whole = rows.inputs(DType.F64);
            LossEvaluation update = evaluate(objective, whole);
            Tensor weights = aggregation(objective).tokenWeights(whole.mask());
            double loss = 0;
            double[] expected = update.gradient().doubles();
            for (int[] cut : List.of(new int[] {0, 1}, new int[] {2}, new int[] {3, 4, 5})) {
                Tensor rowWeights = weights.narrow(0, cut[0], cut.length);
                LossEvaluation part =
                        LossEvaluation.of(objective, rows.pick(cut).inputs(DType.F64), rowWeights);
                loss += part.loss();
                assertThat(part.gradient().doubles())
                        .containsExactly(Arrays.copyOfRange(expected, cut[0] * 7, (cut[0] + cut.length) * 7), EXACT);
            }
            assertThat(loss).isCloseTo(update.loss(), within(1e-15));
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("objectives")
    void withoutAValidTokenLossAndGradientAreZero(String name, Objective objective) {
        Rows rows = Rows.random(17, 0.4);
        try (Scope scope = Scope.open()) {
            ObjectiveInputs inputs = rows.inputs(DType.F64);
            for (long width : new long[] {7, 0}) {
                ObjectiveInputs empty = ObjectiveInputs.of(
                        inputs.logProbs().narrow(1, 0, width),
                        inputs.behaviorLogProbs().narrow(1, 0, width),
                        inputs.advantages().narrow(1, 0, width),
                        Tensor.zeros(DType.F64, 6, width));
                LossEvaluation evaluation = evaluate(objective, empty);
                assertThat(evaluation.loss()).isZero();
                assertThat(evaluation.gradient().shape()).containsExactly(6, width);
                assertThat(evaluation.gradient().doubles()).doesNotContain(Double.NaN);
                assertThat(Arrays.stream(evaluation.gradient().doubles()).allMatch(g -> g == 0))
                        .isTrue();
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("objectives")
    void extremeRatiosStayFinite(String name, Objective objective) {
        double likely = -0.1;
        double unlikely = -0.1 - Math.log(1e9);
        Random random = new Random(18);
        Rows rows = new Rows(new double[8][40], new double[8][40], new double[8][40], new double[8][40]);
        for (int i = 0; i < 8; i++) {
            for (int t = 0; t < 40; t++) {
                // Rows 0 and 1 push every prefix to its limit, the others alternate.
                boolean up = i == 0 || (i > 1 && random.nextBoolean());
                rows.logProbs[i][t] = up ? likely : unlikely;
                rows.behavior[i][t] = up ? unlikely : likely;
                rows.advantages[i][t] = i % 2 == 0 ? 1 : -1;
                rows.mask[i][t] = 1;
            }
        }
        try (Scope scope = Scope.open()) {
            for (DType type : List.of(DType.F32, DType.F64)) {
                LossEvaluation evaluation = evaluate(objective, rows.inputs(type));
                assertThat(evaluation.loss()).isFinite();
                assertThat(evaluation.gradient().isFinite().all()).isTrue();
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("objectives")
    void float32AgreesWithFloat64(String name, Objective objective) {
        Rows rows = Rows.random(19, 0.3);
        try (Scope scope = Scope.open()) {
            LossEvaluation single = evaluate(objective, rows.inputs(DType.F32));
            LossEvaluation twice = evaluate(objective, rows.inputs(DType.F64));
            assertThat(single.gradient().type()).isEqualTo(DType.F32);
            assertThat(single.loss()).isCloseTo(twice.loss(), within(1e-6));
            assertThat(single.gradient().doubles())
                    .containsExactly(twice.gradient().doubles(), within(1e-6));
        }
    }
}
