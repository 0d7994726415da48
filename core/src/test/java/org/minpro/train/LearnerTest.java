package org.minpro.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.minpro.model.Parameters;
import org.minpro.model.TinyModels;
import org.minpro.objective.Anchor;
import org.minpro.objective.EntropyBonus;
import org.minpro.objective.KlPenalty;
import org.minpro.objective.LogProbStream;
import org.minpro.objective.Loss;
import org.minpro.objective.MinPro;
import org.minpro.objective.Objective;
import org.minpro.objective.ObjectiveInputs;
import org.minpro.objective.ObjectiveResult;
import org.minpro.objective.Reach;
import org.minpro.objective.Reinforce;
import org.minpro.objective.TruncatedImportanceSampling;
import org.minpro.objective.Vcpo;
import org.minpro.tensor.DType;
import org.minpro.tensor.Scope;
import org.minpro.tensor.TestDevice;
import org.minpro.tensor.Workers;

class LearnerTest {
    /** A policy and its learner. */
    private static final class Course implements AutoCloseable {
        private final Policy policy;
        private final Workers workers = new Workers(1);
        private final Learner learner;

        Course(Loss loss) {
            this(new Learner.Settings(
                    loss,
                    new OptimizerSettings(0.01, 0, LearningRateSchedule.LINEAR),
                    8,
                    new PolicyGradient.Settings(2, 96, 1),
                    true));
        }

        Course(Learner.Settings settings) {
            Parameters parameters = Parameters.zeros(TinyModels.dense(), TestDevice.HERE, DType.F32);
            parameters.initialise(5, 0.1);
            policy = new Policy(TinyModels.dense(), parameters, DType.F32);
            learner = new Learner(policy, settings, workers);
        }

        Map<String, byte[]> bytes() {
            Map<String, byte[]> bytes = new TreeMap<>();
            policy.master().stored().forEach((name, tensor) -> bytes.put(name, tensor.bytes()));
            learner.optimizerState().forEach((name, tensor) -> bytes.put(name, tensor.bytes()));
            return bytes;
        }

        @Override
        public void close() {
            learner.close();
            workers.close();
            policy.close();
        }
    }

    private static TrainingRow row(Random random, double advantage, boolean counted) {
        int length = 2 + random.nextInt(6);
        float[] behavior = new float[length];
        double[] advantages = new double[length];
        boolean[] mask = new boolean[length];
        for (int t = 0; t < length; t++) {
            behavior[t] = -4 - random.nextFloat();
            advantages[t] = advantage;
            mask[t] = counted;
        }
        return new TrainingRow(
                0,
                random.ints(3, 2, 97).toArray(),
                random.ints(length, 2, 97).toArray(),
                mask,
                Map.of(LogProbStream.BEHAVIOR, behavior),
                new long[length],
                advantages);
    }

    private static List<TrainingRow> rows(long seed, double scale, boolean counted) {
        Random random = new Random(seed);
        List<TrainingRow> rows = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            rows.add(row(random, scale * (i % 2 == 0 ? 1 : -1), counted));
        }
        return rows;
    }

    private static void assertUntouched(Course course, Map<String, byte[]> before) {
        course.bytes().forEach((name, bytes) -> assertThat(bytes).as(name).isEqualTo(before.get(name)));
        assertThat(course.policy.version()).isZero();
        assertThat(course.learner.state()).isEqualTo(new Learner.State(1, 0, 0));
    }

    @Test
    void anUpdateWithoutAdvantagesIsSkippedWhereTheLossVanishesWithThem() {
        Loss loss = Loss.of(new MinPro(), List.of(new TruncatedImportanceSampling()), List.of(), null, Anchor.PROXIMAL);
        try (Course course = new Course(loss)) {
            Map<String, byte[]> before = course.bytes();
            LearnerReport report = course.learner.learn(List.of(rows(1, 0, true)), (update, updates) -> {});
            assertThat(report.updates()).isNull();
            assertThat(report.metrics())
                    .containsOnly(Map.entry("learning_rate", 0.01), Map.entry("updates_skipped", 1.0));
            assertUntouched(course, before);
        }
    }

    @Test
    void anObjectiveMayScaleTheLearningRateByWhatItSees() {
        List<TrainingRow> rows = rows(1, 1, true);
        try (Course scaled = new Course(Loss.of(new Vcpo()));
                Course plain = new Course(Loss.of(new Vcpo(8, true, 0)))) {
            Update update = scaled.learner.update(rows);
            double ess = UpdateMetrics.ratios(
                            rows, List.of(update.requireStep().scored().logProbs()))
                    .sequenceEss();
            assertThat(ess).isBetween(0.01, 0.99);
            assertThat(update.learningRate()).isEqualTo(0.01 * Math.sqrt(ess));
            assertThat(plain.learner.update(rows).learningRate()).isEqualTo(0.01);
            Map<String, byte[]> weights = scaled.bytes();
            assertThat(plain.bytes())
                    .anySatisfy((name, bytes) -> assertThat(bytes).isNotEqualTo(weights.get(name)));
        }
    }

    @Test
    void aPenaltyIsFollowedWithoutAdvantages() {
        Loss loss = Loss.of(new MinPro(), List.of(), List.of(new KlPenalty()), null, Anchor.BEHAVIOR);
        try (Course course = new Course(loss)) {
            Update.Step step = course.learner.update(rows(1, 0, true)).requireStep();
            assertThat(step.gradientNorm()).isPositive();
            assertThat(course.policy.version()).isEqualTo(1);
        }
    }

    @Test
    void anEntropyBonusIsFollowedWithoutAdvantagesAndRaisesTheEntropy() {
        Loss loss = Loss.of(new MinPro(), List.of(), List.of(new EntropyBonus(1)), null, Anchor.BEHAVIOR);
        try (Course course = new Course(loss)) {
            List<TrainingRow> rows = rows(1, 0, true);
            double before = course.learner.update(rows).requireStep().meanEntropy(rows);
            for (int i = 0; i < 4; i++) {
                course.learner.update(rows);
            }
            double after = course.learner.update(rows).requireStep().meanEntropy(rows);
            assertThat(after).isGreaterThan(before);
            assertThat(course.policy.version()).isEqualTo(6);
        }
    }

    @Test
    void anUpdateIsTimedWithoutLogProbabilitiesOfTheReference() {
        Loss loss = Loss.of(
                new MinPro(),
                List.of(),
                List.of(new KlPenalty(LogProbStream.REFERENCE, KlPenalty.Estimator.K3, 1)),
                null,
                Anchor.BEHAVIOR);
        try (Course course = new Course(loss)) {
            assertThat(course.learner.secondsPerToken(rows(1, 1, true))).isPositive();
            assertThat(course.policy.version()).isZero();
        }
    }

    @Test
    void aPenaltyWhoseCoefficientIsZeroIsNone() {
        Loss loss = Loss.of(
                new MinPro(),
                List.of(),
                List.of(new EntropyBonus(0), new KlPenalty(LogProbStream.BEHAVIOR, KlPenalty.Estimator.K3, 0)),
                null,
                Anchor.BEHAVIOR);
        try (Course course = new Course(loss)) {
            assertThat(course.learner.update(rows(1, 0, true)).skipped()).isTrue();
        }
    }

    @Test
    void theCoefficientOfTheEntropyFollowsItsTarget() {
        EntropyTarget target = new EntropyTarget(0.5, 0.25);
        EntropyTarget.State begin = EntropyTarget.initial(0.25);
        assertThat(begin.acting()).isEqualTo(0.25);
        EntropyTarget.State raised = target.after(begin, 0.4);
        assertThat(raised).isEqualTo(new EntropyTarget.State(0.5, true));
        EntropyTarget.State lowered = target.after(raised, 0.6);
        assertThat(lowered).isEqualTo(new EntropyTarget.State(0.25, false));
        assertThat(lowered.acting()).as("above the target").isZero();
        assertThat(target.after(target.after(lowered, 0.6), 0.6)).isEqualTo(new EntropyTarget.State(0, false));
        assertThat(target.after(lowered, 0.4).acting()).isEqualTo(0.5);
    }

    @Test
    void aLearnerWithATargetActsOnItAndGoesOnWhereItStood() {
        Learner.Settings settings = new Learner.Settings(
                Loss.of(new MinPro()),
                new OptimizerSettings(0.01, 0, LearningRateSchedule.LINEAR),
                8,
                new PolicyGradient.Settings(2, 96, 1),
                false,
                new EntropyTarget(100, 0.5),
                0);
        try (Course course = new Course(settings)) {
            assertThat(course.learner.update(rows(1, 0, true)).skipped())
                    .as("no coefficient yet, and no entropy seen")
                    .isTrue();
            Update.Step first = course.learner.update(rows(1, 1, true)).requireStep();
            assertThat(first.entropyCoefficient()).isZero();
            assertThat(course.learner.state().entropy()).isEqualTo(new EntropyTarget.State(0.5, true));
            Update.Step second = course.learner.update(rows(1, 0, true)).requireStep();
            assertThat(second.entropyCoefficient()).isEqualTo(0.5);
            assertThat(second.gradientNorm()).isPositive();
            course.learner.restore(new Learner.State(3, 2, 2, new EntropyTarget.State(7, true)));
            assertThat(course.learner.update(rows(1, 0, true)).requireStep().entropyCoefficient())
                    .isEqualTo(7);
        }
    }

    @Test
    void anUpdateWithoutATokenThatCountsIsSkippedWhateverTheLoss() {
        Loss loss = Loss.of(new MinPro(), List.of(), List.of(new KlPenalty()), null, Anchor.BEHAVIOR);
        try (Course course = new Course(loss)) {
            Map<String, byte[]> before = course.bytes();
            assertThat(course.learner.update(rows(1, 1, false)).skipped()).isTrue();
            assertUntouched(course, before);
        }
    }

    @Test
    void anObjectiveThatDoesNotSayThatItVanishesIsNeverSkipped() {
        try (Course course = new Course(
                Loss.of(inputs -> new ObjectiveResult(inputs.logProbs().negate())))) {
            assertThat(course.learner.update(rows(1, 0, true)).skipped()).isFalse();
        }
    }

    /** Keeps what it is given. */
    private static final class Watching implements Objective {
        private final List<double[]> policy = new ArrayList<>();
        private final List<double[]> proximal = new ArrayList<>();

        @Override
        public ObjectiveResult compute(ObjectiveInputs inputs) {
            policy.add(inputs.frozenLogProbs().doubles());
            proximal.add(inputs.logProbsOf(LogProbStream.PROXIMAL).doubles());
            assertThat(inputs.anchorLogProbs().doubles()).isEqualTo(proximal.getLast());
            return new Reinforce().compute(inputs);
        }

        @Override
        public Reach reach() {
            return Reach.BATCH;
        }

        @Override
        public Set<LogProbStream> streams() {
            return Set.of(LogProbStream.PROXIMAL);
        }
    }

    private static double[] values(float[][] rows) {
        int width = Arrays.stream(rows).mapToInt(row -> row.length).max().orElseThrow();
        double[] values = new double[rows.length * width];
        for (int i = 0; i < rows.length; i++) {
            for (int t = 0; t < rows[i].length; t++) {
                values[i * width + t] = rows[i][t];
            }
        }
        return values;
    }

    @Test
    void theProximalPolicyIsTheOneBeforeTheFirstUpdateOfAnIteration() {
        Watching watching = new Watching();
        try (Course course = new Course(Loss.of(watching, List.of(), List.of(), null, Anchor.PROXIMAL))) {
            for (int iteration = 0; iteration < 2; iteration++) {
                List<List<TrainingRow>> parts = List.of(rows(10 + iteration, 1, true), rows(20 + iteration, 1, true));
                double[] first = values(course.learner.score(parts.get(0)));
                double[] second = values(course.learner.score(parts.get(1)));
                course.learner.learn(parts, (update, updates) -> {});
                assertThat(watching.proximal.get(2 * iteration)).isEqualTo(first);
                assertThat(watching.proximal.get(2 * iteration + 1)).isEqualTo(second);
                assertThat(watching.policy.get(2 * iteration)).isEqualTo(first);
                assertThat(watching.policy.get(2 * iteration + 1)).isNotEqualTo(second);
            }
        }
    }

    @Test
    void rowsWithoutTheLogProbsThatTheLossReadsAreRefused() {
        Loss loss = Loss.of(new MinPro(), List.of(), List.of(), null, Anchor.PROXIMAL);
        try (Course course = new Course(loss)) {
            assertThatThrownBy(() -> course.learner.update(rows(1, 1, true)))
                    .hasMessage("the row must have log-probabilities of proximal, got: those of [behavior]");
        }
    }

    @Test
    void aReportIsOfAllUpdatesThatWereNotSkipped() {
        try (Course course = new Course(Loss.of(new MinPro()));
                Course alone = new Course(Loss.of(new MinPro()))) {
            List<Integer> told = new ArrayList<>();
            LearnerReport report = course.learner.learn(
                    List.of(rows(1, 1, true), rows(2, 0, true), rows(3, 1, true)),
                    (update, updates) -> told.add(10 * update + updates));
            Update first = alone.learner.update(rows(1, 1, true));
            alone.learner.update(rows(2, 0, true));
            Update last = alone.learner.update(rows(3, 1, true));
            assertThat(told).containsExactly(13, 23, 33);
            assertThat(report.skipped()).isEqualTo(1);
            assertThat(report.learningRate()).isEqualTo(last.learningRate());
            UpdateMetrics metrics = Objects.requireNonNull(report.updates());
            assertThat(metrics.gradientNorm())
                    .isEqualTo((first.requireStep().gradientNorm()
                                    + last.requireStep().gradientNorm())
                            / 2);
            assertThat(metrics.age())
                    .as("versions 0 and 1, in nearly equal parts")
                    .isBetween(0.3, 0.7);
            assertThat(metrics.ratios().tokens())
                    .isEqualTo(rows(1, 1, true).stream()
                                    .mapToLong(TrainingRow::length)
                                    .sum()
                            + rows(3, 1, true).stream()
                                    .mapToLong(TrainingRow::length)
                                    .sum());
            assertThat(report.metrics()).containsKeys("entropy", "loss", "grad_norm", "weight/ess", "ratio/p50");
        }
    }

    @Test
    void aRestoredLearnerContinuesBitForBit() {
        try (Course whole = new Course(Loss.of(new MinPro()));
                Course first = new Course(Loss.of(new MinPro()));
                Course second = new Course(Loss.of(new MinPro()))) {
            for (int i = 0; i < 4; i++) {
                whole.learner.update(rows(i, i == 1 ? 0 : 1, true));
            }
            first.learner.update(rows(0, 1, true));
            first.learner.update(rows(1, 0, true));
            try (Scope scope = Scope.open()) {
                second.policy.master().copyFrom(first.policy.master());
                first.learner
                        .optimizerState()
                        .forEach((name, tensor) -> Objects.requireNonNull(
                                        second.learner.optimizerState().get(name))
                                .copyInPlace(tensor));
            }
            assertThat(first.learner.state()).isEqualTo(new Learner.State(2, 1, 1));
            second.learner.restore(first.learner.state());
            second.learner.update(rows(2, 1, true));
            second.learner.update(rows(3, 1, true));
            Map<String, byte[]> expected = whole.bytes();
            second.bytes().forEach((name, bytes) -> assertThat(bytes).as(name).isEqualTo(expected.get(name)));
            assertThat(second.learner.state()).isEqualTo(whole.learner.state());
        }
    }
}
