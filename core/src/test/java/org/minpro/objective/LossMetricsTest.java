package org.minpro.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

class LossMetricsTest {
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
                .map(flat -> Tensor.of(Device.CPU, flat, rows.length, width))
                .toArray(Tensor[]::new);
        return ObjectiveInputs.of(tensors[0], tensors[1], tensors[2], tensors[3]);
    }

    private static LossMetrics metrics(Objective objective, int[]... cuts) {
        Loss loss = Loss.of(objective);
        double[] rowWeights = loss.aggregation().rowWeights(LENGTHS, 9);
        RowMetrics[] metrics = new RowMetrics[LENGTHS.length];
        for (int[] rows : cuts) {
            try (Scope scope = Scope.open()) {
                ObjectiveInputs inputs = inputs(rows);
                double[] weights =
                        Arrays.stream(rows).mapToDouble(i -> rowWeights[i]).toArray();
                Tensor tokenWeights = Tensor.of(Device.CPU, weights, rows.length, 1)
                        .to(DType.F32)
                        .expand(inputs.mask().shape());
                LossEvaluation evaluation = LossEvaluation.of(loss, inputs, tokenWeights);
                for (int i = 0; i < rows.length; i++) {
                    metrics[rows[i]] = evaluation.rows().get(i);
                }
            }
        }
        return LossMetrics.of(Arrays.asList(metrics), Map.of());
    }

    @Test
    void metricsDoNotDependOnHowTheUpdateIsCut() {
        for (Objective objective :
                new Objective[] {new MinPro(), new Grpo(), new Cispo(0.8, 1.1), new Gspo(), new PrefixRatio()}) {
            LossMetrics whole = metrics(objective, new int[] {0, 1, 2, 3, 4, 5});
            assertThat(whole.metrics())
                    .containsKey("loss")
                    .containsKey("weight/ess")
                    .doesNotContainValue(Double.NaN);
            assertThat(metrics(objective, new int[] {5, 3}, new int[] {2}, new int[] {0}, new int[] {4, 1}))
                    .isEqualTo(whole);
        }
    }

    @Test
    void fractionsCountValidTokensOnly() {
        try (Scope scope = Scope.open()) {
            Tensor logProbs = Tensor.of(Device.CPU, new double[] {Math.log(1.5), Math.log(0.5), 0, 0, 0, 3}, 2, 3);
            Tensor zeros = Tensor.zeros(Device.CPU, DType.F64, 2, 3);
            Tensor advantages = Tensor.of(Device.CPU, new double[] {1, -1, 1, 1, 1, 1}, 2, 3);
            Tensor mask = Tensor.of(Device.CPU, new double[] {1, 1, 1, 1, 0, 0}, 2, 3);
            ObjectiveInputs inputs = ObjectiveInputs.of(logProbs, zeros, advantages, mask);

            LossEvaluation grpo = LossEvaluation.of(Loss.of(new Grpo()), inputs);
            assertThat(LossMetrics.of(grpo.rows(), Map.of()).metrics())
                    .containsEntry("clip_ratio/high_mean", 0.25)
                    .containsEntry("clip_ratio/low_mean", 0.25)
                    .containsEntry("clip_ratio/region_mean", 0.5)
                    // Three tokens have a positive advantage, one a negative one.
                    .containsEntry("clip_ratio/high_mean_positive", 1.0 / 3)
                    .containsEntry("clip_ratio/high_mean_negative", 0.0)
                    .containsEntry("clip_ratio/low_mean_positive", 0.0)
                    .containsEntry("clip_ratio/low_mean_negative", 1.0)
                    .containsEntry("loss", grpo.loss());

            LossEvaluation cispo = LossEvaluation.of(Loss.of(new Cispo(0.8, 1.25)), inputs);
            Map<String, Double> values = LossMetrics.of(cispo.rows(), Map.of()).metrics();
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
        RowMetrics empty = new RowMetrics(0, 0, null, Map.of("weight/at_cap", 0.0));
        assertThat(LossMetrics.of(List.of(empty, empty), Map.of()).metrics()).containsOnly(Map.entry("loss", 0.0));
        assertThat(LossMetrics.of(List.of(), Map.of()).metrics()).containsOnly(Map.entry("loss", 0.0));
    }

    /** What is combined how depends on what a number is, never on its name. */
    @Test
    void severalUpdatesAreMeansButForTheExtremesOfTheWeights() {
        LossMetrics first = new LossMetrics(
                1, new LossMetrics.Weights(1, 0.5, 2, 0.9), new TreeMap<>(Map.of("own/max", 1.0)), new TreeMap<>());
        LossMetrics second = new LossMetrics(
                2,
                new LossMetrics.Weights(3, 0.1, 1, 0.5),
                new TreeMap<>(Map.of("own/max", 3.0)),
                new TreeMap<>(Map.of("m2po/tau", 0.25)));
        LossMetrics third = new LossMetrics(6, null, new TreeMap<>(), new TreeMap<>());
        LossMetrics all = LossMetrics.of(List.of(first, second, third));
        assertThat(all.loss()).isEqualTo(3);
        assertThat(all.weights()).isEqualTo(new LossMetrics.Weights(2, 0.1, 2, 0.7));
        assertThat(all.tokenMeans()).containsExactly(Map.entry("own/max", 2.0));
        assertThat(all.updateMetrics()).containsExactly(Map.entry("m2po/tau", 0.25));
        assertThat(LossMetrics.of(List.of(second))).isEqualTo(second);
    }
}
