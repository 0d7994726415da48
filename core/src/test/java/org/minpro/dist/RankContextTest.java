package org.minpro.dist;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RankContextTest {
    private static final Map<String, String> TORCHRUN = Map.of(
            "RANK", "3",
            "WORLD_SIZE", "8",
            "LOCAL_RANK", "1",
            "LOCAL_WORLD_SIZE", "2",
            "MASTER_ADDR", "127.0.0.1",
            "MASTER_PORT", "29400",
            "TORCHELASTIC_RESTART_COUNT", "4");

    private static Map<String, String> with(String name, String value) {
        Map<String, String> environment = new HashMap<>(TORCHRUN);
        environment.put(name, value);
        return environment;
    }

    @Test
    void readsWhatTorchrunSets() {
        assertThat(RankContext.of(TORCHRUN))
                .contains(new RankContext(3, 8, 2, 4, new RankContext.MeetingPort("127.0.0.1", 29400), null));
        assertThat(RankContext.of(with("RUN_GENERATION", "9")).orElseThrow().generation())
                .isEqualTo(9);
    }

    @Test
    void oneProcessIsNoContext() {
        assertThat(RankContext.of(Map.of())).isEmpty();
        assertThat(RankContext.of(Map.of("WORLD_SIZE", "1", "RANK", "0"))).isEmpty();
    }

    @Test
    void aFileTakesThePlaceOfThePort() {
        assertThat(RankContext.of(Map.of("RANK", "1", "WORLD_SIZE", "2", RankContext.MEETING_FILE, "/run/meeting-1")))
                .contains(new RankContext(1, 2, 2, 0, new RankContext.MeetingFile(Path.of("/run/meeting-1")), null));
    }

    @Test
    void anotherMachineNeedsAnInterface() {
        assertThatThrownBy(() -> RankContext.of(with("MASTER_ADDR", "10.0.0.7")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("GLOO_SOCKET_IFNAME must name the network interface")
                .hasMessageContaining("10.0.0.7");
        Map<String, String> named = with("MASTER_ADDR", "10.0.0.7");
        named.put("GLOO_SOCKET_IFNAME", "eth0");
        assertThat(RankContext.of(named).orElseThrow().networkInterface()).isEqualTo("eth0");
    }

    @Test
    void refusesWhatIsMissingOrOutOfRange() {
        assertThatThrownBy(() -> RankContext.of(Map.of("WORLD_SIZE", "2", "RANK", "0", "MASTER_ADDR", "127.0.0.1")))
                .hasMessageContaining("must be set together")
                .hasMessageContaining("without MASTER_PORT");
        assertThatThrownBy(() -> RankContext.of(with("RANK", "8")))
                .hasMessageContaining("RANK must be in [0, WORLD_SIZE), got: RANK 8, WORLD_SIZE 8");
        assertThatThrownBy(() -> RankContext.of(with("RANK", "one")))
                .hasMessageContaining("RANK must be a whole number, got: one");
    }
}
