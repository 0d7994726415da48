package org.minpro.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/** What must hold for every objective, correction and penalty of the tables: a new one is tested here without new code. */
class LossPropertiesTest {
    private static final Offset<Double> EXACT = within(1e-15);

    static Stream<Arguments> losses() {
        return Stream.concat(allButPenaltiesWithASlopeOnPolicy(), penaltiesWithASlopeOnPolicy());
    }

    private static Stream<Arguments> penaltiesWithASlopeOnPolicy() {
        return Stream.of(Arguments.of("kl, k1", penalised("kl", Map.of("estimator", "k1", "coefficient", 0.5))));
    }

    static Stream<Arguments> lossesThatAreReinforceOnPolicy() {
        return allButPenaltiesWithASlopeOnPolicy()
                .filter(arguments -> ((Loss) arguments.get()[1]).objective().isReinforceOnPolicy());
    }

    private static Stream<Arguments> allButPenaltiesWithASlopeOnPolicy() {
        Stream<Arguments> objectives =
                Objectives.entries().stream().map(entry -> named(entry.name(), Objectives.of(entry.name())));
        Stream<Arguments> variants = Stream.of(
                named("minpro, form clip", Objectives.of("minpro", Map.of("form", "clip"))),
                named("minpro, minimum with one", Objectives.of("minpro", Map.of("prefix-minimum-includes-one", true))),
                named("m2po, form mask", Objectives.of("m2po", Map.of("form", "mask"))),
                named(
                        "m2po, narrow window",
                        Objectives.of("m2po", Map.of("clip-low", 0, "clip-high", 0, "threshold", 0.02))));
        Stream<Arguments> kinds = Arrays.stream(PrefixWeight.Kind.values())
                .map(kind -> named("prefix-weight, " + kind, Objectives.of("prefix-weight", Map.of("kind", kind))));
        Stream<Arguments> family = Stream.of(
                named("prefix-weight, form clip", Objectives.of("prefix-weight", Map.of("form", "clip"))),
                named("pnpo, form weight", Objectives.of("pnpo", Map.of("form", "weight"))),
                named("ctpo, geometric", Objectives.of("ctpo", Map.of("prefix", "geometric", "power", -0.5))),
                named("topr, token", Objectives.of("topr", Map.of("form", "token"))),
                named("tis-reinforce, sequence", Objectives.of("tis-reinforce", Map.of("level", "sequence"))),
                named("trm, average", Objectives.of("trm", Map.of("criterion", "average"))),
                named("gmpo, narrow", Objectives.of("gmpo", Map.of("clip", 0.1))),
                named("gepo, wide", Objectives.of("gepo", Map.of("clip-low", 0.9, "clip-high", 9))),
                named("clip-cov, many", Objectives.of("clip-cov", Map.of("fraction", 0.5, "cov-low", 0))),
                named("aspo, low dual clip", Objectives.of("aspo", Map.of("dual-clip", 1.1))),
                named("kpo, fast", Objectives.of("kpo", Map.of("process-noise", 1, "clip-high", 1, "clip-low", 1))));
        Stream<Arguments> corrections = Corrections.table().names().stream()
                .map(name -> Arguments.of(name, corrected(new Grpo(), Anchor.PROXIMAL, name, Map.of())));
        Stream<Arguments> penalties =
                Penalties.table().names().stream().map(name -> Arguments.of(name, penalised(name, Map.of())));
        Stream<Arguments> variantsOfParts = Stream.of(
                Arguments.of("tis, low cap", corrected(new MinPro(), Anchor.BEHAVIOR, "tis", Map.of("cap", 1.05))),
                Arguments.of("tis, no cap", corrected(new Gspo(), Anchor.PROXIMAL, "tis", Map.of("cap", ".inf"))),
                Arguments.of(
                        "tis, sequence", corrected(new Grpo(), Anchor.PROXIMAL, "tis", Map.of("level", "sequence"))),
                Arguments.of(
                        "mis, weighted",
                        corrected(
                                new Cispo(),
                                Anchor.PROXIMAL,
                                "mis",
                                Map.of("low", 0.8, "high", 1.2, "weighted", true, "leave-denominator", true))),
                Arguments.of(
                        "icepop, masked leave the denominator",
                        corrected(new Reinforce(), Anchor.PROXIMAL, "icepop", Map.of("leave-denominator", true))),
                Arguments.of(
                        "divergence, k1 of tokens",
                        corrected(
                                new Grpo(),
                                Anchor.BEHAVIOR,
                                "divergence",
                                Map.of("estimator", "k1", "level", "token", "ratio-low", 0.8, "ratio-high", 1.3))),
                Arguments.of("kl, k2", penalised("kl", Map.of("estimator", "k2", "coefficient", 0.5))),
                Arguments.of("kl, proximal", penalised("kl", Map.of("against", "proximal", "coefficient", 0.5))),
                Arguments.of(
                        "m2po with tis and two penalties",
                        Loss.of(
                                new M2po(),
                                List.of(new TruncatedImportanceSampling()),
                                List.of(
                                        new KlPenalty(),
                                        new KlPenalty(LogProbStream.PROXIMAL, KlPenalty.Estimator.K2, 0.3)),
                                Aggregation.SEQ_MEAN_TOKEN_SUM,
                                Anchor.PROXIMAL)));
        return Stream.of(objectives, variants, kinds, family, corrections, penalties, variantsOfParts)
                .flatMap(stream -> stream);
    }

    static Stream<Arguments> lossesOfRowReach() {
        return losses().filter(arguments -> ((Loss) arguments.get()[1]).reach() == Reach.ROW);
    }

    private static Arguments named(String name, Objective objective) {
        return Arguments.of(name, Loss.of(objective));
    }

    private static Loss corrected(Objective objective, Anchor anchor, String name, Map<String, ?> parameters) {
        Correction correction = Corrections.table().create(name, parameters, LossPropertiesTest.class.getClassLoader());
        return Loss.of(objective, List.of(correction), List.of(), null, anchor);
    }

    private static Loss penalised(String name, Map<String, ?> parameters) {
        Penalty penalty = Penalties.table().create(name, parameters, LossPropertiesTest.class.getClassLoader());
        return Loss.of(new MinPro(), List.of(), List.of(penalty), null, Anchor.BEHAVIOR);
    }

    /** Rows of an update in plain arrays; advantages differ between rows, one row is empty, some tokens are masked. */
    private record Rows(
            double[][] logProbs, Map<LogProbStream, double[][]> others, double[][] advantages, double[][] mask) {
        /** With one array for each other policy. */
        static Rows empty(int rows, int width) {
            Map<LogProbStream, double[][]> others = new EnumMap<>(LogProbStream.class);
            for (LogProbStream stream : LogProbStream.values()) {
                others.put(stream, new double[rows][width]);
            }
            return new Rows(new double[rows][width], others, new double[rows][width], new double[rows][width]);
        }

        private double[][] other(LogProbStream stream) {
            return Objects.requireNonNull(others.get(stream));
        }

        static Rows random(long seed, double spread) {
            Random random = new Random(seed);
            int[] lengths = {7, 4, 0, 1, 7, 5};
            Rows rows = empty(6, 7);
            for (int i = 0; i < 6; i++) {
                double advantage = random.nextGaussian();
                for (int t = 0; t < 7; t++) {
                    rows.logProbs[i][t] = -0.05 - random.nextDouble() * 3;
                    for (LogProbStream stream : LogProbStream.values()) {
                        rows.other(stream)[i][t] = rows.logProbs[i][t] - spread * random.nextGaussian();
                    }
                    rows.advantages[i][t] = advantage;
                    rows.mask[i][t] = t < lengths[i] && !(i == 0 && t == 2) && !(i == 4 && t == 0) ? 1 : 0;
                }
            }
            return rows;
        }

        Rows pick(int... rows) {
            Map<LogProbStream, double[][]> picked = new EnumMap<>(LogProbStream.class);
            others.forEach((stream, values) -> picked.put(stream, at(values, rows)));
            return new Rows(at(logProbs, rows), picked, at(advantages, rows), at(mask, rows));
        }

        private static double[][] at(double[][] values, int... rows) {
            return Arrays.stream(rows).mapToObj(i -> values[i]).toArray(double[][]::new);
        }

        ObjectiveInputs inputs(Loss loss, DType type) {
            Tensor live = tensor(logProbs, type);
            Map<LogProbStream, Tensor> streams = new EnumMap<>(LogProbStream.class);
            loss.streams().forEach(stream -> streams.put(stream, tensor(other(stream), type)));
            Map<Statistic, Tensor> statistics = new EnumMap<>(Statistic.class);
            loss.statistics().forEach(statistic -> statistics.put(statistic, statistic(statistic, type)));
            return new ObjectiveInputs(
                    live, live, streams, tensor(advantages, type), tensor(mask, type), statistics, loss.anchor());
        }

        /** Made from the rows' own numbers, so that they move and are padded with them. */
        private Tensor statistic(Statistic statistic, DType type) {
            double[][] values = new double[logProbs.length][];
            for (int i = 0; i < values.length; i++) {
                values[i] = new double[logProbs[i].length];
                for (int t = 0; t < values[i].length; t++) {
                    values[i][t] = switch (statistic) {
                        case ENTROPY -> 1;
                        case AGE -> t % 4;
                        case GROUP -> mask[i][0];
                    };
                }
            }
            return tensor(values, type);
        }
    }

    private static Tensor tensor(double[][] rows, DType type) {
        double[] flat = Arrays.stream(rows).flatMapToDouble(Arrays::stream).toArray();
        return Tensor.of(Device.CPU, flat, rows.length, rows.length == 0 ? 0 : rows[0].length)
                .to(type);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("losses")
    void gradientEqualsFiniteDifferencesWithFrozenLogProbsHeld(String name, Loss loss) {
        try (Scope scope = Scope.open()) {
            for (double spread : new double[] {0.0003, 0.1, 0.5}) {
                Rows rows = Rows.random(11, spread);
                ObjectiveInputs inputs = rows.inputs(loss, DType.F64);
                double[] gradient = LossEvaluation.of(loss, inputs).gradient().doubles();
                double step = 1e-5;
                for (int at = 0; at < gradient.length; at++) {
                    double difference = 0;
                    for (int sign : new int[] {1, -1}) {
                        double[] moved = inputs.frozenLogProbs().doubles();
                        moved[at] += sign * step;
                        ObjectiveInputs shifted = new ObjectiveInputs(
                                Tensor.of(Device.CPU, moved, 6, 7),
                                inputs.frozenLogProbs(),
                                inputs.streams(),
                                inputs.advantages(),
                                inputs.mask(),
                                inputs.statistics(),
                                inputs.anchor());
                        difference += sign * LossEvaluation.of(loss, shifted).loss();
                    }
                    assertThat(gradient[at])
                            .as("row %d token %d, spread %s", at / 7, at % 7, spread)
                            .isCloseTo(difference / (2 * step), within(1e-8));
                }
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("lossesThatAreReinforceOnPolicy")
    void onPolicyTheGradientIsThatOfReinforce(String name, Loss loss) {
        try (Scope scope = Scope.open()) {
            ObjectiveInputs inputs = Rows.random(12, 0).inputs(loss, DType.F64);
            double[] expected = LossEvaluation.of(
                            Loss.of(new Reinforce(), List.of(), List.of(), loss.aggregation(), loss.anchor()), inputs)
                    .gradient()
                    .doubles();
            assertThat(Arrays.stream(expected).filter(g -> g != 0).count()).isGreaterThan(15);
            assertThat(LossEvaluation.of(loss, inputs).gradient().doubles()).containsExactly(expected, EXACT);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("losses")
    void paddingChangesNothing(String name, Loss loss) {
        Rows rows = Rows.random(13, 0.4);
        Map<LogProbStream, double[][]> paddedOthers = new EnumMap<>(LogProbStream.class);
        rows.others.forEach((stream, values) -> paddedOthers.put(stream, padded(values, Double.NaN)));
        Rows padded = new Rows(
                padded(rows.logProbs, Double.NEGATIVE_INFINITY),
                paddedOthers,
                padded(rows.advantages, Double.POSITIVE_INFINITY),
                padded(rows.mask, 0));
        try (Scope scope = Scope.open()) {
            LossEvaluation narrow = LossEvaluation.of(loss, rows.inputs(loss, DType.F64));
            LossEvaluation wide = LossEvaluation.of(loss, padded.inputs(loss, DType.F64));
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
    @MethodSource("losses")
    void maskedTokensHaveNoSay(String name, Loss loss) {
        Rows rows = Rows.random(14, 0.4);
        Rows spoiled = Rows.random(14, 0.4);
        for (int i = 0; i < 6; i++) {
            for (int t = 0; t < 7; t++) {
                if (rows.mask[i][t] == 0) {
                    spoiled.logProbs[i][t] = -40;
                    for (LogProbStream stream : LogProbStream.values()) {
                        spoiled.other(stream)[i][t] = Double.NEGATIVE_INFINITY;
                    }
                    spoiled.advantages[i][t] = -100;
                }
            }
        }
        try (Scope scope = Scope.open()) {
            LossEvaluation clean = LossEvaluation.of(loss, rows.inputs(loss, DType.F64));
            LossEvaluation other = LossEvaluation.of(loss, spoiled.inputs(loss, DType.F64));
            assertThat(other.loss()).isEqualTo(clean.loss());
            double[] gradient = other.gradient().doubles();
            assertThat(gradient).containsExactly(clean.gradient().doubles());
            for (int at = 0; at < gradient.length; at++) {
                assertThat(gradient[at] != 0 && rows.mask[at / 7][at % 7] == 0).isFalse();
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("losses")
    void theOrderOfRowsDoesNotMatter(String name, Loss loss) {
        int[] order = {4, 2, 5, 0, 3, 1};
        Rows rows = Rows.random(15, 0.4);
        try (Scope scope = Scope.open()) {
            LossEvaluation first = LossEvaluation.of(loss, rows.inputs(loss, DType.F64));
            LossEvaluation second = LossEvaluation.of(loss, rows.pick(order).inputs(loss, DType.F64));
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
    @MethodSource("lossesOfRowReach")
    void microBatchesAddUpToTheUpdate(String name, Loss loss) {
        Rows rows = Rows.random(16, 0.4);
        try (Scope scope = Scope.open()) {
            ObjectiveInputs whole = rows.inputs(loss, DType.F64);
            LossEvaluation update = LossEvaluation.of(loss, whole);
            Tensor weights = loss.aggregation().tokenWeights(whole.mask());
            double sum = 0;
            double[] expected = update.gradient().doubles();
            for (int[] cut : List.of(new int[] {0, 1}, new int[] {2}, new int[] {3, 4, 5})) {
                Tensor rowWeights = weights.narrow(0, cut[0], cut.length);
                LossEvaluation part = LossEvaluation.of(loss, rows.pick(cut).inputs(loss, DType.F64), rowWeights);
                sum += part.loss();
                assertThat(part.gradient().doubles())
                        .containsExactly(Arrays.copyOfRange(expected, cut[0] * 7, (cut[0] + cut.length) * 7), EXACT);
            }
            assertThat(sum).isCloseTo(update.loss(), within(1e-15));
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("losses")
    void withoutAValidTokenLossAndGradientAreZero(String name, Loss loss) {
        Rows rows = Rows.random(17, 0.4);
        try (Scope scope = Scope.open()) {
            ObjectiveInputs inputs = rows.inputs(loss, DType.F64);
            for (long width : new long[] {7, 0}) {
                Map<LogProbStream, Tensor> streams = new EnumMap<>(LogProbStream.class);
                inputs.streams().forEach((stream, tensor) -> streams.put(stream, tensor.narrow(1, 0, width)));
                Map<Statistic, Tensor> statistics = new EnumMap<>(Statistic.class);
                inputs.statistics()
                        .forEach((statistic, tensor) -> statistics.put(statistic, tensor.narrow(1, 0, width)));
                Tensor live = inputs.logProbs().narrow(1, 0, width);
                ObjectiveInputs empty = new ObjectiveInputs(
                        live,
                        live,
                        streams,
                        inputs.advantages().narrow(1, 0, width),
                        Tensor.zeros(Device.CPU, DType.F64, 6, width),
                        statistics,
                        loss.anchor());
                LossEvaluation evaluation = LossEvaluation.of(loss, empty);
                assertThat(evaluation.loss()).isZero();
                assertThat(evaluation.gradient().shape()).containsExactly(6, width);
                assertThat(evaluation.gradient().doubles()).doesNotContain(Double.NaN);
                assertThat(Arrays.stream(evaluation.gradient().doubles()).allMatch(g -> g == 0))
                        .isTrue();
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("losses")
    void extremeRatiosStayFinite(String name, Loss loss) {
        double likely = -0.1;
        double unlikely = -0.1 - Math.log(1e9);
        Random random = new Random(18);
        Rows rows = Rows.empty(8, 40);
        for (int i = 0; i < 8; i++) {
            for (int t = 0; t < 40; t++) {
                // Rows 0 and 1 push every prefix to its limit, the others alternate.
                boolean up = i == 0 || (i > 1 && random.nextBoolean());
                rows.logProbs[i][t] = up ? likely : unlikely;
                for (LogProbStream stream : LogProbStream.values()) {
                    // What is as far from the policy as from the one that sampled is not both.
                    boolean likeThePolicy = stream == LogProbStream.PROXIMAL && t % 3 == 0;
                    rows.other(stream)[i][t] = up == likeThePolicy ? likely : unlikely;
                }
                rows.advantages[i][t] = i % 2 == 0 ? 1 : -1;
                rows.mask[i][t] = 1;
            }
        }
        try (Scope scope = Scope.open()) {
            for (DType type : List.of(DType.F32, DType.F64)) {
                LossEvaluation evaluation = LossEvaluation.of(loss, rows.inputs(loss, type));
                assertThat(evaluation.loss()).isFinite();
                assertThat(evaluation.gradient().isFinite().all()).isTrue();
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("losses")
    void float32AgreesWithFloat64(String name, Loss loss) {
        Rows rows = Rows.random(19, 0.3);
        try (Scope scope = Scope.open()) {
            LossEvaluation single = LossEvaluation.of(loss, rows.inputs(loss, DType.F32));
            LossEvaluation twice = LossEvaluation.of(loss, rows.inputs(loss, DType.F64));
            assertThat(single.gradient().type()).isEqualTo(DType.F32);
            assertThat(single.loss()).isCloseTo(twice.loss(), within(1e-6));
            assertThat(single.gradient().doubles())
                    .containsExactly(twice.gradient().doubles(), within(1e-6));
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("losses")
    void whereTheLossSaysThatItVanishesTheGradientIsZeroWithoutAdvantages(String name, Loss loss) {
        Rows rows = Rows.random(20, 0.4);
        Rows without = new Rows(rows.logProbs, rows.others, new double[6][7], rows.mask);
        try (Scope scope = Scope.open()) {
            double[] gradient = LossEvaluation.of(loss, without.inputs(loss, DType.F64))
                    .gradient()
                    .doubles();
            boolean zero = Arrays.stream(gradient).allMatch(g -> g == 0);
            assertThat(zero).isEqualTo(loss.vanishesWithAdvantages());
        }
    }
}
