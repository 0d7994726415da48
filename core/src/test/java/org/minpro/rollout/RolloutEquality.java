package org.minpro.rollout;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.minpro.tensor.Engine;

/**
 * Whether rollouts are the same: to the bit, but for models with experts on OpenBLAS's Haswell kernels, which round a row
 * by its place in the block; there the ids must be equal, and the largest difference of log mu is printed.
 */
final class RolloutEquality {
    private RolloutEquality() {}

    /** @param experts whether the model has experts, whose rows lie where those beside them leave room */
    static void assertSame(List<Rollout> actual, List<Rollout> expected, boolean experts) {
        String forced = System.getenv("OPENBLAS_CORETYPE");
        boolean bitwise = !experts || Engine.cpuCapability().equals("AVX512") && (forced == null || forced.isBlank());
        if (bitwise) {
            assertThat(actual).as(Engine.kernels()).isEqualTo(expected);
            return;
        }
        assertThat(actual).hasSameSizeAs(expected);
        float largest = 0;
        for (int i = 0; i < actual.size(); i++) {
            assertThat(Arrays.equals(
                            actual.get(i).responseIds(), expected.get(i).responseIds()))
                    .as("ids of row " + i + " on " + Engine.kernels())
                    .isTrue();
            for (int t = 0; t < actual.get(i).length(); t++) {
                largest = Math.max(
                        largest,
                        Math.abs(actual.get(i).behaviorLogProbs()[t]
                                - expected.get(i).behaviorLogProbs()[t]));
            }
        }
        assertThat(largest).as(Engine.kernels()).isLessThanOrEqualTo(1e-4f);
        System.getLogger("org.minpro")
                .log(
                        System.Logger.Level.INFO,
                        "largest difference of log mu {0} on {1}",
                        String.valueOf(largest),
                        Engine.kernels());
    }
}
