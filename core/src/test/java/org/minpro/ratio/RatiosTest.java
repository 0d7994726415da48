package org.minpro.ratio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Objects;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class RatiosTest {
    private static final Offset<Double> CLOSE = within(1e-12);

    private static Ratios ratios(double[] tokenRatios, double... mask) {
        double[] logProbs = Arrays.stream(tokenRatios).map(Math::log).toArray();
        return Ratios.of(
                Tensor.of(Device.CPU, logProbs, 1, logProbs.length),
                Tensor.zeros(Device.CPU, DType.F64, 1, logProbs.length),
                mask.length == 0
                        ? Tensor.ones(Device.CPU, DType.F64, 1, logProbs.length)
                        : Tensor.of(Device.CPU, mask, 1, mask.length));
    }

    private static Tensor tensor(JsonNode rows, DType type) {
        int width = rows.get(0).size();
        double[] values = new double[rows.size() * width];
        for (int i = 0; i < values.length; i++) {
            values[i] = rows.get(i / width).get(i % width).asDouble();
        }
        return Tensor.of(Device.CPU, values, rows.size(), width).to(type);
    }

    @ParameterizedTest
    @EnumSource(names = {"F64", "F32"})
    void equalsTheIndependentComputation(DType type) throws IOException {
        JsonNode cases;
        try (InputStream stream = RatiosTest.class.getResourceAsStream("/ratios/ratios.json")) {
            cases = new JsonMapper().readTree(Objects.requireNonNull(stream));
        }
        assertThat(cases.size()).isEqualTo(8);
        for (JsonNode golden : cases) {
            try (Scope scope = Scope.open()) {
                Ratios ratios = Ratios.of(
                        tensor(golden.get("log_probs"), type),
                        tensor(golden.get("behavior_log_probs"), type),
                        tensor(golden.get("mask"), type));
                JsonNode expected = golden.get("expected");
                double allowed = type == DType.F64 ? 1e-12 : 1e-4;
                check(golden, ratios.logToken(), expected.get("log_token"), allowed);
                check(golden, ratios.logPrefix(), expected.get("log_prefix"), allowed);
                check(golden, ratios.logPrefixMinimum(false), expected.get("log_prefix_minimum"), allowed);
                check(golden, ratios.logPrefixMinimum(true), expected.get("log_prefix_minimum_with_one"), allowed);
                check(golden, ratios.logMinimumPrefixRatio(false), expected.get("log_minimum_prefix_ratio"), allowed);
                check(golden, ratios.logSequence(), expected.get("log_sequence"), allowed);
            }
        }
    }

    private static void check(JsonNode golden, Tensor actual, JsonNode expected, double allowed) {
        assertThat(actual.doubles())
                .as(golden.get("case").asString())
                .containsExactly(tensor(expected, DType.F64).doubles(), within(allowed));
    }

    @Test
    void theMinimumIsThatOfThePrecedingTokens() {
        try (Scope scope = Scope.open()) {
            Ratios ratios = ratios(new double[] {1.10, 0.85, 1.25, 0.50, 2.00});
            assertThat(ratios.prefixMinimum(false).doubles())
                    .containsExactly(new double[] {1, 1.10, 0.85, 0.85, 0.50}, CLOSE);
            assertThat(ratios.minimumPrefixRatio(false).doubles())
                    .containsExactly(new double[] {1.10, 0.935, 1.0625, 0.425, 1.0}, CLOSE);
            assertThat(ratios.prefixMinimum(true).doubles())
                    .containsExactly(new double[] {1, 1, 0.85, 0.85, 0.50}, CLOSE);
            assertThat(ratios.minimumPrefixRatio(true).doubles())
                    .containsExactly(new double[] {1.10, 0.85, 1.0625, 0.425, 1.0}, CLOSE);
            assertThat(ratios.prefix().doubles())
                    .containsExactly(new double[] {1.10, 0.935, 1.16875, 0.584375, 1.16875}, CLOSE);
            assertThat(ratios.sequence().doubles()[0]).isCloseTo(1.0316783688, within(1e-9));
            assertThat(ratios(new double[] {0.5, 3, 1, 4, 0.25})
                            .minimumPrefixRatio(false)
                            .doubles())
                    .containsExactly(new double[] {0.5, 1.5, 0.5, 2.0, 0.125}, CLOSE);
        }
    }

    @Test
    void maskedTokensAreSkippedAndGetNoWeight() {
        try (Scope scope = Scope.open()) {
            Ratios ratios = ratios(new double[] {1.10, 0.85, 1e-9, 0.50, 2.00}, 1, 1, 0, 1, 1);
            assertThat(ratios.minimumPrefixRatio(false).doubles())
                    .containsExactly(new double[] {1.10, 0.935, 0, 0.425, 1.0}, CLOSE);
            assertThat(ratios.prefix().doubles()).containsExactly(new double[] {1.10, 0.935, 0, 0.4675, 0.935}, CLOSE);
            double mean = Math.pow(0.935, 0.25);
            assertThat(ratios.sequence().doubles()).containsExactly(new double[] {mean, mean, 0, mean, mean}, CLOSE);
            assertThat(ratios.logPrefix().doubles()[2]).isZero();
            // A row that starts with a masked token: the first valid one has the empty prefix.
            assertThat(ratios(new double[] {0.1, 0.5, 3}, 0, 1, 1)
                            .minimumPrefixRatio(false)
                            .doubles())
                    .containsExactly(new double[] {0, 0.5, 1.5}, CLOSE);
        }
    }

    @Test
    void oneTokenIsItsRatioAndTwoAreTheProduct() {
        try (Scope scope = Scope.open()) {
            assertThat(ratios(new double[] {1.7}).minimumPrefixRatio(false).doubles())
                    .containsExactly(new double[] {1.7}, CLOSE);
            Ratios two = ratios(new double[] {1.7, 1.3});
            assertThat(two.minimumPrefixRatio(false).doubles())
                    .containsExactly(two.prefix().doubles(), CLOSE);
            // With one in the minimum a prefix above one is not passed on.
            assertThat(two.minimumPrefixRatio(true).doubles()[1]).isCloseTo(1.3, CLOSE);
        }
    }

    @Test
    void theOrderOfThePrefixDoesNotChangeTheSurrogate() {
        try (Scope scope = Scope.open()) {
            double first = ratios(new double[] {1.2, 0.7, 0.9, 1.5})
                    .minimumPrefixRatio(false)
                    .doubles()[3];
            double second = ratios(new double[] {0.9, 1.2, 0.7, 1.5})
                    .minimumPrefixRatio(false)
                    .doubles()[3];
            assertThat(first).isEqualTo(second).isCloseTo(1.05, CLOSE);
        }
    }

    @Test
    void logarithmsStopAtTwentyAlsoWhenTheyAccumulate() {
        try (Scope scope = Scope.open()) {
            Ratios ratios = ratios(new double[] {1e-9, 1e-9, 1e9, 1e9, 1e9});
            assertThat(ratios.logToken().doubles()).containsExactly(-20, -20, 20, 20, 20);
            assertThat(ratios.logPrefix().doubles()).containsExactly(-20, -20, -20, 0, 20);
            assertThat(ratios.logMinimumPrefixRatio(false).doubles()).containsExactly(-20, -20, 0, 0, 0);
            assertThat(ratios.prefix().isFinite().all()).isTrue();
        }
    }

    @Test
    void aGradientIsRefused() {
        try (Scope scope = Scope.open()) {
            Tensor live = Tensor.zeros(Device.CPU, DType.F64, 1, 2).requireGradient();
            Tensor ones = Tensor.ones(Device.CPU, DType.F64, 1, 2);
            assertThatThrownBy(() -> Ratios.of(live, ones, ones))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("frozenLogProbs");
        }
    }
}
