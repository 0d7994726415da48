package org.minpro.objective;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * What must hold for a loss whatever its formula, tried on small random updates: 6 rows of up to 7 tokens, one row empty,
 * some tokens masked, a row's tokens with one advantage.
 *
 * <p>A check that fails says where, and both numbers.
 */
public final class LossChecks {
    private static final int ROWS = 6;
    private static final int TIME = 7;
    private static final int PADDED = 20;
    private static final double STEP = 1e-5;
    private static final double OF_DIFFERENCES = 1e-8;
    private static final double OF_FLOAT32 = 1e-6;

    private final Loss loss;
    private final double rounding;

    /**
     * @param loss that is checked
     * @param rounding by how much two numbers may differ that are equal but for rounding, as a share of one plus the
     *     number
     */
    public LossChecks(Loss loss, double rounding) {
        this.loss = loss;
        this.rounding = rounding;
    }

    /** A thing that must hold. */
    public enum Check {
        GRADIENT("the gradient is not zero") {
            @Override
            Optional<String> failure(LossChecks checks) {
                return checks.gradientThatIsZero();
            }
        },
        FINITE_DIFFERENCES("the gradient is the slope of the loss, with frozenLogProbs held") {
            @Override
            Optional<String> failure(LossChecks checks) {
                return checks.differences();
            }
        },
        PADDING("padding changes nothing") {
            @Override
            Optional<String> failure(LossChecks checks) {
                return checks.padding();
            }
        },
        MASK("masked tokens change nothing and get no gradient") {
            @Override
            Optional<String> failure(LossChecks checks) {
                return checks.masked();
            }
        },
        ROW_ORDER("the order of rows does not matter") {
            @Override
            Optional<String> failure(LossChecks checks) {
                return checks.rowOrder();
            }
        },
        MICRO_BATCHES("with reach() ROW the parts of an update add up to the update") {
            @Override
            Optional<String> failure(LossChecks checks) {
                return checks.loss.reach() == Reach.ROW ? checks.microBatches() : Optional.empty();
            }
        },
        EMPTY("without a valid token loss and gradient are zero") {
            @Override
            Optional<String> failure(LossChecks checks) {
                return checks.empty();
            }
        },
        EXTREME_RATIOS("ratios of 1e9 and 1e-9 on every token give finite numbers") {
            @Override
            Optional<String> failure(LossChecks checks) {
                return checks.extremes();
            }
        },
        FLOAT32("float32 agrees with float64") {
            @Override
            Optional<String> failure(LossChecks checks) {
                return checks.singlePrecision();
            }
        },
        VANISHES("where vanishesWithAdvantages() is true there is no gradient without advantages") {
            @Override
            Optional<String> failure(LossChecks checks) {
                return checks.loss.vanishesWithAdvantages() ? checks.gradientWithoutAdvantages() : Optional.empty();
            }
        };

        private final String description;

        Check(String description) {
            this.description = description;
        }

        /** What must hold, in words. */
        public String description() {
            return description;
        }

        abstract Optional<String> failure(LossChecks checks);
    }

    /** Where the check fails and with which numbers; empty where it holds. */
    public Optional<String> failure(Check check) {
        try (Scope scope = Scope.open()) {
            return check.failure(this);
        }
    }

    /**
     * Where, on policy (all ratios are 1), the gradient is not that of REINFORCE; empty where it is. Most objectives are
     * REINFORCE there; one that is not may be meant so.
     */
    public Optional<String> differenceFromReinforceOnPolicy() {
        try (Scope scope = Scope.open()) {
            ObjectiveInputs inputs = Update.random(12, 0).inputs(loss, DType.F64);
            Loss reinforce = Loss.of(new Reinforce(), List.of(), List.of(), loss.aggregation(), loss.anchor());
            double[] expected = evaluate(reinforce, inputs).gradient().doubles();
            return differenceOfGradients(gradient(inputs), expected, TIME, "on policy", "REINFORCE has");
        }
    }

    /** Whether there is no gradient where all advantages are 0, so that {@code vanishesWithAdvantages()} may be true. */
    public boolean vanishes() {
        try (Scope scope = Scope.open()) {
            return gradientWithoutAdvantages().isEmpty();
        }
    }

    private static LossEvaluation evaluate(Loss loss, ObjectiveInputs inputs) {
        return LossEvaluation.of(loss, inputs);
    }

    /** Float64 on the host: examples are small. */
    private static Tensor tensor(double[] values, long rows, long time) {
        return Tensor.of(Device.CPU, values, rows, time);
    }

    private double[] gradient(ObjectiveInputs inputs) {
        return evaluate(loss, inputs).gradient().doubles();
    }

    private Optional<String> gradientThatIsZero() {
        // Where ratios are far from 1 a loss may leave every token out, and that is no mistake.
        for (double spread : new double[] {0.1, 0.0003}) {
            double[] gradient = gradient(Update.random(10, spread).inputs(loss, DType.F64));
            if (Arrays.stream(gradient).anyMatch(g -> g != 0)) {
                return Optional.empty();
            }
        }
        return Optional.of("all tokens of all rows: got 0; the loss must depend on inputs.logProbs()");
    }

    private Optional<String> differences() {
        for (double spread : new double[] {0.0003, 0.1, 0.5}) {
            ObjectiveInputs inputs = Update.random(11, spread).inputs(loss, DType.F64);
            double[] gradient = gradient(inputs);
            for (int at = 0; at < gradient.length; at++) {
                double difference = 0;
                for (int sign : new int[] {1, -1}) {
                    double[] moved = inputs.frozenLogProbs().doubles();
                    moved[at] += sign * STEP;
                    ObjectiveInputs shifted = new ObjectiveInputs(
                            tensor(moved, ROWS, TIME),
                            inputs.frozenLogProbs(),
                            inputs.streams(),
                            inputs.advantages(),
                            inputs.mask(),
                            inputs.statistics(),
                            inputs.anchor());
                    difference += sign * evaluate(loss, shifted).loss();
                }
                double slope = difference / (2 * STEP);
                if (!close(gradient[at], slope, OF_DIFFERENCES)) {
                    return Optional.of(place(at, TIME) + ", log-ratios of about " + spread
                            + numbers("gradient", gradient[at], "slope of the loss", slope)
                            + "; what is held constant must come from inputs.frozenLogProbs()");
                }
            }
            Optional<String> ofEntropies = differencesOfEntropies(inputs, spread);
            if (ofEntropies.isPresent()) {
                return ofEntropies;
            }
        }
        return Optional.empty();
    }

    /** The same with respect to the entropies, where the loss reads live ones. */
    private Optional<String> differencesOfEntropies(ObjectiveInputs inputs, double spread) {
        Tensor entropyGradient = evaluate(loss, inputs).entropyGradient();
        if (entropyGradient == null) {
            return Optional.empty();
        }
        double[] gradient = entropyGradient.doubles();
        for (int at = 0; at < gradient.length; at++) {
            double difference = 0;
            for (int sign : new int[] {1, -1}) {
                double[] moved = inputs.statistic(Statistic.LIVE_ENTROPY).doubles();
                moved[at] += sign * STEP;
                Map<Statistic, Tensor> statistics = new EnumMap<>(inputs.statistics());
                statistics.put(Statistic.LIVE_ENTROPY, tensor(moved, ROWS, TIME));
                ObjectiveInputs shifted = new ObjectiveInputs(
                        inputs.logProbs(),
                        inputs.frozenLogProbs(),
                        inputs.streams(),
                        inputs.advantages(),
                        inputs.mask(),
                        statistics,
                        inputs.anchor());
                difference += sign * evaluate(loss, shifted).loss();
            }
            double slope = difference / (2 * STEP);
            if (!close(gradient[at], slope, OF_DIFFERENCES)) {
                return Optional.of(place(at, TIME) + ", log-ratios of about " + spread
                        + numbers("gradient of the entropy", gradient[at], "slope of the loss", slope)
                        + "; an entropy that is held constant is Statistic.ENTROPY");
            }
        }
        return Optional.empty();
    }

    private Optional<String> padding() {
        Update update = Update.random(13, 0.4);
        Map<LogProbStream, double[][]> others = new EnumMap<>(LogProbStream.class);
        update.others.forEach((stream, values) -> others.put(stream, padded(values, Double.NaN)));
        Update padded = new Update(
                padded(update.logProbs, Double.NEGATIVE_INFINITY),
                others,
                padded(update.statistics, 0),
                padded(update.advantages, Double.POSITIVE_INFINITY),
                padded(update.mask, 0));
        LossEvaluation narrow = evaluate(loss, update.inputs(loss, DType.F64));
        LossEvaluation wide = evaluate(loss, padded.inputs(loss, DType.F64));
        double[] expected = Arrays.stream(padded(rows(narrow.gradient().doubles()), 0))
                .flatMapToDouble(Arrays::stream)
                .toArray();
        return differenceOfLosses(wide, narrow, "rows of " + PADDED + " in place of " + TIME, "without padding")
                .or(() -> differenceOfGradients(
                        wide.gradient().doubles(),
                        expected,
                        PADDED,
                        "rows of " + PADDED + " in place of " + TIME,
                        "without padding"));
    }

    private Optional<String> masked() {
        Update update = Update.random(14, 0.4);
        Update spoiled = Update.random(14, 0.4);
        for (int i = 0; i < ROWS; i++) {
            for (int t = 0; t < TIME; t++) {
                if (update.mask[i][t] == 0) {
                    spoiled.logProbs[i][t] = -40;
                    for (LogProbStream stream : LogProbStream.values()) {
                        spoiled.other(stream)[i][t] = Double.NEGATIVE_INFINITY;
                    }
                    spoiled.statistics[i][t] = 100;
                    spoiled.advantages[i][t] = -100;
                }
            }
        }
        LossEvaluation clean = evaluate(loss, update.inputs(loss, DType.F64));
        LossEvaluation other = evaluate(loss, spoiled.inputs(loss, DType.F64));
        double[] gradient = other.gradient().doubles();
        for (int at = 0; at < gradient.length; at++) {
            if (gradient[at] != 0 && update.mask[at / TIME][at % TIME] == 0) {
                return Optional.of(
                        place(at, TIME) + ", which is masked" + numbers("gradient", gradient[at], "rule", 0));
            }
        }
        return differenceOfLosses(other, clean, "other numbers at masked tokens", "before")
                .or(() -> differenceOfGradients(
                        gradient, clean.gradient().doubles(), TIME, "other numbers at masked tokens", "before"));
    }

    private Optional<String> rowOrder() {
        int[] order = {4, 2, 5, 0, 3, 1};
        Update update = Update.random(15, 0.4);
        LossEvaluation first = evaluate(loss, update.inputs(loss, DType.F64));
        LossEvaluation second = evaluate(loss, update.pick(order).inputs(loss, DType.F64));
        double[][] rows = rows(first.gradient().doubles());
        double[] expected = Arrays.stream(order)
                .mapToObj(i -> rows[i])
                .flatMapToDouble(Arrays::stream)
                .toArray();
        // A sum in another order is rounded in another way.
        return close(second.loss(), first.loss(), 10 * rounding)
                ? differenceOfGradients(
                        second.gradient().doubles(), expected, TIME, "rows in another order", "in the first order")
                : differenceOfLosses(second, first, "rows in another order", "in the first order");
    }

    private Optional<String> microBatches() {
        Update update = Update.random(16, 0.4);
        ObjectiveInputs whole = update.inputs(loss, DType.F64);
        LossEvaluation all = evaluate(loss, whole);
        Tensor weights = loss.aggregation().tokenWeights(whole.mask());
        double[] gradient = all.gradient().doubles();
        double sum = 0;
        for (int[] cut : List.of(new int[] {0, 1}, new int[] {2}, new int[] {3, 4, 5})) {
            LossEvaluation part = LossEvaluation.of(
                    loss, update.pick(cut).inputs(loss, DType.F64), weights.narrow(0, cut[0], cut.length));
            sum += part.loss();
            Optional<String> difference = differenceOfGradients(
                    part.gradient().doubles(),
                    Arrays.copyOfRange(gradient, cut[0] * TIME, (cut[0] + cut.length) * TIME),
                    TIME,
                    "the part of rows " + Arrays.toString(cut),
                    "as a part of the whole update");
            if (difference.isPresent()) {
                return difference;
            }
        }
        return close(sum, all.loss(), rounding)
                ? Optional.empty()
                : Optional.of("all rows" + numbers("sum of the parts' losses", sum, "loss of the update", all.loss()));
    }

    private Optional<String> empty() {
        ObjectiveInputs inputs = Update.random(17, 0.4).inputs(loss, DType.F64);
        for (long width : new long[] {TIME, 0}) {
            Map<LogProbStream, Tensor> streams = new EnumMap<>(LogProbStream.class);
            inputs.streams().forEach((stream, tensor) -> streams.put(stream, tensor.narrow(1, 0, width)));
            Map<Statistic, Tensor> statistics = new EnumMap<>(Statistic.class);
            inputs.statistics().forEach((statistic, tensor) -> statistics.put(statistic, tensor.narrow(1, 0, width)));
            Tensor live = inputs.logProbs().narrow(1, 0, width);
            ObjectiveInputs empty = new ObjectiveInputs(
                    live,
                    live,
                    streams,
                    inputs.advantages().narrow(1, 0, width),
                    inputs.mask().narrow(1, 0, width).zerosLike(),
                    statistics,
                    loss.anchor());
            LossEvaluation evaluation = evaluate(loss, empty);
            String where = ROWS + " rows of " + width + " tokens, all masked";
            if (evaluation.loss() != 0) {
                return Optional.of(where + numbers("loss", evaluation.loss(), "rule", 0));
            }
            if (!Arrays.equals(evaluation.gradient().shape(), new long[] {ROWS, width})) {
                return Optional.of(where + ": a gradient of shape "
                        + Arrays.toString(evaluation.gradient().shape()));
            }
            double[] gradient = evaluation.gradient().doubles();
            for (int at = 0; at < gradient.length; at++) {
                if (gradient[at] != 0) {
                    return Optional.of(where + ", " + place(at, TIME) + numbers("gradient", gradient[at], "rule", 0));
                }
            }
        }
        return Optional.empty();
    }

    private Optional<String> extremes() {
        int rows = 8;
        int time = 40;
        double likely = -0.1;
        double unlikely = likely - Math.log(1e9);
        Random random = new Random(18);
        Update update = Update.empty(rows, time);
        for (int i = 0; i < rows; i++) {
            for (int t = 0; t < time; t++) {
                // Rows 0 and 1 push every prefix to its limit, the others alternate.
                boolean up = i == 0 || (i > 1 && random.nextBoolean());
                update.logProbs[i][t] = up ? likely : unlikely;
                for (LogProbStream stream : LogProbStream.values()) {
                    // What is as far from the policy as from the one that sampled is not both.
                    boolean likeThePolicy = stream == LogProbStream.PROXIMAL && t % 3 == 0;
                    update.other(stream)[i][t] = up == likeThePolicy ? likely : unlikely;
                }
                update.statistics[i][t] = up ? 0.1 : 2;
                update.advantages[i][t] = i % 2 == 0 ? 1 : -1;
                update.mask[i][t] = 1;
            }
        }
        for (DType type : List.of(DType.F32, DType.F64)) {
            LossEvaluation evaluation = evaluate(loss, update.inputs(loss, type));
            double[] gradient = evaluation.gradient().doubles();
            for (int at = 0; at < gradient.length; at++) {
                if (!Double.isFinite(gradient[at])) {
                    return Optional.of(place(at, time) + " in " + type.name().toLowerCase(Locale.ROOT) + ", "
                            + (at % time + 1) + " tokens with "
                            + (at / time == 0 ? "ratio 1e9" : at / time == 1 ? "ratio 1e-9" : "ratios 1e9 and 1e-9")
                            + ": the gradient is " + gradient[at]
                            + "; inputs.ratios() has ratios that are clamped");
                }
            }
            if (!Double.isFinite(evaluation.loss())) {
                return Optional.of(
                        "all rows in " + type.name().toLowerCase(Locale.ROOT) + ": the loss is " + evaluation.loss());
            }
        }
        return Optional.empty();
    }

    private Optional<String> singlePrecision() {
        Update update = Update.random(19, 0.3);
        LossEvaluation single = evaluate(loss, update.inputs(loss, DType.F32));
        LossEvaluation twice = evaluate(loss, update.inputs(loss, DType.F64));
        if (!close(single.loss(), twice.loss(), OF_FLOAT32)) {
            return Optional.of("all rows" + numbers("loss in float32", single.loss(), "in float64", twice.loss()));
        }
        double[] expected = twice.gradient().doubles();
        double[] gradient = single.gradient().doubles();
        for (int at = 0; at < gradient.length; at++) {
            if (!close(gradient[at], expected[at], OF_FLOAT32)) {
                return Optional.of(
                        place(at, TIME) + numbers("gradient in float32", gradient[at], "in float64", expected[at]));
            }
        }
        return Optional.empty();
    }

    private Optional<String> gradientWithoutAdvantages() {
        Update update = Update.random(20, 0.4);
        Update without =
                new Update(update.logProbs, update.others, update.statistics, new double[ROWS][TIME], update.mask);
        LossEvaluation evaluation = evaluate(loss, without.inputs(loss, DType.F64));
        Tensor ofEntropies = evaluation.entropyGradient();
        for (double[] gradient : ofEntropies == null
                ? List.of(evaluation.gradient().doubles())
                : List.of(evaluation.gradient().doubles(), ofEntropies.doubles())) {
            for (int at = 0; at < gradient.length; at++) {
                if (gradient[at] != 0) {
                    return Optional.of(
                            place(at, TIME) + ", all advantages 0" + numbers("gradient", gradient[at], "rule", 0));
                }
            }
        }
        return Optional.empty();
    }

    private Optional<String> differenceOfLosses(
            LossEvaluation got, LossEvaluation expected, String what, String otherwise) {
        return close(got.loss(), expected.loss(), rounding)
                ? Optional.empty()
                : Optional.of("all rows, " + what + numbers("loss", got.loss(), otherwise, expected.loss()));
    }

    private Optional<String> differenceOfGradients(
            double[] got, double[] expected, int width, String what, String otherwise) {
        for (int at = 0; at < got.length; at++) {
            if (!close(got[at], expected[at], rounding)) {
                return Optional.of(
                        place(at, width) + ", " + what + numbers("gradient", got[at], otherwise, expected[at]));
            }
        }
        return Optional.empty();
    }

    private static boolean close(double got, double expected, double allowed) {
        return Math.abs(got - expected) <= allowed * (1 + Math.abs(expected));
    }

    private static String place(int at, int width) {
        return "row " + at / width + " token " + at % width;
    }

    private static String numbers(String name, double got, String otherName, double expected) {
        return ": " + name + " " + got + ", " + otherName + " " + expected;
    }

    private static double[][] rows(double[] flat) {
        return IntStream.range(0, flat.length / TIME)
                .mapToObj(i -> Arrays.copyOfRange(flat, i * TIME, (i + 1) * TIME))
                .toArray(double[][]::new);
    }

    private static double[][] padded(double[][] rows, double padding) {
        return Arrays.stream(rows)
                .map(row -> IntStream.range(0, PADDED)
                        .mapToDouble(t -> t < row.length ? row[t] : padding)
                        .toArray())
                .toArray(double[][]::new);
    }

    /**
     * An update in plain arrays, {@code [rows][time]}.
     *
     * @param others one array for each other policy
     * @param statistics what stands for each statistic
     */
    private record Update(
            double[][] logProbs,
            Map<LogProbStream, double[][]> others,
            double[][] statistics,
            double[][] advantages,
            double[][] mask) {
        static Update empty(int rows, int width) {
            Map<LogProbStream, double[][]> others = new EnumMap<>(LogProbStream.class);
            for (LogProbStream stream : LogProbStream.values()) {
                others.put(stream, new double[rows][width]);
            }
            return new Update(
                    new double[rows][width],
                    others,
                    new double[rows][width],
                    new double[rows][width],
                    new double[rows][width]);
        }

        double[][] other(LogProbStream stream) {
            return Objects.requireNonNull(others.get(stream));
        }

        /** @param spread of the other policies' log-probabilities around those of the policy, nats */
        static Update random(long seed, double spread) {
            Random random = new Random(seed);
            int[] lengths = {7, 4, 0, 1, 7, 5};
            Update update = empty(ROWS, TIME);
            for (int i = 0; i < ROWS; i++) {
                double advantage = random.nextGaussian();
                for (int t = 0; t < TIME; t++) {
                    update.logProbs[i][t] = -0.05 - random.nextDouble() * 3;
                    for (LogProbStream stream : LogProbStream.values()) {
                        update.other(stream)[i][t] = update.logProbs[i][t] - spread * random.nextGaussian();
                    }
                    update.statistics[i][t] = 0.1 + 2 * random.nextDouble();
                    update.advantages[i][t] = advantage;
                    update.mask[i][t] = t < lengths[i] && !(i == 0 && t == 2) && !(i == 4 && t == 0) ? 1 : 0;
                }
            }
            return update;
        }

        Update pick(int... rows) {
            Map<LogProbStream, double[][]> picked = new EnumMap<>(LogProbStream.class);
            others.forEach((stream, values) -> picked.put(stream, at(values, rows)));
            return new Update(at(logProbs, rows), picked, at(statistics, rows), at(advantages, rows), at(mask, rows));
        }

        private static double[][] at(double[][] values, int... rows) {
            return Arrays.stream(rows).mapToObj(i -> values[i]).toArray(double[][]::new);
        }

        ObjectiveInputs inputs(Loss loss, DType type) {
            Tensor live = tensor(logProbs, type);
            Map<LogProbStream, Tensor> streams = new EnumMap<>(LogProbStream.class);
            loss.streams().forEach(stream -> streams.put(stream, tensor(other(stream), type)));
            Map<Statistic, Tensor> given = new EnumMap<>(Statistic.class);
            loss.statistics().forEach(statistic -> given.put(statistic, tensor(of(statistic), type)));
            return new ObjectiveInputs(
                    live, live, streams, tensor(advantages, type), tensor(mask, type), given, loss.anchor());
        }

        /** Collisions are such as the token's probability allows, ages and groups are whole numbers, made from the rows' own, so that they move and are padded with them. */
        private double[][] of(Statistic statistic) {
            double[][] values = new double[logProbs.length][];
            for (int i = 0; i < values.length; i++) {
                values[i] = new double[logProbs[i].length];
                for (int t = 0; t < values[i].length; t++) {
                    values[i][t] = switch (statistic) {
                        case ENTROPY, LIVE_ENTROPY -> statistics[i][t];
                        case COLLISION -> {
                            double p = Math.exp(logProbs[i][t]);
                            yield p * p + (1 - p) * (1 - p) / (1 + statistics[i][t]);
                        }
                        case AGE -> t % 4;
                        case GROUP -> mask[i][0];
                    };
                }
            }
            return values;
        }

        private static Tensor tensor(double[][] rows, DType type) {
            double[] flat = Arrays.stream(rows).flatMapToDouble(Arrays::stream).toArray();
            return LossChecks.tensor(flat, rows.length, rows[0].length).to(type);
        }
    }
}
