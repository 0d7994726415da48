package org.minpro.dist;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class SlowNetworkTest {
    @Test
    void aCallTakesTheLatencyAndTheTimeOfItsBytes() {
        long start = System.nanoTime();
        new SlowNetwork(0.005, 1e6).pass(10_000);
        assertThat((System.nanoTime() - start) / 1e9).isGreaterThanOrEqualTo(0.015);
    }

    @Test
    void thereIsNoneUnlessThePropertySaysSo() {
        assertThat(SlowNetwork.of(null)).isNull();
        assertThat(SlowNetwork.of("0.001,1.25e9")).isEqualTo(new SlowNetwork(0.001, 1.25e9));
        assertThatThrownBy(() -> SlowNetwork.of("fast"))
                .hasMessage("org.minpro.dist.slow-network must be LATENCY_SECONDS,BYTES_PER_SECOND, got: fast");
        assertThatThrownBy(() -> SlowNetwork.of("0,0"))
                .hasMessageContaining("must be >= 0 and > 0, got: 0.0 s and 0.0");
    }
}
