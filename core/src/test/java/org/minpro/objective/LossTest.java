package org.minpro.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

class LossTest {
    private static final Correction TIS = new TruncatedImportanceSampling();
    private static final Penalty KL = new KlPenalty();

    private static Loss loss(Objective objective, List<Correction> corrections, List<Penalty> penalties) {
        return Loss.of(objective, corrections, penalties, null, Anchor.BEHAVIOR);
    }

    @Test
    void theAggregationIsTheOneAskedForElseTheObjectivesElseTheTokenMean() {
        assertThat(Loss.of(new Gspo()).aggregation()).isEqualTo(Aggregation.SEQ_MEAN_TOKEN_MEAN);
        assertThat(Loss.of(new Grpo()).aggregation()).isEqualTo(Aggregation.TOKEN_MEAN);
        Aggregation asked = Aggregation.SEQ_MEAN_TOKEN_SUM;
        assertThat(Loss.of(new Grpo(), List.of(), List.of(), asked, Anchor.BEHAVIOR)
                        .aggregation())
                .isEqualTo(asked);
        assertThatThrownBy(() -> Loss.of(new Gspo(), List.of(), List.of(), Aggregation.TOKEN_MEAN, Anchor.BEHAVIOR))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("aggregation must be seq-mean-token-mean with gspo, got: token-mean; leave it out");
    }

    @Test
    void itReadsWhatAnyPartAndTheAnchorRead() {
        assertThat(Loss.of(new MinPro()).streams()).containsExactly(LogProbStream.BEHAVIOR);
        assertThat(Loss.of(new MinPro(), List.of(), List.of(), null, Anchor.PROXIMAL)
                        .streams())
                .containsExactly(LogProbStream.BEHAVIOR, LogProbStream.PROXIMAL);
        assertThat(loss(new MinPro(), List.of(TIS), List.of()).streams())
                .containsExactly(LogProbStream.BEHAVIOR, LogProbStream.PROXIMAL);
        Penalty reference = new KlPenalty(LogProbStream.REFERENCE, KlPenalty.Estimator.K3, 1);
        assertThat(loss(new MinPro(), List.of(), List.of(KL, reference)).streams())
                .containsExactly(LogProbStream.BEHAVIOR, LogProbStream.REFERENCE);
    }

    /** Needs all that a part can need. */
    private record Demanding() implements Penalty {
        @Override
        public Losses compute(ObjectiveInputs inputs) {
            return new Losses(inputs.logProbs(), Map.of());
        }

        @Override
        public Reach reach() {
            return Reach.BATCH;
        }

        @Override
        public Set<Statistic> statistics() {
            return Set.of(Statistic.ENTROPY);
        }
    }

    @Test
    void reachAndStatisticsAreThoseOfTheMostDemandingPart() {
        assertThat(loss(new MinPro(), List.of(TIS), List.of(KL)).reach()).isEqualTo(Reach.ROW);
        assertThat(Loss.of(new M2po()).reach()).isEqualTo(Reach.BATCH);
        Loss demanding = loss(new MinPro(), List.of(TIS), List.of(KL, new Demanding()));
        assertThat(demanding.reach()).isEqualTo(Reach.BATCH);
        assertThat(demanding.statistics()).containsExactly(Statistic.ENTROPY);
        assertThat(Loss.of(new M2po()).statistics()).isEmpty();
    }

    @Test
    void itVanishesWithTheAdvantagesWhereTheObjectiveAndAllPenaltiesDo() {
        assertThat(Loss.of(new Grpo()).vanishesWithAdvantages()).isTrue();
        assertThat(Loss.of(new Kimi()).vanishesWithAdvantages())
                .as("an objective with a penalty of its own")
                .isFalse();
        assertThat(loss(new MinPro(), List.of(TIS), List.of()).vanishesWithAdvantages())
                .isTrue();
        assertThat(loss(new MinPro(), List.of(), List.of(KL)).vanishesWithAdvantages())
                .isFalse();
        assertThat(Loss.of(inputs -> new ObjectiveResult(inputs.logProbs())).vanishesWithAdvantages())
                .as("an objective that does not say so")
                .isFalse();
    }

    @Test
    void twoPartsOfAKindAreRefused() {
        assertThatThrownBy(() -> loss(new Grpo(), List.of(TIS, new TruncatedImportanceSampling(3)), List.of()))
                .hasMessage("corrections must differ in kind or in the policies that they read, got: tis twice");
        Penalty stronger = new KlPenalty(LogProbStream.BEHAVIOR, KlPenalty.Estimator.K2, 1);
        assertThatThrownBy(() -> loss(new Grpo(), List.of(), List.of(KL, stronger)))
                .hasMessage("penalties must differ in kind or in the policies that they read, got: kl twice");
        Penalty other = new KlPenalty(LogProbStream.PROXIMAL, KlPenalty.Estimator.K3, 1);
        assertThat(loss(new Grpo(), List.of(), List.of(KL, other)).penalties()).hasSize(2);
    }

    private static ObjectiveInputs inputs(Loss loss, double logProb, double behavior, double proximal) {
        Tensor live = Tensor.of(Device.CPU, new double[] {logProb}, 1, 1);
        return new ObjectiveInputs(
                live,
                live,
                Map.of(
                        LogProbStream.BEHAVIOR,
                        Tensor.of(Device.CPU, new double[] {behavior}, 1, 1),
                        LogProbStream.PROXIMAL,
                        Tensor.of(Device.CPU, new double[] {proximal}, 1, 1)),
                Tensor.ones(Device.CPU, DType.F64, 1, 1),
                Tensor.ones(Device.CPU, DType.F64, 1, 1),
                Map.of(),
                loss.anchor());
    }

    @Test
    void correctionsMultiplyTheObjectiveAndPenaltiesAreAdded() {
        try (Scope scope = Scope.open()) {
            Penalty k1 = new KlPenalty(LogProbStream.BEHAVIOR, KlPenalty.Estimator.K1, 10);
            Loss loss = loss(new Reinforce(), List.of(TIS), List.of(k1));
            // The weight is exp(0.5), the distance 0.25.
            LossEvaluation evaluation = LossEvaluation.of(loss, inputs(loss, -1, -1.25, -0.75));
            assertThat(evaluation.loss()).isEqualTo(Math.exp(0.5) * 1 + 10 * 0.25);
            assertThat(evaluation.gradient().doubles()).containsExactly(-Math.exp(0.5) + 10);
            assertThat(evaluation.rows().getFirst().tokenSums())
                    .containsOnly(
                            Map.entry("correction/tis", Math.exp(0.5)),
                            Map.entry("correction/tis_at_cap", 0.0),
                            Map.entry("penalty/kl_behavior", 0.25));
        }
    }

    @Test
    void theCapHolds() {
        try (Scope scope = Scope.open()) {
            Loss loss = loss(new Reinforce(), List.of(TIS), List.of());
            LossEvaluation evaluation = LossEvaluation.of(loss, inputs(loss, -1, -3, -1));
            assertThat(evaluation.gradient().doubles()).containsExactly(-2);
            assertThat(evaluation.rows().getFirst().tokenSums()).containsEntry("correction/tis_at_cap", 1.0);
        }
    }

    @Test
    void valuesOutOfRangeAreRefused() {
        assertThatThrownBy(() -> new TruncatedImportanceSampling(0))
                .hasMessage("cap must be > 0; .inf is no cap, got: 0.0");
        assertThatThrownBy(() -> new KlPenalty(LogProbStream.BEHAVIOR, KlPenalty.Estimator.K3, -1))
                .hasMessage("coefficient must be >= 0 and finite, got: -1.0");
    }

    @Test
    void whatTheLossDidNotAskForIsNamed() {
        try (Scope scope = Scope.open()) {
            Objective sneaky = inputs ->
                    new ObjectiveResult(inputs.logProbs().subtract(inputs.logProbsOf(LogProbStream.REFERENCE)));
            Loss loss = Loss.of(sneaky);
            assertThatThrownBy(() -> LossEvaluation.of(loss, inputs(loss, -1, -1, -1)))
                    .hasMessage("log-probabilities of reference must be asked for by streams(), got: those of"
                            + " [behavior, proximal]");
            Loss proximal = Loss.of(new Grpo(), List.of(), List.of(), null, Anchor.PROXIMAL);
            assertThatThrownBy(() -> LossEvaluation.of(proximal, inputs(loss, -1, -1, -1)))
                    .hasMessage("the anchor of the inputs must be that of the loss, proximal, got: behavior");
        }
    }

    @Test
    void aMetricOfTwoPartsIsRefused() {
        try (Scope scope = Scope.open()) {
            Correction ones = inputs -> new Correction.Weights(
                    Tensor.ones(Device.CPU, DType.F64, 1, 1),
                    Map.of("penalty/kl_behavior", Tensor.ones(Device.CPU, DType.F64, 1, 1)));
            Loss loss = loss(new Reinforce(), List.of(ones), List.of(KL));
            assertThatThrownBy(() -> LossEvaluation.of(loss, inputs(loss, -1, -1, -1)))
                    .hasMessage("a metric must be reported by one part of the loss, got: penalty/kl_behavior twice");
        }
    }

    @Test
    void theWeightsOfACorrectionAreConstants() {
        try (Scope scope = Scope.open()) {
            Correction live = inputs -> new Correction.Weights(inputs.logProbs().copy(), Map.of());
            Loss loss = loss(new Reinforce(), List.of(live), List.of());
            assertThatThrownBy(() -> LossEvaluation.of(loss, inputs(loss, -1, -1, -1)))
                    .hasMessageContaining("weights must be constants, got: a tensor with a gradient");
        }
    }
}
