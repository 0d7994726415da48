package org.minpro.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

class AggregationTest {
    private static final boolean[][] MASK = {{true, false, true, true}, {}, {true}, {false, false}};

    private static double[][] weights(Aggregation aggregation) {
        return aggregation.tokenWeights(MASK);
    }

    @Test
    void everyModeWeighsAsItsFormulaSays() {
        assertThat(weights(Aggregation.TOKEN_MEAN)[0]).containsExactly(0.25, 0, 0.25, 0.25);
        assertThat(weights(Aggregation.TOKEN_MEAN)[2]).containsExactly(0.25);
        assertThat(weights(Aggregation.SEQ_MEAN_TOKEN_MEAN)[0]).containsExactly(1 / 6.0, 0, 1 / 6.0, 1 / 6.0);
        assertThat(weights(Aggregation.SEQ_MEAN_TOKEN_MEAN)[2]).containsExactly(0.5);
        assertThat(weights(Aggregation.SEQ_MEAN_TOKEN_SUM)[0]).containsExactly(0.5, 0, 0.5, 0.5);
        assertThat(weights(Aggregation.SEQ_MEAN_TOKEN_SUM)[2]).containsExactly(0.5);
        assertThat(weights(Aggregation.constantLength(10))[2]).containsExactly(0.05);
        assertThat(weights(Aggregation.constantLength(0))[2]).containsExactly(0.125);
    }

    @Test
    void rowsWithoutAValidTokenCountForNothing() {
        for (Aggregation.Mode mode : Aggregation.Mode.values()) {
            double[][] weights = weights(new Aggregation(mode, 0));
            assertThat(weights[1]).isEmpty();
            assertThat(weights[3]).containsExactly(0, 0);
            assertThat(Arrays.stream(new Aggregation(mode, 0).rowWeights(new int[3], 4))
                            .sum())
                    .isZero();
        }
    }

    @Test
    void tensorAndArrayFormAgree() {
        try (Scope scope = Scope.open()) {
            boolean[] mask = {true, false, true, false, false, false, true, true, true};
            boolean[][] rows = {{true, false, true}, {false, false, false}, {true, true, true}};
            for (Aggregation.Mode mode : Aggregation.Mode.values()) {
                Tensor weights = new Aggregation(mode, 0)
                        .tokenWeights(Tensor.of(Device.CPU, mask, 3, 3).to(DType.F64));
                double[] expected = Arrays.stream(new Aggregation(mode, 0).tokenWeights(rows))
                        .flatMapToDouble(Arrays::stream)
                        .toArray();
                assertThat(weights.doubles()).containsExactly(expected);
            }
        }
    }

    @Test
    void namesAreThoseOfTheConfiguration() {
        assertThat(Aggregation.of("seq-mean-token-sum")).isEqualTo(Aggregation.SEQ_MEAN_TOKEN_SUM);
        assertThat(Aggregation.constantLength(7)).hasToString("constant-length 7");
        assertThat(new Aggregation(Aggregation.Mode.TOKEN_MEAN, 7)).isEqualTo(Aggregation.TOKEN_MEAN);
        assertThatThrownBy(() -> Aggregation.of("token-meen"))
                .hasMessage("aggregation must be one of token-mean, seq-mean-token-mean, seq-mean-token-sum,"
                        + " constant-length, got: token-meen. Did you mean 'token-mean'?");
        assertThatThrownBy(() -> Aggregation.constantLength(-1)).hasMessageContaining("got: -1");
    }
}
