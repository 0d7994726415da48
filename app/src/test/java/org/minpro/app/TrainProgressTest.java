package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class TrainProgressTest {
    private static final List<TrainProgress.Part> PARTS = List.of(
            new TrainProgress.Part(0, "iteration 3/40"),
            new TrainProgress.Part(2, "entropy 0.512"),
            new TrainProgress.Part(1, "age 9.5"),
            new TrainProgress.Part(1, ""),
            new TrainProgress.Part(0, "ETA 1:05"));

    @Test
    void whereTheWindowIsNarrowTheLeastPartsAreLeftOut() {
        assertThat(TrainProgress.line(80, PARTS)).isEqualTo("iteration 3/40  entropy 0.512  age 9.5  ETA 1:05");
        assertThat(TrainProgress.line(40, PARTS)).isEqualTo("iteration 3/40  age 9.5  ETA 1:05");
        assertThat(TrainProgress.line(10, PARTS)).isEqualTo("iteration 3/40  ETA 1:05");
    }
}
