package org.minpro.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.Test;

class ResidentMemoryTest {
    @Test
    void memoryGoesBackWhenAStepLeavesAnEighthMoreThanWasUsual() {
        Queue<Long> resident = new ArrayDeque<>(List.of(800L, 900L, 901L, 1000L, 1125L, 1126L));
        int[] trims = new int[1];
        ResidentMemory memory = new ResidentMemory(resident::remove, () -> trims[0]++);
        memory.afterStep();
        memory.afterStep();
        assertThat(trims[0]).isZero();
        memory.afterStep();
        assertThat(trims[0]).isEqualTo(1);
        // 1000 is the new usual.
        memory.afterStep();
        memory.afterStep();
        assertThat(trims[0]).isEqualTo(1);
        memory.afterStep();
        assertThat(trims[0]).isEqualTo(2);
    }
}
