package org.minpro.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.minpro.model.ModelConfig;
import org.minpro.model.Parameters;
import org.minpro.model.ReferenceAttention;
import org.minpro.model.TinyModels;
import org.minpro.model.TokenBlock;
import org.minpro.model.Transformer;
import org.minpro.objective.Aggregation;
import org.minpro.objective.Anchor;
import org.minpro.objective.EntropyBonus;
import org.minpro.objective.KlPenalty;
import org.minpro.objective.LogProbStream;
import org.minpro.objective.Loss;
import org.minpro.objective.Objective;
import org.minpro.objective.ObjectiveInputs;
import org.minpro.objective.ObjectiveResult;
import org.minpro.objective.Objectives;
import org.minpro.objective.Reach;
import org.minpro.tensor.DType;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.TestDevice;
import org.minpro.tensor.Workers;

class PolicyGradientTest {
    private static final double TEMPERATURE = 0.9;
    private static final Aggregation AGGREGATION = Aggregation.SEQ_MEAN_TOKEN_MEAN;

    private static List<TrainingRow> rows(int groups, int size) {
        Random random = new Random(3);
        List<TrainingRow> rows = new ArrayList<>();
        for (int group = 0; group < groups; group++) {
            int[] prompt = random.ints(3 + random.nextInt(8), 2, 97).toArray();
            for (int i = 0; i < size; i++) {
                int[] response = random.ints(1 + random.nextInt(20), 2, 97).toArray();
                boolean[] mask = new boolean[response.length];
                Arrays.fill(mask, true);
                mask[response.length / 2] = response.length < 5;
                float[] behavior = new float[response.length];
                for (int t = 0; t < behavior.length; t++) {
                    behavior[t] = -6 + 3 * random.nextFloat();
                }
                double[] advantages = new double[response.length];
                Arrays.fill(advantages, random.nextGaussian());
                rows.add(new TrainingRow(
                        group,
                        prompt,
                        response,
                        mask,
                        Map.of(LogProbStream.BEHAVIOR, behavior),
                        new long[response.length],
                        advantages));
            }
        }
        return rows;
    }

    private static double[][] weights(List<TrainingRow> rows) {
        return AGGREGATION.tokenWeights(rows.stream().map(TrainingRow::mask).toArray(boolean[][]::new));
    }

    private static Loss loss(String objective) {
        return Loss.of(Objectives.of(objective), List.of(), List.of(), AGGREGATION, Anchor.BEHAVIOR);
    }

    private static Map<String, double[]> gradient(
            Transformer model, List<TrainingRow> rows, String objective, int workers, int lanes, int tokenBudget) {
        return gradient(model, rows, loss(objective), workers, lanes, tokenBudget);
    }

    private static Map<String, double[]> gradient(
            Transformer model, List<TrainingRow> rows, Loss loss, int workers, int lanes, int tokenBudget) {
        try (Workers pool = new Workers(workers);
                PolicyGradient.Result result = new PolicyGradient(
                                new PolicyGradient.Settings(lanes, tokenBudget, TEMPERATURE), pool)
                        .compute(model, 0, rows, loss, true)) {
            Map<String, double[]> gradients = new TreeMap<>();
            result.gradients().forEach((name, tensor) -> gradients.put(name, tensor.doubles()));
            gradients.put("loss", new double[] {result.metrics().loss()});
            return gradients;
        }
    }

    private static void assertClose(Map<String, double[]> actual, Map<String, double[]> expected, double tolerance) {
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        expected.forEach((name, values) -> {
            double difference = 0;
            double size = 0;
            double[] others = Objects.requireNonNull(actual.get(name));
            for (int i = 0; i < values.length; i++) {
                difference += Math.pow(values[i] - others[i], 2);
                size += values[i] * values[i];
            }
            assertThat(size).as(name).isPositive();
            assertThat(Math.sqrt(difference / size)).as(name).isLessThanOrEqualTo(tolerance);
        });
    }

    /** The whole way in one piece: autograd through head, trunk and embedding, every row by itself. */
    private static Map<String, double[]> byAutograd(Transformer model, List<TrainingRow> rows, Objective objective) {
        Map<String, double[]> gradients = new TreeMap<>();
        try (Parameters leaves = model.parameters().alias();
                Scope scope = Scope.open()) {
            Transformer live = model.over(leaves);
            Tensor sum = Tensor.zeros(TestDevice.HERE, DType.F64, 1);
            double[][] weights = weights(rows);
            for (int i = 0; i < rows.size(); i++) {
                TrainingRow row = rows.get(i);
                int time = row.length();
                Tensor logits = ReferenceAttention.hidden(live, TokenBlock.of(row.promptIds(), row.responseIds()))
                        .linear(live.head());
                long[] targets = Arrays.stream(row.responseIds()).asLongStream().toArray();
                Tensor logProbs = logits.divide(TEMPERATURE)
                        .logSoftmax(1)
                        .gather(1, Tensor.of(TestDevice.HERE, targets).unsqueeze(1))
                        .view(1, time);
                double[] behavior = new double[time];
                double[] mask = new double[time];
                for (int t = 0; t < time; t++) {
                    behavior[t] = row.logProbs(LogProbStream.BEHAVIOR)[t];
                    mask[t] = row.mask()[t] ? 1 : 0;
                }
                ObjectiveInputs inputs = ObjectiveInputs.of(
                        logProbs,
                        Tensor.of(TestDevice.HERE, behavior, 1, time),
                        Tensor.of(TestDevice.HERE, row.advantages(), 1, time),
                        Tensor.of(TestDevice.HERE, mask, 1, time));
                sum = sum.add(objective
                        .compute(inputs)
                        .tokenLosses()
                        .multiply(Tensor.of(TestDevice.HERE, weights[i], 1, time))
                        .sum());
            }
            gradients.put("loss", sum.doubles());
            sum.backward();
            leaves.stored()
                    .forEach((name, leaf) -> gradients.put(
                            name, Objects.requireNonNull(leaf.gradient(), name).doubles()));
        }
        return gradients;
    }

    @ParameterizedTest
    @CsvSource({"minpro,false", "minpro,true", "grpo,false", "gspo,false", "m2po,false"})
    void blocksLanesAndTheWrittenOutHeadGiveTheGradientOfAutograd(String objective, boolean experts) {
        ModelConfig config = experts ? TinyModels.experts() : TinyModels.dense();
        List<TrainingRow> rows = rows(4, 4);
        try (Transformer model = TinyModels.random(config, DType.F64, 2);
                Parameters parameters = model.parameters()) {
            Map<String, double[]> cut = gradient(model, rows, objective, 2, 2, 64);
            Map<String, double[]> whole = gradient(model, rows, objective, 1, 1, 1 << 20);
            assertClose(cut, whole, 1e-6);
            if (!objective.equals("m2po")) {
                assertClose(cut, byAutograd(model, rows, Objectives.of(objective)), 1e-6);
            }
        }
    }

    private static double lossOf(Transformer model, List<TrainingRow> rows, Loss loss) {
        try (Workers pool = new Workers(1);
                PolicyGradient.Result result = new PolicyGradient(new PolicyGradient.Settings(2, 64, TEMPERATURE), pool)
                        .compute(model, 0, rows, loss, false)) {
            return result.metrics().loss();
        }
    }

    /** A loss of live numbers alone: what an objective holds constant, finite differences do not. */
    private static Loss live(Reach reach) {
        Objective none = new Objective() {
            @Override
            public ObjectiveResult compute(ObjectiveInputs inputs) {
                return new ObjectiveResult(inputs.logProbs().multiply(0));
            }

            @Override
            public Reach reach() {
                return reach;
            }
        };
        return Loss.of(
                none,
                List.of(),
                List.of(new EntropyBonus(0.7), new KlPenalty(LogProbStream.BEHAVIOR, KlPenalty.Estimator.K2, 0.2)),
                AGGREGATION,
                Anchor.BEHAVIOR);
    }

    @Test
    void anEntropyBonusIsTheSameWhereTheLossNeedsTheWholeUpdate() {
        List<TrainingRow> rows = rows(2, 3);
        try (Transformer model = TinyModels.random(TinyModels.dense(), DType.F64, 2);
                Parameters parameters = model.parameters()) {
            assertClose(
                    gradient(model, rows, live(Reach.BATCH), 2, 2, 64),
                    gradient(model, rows, live(Reach.ROW), 1, 1, 1 << 20),
                    1e-6);
        }
    }

    @Test
    void anEntropyBonusGoesThroughTheHeadAsFiniteDifferencesSay() {
        List<TrainingRow> rows = rows(2, 3);
        try (Transformer model = TinyModels.random(TinyModels.dense(), DType.F64, 2);
                Parameters parameters = model.parameters();
                Workers pool = new Workers(2);
                PolicyGradient.Result result = new PolicyGradient(new PolicyGradient.Settings(2, 64, TEMPERATURE), pool)
                        .compute(model, 0, rows, live(Reach.ROW), false)) {
            Random random = new Random(8);
            assertThat(result.gradients()).hasSizeGreaterThan(10);
            result.gradients().forEach((name, tensor) -> {
                double[] gradient = tensor.doubles();
                double[] direction = random.doubles(gradient.length, -1, 1).toArray();
                double expected = 0;
                for (int i = 0; i < gradient.length; i++) {
                    expected += gradient[i] * direction[i];
                }
                double step = 1e-5;
                try (Scope scope = Scope.open()) {
                    Tensor weights = parameters.stored(name);
                    Tensor along = Tensor.of(TestDevice.HERE, direction, weights.shape());
                    weights.addScaledInPlace(along, step);
                    double above = lossOf(model, rows, live(Reach.ROW));
                    weights.addScaledInPlace(along, -2 * step);
                    double below = lossOf(model, rows, live(Reach.ROW));
                    weights.addScaledInPlace(along, step);
                    assertThat((above - below) / (2 * step))
                            .as(name)
                            .isCloseTo(expected, within(1e-6 * (1 + Math.abs(expected))));
                }
            });
        }
    }

    @Test
    void anEntropyBonusAloneHasAGradient() {
        Loss bonus =
                Loss.of(Objectives.of("minpro"), List.of(), List.of(new EntropyBonus(1)), AGGREGATION, Anchor.BEHAVIOR);
        List<TrainingRow> rows = rows(2, 3).stream()
                .map(row -> new TrainingRow(
                        row.group(),
                        row.promptIds(),
                        row.responseIds(),
                        row.mask(),
                        row.logProbs(),
                        row.versions(),
                        new double[row.length()]))
                .toList();
        try (Transformer model = TinyModels.random(TinyModels.dense(), DType.F32, 2);
                Parameters parameters = model.parameters();
                Workers pool = new Workers(1);
                PolicyGradient.Result result = new PolicyGradient(new PolicyGradient.Settings(2, 64, TEMPERATURE), pool)
                        .compute(model, 0, rows, bonus, false)) {
            assertThat(result.gradients().values())
                    .anyMatch(gradient -> Arrays.stream(gradient.doubles()).anyMatch(number -> number != 0));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {32, 100, 400})
    void microBatchesInFloat32GiveTheGradientOfOneBatch(int tokenBudget) {
        List<TrainingRow> rows = rows(4, 4);
        try (Transformer model = TinyModels.random(TinyModels.dense(), DType.F32, 2);
                Parameters parameters = model.parameters()) {
            assertClose(
                    gradient(model, rows, "minpro", 2, 2, tokenBudget),
                    gradient(model, rows, "minpro", 1, 1, 1 << 20),
                    1e-5);
        }
    }

    /** A lane's blocks are added in their order, though several workers compute them; the dense model's head is its embedding. */
    @ParameterizedTest
    @CsvSource({"false,1", "false,2", "false,3", "true,1", "true,3"})
    void workersDoNotChangeABit(boolean experts, int lanes) {
        List<TrainingRow> rows = rows(6, 4);
        try (Transformer model = TinyModels.random(experts ? TinyModels.experts() : TinyModels.dense(), DType.F32, 2);
                Parameters parameters = model.parameters()) {
            Map<String, double[]> one = gradient(model, rows, "minpro", 1, lanes, 64);
            for (int workers : new int[] {2, 3, 5, 12, 3, 2}) {
                Map<String, double[]> more = gradient(model, rows, "minpro", workers, lanes, 64);
                one.forEach((name, values) -> assertThat(more.get(name))
                        .as("%s, %s workers", name, workers)
                        .containsExactly(values));
            }
        }
    }

    /** Those after it wait for what it does not add. */
    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void aBlockThatFailsEndsTheUpdateAndLeavesNothing(int workers) {
        List<TrainingRow> rows = rows(6, 4);
        AtomicInteger calls = new AtomicInteger();
        Objective failing = inputs -> {
            if (calls.incrementAndGet() == 2) {
                throw new IllegalStateException("of the second block");
            }
            return new ObjectiveResult(inputs.logProbs().negate());
        };
        Loss loss = Loss.of(failing, List.of(), List.of(), AGGREGATION, Anchor.BEHAVIOR);
        try (Transformer model = TinyModels.random(TinyModels.dense(), DType.F32, 2);
                Parameters parameters = model.parameters()) {
            gradient(model, rows, "minpro", workers, 1, 64);
            long before = Scope.nativeObjects();
            assertThatThrownBy(() -> gradient(model, rows, loss, workers, 1, 64))
                    .hasMessageContaining("of the second block");
            assertThat(calls.get()).isGreaterThan(1);
            assertThat(Scope.nativeObjects()).isEqualTo(before);
        }
    }

    /** All that lanes give back, combined in their order: whichever worker ran them, and when. */
    @ParameterizedTest
    @ValueSource(strings = {"minpro", "m2po", "vcpo"})
    void whatLanesGiveBackIsTheSameWhateverWorkersRanThem(String objective) {
        List<TrainingRow> rows = rows(6, 4);
        PolicyGradient.Settings settings = new PolicyGradient.Settings(4, 64, TEMPERATURE);
        try (Transformer model = TinyModels.random(TinyModels.experts(), DType.F32, 2);
                Parameters parameters = model.parameters();
                Workers one = new Workers(1);
                Workers three = new Workers(3);
                PolicyGradient.Result expected =
                        new PolicyGradient(settings, one).compute(model, 0, rows, loss(objective), true);
                PolicyGradient.Result result =
                        new PolicyGradient(settings, three).compute(model, 0, rows, loss(objective), true)) {
            assertThat(result.metrics()).isEqualTo(expected.metrics());
            assertThat(result.routing().metrics())
                    .isNotEmpty()
                    .isEqualTo(expected.routing().metrics());
            assertThat(result.scored().logProbs())
                    .isDeepEqualTo(expected.scored().logProbs());
            assertThat(result.scored().entropies())
                    .isDeepEqualTo(expected.scored().entropies());
            assertThat(result.gradients().keySet())
                    .isEqualTo(expected.gradients().keySet());
            expected.gradients()
                    .forEach((name, gradient) -> assertThat(
                                    Objects.requireNonNull(result.gradients().get(name))
                                            .bytes())
                            .as(name)
                            .isEqualTo(gradient.bytes()));
        }
    }

    @Test
    void aGradientLeavesNoNativeObject() {
        List<TrainingRow> rows = rows(3, 4);
        try (Transformer model = TinyModels.random(TinyModels.experts(), DType.BF16, 2);
                Parameters parameters = model.parameters()) {
            gradient(model, rows, "minpro", 2, 2, 64);
            long before = Scope.nativeObjects();
            for (int i = 0; i < 5; i++) {
                gradient(model, rows, "minpro", 2, 2, 64);
            }
            assertThat(Scope.nativeObjects()).isEqualTo(before);
        }
    }

    @Test
    void theLossIsThatOfTheObjectiveOnTheWholeUpdate() {
        List<TrainingRow> rows = rows(2, 3);
        try (Transformer model = TinyModels.random(TinyModels.dense(), DType.F64, 2);
                Parameters parameters = model.parameters()) {
            double loss = Objects.requireNonNull(
                    gradient(model, rows, "cispo", 1, 2, 64).get("loss"))[0];
            assertThat(loss)
                    .isCloseTo(
                            Objects.requireNonNull(byAutograd(model, rows, Objectives.of("cispo"))
                                    .get("loss"))[0],
                            within(1e-9));
        }
    }
}
