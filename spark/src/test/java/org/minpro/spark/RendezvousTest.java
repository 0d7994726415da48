package org.minpro.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import java.util.List;
import org.junit.jupiter.api.Test;

final class RendezvousTest {
    private static final List<String> THREE = List.of(
            new Rendezvous("host-a", "10.0.0.1", 4001, 7).line(),
            new Rendezvous("host-b", "10.0.0.2", 4002, 7).line(),
            new Rendezvous("host-b", "10.0.0.2", 4003, 7).line());

    @Test
    void ranksMeetAtTheFirstOnesPort() {
        assertThat(Rendezvous.environment(THREE, 2, "eth0"))
                .containsOnly(
                        entry("RANK", "2"),
                        entry("WORLD_SIZE", "3"),
                        entry("LOCAL_RANK", "1"),
                        entry("LOCAL_WORLD_SIZE", "2"),
                        entry("MASTER_ADDR", "10.0.0.1"),
                        entry("MASTER_PORT", "4001"),
                        entry("RUN_GENERATION", "7"),
                        entry("GLOO_SOCKET_IFNAME", "eth0"));
        assertThat(Rendezvous.environment(THREE, 1, "eth0")).containsEntry("LOCAL_RANK", "0");
    }

    @Test
    void ranksOfOneMachineStayOnItsLoopbackInterface() {
        assertThat(Rendezvous.environment(THREE.subList(1, 3), 1, "eth0"))
                .containsEntry("MASTER_ADDR", "127.0.0.1")
                .containsEntry("MASTER_PORT", "4002")
                .containsEntry("LOCAL_WORLD_SIZE", "2")
                .doesNotContainKey("GLOO_SOCKET_IFNAME");
    }

    @Test
    void aRankOfAnotherGenerationIsRefused() {
        List<String> lines = List.of(THREE.get(0), new Rendezvous("host-b", "10.0.0.2", 1, 6).line());
        assertThatThrownBy(() -> Rendezvous.environment(lines, 0, "eth0"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("rank 1 on host-b must be of generation 7 as rank 0 is, got: 6");
    }

    @Test
    void hostsOfExecutorsMayBeNamesOrNumbers() {
        assertThat(RankTask.host("host-a:40123")).isEqualTo("host-a");
        assertThat(RankTask.host("10.0.0.1:40123")).isEqualTo("10.0.0.1");
        assertThat(RankTask.host("[fd00::1]:40123")).isEqualTo("fd00::1");
    }
}
