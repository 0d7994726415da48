package org.minpro.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

class M2poTest {
    private static ObjectiveResult compute(M2po objective, double advantage, double... ratios) {
        double[] logProbs = Arrays.stream(ratios).map(Math::log).toArray();
        Tensor ones = Tensor.ones(Device.CPU, DType.F64, 1, ratios.length);
        return objective.compute(ObjectiveInputs.of(
                Tensor.of(Device.CPU, logProbs, 1, ratios.length),
                Tensor.zeros(Device.CPU, DType.F64, 1, ratios.length),
                ones.multiply(advantage),
                ones));
    }

    private static double[] weights(ObjectiveResult result) {
        return Objects.requireNonNull(result.weights()).doubles();
    }

    @Test
    void theWindowHoldsTheSecondMomentOfTheTokensThatCouldBeClipped() {
        try (Scope scope = Scope.open()) {
            M2po narrow = new M2po(M2po.Form.CLIP, 0.04, 0, 0);
            ObjectiveResult result = compute(narrow, 1, 1.10, 0.85, 1.25, 0.50, 2.00);
            // The catalogue's tau of these ratios; 1.25 lies inside exp(tau) = 1.2805, 2 outside.
            assertThat(result.updateMetrics().get("m2po/tau")).isCloseTo(0.247231, within(1e-6));
            assertThat(weights(result)).containsExactly(new double[] {1.10, 0.85, 1.25, 0.50, 0}, within(1e-12));
        }
    }

    @Test
    void withinTheThresholdNothingIsClipped() {
        try (Scope scope = Scope.open()) {
            M2po narrow = new M2po(M2po.Form.CLIP, 0.04, 0, 0);
            ObjectiveResult result = compute(narrow, 1, 1.2, 1.1, 0.9, 1.2);
            assertThat(result.updateMetrics()).isEmpty();
            assertThat(weights(result)).containsExactly(new double[] {1.2, 1.1, 0.9, 1.2}, within(1e-12));
        }
    }

    @Test
    void theMaskDropsTheLargestUntilTheMeanIsWithinTheThreshold() {
        try (Scope scope = Scope.open()) {
            M2po mask = new M2po(M2po.Form.MASK, 0.04, 0.3, 0.5);
            // Squares 0.0091, 0.0264, 0.0498, 0.4805, 0.4805: the first three have the mean 0.0284.
            assertThat(weights(compute(mask, 1, 1.10, 0.85, 1.25, 0.50, 2.00)))
                    .containsExactly(new double[] {1.10, 0.85, 1.25, 0, 0}, within(1e-12));
            assertThat(weights(compute(mask, 1, 2.0, 4.0))).containsExactly(new double[] {2.0, 0}, within(1e-12));
            assertThat(weights(compute(mask, 1, 3.0))).containsExactly(new double[] {3.0}, within(1e-12));
        }
    }

    @Test
    void tokensOfEqualSquareStayOrGoTogether() {
        try (Scope scope = Scope.open()) {
            M2po mask = new M2po(M2po.Form.MASK, 0.04, 0.3, 0.5);
            // One of the three would fit beside the four on policy.
            assertThat(weights(compute(mask, 1, 1, 1.5, 1, 1.5, 1, 1.5, 1)))
                    .containsExactly(new double[] {1, 0, 1, 0, 1, 0, 1}, within(1e-12));
        }
    }

    @Test
    void aTokenDependsOnTheOtherRows() {
        try (Scope scope = Scope.open()) {
            M2po narrow = new M2po(M2po.Form.CLIP, 0.04, 0, 0);
            assertThat(narrow.reach()).isEqualTo(Reach.BATCH);
            assertThat(weights(compute(narrow, 1, 1.2))[0]).isCloseTo(1.2, within(1e-12));
            assertThat(weights(compute(narrow, 1, 1.2, 1.3, 1.3))[0]).isCloseTo(1.2, within(1e-12));
            assertThat(weights(compute(narrow, 1, 1.3))[0]).isZero();
            assertThat(weights(compute(narrow, 1, 1.3, 1.1, 1.1))[0]).isCloseTo(1.3, within(1e-12));
        }
    }
}
