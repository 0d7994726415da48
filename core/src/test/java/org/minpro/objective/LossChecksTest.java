package org.minpro.objective;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.minpro.tensor.Tensor;

/** Each check finds the mistake that it is for, and says where and with which numbers. */
class LossChecksTest {
    private record Wrong(Function<ObjectiveInputs, Tensor> losses, boolean vanishesWithAdvantages)
            implements Objective {
        @Override
        public ObjectiveResult compute(ObjectiveInputs inputs) {
            return new ObjectiveResult(losses.apply(inputs), null, Map.of(), Map.of());
        }
    }

    private static String failure(LossChecks.Check check, Function<ObjectiveInputs, Tensor> losses) {
        return new LossChecks(Loss.of(new Wrong(losses, true)), 1e-12)
                .failure(check)
                .orElse("");
    }

    private static Tensor reinforce(ObjectiveInputs inputs) {
        return inputs.logProbs().multiply(inputs.advantages()).negate();
    }

    @Test
    void aRightLossFailsNone() {
        assertThat(Arrays.stream(LossChecks.Check.values()).map(check -> failure(check, LossChecksTest::reinforce)))
                .containsOnly("");
    }

    @Test
    void aGradientThatIsZero() {
        assertThat(failure(
                        LossChecks.Check.GRADIENT,
                        inputs -> inputs.frozenLogProbs().multiply(inputs.advantages())))
                .contains("all tokens of all rows", "got 0", "inputs.logProbs()");
    }

    @Test
    void aStopGradientThatIsNotTheFrozenLogProbs() {
        assertThat(failure(
                        LossChecks.Check.FINITE_DIFFERENCES,
                        inputs -> reinforce(inputs).multiply(inputs.logProbs().detach())))
                .matches("row \\d token \\d, log-ratios of about [0-9.E-]+: gradient -?[0-9.E-]+, slope of the loss"
                        + " -?[0-9.E-]+; .*frozenLogProbs.*");
    }

    @Test
    void aLossThatLooksAtTheWidthOfTheRow() {
        assertThat(failure(
                        LossChecks.Check.PADDING,
                        inputs -> reinforce(inputs)
                                .multiply((double) inputs.mask().size(1))))
                .contains("rows of 20 in place of 7", "without padding");
    }

    @Test
    void aLossThatReadsOtherRowsWithoutSayingSo() {
        assertThat(failure(
                        LossChecks.Check.MICRO_BATCHES,
                        inputs -> reinforce(inputs)
                                .multiply(inputs.frozenLogProbs().sum().item())))
                .contains("the part of rows [0, 1]", "as a part of the whole update");
    }

    @Test
    void aRatioThatOverflows() {
        assertThat(failure(
                        LossChecks.Check.EXTREME_RATIOS,
                        inputs -> reinforce(inputs)
                                .multiply(inputs.frozenLogProbs()
                                        .subtract(inputs.anchorLogProbs())
                                        .multiply(50)
                                        .exp())))
                .contains("row 0 token 0", "ratio 1e9");
    }

    @Test
    void aLossThatDoesNotVanishThoughItSaysSo() {
        assertThat(failure(LossChecks.Check.VANISHES, inputs -> inputs.logProbs()))
                .contains("row 0 token 0", "all advantages 0");
        assertThat(new LossChecks(Loss.of(new Wrong(ObjectiveInputs::logProbs, false)), 1e-12)
                        .failure(LossChecks.Check.VANISHES))
                .isEmpty();
    }

    @Test
    void whatIsNotReinforceOnPolicyIsToldWithItsNumbers() {
        Loss twice = Loss.of(new Wrong(inputs -> reinforce(inputs).multiply(2), true));
        assertThat(new LossChecks(twice, 1e-12).differenceFromReinforceOnPolicy())
                .get()
                .asString()
                .contains("row 0 token 0, on policy", "REINFORCE has");
        assertThat(List.of(new LossChecks(Loss.of(new Reinforce()), 1e-12).differenceFromReinforceOnPolicy()))
                .allMatch(difference -> difference.isEmpty());
    }
}
