package org.minpro.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.minpro.tensor.DType;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

class ObjectiveMetricsTest {
    private static final int[] LENGTHS = {9, 3, 0, 6, 9, 1};

    private static double[] row(long seed, int i) {
        return new Random(seed * 100 + i).doubles(9, -2, -0.1).toArray();
    }

    /** Some rows of one update, padded to the longest of them. */
    private static ObjectiveInputs inputs(int... rows) {
        int width = Arrays.stream(rows).map(i -> LENGTHS[i]).max().orElse(0);
        float[][] values = new float[4][rows.length * width];
        for (int k = 0; k < rows.length; k++) {
            for (int t = 0; t < LENGTHS[rows[k]]; t++) {
                values[0][k * width + t] = (float) row(1, rows[k])[t];
                values[1][k * width + t] = (float) (row(1, rows[k])[t] + 0.3 * row(2, rows[k])[t] + 0.3);
                values[2][k * width + t] = rows[k] % 2 == 0 ? 1.5f : -0.5f;
                values[3][k * width + t] = 1;
            }
        }
        Tensor[] tensors = Arrays.stream(values)
                .map(flat -> Tensor.of(flat, rows.length, width))
                .toArray(Tensor[]::new);
        return ObjectiveInputs.of(tensors[0], tensors[1], tensors[2], tensors[3]);
    }

    private static Map<String, Double> metrics(Objective objective, int[]... cuts) {
        double[] rowWeights = LossEvaluation.aggregationOf(objective, null).rowWeights(LENGTHS, 9);
        ObjectiveMetrics metrics = new ObjectiveMetrics(LENGTHS.length);
        for (int[] rows : cuts) {
            try (Scope scope = Scope.open()) {
                ObjectiveInputs inputs = inputs(rows);
                double[] weights =
                        Arrays.stream(rows).mapToDouble(i -> rowWeights[i]).toArray();
                Tensor tokenWeights = Tensor.of(weights, rows.length, 1)
                        .to(DType.F32)
                        .expand(inputs.mask().shape());
                metrics.add(rows, LossEvaluation.of(objective, inputs, tokenWeights), inputs.mask());
            }
        }
        return metrics.values();
    }

    @Test
    void metricsDoNotDependOnHowTheUpdateIsCut() {
        for (Objective objective :
                new Objective[] {new MinPro(), new Grpo(), new Cispo(0.8, 1.1), new Gspo(), new PrefixRatio()}) {
            Map<String, Double> whole = metrics(objective, new int[] {0, 1, 2, 3, 4, 5});
            assertThat(whole).containsKey("loss").containsKey("weight/ess").doesNotContainValue(Double.NaN);
            assertThat(metrics(objective, new int[] {5, 3}, new int[] {2}, new int[] {0}, new int[] {4, 1}))
                    .isEqualTo(whole);
        }
    }

    @Test
    void fractionsCountValidTokensOnly() {
        try (Scope scope = Scope.open()) {
            Tensor logProbs = Tensor.of(new double[] {Math.log(1.5), Math.log(0.5), 0, 0, 0, 3}, 2, 3);
            Tensor zeros = Tensor.zeros(DType.F64, 2, 3);
            Tensor advantages = Tensor.of(new double[] {1, -1, 1, 1, 1, 1}, 2, 3);
            Tensor mask = Tensor.of(new double[] {1, 1, 1, 1, 0, 0}, 2, 3);
            ObjectiveInputs inputs = ObjectiveInputs.of(logProbs, zeros, advantages, mask);

            ObjectiveMetrics clipped = new ObjectiveMetrics(2);
            LossEvaluation grpo = LossEvaluation.of(new Grpo(), inputs, Aggregation.TOKEN_MEAN);
            clipped.add(new int[] {0, 1}, grpo, mask);
            assertThat(clipped.values())
                    .containsEntry("clip_ratio/high_mean", 0.25)
                    .containsEntry("clip_ratio/low_mean", 0.25)
                    .containsEntry("clip_ratio/region_mean", 0.5)
                    .containsEntry("loss", grpo.loss());

            ObjectiveMetrics capped = new ObjectiveMetrics(2);
            LossEvaluation cispo = LossEvaluation.of(new Cispo(0.8, 1.25), inputs, Aggregation.TOKEN_MEAN);
            capped.add(new int[] {0, 1}, cispo, mask);
            Map<String, Double> values = capped.values();
            assertThat(values)
                    .containsEntry("weight/at_cap", 0.25)
                    .containsEntry("weight/at_floor", 0.25)
                    .containsEntry("weight/min", 0.8)
                    .containsEntry("weight/max", 1.25);
            double sum = 1.25 + 0.8 + 1 + 1;
            assertThat(values.get("weight/mean")).isCloseTo(sum / 4, within(1e-15));
            assertThat(values.get("weight/ess")).isCloseTo(sum * sum / 4 / (1.25 * 1.25 + 0.64 + 2), within(1e-15));
        }
    }

    @Test
    void anUpdateWithoutTokensHasALossOfZeroAndNoMeans() {
        ObjectiveMetrics metrics = new ObjectiveMetrics(3);
        assertThat(metrics.values()).containsOnly(Map.entry("loss", 0.0));
    }
}
