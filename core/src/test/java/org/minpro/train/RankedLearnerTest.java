package org.minpro.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.minpro.dist.Collectives;
import org.minpro.dist.RanksInThreads;
import org.minpro.model.Parameters;
import org.minpro.model.SafetensorsFile;
import org.minpro.model.TinyModels;
import org.minpro.objective.Anchor;
import org.minpro.objective.LogProbStream;
import org.minpro.objective.Loss;
import org.minpro.objective.MinPro;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;

/** Updates by several ranks: the bytes of one where lanes are added in order, its numbers where ranks are. */
class RankedLearnerTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final int LANES = 4;
    private static final int UPDATES = 3;

    @TempDir
    private Path temporary;

    private int meetings;

    /**
     * What a rank has after some updates.
     *
     * @param weights that are computed with, as bytes
     * @param values the same as numbers
     * @param norms of the gradients
     * @param sent bytes to other ranks
     * @param saved what a checkpoint has, on the first rank
     */
    private record Learned(
            Map<String, byte[]> weights,
            Map<String, double[]> values,
            List<Double> norms,
            long sent,
            Map<String, byte[]> saved) {}

    private static List<TrainingRow> rows(long seed) {
        Random random = new Random(seed);
        List<TrainingRow> rows = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            int length = 2 + random.nextInt(9);
            float[] behavior = new float[length];
            double[] advantages = new double[length];
            boolean[] mask = new boolean[length];
            double advantage = random.nextGaussian();
            for (int t = 0; t < length; t++) {
                behavior[t] = -4 - random.nextFloat();
                advantages[t] = advantage;
                mask[t] = true;
            }
            rows.add(new TrainingRow(
                    i / 2,
                    random.ints(3, 2, 97).toArray(),
                    random.ints(length, 2, 97).toArray(),
                    mask,
                    Map.of(LogProbStream.BEHAVIOR, behavior),
                    new long[length],
                    advantages));
        }
        return rows;
    }

    /** A step that is as smooth as the gradient: where it is nearly 0, rounding does not decide the step's sign. */
    private static final OptimizerSettings SMOOTH =
            new OptimizerSettings(0.01, 0, LearningRateSchedule.CONSTANT, 0.9, 0.999, 0.1, 0.01, 1);

    private static Learned learn(Collectives ranks, Reduce reduce, DType compute) {
        Learner.Settings settings = new Learner.Settings(
                Loss.of(new MinPro(), List.of(), List.of(), null, Anchor.BEHAVIOR),
                SMOOTH,
                UPDATES,
                new PolicyGradient.Settings(LANES, 24, 1),
                false);
        Parameters parameters = Parameters.zeros(TinyModels.dense(), Device.CPU, DType.F32);
        parameters.initialise(5, 0.1);
        try (Policy policy = new Policy(TinyModels.dense(), parameters, compute);
                Workers workers = new Workers(2);
                Learner learner = new Learner(policy, settings, workers, ranks, reduce)) {
            policy.shareOut(ranks);
            List<Double> norms = new ArrayList<>();
            for (int update = 0; update < UPDATES; update++) {
                norms.add(Objects.requireNonNull(learner.update(rows(update)).step())
                        .gradientNorm());
            }
            SequencedMap<String, byte[]> weights = new LinkedHashMap<>();
            SequencedMap<String, double[]> values = new LinkedHashMap<>();
            try (Scope scope = Scope.open()) {
                policy.model().parameters().stored().forEach((name, tensor) -> {
                    weights.put(name, tensor.bytes());
                    values.put(name, tensor.to(DType.F64).doubles());
                });
            }
            long sent = ranks.sentBytes();
            return new Learned(weights, values, norms, sent, saved(learner, ranks));
        }
    }

    /** What the first rank would write into a checkpoint; nothing of the others. */
    private static Map<String, byte[]> saved(Learner learner, Collectives ranks) {
        SequencedMap<String, byte[]> saved = new LinkedHashMap<>();
        try (WholeState whole = learner.wholeState(null)) {
            if (!ranks.isFirst()) {
                whole.give();
                return saved;
            }
            for (SafetensorsFile.Content content : List.of(whole.weights(), whole.optimizer())) {
                content.shapes().forEach((name, shape) -> {
                    try (Scope scope = Scope.open()) {
                        Tensor tensor = content.source().tensor(name);
                        assertThat(tensor.shape()).as(name).isEqualTo(shape.shape());
                        assertThat(tensor.type()).as(name).isEqualTo(DType.F32);
                        saved.put(name, tensor.contiguous().bytes());
                    }
                });
            }
        }
        return saved;
    }

    private List<Learned> learn(int size, Reduce reduce, DType compute) throws Exception {
        return RanksInThreads.run(
                temporary.resolve("meeting-" + meetings++),
                size,
                LIMIT,
                ranks -> learn(ranks.learning(), reduce, compute));
    }

    private static void assertSameBytes(Learned actual, Learned expected) {
        expected.weights.forEach(
                (name, bytes) -> assertThat(actual.weights.get(name)).as(name).isEqualTo(bytes));
        assertThat(actual.norms).isEqualTo(expected.norms);
    }

    @ParameterizedTest
    @ValueSource(strings = {"F32", "BF16"})
    void lanesInOrderGiveTheBytesOfOneProcessOnEveryRank(String type) throws Exception {
        DType compute = DType.valueOf(type);
        Learned alone = learn(Collectives.alone(), Reduce.ORDERED, compute);
        for (int size : new int[] {2, 3, 4}) {
            List<Learned> learned = learn(size, Reduce.ORDERED, compute);
            for (Learned ofRank : learned) {
                assertSameBytes(ofRank, alone);
            }
            assertThat(learned.getFirst().saved.keySet())
                    .containsExactlyElementsOf(alone.saved.keySet())
                    .contains("model.layers.1.self_attn.k_proj.weight", "square.model.layers.1.mlp.down_proj.weight");
            alone.saved.forEach((name, bytes) ->
                    assertThat(learned.getFirst().saved.get(name)).as(name).isEqualTo(bytes));
        }
    }

    @Test
    void masterWeightsOfAnotherTypeAreSharedOutAndThoseThatAreComputedWithAreNot() throws Exception {
        List<Long> held = RanksInThreads.run(temporary.resolve("meeting"), 2, LIMIT, ranks -> {
            Parameters parameters = Parameters.zeros(TinyModels.dense(), Device.CPU, DType.F32);
            Parameters other = Parameters.zeros(TinyModels.dense(), Device.CPU, DType.F32);
            try (Policy narrow = new Policy(TinyModels.dense(), parameters, DType.BF16);
                    Policy same = new Policy(TinyModels.dense(), other, DType.F32)) {
                long all = parameters.count();
                narrow.shareOut(ranks.learning());
                same.shareOut(ranks.learning());
                assertThat(same.isSharedOut()).isFalse();
                assertThat(narrow.isSharedOut()).isTrue();
                assertThatThrownBy(narrow::master).hasMessageContaining("must be asked for by slices");
                // The masters are gone: nobody holds their memory.
                assertThat(parameters.stored("model.norm.weight").isOpen()).isFalse();
                long mine = narrow.held().values().stream()
                        .mapToLong(Tensor::elements)
                        .sum();
                assertThat(mine).isBetween(1L, all - 1);
                return mine;
            }
        });
        try (Parameters parameters = Parameters.zeros(TinyModels.dense(), Device.CPU, DType.F32)) {
            assertThat(held.get(0) + held.get(1)).isEqualTo(parameters.count());
        }
    }

    @Test
    void allReduceGivesTheSameUpToRoundingAndTheSameBytesEveryTimeAndSendsLess() throws Exception {
        List<Learned> ordered = learn(2, Reduce.ORDERED, DType.F32);
        List<Learned> reduced = learn(2, Reduce.ALLREDUCE, DType.F32);
        List<Learned> again = learn(2, Reduce.ALLREDUCE, DType.F32);
        for (int rank = 0; rank < 2; rank++) {
            Learned one = reduced.get(rank);
            assertSameBytes(one, again.get(rank));
            // The other rank has the same weights: the owner's.
            assertSameBytes(one, reduced.getFirst());
            Learned exact = ordered.get(rank);
            for (int update = 0; update < UPDATES; update++) {
                assertThat(one.norms.get(update) / exact.norms.get(update)).isBetween(1 - 1e-5, 1 + 1e-5);
            }
            exact.values.forEach((name, values) -> {
                double[] others = Objects.requireNonNull(one.values.get(name));
                for (int i = 0; i < values.length; i++) {
                    assertThat(Math.abs(others[i] - values[i])).as(name).isLessThan(1e-6);
                }
            });
            // Two lanes of each rank: one sum in place of two gradients, and the weights after it.
            assertThat((double) one.sent / exact.sent).isBetween(0.6, 0.8);
        }
        // Else the order in which lanes are added would not be tested here.
        assertThat(reduced.getFirst().norms).isNotEqualTo(ordered.getFirst().norms);
    }

    @Test
    void asManyRanksAsLanesAddThemInOrderEitherWay() throws Exception {
        Learned alone = learn(Collectives.alone(), Reduce.ORDERED, DType.F32);
        for (Learned ofRank : learn(LANES, Reduce.ALLREDUCE, DType.F32)) {
            assertSameBytes(ofRank, alone);
        }
    }
}
