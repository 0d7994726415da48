package org.minpro.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ComputeSettingsTest {
    @Test
    void whatIsNotGivenFollowsFromTheDevice() {
        ComputeSettings cpu = new ComputeSettings("cpu", 0, 0, 0);
        assertThat(cpu.microBatchTokens()).isEqualTo(768);
        assertThat(cpu.lanes()).isEqualTo(2);
        assertThat(cpu.threads()).isEqualTo(Runtime.getRuntime().availableProcessors());
        ComputeSettings cuda = new ComputeSettings("cuda:1", 0, 0, 0);
        assertThat(cuda.microBatchTokens()).isEqualTo(16384);
        assertThat(cuda.lanes()).isOne();
        assertThat(cuda.threads()).isOne();
        assertThat(cuda.onCuda()).isTrue();
    }

    @Test
    void whatIsGivenStandsOnEveryDevice() {
        for (String device : new String[] {"cpu", "cuda"}) {
            ComputeSettings given = new ComputeSettings(device, 96, 3, 4);
            assertThat(given.microBatchTokens()).isEqualTo(96);
            assertThat(given.lanes()).isEqualTo(3);
            assertThat(given.threads()).isEqualTo(4);
        }
    }

    @Test
    void refusesAnotherDevice() {
        assertThatThrownBy(() -> new ComputeSettings("gpu", 0, 0, 0))
                .hasMessageContaining("device must be auto, cpu, cuda or cuda:N, got: gpu");
    }
}
